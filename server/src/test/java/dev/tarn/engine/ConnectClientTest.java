package dev.tarn.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaders;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.Server;
import dev.tarn.enforcement.SignedPrincipal;
import java.nio.ByteBuffer;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.connect.proto.ExecutePlanRequest;
import org.apache.spark.connect.proto.ExecutePlanResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The wire, against a small server that answers as a driver may. */
@Tag("database-blind") // see CONTRIBUTING
class ConnectClientTest {
  private static final Session ALICE =
      new Session("11111111-2222-3333-4444-555555555555", "7", "alice@example.org", 42, null, null);

  private interface Driver {
    HttpResponse answer(AggregatedHttpRequest request) throws Exception;
  }

  private final LinkedBlockingQueue<AggregatedHttpRequest> requests = new LinkedBlockingQueue<>();
  private volatile Driver driver;
  private static final ClientFactory factory = ConnectClient.connections();
  private KeyPair keys;
  private Server server;
  private ConnectClient client;

  @BeforeEach
  void start() throws Exception {
    server =
        Server.builder()
            .http(0)
            .gracefulShutdownTimeoutMillis(0, 0)
            .serviceUnder(
                "/spark.connect.SparkConnectService",
                (context, request) ->
                    HttpResponse.of(
                        request
                            .aggregate()
                            .thenApply(
                                whole -> {
                                  requests.add(whole);
                                  try {
                                    return driver.answer(whole);
                                  } catch (Exception e) {
                                    throw new IllegalStateException(e);
                                  }
                                })))
            .build();
    server.start().join();
    keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    client =
        new ConnectClient(
            factory,
            "engine-1",
            server.activeLocalPort(),
            keys.getPrivate(),
            Clock.systemUTC(),
            () -> "9");
  }

  @AfterEach
  void stop() {
    server.stop().join();
  }

  @AfterAll
  static void closeConnections() {
    factory.close();
  }

  private static byte[] frame(byte[] message) {
    return ByteBuffer.allocate(5 + message.length)
        .put((byte) 0)
        .putInt(message.length)
        .put(message)
        .array();
  }

  private static byte[] rows(int count, int bytes) {
    return frame(
        ExecutePlanResponse.newBuilder()
            .setArrowBatch(
                ExecutePlanResponse.ArrowBatch.newBuilder()
                    .setRowCount(count)
                    .setData(ByteString.copyFrom(new byte[bytes])))
            .build()
            .toByteArray());
  }

  private static HttpResponse failed(int status, String message, ErrorInfo info) {
    return HttpResponse.of(
        ResponseHeaders.builder(200)
            .add("content-type", "application/grpc")
            .add("grpc-status", status + "")
            .add("grpc-message", message)
            .add(
                "grpc-status-details-bin",
                Base64.getEncoder()
                    .withoutPadding()
                    .encodeToString(
                        Status.newBuilder().addDetails(Any.pack(info)).build().toByteArray()))
            .build());
  }

  private static HttpResponseWriter stream() {
    HttpResponseWriter writer = HttpResponse.streaming();
    writer.write(ResponseHeaders.builder(200).add("content-type", "application/grpc").build());
    return writer;
  }

  private static void end(HttpResponseWriter writer) {
    writer.write(HttpHeaders.of("grpc-status", "0"));
    writer.close();
  }

  private Execution select() {
    return client.execute(ALICE, "request-1", "SELECT 1", Map.of());
  }

  @Test
  void eachCallStatesForWhomItIsSignedForThisEngineAndSession() throws Exception {
    driver =
        request -> {
          HttpResponseWriter writer = stream();
          writer.write(HttpData.wrap(rows(1, 10)));
          end(writer);
          return writer;
        };
    try (Execution execution = select()) {
      assertThat(execution.next().rows()).isEqualTo(1);
      assertThat(execution.next()).isNull();
    }
    AggregatedHttpRequest request = requests.take();
    SignedPrincipal principal =
        SignedPrincipal.verify(
            request.headers().get(SignedPrincipal.HEADER),
            keys.getPublic(),
            "engine-1",
            Clock.systemUTC().instant());
    assertThat(principal.sessionId()).isEqualTo(ALICE.id());
    assertThat(principal.userName()).isEqualTo("alice@example.org");
    assertThat(request.headers().get("x-request-id")).isEqualTo("request-1");
    assertThat(request.headers().get("x-tarn-catalogs")).isEqualTo("9");
    byte[] body = request.content().array();
    ExecutePlanRequest plan =
        ExecutePlanRequest.parseFrom(Arrays.copyOfRange(body, 5, body.length));
    assertThat(plan.getPlan().getRoot().getSql().getQuery()).isEqualTo("SELECT 1");
    assertThat(plan.getRequestOptionsList()).isEmpty();
  }

  @Test
  void messagesAreReadHoweverTheyAreCutIntoFrames() {
    byte[] three = new byte[0];
    for (int i = 1; i <= 3; i++) {
      byte[] next = rows(i, 1000 * i);
      byte[] joined = Arrays.copyOf(three, three.length + next.length);
      System.arraycopy(next, 0, joined, three.length, next.length);
      three = joined;
    }
    byte[] all = three;
    for (int cut : List.of(1, 3, 7, 1000, all.length)) {
      driver =
          request -> {
            HttpResponseWriter writer = stream();
            for (int at = 0; at < all.length; at += cut) {
              writer.write(
                  HttpData.wrap(Arrays.copyOfRange(all, at, Math.min(all.length, at + cut))));
            }
            end(writer);
            return writer;
          };
      try (Execution execution = select()) {
        for (int i = 1; i <= 3; i++) {
          Execution.Batch batch = execution.next();
          assertThat(batch.rows()).isEqualTo(i);
          assertThat(batch.data().size()).isEqualTo(1000 * i);
        }
        assertThat(execution.next()).isNull();
      }
    }
  }

  @Test
  void aReaderThatDoesNotReadStopsTheSender() throws Exception {
    AtomicLong sent = new AtomicLong();
    long total = 400;
    driver =
        request -> {
          HttpResponseWriter writer = stream();
          byte[] megabyte = rows(1, 1 << 20);
          write(writer, megabyte, sent, total);
          return writer;
        };
    try (Execution execution = select()) {
      execution.next();
      // What is under way without a reader is bounded by windows and look-ahead, not by the result.
      long settled = -1;
      while (settled != sent.get()) {
        settled = sent.get();
        select(1_000_000).close();
      }
      assertThat(settled).isLessThan(total / 2);
      long rows = 1;
      while (execution.next() != null) {
        rows++;
      }
      assertThat(rows).isEqualTo(total);
    }
  }

  /** Something to do that takes a moment, on a connection of its own: it must not be held up. */
  private Execution select(long rows) throws InterruptedException {
    Driver streaming = driver;
    driver =
        request -> {
          HttpResponseWriter writer = stream();
          writer.write(HttpData.wrap(rows((int) rows, 1)));
          end(writer);
          return writer;
        };
    try (Execution execution = select()) {
      assertThat(execution.next().rows()).isEqualTo(rows);
      return execution;
    } finally {
      driver = streaming;
    }
  }

  private static void write(HttpResponseWriter writer, byte[] message, AtomicLong sent, long left) {
    if (left == 0) {
      end(writer);
      return;
    }
    writer.write(HttpData.wrap(message));
    sent.incrementAndGet();
    var unused = writer.whenConsumed().thenRun(() -> write(writer, message, sent, left - 1));
  }

  @Test
  void whatSparkRefusesIsSaidInItsWordsWithoutItsStack() {
    driver =
        request ->
            failed(
                13,
                "[DIVIDE_BY_ZERO] Division by zero: 100%25 + 1.%0A%09at org.apache.Spark%0A",
                ErrorInfo.newBuilder()
                    .setReason("org.apache.spark.SparkArithmeticException")
                    .putMetadata("errorClass", "DIVIDE_BY_ZERO")
                    .putMetadata("sqlState", "22012")
                    .build());
    try (Execution execution = select()) {
      SparkError error = catchThrowableOfType(SparkError.class, execution::next);
      assertThat(error).hasMessage("[DIVIDE_BY_ZERO] Division by zero: 100% + 1.");
      assertThat(error.errorClass()).isEqualTo("DIVIDE_BY_ZERO");
      assertThat(error.sqlState()).isEqualTo("22012");
      assertThat(error.isCancelled()).isFalse();
    }
  }

  @Test
  void anEngineThatDiesInTheMiddleIsLostAndNoEndOfTheResult() {
    driver =
        request -> {
          HttpResponseWriter writer = stream();
          writer.write(HttpData.wrap(rows(1, 10)));
          writer.close(new IllegalStateException("killed"));
          return writer;
        };
    try (Execution execution = select()) {
      assertThatThrownBy(
              () -> {
                execution.next();
                execution.next();
              })
          .isInstanceOfSatisfying(EngineLost.class, lost -> assertThat(lost.reached()).isTrue())
          .hasMessageContaining("engine-1");
    }
    server.stop().join();
    try (Execution execution = select()) {
      assertThatThrownBy(execution::next)
          .isInstanceOfSatisfying(EngineLost.class, lost -> assertThat(lost.reached()).isFalse());
    }
  }
}
