package dev.tarn.engine;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.client.UnprocessedRequestException;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaders;
import com.linecorp.armeria.common.HttpHeadersBuilder;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.stream.StreamMessage;
import com.linecorp.armeria.common.util.EventLoopGroups;
import dev.tarn.enforcement.SignedPrincipal;
import dev.tarn.engine.GrpcCall.GrpcFailure;
import java.io.IOException;
import java.security.PrivateKey;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apache.spark.connect.proto.AnalyzePlanRequest;
import org.apache.spark.connect.proto.AnalyzePlanResponse;
import org.apache.spark.connect.proto.ConfigRequest;
import org.apache.spark.connect.proto.ConfigResponse;
import org.apache.spark.connect.proto.ExecutePlanRequest;
import org.apache.spark.connect.proto.ExecutePlanResponse;
import org.apache.spark.connect.proto.Expression;
import org.apache.spark.connect.proto.FetchErrorDetailsRequest;
import org.apache.spark.connect.proto.FetchErrorDetailsResponse;
import org.apache.spark.connect.proto.InterruptRequest;
import org.apache.spark.connect.proto.InterruptResponse;
import org.apache.spark.connect.proto.KeyValue;
import org.apache.spark.connect.proto.Plan;
import org.apache.spark.connect.proto.Relation;
import org.apache.spark.connect.proto.ReleaseSessionRequest;
import org.apache.spark.connect.proto.ReleaseSessionResponse;
import org.apache.spark.connect.proto.SQL;
import org.apache.spark.connect.proto.UserContext;

/**
 * The control plane as a Spark Connect client of one engine: one ExecutePlan a statement, not
 * reattachable, answers forwarded as they come. Each call states, signed, for whom it is.
 */
public final class ConnectClient {
  private static final String SERVICE = "/spark.connect.SparkConnectService/";
  private static final String CLIENT_TYPE = "tarn";
  private static final Duration VALID = Duration.ofSeconds(60);

  /** Spark cuts messages in the status at 2048 characters; the whole one must be fetched. */
  private static final int CUT = 2000;

  private final String engineId;
  private final PrivateKey key;
  private final Clock clock;
  private final Supplier<String> catalogsVersion;
  private final WebClient web;
  private final Map<Session, Signed> signed = new ConcurrentHashMap<>();

  /**
   * @param port of the engine, on loopback
   * @param key signs the principal of each call
   * @param catalogsVersion changes when the set of catalogs changed; told to the driver
   */
  ConnectClient(
      ClientFactory factory,
      String engineId,
      int port,
      PrivateKey key,
      Clock clock,
      Supplier<String> catalogsVersion) {
    this.engineId = engineId;
    this.key = key;
    this.clock = clock;
    this.catalogsVersion = catalogsVersion;
    this.web =
        WebClient.builder("h2c://127.0.0.1:" + port)
            .factory(factory)
            .responseTimeoutMillis(0)
            .maxResponseLength(0)
            .build();
  }

  /**
   * Connections for clients of engines. A reader that is slow holds up its connection, so each of
   * many running statements gets its own: a call goes to the event loop with the fewest calls, and
   * each event loop has its own connection to an engine.
   */
  static ClientFactory connections() {
    int loops = 16;
    return ClientFactory.builder()
        .workerGroup(EventLoopGroups.newEventLoopGroup(loops, "engine-calls", true), true)
        .maxNumEventLoopsPerEndpoint(loops)
        .idleTimeout(Duration.ofMinutes(5))
        .http2InitialConnectionWindowSize(16 << 20)
        .http2InitialStreamWindowSize(8 << 20)
        .http2MaxFrameSize(1 << 20)
        .build();
  }

  /** What an engine is called in the signed principals for it. */
  public String engineId() {
    return engineId;
  }

  /**
   * Starts a statement and returns at once; reading the execution waits.
   *
   * @param requestId what client, server and driver log this by
   * @param named arguments for {@code :name}; literals, for Spark takes no casts
   */
  public Execution execute(
      Session session, String requestId, String sql, Map<String, Expression.Literal> named) {
    SQL.Builder query = SQL.newBuilder().setQuery(sql);
    named.forEach(
        (name, literal) ->
            query.putNamedArguments(name, Expression.newBuilder().setLiteral(literal).build()));
    String operationId = UUID.randomUUID().toString();
    ExecutePlanRequest request =
        ExecutePlanRequest.newBuilder()
            .setSessionId(session.id())
            .setUserContext(user(session))
            .setClientType(CLIENT_TYPE)
            .setOperationId(operationId)
            .setPlan(Plan.newBuilder().setRoot(Relation.newBuilder().setSql(query)))
            .build();
    return new Execution(
        operationId,
        call("ExecutePlan", session, requestId, request, ExecutePlanResponse.parser()),
        this,
        session);
  }

  /** Runs a statement whose rows nobody wants. */
  public void run(Session session, String requestId, String sql) {
    try (Execution execution = execute(session, requestId, sql, Map.of())) {
      while (execution.next() != null) {
        // Only that it ends well matters.
      }
    }
  }

  /**
   * Stops a running statement's Spark job; one that ended already is left alone.
   *
   * @return whether there was something to stop
   */
  public boolean interrupt(Session session, String requestId, String operationId) {
    InterruptResponse answer =
        ask(
            "Interrupt",
            session,
            requestId,
            InterruptRequest.newBuilder()
                .setSessionId(session.id())
                .setUserContext(user(session))
                .setClientType(CLIENT_TYPE)
                .setInterruptType(InterruptRequest.InterruptType.INTERRUPT_TYPE_OPERATION_ID)
                .setOperationId(operationId)
                .build(),
            InterruptResponse.parser());
    return answer.getInterruptedIdsCount() > 0;
  }

  /** Sets Spark settings of a session. */
  public void configure(Session session, String requestId, Map<String, String> settings) {
    ConfigRequest.Set.Builder set = ConfigRequest.Set.newBuilder();
    settings.forEach((k, v) -> set.addPairs(KeyValue.newBuilder().setKey(k).setValue(v)));
    ask(
        "Config",
        session,
        requestId,
        ConfigRequest.newBuilder()
            .setSessionId(session.id())
            .setUserContext(user(session))
            .setClientType(CLIENT_TYPE)
            .setOperation(ConfigRequest.Operation.newBuilder().setSet(set))
            .build(),
        ConfigResponse.parser());
  }

  /** Spark's version, and so: whether the engine answers. */
  public String sparkVersion(Session session, String requestId) {
    return ask(
            "AnalyzePlan",
            session,
            requestId,
            AnalyzePlanRequest.newBuilder()
                .setSessionId(session.id())
                .setUserContext(user(session))
                .setClientType(CLIENT_TYPE)
                .setSparkVersion(AnalyzePlanRequest.SparkVersion.getDefaultInstance())
                .build(),
            AnalyzePlanResponse.parser())
        .getSparkVersion()
        .getVersion();
  }

  /** Ends a session: its statements, temporary views and settings. */
  public void release(Session session, String requestId) {
    ask(
        "ReleaseSession",
        session,
        requestId,
        ReleaseSessionRequest.newBuilder()
            .setSessionId(session.id())
            .setUserContext(user(session))
            .setClientType(CLIENT_TYPE)
            .build(),
        ReleaseSessionResponse.parser());
    signed.remove(session);
  }

  private <T extends MessageLite> T ask(
      String method, Session session, String requestId, MessageLite request, Parser<T> parser) {
    try (GrpcCall<T> call = call(method, session, requestId, request, parser)) {
      return call.only();
    } catch (IOException e) {
      throw explained(e, session);
    }
  }

  private <T extends MessageLite> GrpcCall<T> call(
      String method, Session session, String requestId, MessageLite request, Parser<T> parser) {
    return new GrpcCall<>(
        web, SERVICE + method, stated(session, requestId).build(), request, parser);
  }

  /** For whom a call is, which no client says itself. */
  private HttpHeadersBuilder stated(Session session, String requestId) {
    return HttpHeaders.builder()
        .add(SignedPrincipal.HEADER, signed(session))
        .add("x-tarn-catalogs", catalogsVersion.get())
        .add("x-request-id", requestId);
  }

  /**
   * Hands on a call of a client of Spark Connect: frames go through unopened, in both directions,
   * and of its headers none.
   *
   * @param method of Spark's Connect service
   * @param frames what the client sent after its headers
   */
  public HttpResponse forward(
      String method, Session session, String requestId, StreamMessage<HttpData> frames) {
    return web.execute(
        HttpRequest.of(
            RequestHeaders.builder(HttpMethod.POST, SERVICE + method)
                .add(stated(session, requestId).build())
                .add("content-type", "application/grpc")
                .add("te", "trailers")
                .build(),
            frames));
  }

  /** Signing costs more than all else of a call here, so one signature serves for a while. */
  private String signed(Session session) {
    Instant now = clock.instant();
    return signed.compute(
            session,
            (same, before) ->
                before != null && now.isBefore(before.renewAt)
                    ? before
                    : new Signed(
                        new SignedPrincipal(
                                engineId,
                                session.id(),
                                session.principalId(),
                                session.principalName(),
                                session.workspaceId(),
                                now.plus(VALID).getEpochSecond())
                            .sign(key),
                        now.plus(VALID.dividedBy(2))))
        .header;
  }

  private record Signed(String header, Instant renewAt) {}

  private static UserContext user(Session session) {
    return UserContext.newBuilder()
        .setUserId(session.principalId())
        .setUserName(session.principalName())
        .build();
  }

  /** A failed call as {@link SparkError} when Spark said why, else as {@link EngineLost}. */
  RuntimeException explained(IOException failure, Session session) {
    if (!(failure instanceof GrpcFailure status)) {
      return new EngineLost(
          "engine " + engineId + " went away (" + failure.getMessage() + ")",
          failure,
          !(failure.getCause() instanceof UnprocessedRequestException));
    }
    Map<String, String> metadata = status.info.getMetadataMap();
    String message = status.getMessage();
    String errorId = metadata.get("errorId");
    if (message.length() >= CUT && errorId != null) {
      message = wholeMessage(session, errorId, message);
    }
    return new SparkError(
        withoutStack(message), metadata.get("errorClass"), metadata.get("sqlState"));
  }

  /** A failed job's message carries the stack of its task; people get the words before it. */
  static String withoutStack(String message) {
    int stack = message.indexOf("\n\tat ");
    int driver = message.indexOf("\n\nDriver stacktrace:");
    int end =
        Math.min(stack < 0 ? message.length() : stack, driver < 0 ? message.length() : driver);
    return message.substring(0, end).strip();
  }

  private String wholeMessage(Session session, String errorId, String cut) {
    try (GrpcCall<FetchErrorDetailsResponse> call =
        call(
            "FetchErrorDetails",
            session,
            errorId,
            FetchErrorDetailsRequest.newBuilder()
                .setSessionId(session.id())
                .setUserContext(user(session))
                .setErrorId(errorId)
                .setClientType(CLIENT_TYPE)
                .build(),
            FetchErrorDetailsResponse.parser())) {
      FetchErrorDetailsResponse details = call.only();
      return details.hasRootErrorIdx()
          ? details.getErrors(details.getRootErrorIdx()).getMessage()
          : cut;
    } catch (IOException e) {
      return cut;
    }
  }
}
