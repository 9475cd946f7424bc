package dev.tarn.connect;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.stream.StreamMessage;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.tarn.engine.Engines;
import dev.tarn.engine.Lease;
import dev.tarn.engine.Session;
import dev.tarn.http.Authenticator;
import dev.tarn.http.Caller;
import dev.tarn.http.Errors;
import dev.tarn.http.Errors.Failure;
import dev.tarn.http.Hosts;
import dev.tarn.http.Watch;
import dev.tarn.sql.Sql;
import dev.tarn.sql.Sql.Need;
import dev.tarn.telemetry.Audit;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Spark Connect for any client of it: {@code
 * sc://host:port/;token=dapi…;x-databricks-cluster-id=<id of a cluster or SQL warehouse>}. Who
 * calls is settled here as for the REST API; then the call goes to the warehouse's engine under
 * that principal, signed. Frames are not opened: of a message only its first field is read, which
 * is the session's id; the inspector in the driver judges the rest, and refuses a message that
 * names another session.
 *
 * <p>What stands here for who may is {@link Computes#use}.
 */
public final class ConnectDoor {
  public static final String PATH = "/spark.connect.SparkConnectService";
  private static final Logger LOG = LoggerFactory.getLogger(ConnectDoor.class);
  private static final String COMPUTE = "x-databricks-cluster-id";
  private static final int PREFIX = 5;
  private static final int SESSION_ID = 36;
  private static final int BUFFER = 1 << 16;

  /** What may be spoken to. */
  @FunctionalInterface
  public interface Computes {
    /** As {@link Sql#use}, for clusters too. */
    Sql.Use use(Caller caller, String computeId, Need need);
  }

  /** Calls of the protocol of Spark 4.2; what is not among them is not handed on. */
  private static final Map<String, Need> METHODS =
      Map.ofEntries(
          Map.entry("ExecutePlan", Need.STATEMENT),
          Map.entry("AnalyzePlan", Need.SESSION),
          Map.entry("Config", Need.SESSION),
          Map.entry("AddArtifacts", Need.SESSION),
          Map.entry("ArtifactStatus", Need.SESSION),
          Map.entry("CloneSession", Need.BEGUN),
          Map.entry("Interrupt", Need.BEGUN),
          Map.entry("ReattachExecute", Need.BEGUN),
          Map.entry("ReleaseExecute", Need.BEGUN),
          Map.entry("ReleaseSession", Need.BEGUN),
          Map.entry("FetchErrorDetails", Need.BEGUN),
          Map.entry("GetStatus", Need.BEGUN));

  private final Hosts hosts;
  private final Authenticator authenticator;
  private final Computes computes;
  private final Engines engines;
  private final Audit audit;
  private final Watch watch;
  private final Clock clock;
  private final ExecutorService calls;

  /**
   * @param calls runs what blocks: a warehouse may have to start first
   */
  public ConnectDoor(
      Hosts hosts,
      Authenticator authenticator,
      Computes computes,
      Engines engines,
      Audit audit,
      Watch watch,
      Clock clock,
      ExecutorService calls) {
    this.hosts = hosts;
    this.authenticator = authenticator;
    this.computes = computes;
    this.engines = engines;
    this.audit = audit;
    this.watch = watch;
    this.clock = clock;
    this.calls = calls;
  }

  /** The service, to be put under {@link #PATH}. */
  public HttpService service() {
    return hosts.only(
        (context, request) -> {
          CompletableFuture<HttpResponse> answer = new CompletableFuture<>();
          calls.execute(() -> answer.complete(answered(new Call(context, request))));
          return HttpResponse.of(answer);
        });
  }

  /** One call, and what is known of it so far. */
  private static final class Call {
    final ServiceRequestContext context;
    final HttpRequest request;
    final String id = UUID.randomUUID().toString();
    final String method;
    final long begun = System.nanoTime();
    Caller caller;
    String compute;
    String sessionId;

    Call(ServiceRequestContext context, HttpRequest request) {
      this.context = context;
      this.request = request;
      this.method = request.path().substring(PATH.length() + 1);
    }

    String header(String name) {
      return request.headers().get(name);
    }

    String action() {
      return "connect.SparkConnectService." + method;
    }
  }

  private HttpResponse answered(Call call) {
    try {
      HttpResponse response = handedOn(call);
      audit.append(entry(call, 200, null));
      watch.after(call.action(), 200, System.nanoTime() - call.begun);
      return response;
    } catch (IOException | RuntimeException e) {
      Failure failure = Errors.of(e, call.id);
      if (failure.internal()) {
        LOG.error("[{}] {} failed", call.id, call.method, e);
      }
      call.request.abort();
      audit.append(entry(call, failure.status(), failure.code()));
      watch.after(
          METHODS.containsKey(call.method) ? call.action() : null,
          failure.status(),
          System.nanoTime() - call.begun);
      return refused(failure);
    }
  }

  private HttpResponse handedOn(Call call) throws IOException {
    if (call.request.method() != HttpMethod.POST || !METHODS.containsKey(call.method)) {
      throw Errors.noSuchEndpoint(call.request.method().name(), call.request.path());
    }
    call.caller = caller(call);
    call.compute = call.header(COMPUTE);
    if (call.compute == null) {
      throw new InvalidParameterValue(
          "header "
              + COMPUTE
              + ": null (expected: the id of a cluster or of a SQL warehouse, as in"
              + " sc://host:port/;token=…;"
              + COMPUTE
              + "=…)",
          null);
    }
    InputStream frames = call.request.toInputStream(HttpData.class::cast);
    byte[] head = head(frames);
    call.sessionId = new String(head, PREFIX + 2, SESSION_ID, StandardCharsets.UTF_8);
    watch.before("POST", call.action());
    Sql.Use use = computes.use(call.caller, call.compute, METHODS.get(call.method));
    try {
      Lease lease =
          engines
              .lease(use.engineId())
              .orElseThrow(() -> new InvalidState("engine " + use.engineId() + " has ended", null));
      Session session = lease.join(call.caller, call.sessionId);
      HttpResponse response =
          lease
              .client()
              .forward(
                  call.method,
                  session,
                  call.id,
                  StreamMessage.concat(
                      StreamMessage.of(HttpData.wrap(head)),
                      StreamMessage.builder(frames).bufferSize(BUFFER).executor(calls).build()));
      var unused =
          response
              .whenComplete()
              .handle(
                  (done, problem) -> {
                    if (call.method.equals("ReleaseSession") && problem == null) {
                      lease.forget(session);
                    }
                    lease.close();
                    use.close();
                    return null;
                  });
      return response;
    } catch (RuntimeException e) {
      use.close();
      throw e;
    }
  }

  private Caller caller(Call call) {
    String workspace = call.header("x-databricks-workspace-id");
    Long workspaceId = null;
    if (workspace != null) {
      try {
        workspaceId = Long.valueOf(workspace);
      } catch (NumberFormatException e) {
        throw new InvalidParameterValue(
            "header x-databricks-workspace-id: '" + workspace + "' (expected: a number)", null);
      }
    }
    Caller caller =
        authenticator.authenticate(
            new Authenticator.Credentials(
                call.header("authorization"),
                hosts.allowed(call.request),
                workspaceId,
                null,
                null,
                null,
                call.id));
    if (caller.kind() == Caller.Kind.ANONYMOUS) {
      throw new Unauthenticated(
          "no credentials were sent (expected: token=… in the address, or header Authorization:"
              + " Bearer …)",
          null);
    }
    if (caller.workspaceId() == null) {
      throw new BadRequest(
          "No workspace: use a workspace's host, its token, or the header"
              + " x-databricks-workspace-id",
          null);
    }
    return caller;
  }

  /**
   * The frame's prefix and the message's first field, which every client writes first: {@code
   * session_id}, a UUID.
   */
  private static byte[] head(InputStream frames) throws IOException {
    byte[] head = frames.readNBytes(PREFIX + 2 + SESSION_ID);
    if (head.length < PREFIX) {
      throw new EOFException("the call ended before its first message");
    }
    if (head[0] != 0) {
      throw new InvalidParameterValue(
          "grpc-encoding: a compressed message (expected: identity)", null);
    }
    boolean named =
        head.length == PREFIX + 2 + SESSION_ID
            && ByteBuffer.wrap(head, 1, 4).getInt() >= 2 + SESSION_ID
            && head[PREFIX] == (1 << 3 | 2)
            && head[PREFIX + 1] == SESSION_ID;
    if (!named) {
      throw new InvalidParameterValue(
          "session_id: not the first field of the message (expected: a UUID of 36 characters)",
          null);
    }
    return head;
  }

  private Audit.Entry entry(Call call, int status, String code) {
    Caller caller = call.caller;
    String agent = call.header("user-agent");
    return new Audit.Entry(
        clock.millis(),
        call.id,
        caller == null ? null : caller.principalId(),
        caller == null ? null : caller.name(),
        caller == null ? null : caller.tokenId(),
        null,
        null,
        caller == null ? null : caller.workspaceId(),
        METHODS.containsKey(call.method) ? call.action() : null,
        "POST",
        PATH,
        call.sessionId == null
            ? Map.of()
            : Map.of("compute_id", call.compute, "session_id", call.sessionId),
        status,
        code,
        List.of(),
        call.context.clientAddress().getHostAddress(),
        agent == null ? null : agent.substring(0, Math.min(agent.length(), 200)));
  }

  /** The answer in gRPC's words: a status in the trailers, and nothing before it. */
  private static HttpResponse refused(Failure failure) {
    int status =
        switch (failure.status()) {
          case 400 -> failure.code().equals("INVALID_STATE") ? 9 : 3;
          case 401 -> 16;
          case 403 -> 7;
          case 404 -> failure.code().equals("ENDPOINT_NOT_FOUND") ? 12 : 5;
          case 409 -> 10;
          case 429, 507 -> 8;
          default -> 13;
        };
    return HttpResponse.of(
        ResponseHeaders.builder(HttpStatus.OK)
            .endOfStream(true)
            .add("content-type", "application/grpc")
            .add("grpc-status", Integer.toString(status))
            .add(
                "grpc-message",
                URLEncoder.encode(failure.code() + ": " + failure.message(), StandardCharsets.UTF_8)
                    .replace("+", "%20"))
            .build());
  }
}
