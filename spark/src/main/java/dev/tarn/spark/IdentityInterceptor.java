package dev.tarn.spark;

import dev.tarn.enforcement.SignedPrincipal;
import dev.tarn.spark.governance.Messages;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkThrowable;
import org.apache.spark.connect.proto.ConfigRequest;
import org.apache.spark.connect.proto.ConfigResponse;
import org.apache.spark.connect.proto.ExecutePlanRequest;
import org.apache.spark.connect.proto.UserContext;
import org.apache.spark.sql.catalyst.CurrentUserContext;
import org.apache.spark.sql.connect.service.SessionHolder;
import org.apache.spark.sql.connect.service.SessionKey;
import org.apache.spark.sql.connect.service.SparkConnectService;
import org.apache.spark.sql.connect.service.SparkConnectService$;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.sparkproject.connect.grpc.Context;
import org.sparkproject.connect.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import org.sparkproject.connect.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import org.sparkproject.connect.grpc.Metadata;
import org.sparkproject.connect.grpc.ServerCall;
import org.sparkproject.connect.grpc.ServerCallHandler;
import org.sparkproject.connect.grpc.ServerInterceptor;
import org.sparkproject.connect.grpc.Status;
import org.sparkproject.connect.protobuf.Descriptors.FieldDescriptor;
import org.sparkproject.connect.protobuf.Message;

/**
 * The one door of an engine: no call passes without a principal the control plane signed.
 *
 * <p>It works on any message by its descriptor, so that a call Spark adds later is let in under the
 * same rule or, when it lacks the two fields the rule needs, not at all. The client's own {@code
 * user_context} is thrown away: a session belongs to (user id, session id), so another person's
 * session cannot even be named.
 */
public final class IdentityInterceptor implements ServerInterceptor {
  private static final Logger LOG = LoggerFactory.getLogger(IdentityInterceptor.class);
  static final Metadata.Key<String> PRINCIPAL =
      Metadata.Key.of(SignedPrincipal.HEADER, Metadata.ASCII_STRING_MARSHALLER);
  static final Metadata.Key<String> CATALOGS =
      Metadata.Key.of("x-tarn-catalogs", Metadata.ASCII_STRING_MARSHALLER);

  static final Metadata.Key<String> REQUEST =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  private static final String REQUEST_ID = "request_id";

  /** Calls that start or continue work in a session; the others only look at or end one. */
  private static final Set<String> OPENS_SESSION =
      Set.of("ExecutePlan", "AnalyzePlan", "Config", "AddArtifacts");

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    SignedPrincipal principal;
    try {
      principal = Engine.verify(headers.get(PRINCIPAL), Instant.now());
    } catch (SecurityException e) {
      LOG.warn("refused {}: {}", call.getMethodDescriptor().getFullMethodName(), e.getMessage());
      return refused(call, Status.UNAUTHENTICATED.withDescription(e.getMessage()));
    }
    Answering<Q, A> answering = new Answering<>(call);
    return new Identified<>(
        answering,
        next.startCall(answering, headers),
        new Call(principal, Objects.requireNonNullElse(headers.get(REQUEST), "-")),
        headers.get(CATALOGS));
  }

  private static <Q> ServerCall.Listener<Q> refused(ServerCall<Q, ?> call, Status status) {
    call.close(status, new Metadata());
    return new ServerCall.Listener<>() {};
  }

  /** The operation that ends with its call; null for others, such as one that can be reattached. */
  private static String dependsOnCall(Object message) {
    return message instanceof ExecutePlanRequest execute
            && execute.getRequestOptionsList().stream()
                .noneMatch(
                    option ->
                        option.hasReattachOptions()
                            && option.getReattachOptions().getReattachable())
        ? execute.getOperationId()
        : null;
  }

  /** Answers pass as they are, but for settings that may not be read. */
  private static final class Answering<Q, A> extends SimpleForwardingServerCall<Q, A> {
    private volatile String settingsUnder = "";

    Answering(ServerCall<Q, A> call) {
      super(call);
    }

    void asked(Object message) {
      if (message instanceof ConfigRequest request) {
        settingsUnder = request.getOperation().getGetAll().getPrefix();
      }
    }

    @Override
    @SuppressWarnings("unchecked") // What it is cut to is of the same type.
    public void sendMessage(A message) {
      super.sendMessage(
          message instanceof ConfigResponse settings
              ? (A) Messages.readable(settings, settingsUnder)
              : message);
    }
  }

  private static final class Identified<Q> extends SimpleForwardingServerCallListener<Q> {
    private final Answering<Q, ?> call;
    private final SignedPrincipal principal;
    private final String requestId;
    private final Call identity;
    private final String catalogs;
    private boolean refused;
    private volatile String operationId;

    Identified(
        Answering<Q, ?> call, ServerCall.Listener<Q> delegate, Call identity, String catalogs) {
      super(delegate);
      this.call = call;
      this.identity = identity;
      this.principal = identity.principal();
      this.requestId = identity.requestId();
      this.catalogs = catalogs;
      Context.current().addListener(this::ended, Runnable::run);
    }

    @Override
    public void onMessage(Q message) {
      if (refused) {
        return;
      }
      try {
        Q identified = identified(message);
        call.asked(identified);
        operationId = dependsOnCall(identified);
        asPrincipal(
            () -> {
              openSession();
              super.onMessage(identified);
            });
      } catch (SecurityException e) {
        refuse(Status.PERMISSION_DENIED.withDescription(e.getMessage()));
      } catch (CatalogError e) {
        refuse(Status.UNAVAILABLE.withDescription(e.getMessage()));
      }
    }

    @Override
    public void onHalfClose() {
      if (!refused) {
        asPrincipal(super::onHalfClose);
      }
    }

    /**
     * Whoever asked is gone, a killed control plane say: nobody can fetch the answer any more. Not
     * {@code onCancel}, which waits for the thread that runs the operation.
     */
    private void ended(Context context) {
      String operation = operationId;
      if (operation == null || !call.isCancelled()) {
        return;
      }
      scala.Option<SessionHolder> session =
          SparkConnectService$.MODULE$
              .sessionManager()
              .getIsolatedSessionIfPresent(
                  new SessionKey(principal.userId(), principal.sessionId()));
      if (session.isDefined()) {
        LOG.info("[{}] its client is gone: operation {} ends", requestId, operation);
        var unused = session.get().interruptOperation(operation);
      }
    }

    private void refuse(Status status) {
      refused = true;
      LOG.warn(
          "[{}] refused {}: {}",
          requestId,
          call.getMethodDescriptor().getFullMethodName(),
          status.getDescription());
      call.close(status, new Metadata());
    }

    /** The message with the principal in place of whoever the client says it is. */
    @SuppressWarnings("unchecked") // The builder of a Q builds a Q.
    private Q identified(Q message) {
      if (!(message instanceof Message plain)) {
        throw new SecurityException("the message is not a Spark Connect message");
      }
      FieldDescriptor session = plain.getDescriptorForType().findFieldByName("session_id");
      FieldDescriptor user = plain.getDescriptorForType().findFieldByName("user_context");
      if (session == null || user == null) {
        throw new SecurityException(
            plain.getDescriptorForType().getFullName() + " names no session and user");
      }
      if (!principal.sessionId().equals(plain.getField(session))) {
        throw new SecurityException(
            "session_id: '"
                + plain.getField(session)
                + "' (expected: '"
                + principal.sessionId()
                + "', the session the principal is signed for)");
      }
      UserContext context =
          UserContext.newBuilder()
              .setUserId(principal.userId())
              .setUserName(principal.userName())
              .build();
      return (Q) Messages.admitted(plain.toBuilder().setField(user, context).build());
    }

    private void openSession() {
      if (!OPENS_SESSION.contains(call.getMethodDescriptor().getBareMethodName())) {
        return;
      }
      org.apache.spark.sql.classic.SparkSession spark;
      try {
        spark =
            SparkConnectService.getOrCreateIsolatedSession(
                    principal.userId(), principal.sessionId(), scala.Option.empty())
                .session();
      } catch (Exception e) {
        if (!(e instanceof SparkThrowable)) {
          throw e;
        }
        // A closed session or an id that is no UUID: the call itself meets the same error and
        // tells the client in the words Spark has for it.
        LOG.debug("no session for {}", principal.sessionId(), e);
        return;
      }
      Sessions.entered(spark, identity, catalogs);
    }

    /** Spark's threads for this call inherit who it is for, and the request id for their log. */
    private void asPrincipal(Runnable work) {
      SparkContext spark = SparkContext.getOrCreate();
      CurrentUserContext.CURRENT_USER().set(principal.userName());
      MDC.put(REQUEST_ID, requestId);
      spark.setLocalProperty("mdc." + REQUEST_ID, requestId);
      try {
        work.run();
      } finally {
        CurrentUserContext.CURRENT_USER().remove();
        MDC.remove(REQUEST_ID);
        spark.setLocalProperty("mdc." + REQUEST_ID, null);
      }
    }
  }
}
