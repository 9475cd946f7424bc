package dev.tarn.http;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import com.databricks.sdk.support.Header;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import com.linecorp.armeria.common.stream.StreamMessage;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.tarn.http.Errors.Failure;
import dev.tarn.http.Routes.Match;
import dev.tarn.http.Routes.Route;
import dev.tarn.telemetry.Audit;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.net.InetAddress;
import java.time.Clock;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The walk of a request: allowed host → who asks → which operation → may they → what do they ask →
 * the operation → audit record on disk → answer. Each step that fails ends the walk with an error
 * in the words of the wire, and that too is audited.
 */
public final class Api implements HttpService {
  private static final Logger LOG = LoggerFactory.getLogger(Api.class);
  private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");
  private static final Pattern ACCOUNT =
      Pattern.compile("/(?:api/[^/]+(?:/preview|/identity)?|oidc)/accounts/([^/]+)/.*");

  /** Where a workspace is named, besides the token and the host. */
  private static final List<String> WORKSPACE_HEADERS =
      List.of("x-databricks-workspace-id", "x-databricks-org-id");

  private final Hosts hosts;
  private final Routes routes;
  private final Authenticator authenticator;
  private final Audit audit;
  private static final int STREAM_BUFFER = 1 << 18;

  private final Clock clock;
  private final ExecutorService calls;
  private final Watch watch;

  /**
   * @param calls runs operations; they block
   */
  public Api(
      Hosts hosts,
      Routes routes,
      Authenticator authenticator,
      Audit audit,
      Clock clock,
      ExecutorService calls,
      Watch watch) {
    this.hosts = hosts;
    this.routes = routes;
    this.authenticator = authenticator;
    this.audit = audit;
    this.clock = clock;
    this.calls = calls;
    this.watch = watch;
  }

  /** What leaves: headers, and a body of bytes or a stream. */
  private record Reply(
      int status,
      Map<String, String> headers,
      String contentType,
      HttpData bytes,
      InputStream stream,
      Future<?> saved) {
    static Reply json(int status, Object body) throws IOException {
      return new Reply(
          status,
          Map.of(),
          "application/json",
          HttpData.wrap(StrictJson.MAPPER.writeValueAsBytes(body)),
          null,
          null);
    }
  }

  /** One request on its walk, and what is known of it so far. */
  private static final class Call {
    final ServiceRequestContext context;
    final HttpRequest request;
    final String id;
    final String verb;
    final String path;
    final String query;
    Caller caller;
    Match match;
    RequestBinding.Arguments arguments;
    Failure failure;

    Call(ServiceRequestContext context, HttpRequest request) {
      this.context = context;
      this.request = request;
      String asked = request.headers().get("x-request-id");
      id =
          asked != null && REQUEST_ID.matcher(asked).matches()
              ? asked
              : UUID.randomUUID().toString();
      verb = request.method().name();
      String target = request.path();
      int mark = target.indexOf('?');
      path = mark < 0 ? target : target.substring(0, mark);
      query = mark < 0 ? null : target.substring(mark + 1);
    }

    String header(String name) {
      return name.equals(Visit.ADDRESS) ? address() : request.headers().get(name);
    }

    private String address() {
      InetAddress from = context.clientAddress();
      return from == null ? null : from.getHostAddress();
    }

    boolean writes() {
      return !verb.equals("GET") && !verb.equals("HEAD");
    }
  }

  @Override
  public HttpResponse serve(ServiceRequestContext context, HttpRequest request) {
    Call call = new Call(context, request);
    CompletableFuture<HttpResponse> answer = new CompletableFuture<>();
    calls.execute(
        () -> {
          MDC.put("request", call.id);
          try {
            answer.complete(walk(call));
          } catch (Throwable e) {
            LOG.error("{} {} could not be answered", call.verb, call.path, e);
            answer.completeExceptionally(e);
          } finally {
            MDC.remove("request");
          }
        });
    return HttpResponse.of(answer);
  }

  private HttpResponse walk(Call call) throws IOException {
    long start = System.nanoTime();
    Reply reply = replied(call);
    try {
      audit.append(entry(call, reply.status));
      if (!isSaved(reply)) {
        reply = failed(call, reply.saved.exceptionNow());
        audit.append(entry(call, reply.status)); // the later one is what was answered
      }
    } catch (RuntimeException e) {
      close(reply.stream);
      reply = failed(call, e);
    }
    watch.after(
        call.match == null ? null : call.match.route().action(),
        reply.status,
        System.nanoTime() - start);
    LOG.info(
        "{} {} {} {} ms",
        call.verb,
        Rejection.shortened(call.path),
        reply.status,
        (System.nanoTime() - start) / 1_000_000);
    return response(call, reply);
  }

  private static boolean isSaved(Reply reply) {
    if (reply.saved == null) {
      return true;
    }
    try {
      reply.saved.get();
      return true;
    } catch (ExecutionException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted before the answer was saved", e);
    }
  }

  private Reply replied(Call call) throws IOException {
    try {
      return answered(call);
    } catch (InvocationTargetException e) {
      return failed(call, e.getCause());
    } catch (Throwable e) {
      return failed(call, e); // whatever it was, the client gets an answer and the audit its record
    }
  }

  private Reply answered(Call call) throws Exception {
    DatabricksError refused = authenticate(call, hosts.allowed(call.request));
    call.match = routes.find(call.verb, call.path);
    if (call.writes()
        && call.header("authorization") == null
        && PageOrigin.of(call::header) == PageOrigin.FOREIGN) {
      // Not even to sign somebody in: it would be as whom that page chose.
      throw foreign(call);
    }
    Set<Role> allow = call.match == null ? Set.of() : call.match.route().allow();
    if (!allow.contains(Role.ANYONE)) {
      // What leads nowhere leads nowhere in every workspace; but only who is known is told.
      if (refused instanceof Unauthenticated || (refused != null && call.match != null)) {
        throw refused;
      }
      if (refused == null && call.caller.kind() == Caller.Kind.ANONYMOUS) {
        throw new Unauthenticated(
            "no credentials were sent (expected: header Authorization: Bearer …)", null);
      }
    }
    if (call.match == null) {
      throw Errors.noSuchEndpoint(call.verb, call.path);
    }
    Route route = call.match.route();
    if (!allow.contains(Role.ANYONE) && allow.stream().noneMatch(call.caller::is)) {
      throw new PermissionDenied(
          call.caller.name()
              + " may not call "
              + route.action()
              + " (expected: one of "
              + allow
              + ")",
          null);
    }
    watch.before(call.verb, route.action());
    call.arguments =
        route
            .binding()
            .read(call.match.variables(), call.query, call::header, new Incoming(call.request));
    List<Object> arguments = new java.util.ArrayList<>();
    arguments.add(call.caller);
    arguments.addAll(call.arguments.values());
    return reply(route.method().invoke(route.service(), arguments.toArray()));
  }

  /**
   * Sets the caller. What is wrong with the credentials, or with the workspace they are to be used
   * in, matters only if the path leads somewhere and somebody is required there.
   */
  private DatabricksError authenticate(Call call, String host) {
    Matcher account = ACCOUNT.matcher(call.path);
    String accountId = account.matches() ? PathTemplate.decoded(account.group(1)) : null;
    Long workspace = workspace(call);
    String token = call.header("authorization");
    String session = token == null ? Visit.of(call::header).session() : null;
    try {
      call.caller =
          authenticator.authenticate(
              new Authenticator.Credentials(
                  token,
                  host,
                  workspace,
                  accountId,
                  call.header("x-tarn-stack-id"),
                  call.header("x-tarn-principal-id"),
                  call.id,
                  session));
      if (session != null) {
        requireOwnPage(call, session);
      }
      return null;
    } catch (DatabricksError e) {
      call.caller =
          authenticator.authenticate(
              new Authenticator.Credentials(null, host, workspace, accountId, null, null, call.id));
      return e;
    }
  }

  /**
   * A browser sends the cookie whoever made it ask, so for who asks with it alone a page of ours
   * must have asked: one that knows the CSRF token if something is to change.
   */
  private static void requireOwnPage(Call call, String session) {
    PageOrigin from = PageOrigin.of(call::header);
    if (!call.writes()) {
      if (from == PageOrigin.FOREIGN && !"navigate".equals(call.header("sec-fetch-mode"))) {
        throw foreign(call);
      }
      return;
    }
    if (from != PageOrigin.OURS) {
      throw foreign(call);
    }
    if (!SessionCookie.isCsrfToken(call.header("x-csrf-token"), session)) {
      throw new PermissionDenied(
          "header X-CSRF-Token is missing or not of this session (expected: csrf_token of GET"
              + " /api/2.0/tarn/session)",
          null);
    }
  }

  private static PermissionDenied foreign(Call call) {
    return new PermissionDenied(
        "a page of origin '"
            + Rejection.shortened(String.valueOf(call.header("origin")))
            + "' asked, Sec-Fetch-Site: '"
            + Rejection.shortened(String.valueOf(call.header("sec-fetch-site")))
            + "' (expected: a page of this host and port)",
        null);
  }

  private static Long workspace(Call call) {
    Set<String> named = new HashSet<>();
    for (String header : WORKSPACE_HEADERS) {
      if (call.header(header) != null) {
        named.add(call.header(header));
      }
    }
    Map<String, List<String>> query = RequestBinding.parameters(call.query);
    for (String name : List.of("o", "w")) {
      named.addAll(query.getOrDefault(name, List.of()));
    }
    named.removeIf(String::isEmpty);
    if (named.size() > 1) {
      throw new BadRequest("the request names two workspaces: " + named, null);
    }
    for (String id : named) {
      return (Long) StrictJson.scalar(id, Long.class, "workspace id");
    }
    return null;
  }

  /** The bytes of a request as they come off the connection. */
  private record Incoming(HttpRequest request) implements RequestBody {
    @Override
    public byte[] bytes() throws IOException {
      if (request.headers().contentLength() > LIMIT) {
        throw tooLong(request.headers().contentLength() + " bytes");
      }
      try (InputStream in = stream()) {
        byte[] bytes = in.readNBytes(LIMIT + 1);
        if (bytes.length > LIMIT) {
          request.abort();
          throw tooLong("more");
        }
        return bytes;
      }
    }

    private static BadRequest tooLong(String length) {
      return new BadRequest(
          "MALFORMED_REQUEST",
          "body: " + length + " (expected: at most " + LIMIT + " bytes)",
          null);
    }

    @Override
    public InputStream stream() {
      return request.toInputStream(HttpData.class::cast);
    }
  }

  private static Reply reply(Object result) throws Exception {
    if (result instanceof Answer answer) {
      Object body = answer.body();
      if (body instanceof InputStream stream) {
        return new Reply(
            answer.status(), answer.headers(), answer.contentType(), null, stream, answer.saved());
      }
      byte[] bytes =
          body == null
              ? new byte[0]
              : body instanceof byte[] raw ? raw : StrictJson.MAPPER.writeValueAsBytes(body);
      return new Reply(
          answer.status(),
          answer.headers(),
          answer.contentType(),
          HttpData.wrap(bytes),
          null,
          answer.saved());
    }
    if (result == null) {
      return Reply.json(200, Map.of());
    }
    Map<String, String> headers = new java.util.HashMap<>();
    InputStream stream = null;
    for (Field field : result.getClass().getDeclaredFields()) {
      Header header = field.getAnnotation(Header.class);
      if (header != null || field.getType() == InputStream.class) {
        field.setAccessible(true);
        Object value = field.get(result);
        if (value instanceof InputStream contents) {
          stream = contents;
        } else if (value != null && header != null) {
          headers.put(header.value().toLowerCase(java.util.Locale.ROOT), value.toString());
        }
      }
    }
    if (stream == null && headers.isEmpty()) {
      return Reply.json(200, result);
    }
    return new Reply(
        200,
        headers,
        headers.getOrDefault("content-type", "application/octet-stream"),
        stream == null ? HttpData.empty() : null,
        stream,
        null);
  }

  private Reply failed(Call call, Throwable thrown) throws IOException {
    call.failure = Errors.of(thrown, call.id);
    if (call.failure.internal()) {
      LOG.error("{} {} failed", call.verb, Rejection.shortened(call.path), thrown);
    }
    String accept = call.request.headers().get("accept");
    Reply reply =
        Reply.json(call.failure.status(), Errors.body(call.failure, call.path, accept, call.id));
    return new Reply(
        reply.status,
        Errors.headers(call.failure),
        Errors.mediaType(call.path),
        reply.bytes,
        null,
        null);
  }

  private Audit.Entry entry(Call call, int status) {
    boolean known = call.caller != null && call.caller.kind() != Caller.Kind.ANONYMOUS;
    Route route = call.match == null ? null : call.match.route();
    return new Audit.Entry(
        clock.millis(),
        call.id,
        known ? call.caller.principalId() : null,
        known ? call.caller.name() : null,
        known ? call.caller.tokenId() : null,
        known ? call.caller.engineId() : null,
        known ? call.caller.stackId() : null,
        known ? call.caller.workspaceId() : null,
        route == null ? null : route.action(),
        call.verb,
        route == null ? Rejection.shortened(call.path) : route.path().toString(),
        params(call),
        status,
        call.failure == null ? null : call.failure.code(),
        call.arguments == null ? List.of() : call.arguments.unknown(),
        call.address(),
        call.header("user-agent") == null ? null : Rejection.shortened(call.header("user-agent")));
  }

  private static Map<String, Object> params(Call call) {
    if (call.match == null) {
      return Map.of();
    }
    return call.arguments == null
        ? Redaction.of(call.match.variables(), Map.of(), null)
        : Redaction.of(call.match.variables(), call.arguments.query(), call.arguments.body());
  }

  private HttpResponse response(Call call, Reply reply) {
    ResponseHeadersBuilder headers = ResponseHeaders.builder(HttpStatus.valueOf(reply.status));
    headers.set("cache-control", "no-store");
    headers.set("x-content-type-options", "nosniff");
    reply.headers.forEach(headers::set);
    if (reply.contentType != null) {
      headers.set(HttpHeaderNames.CONTENT_TYPE, reply.contentType);
    }
    headers.set("x-request-id", call.id);
    headers.set("x-databricks-request-id", call.id);
    if (call.caller != null && call.caller.workspaceId() != null) {
      headers.set("x-databricks-org-id", call.caller.workspaceId().toString());
    }
    if (reply.stream == null) {
      return HttpResponse.of(headers.build(), reply.bytes);
    }
    return HttpResponse.of(
        headers.build(),
        StreamMessage.builder(reply.stream).bufferSize(STREAM_BUFFER).executor(calls).build());
  }

  private static void close(InputStream stream) {
    try {
      if (stream != null) {
        stream.close();
      }
    } catch (IOException e) {
      LOG.warn("a stream could not be closed", e);
    }
  }
}
