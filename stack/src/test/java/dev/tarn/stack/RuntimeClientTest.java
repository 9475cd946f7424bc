package dev.tarn.stack;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jar as it is deployed, run by AWS's own runtime client and by ours. */
class RuntimeClientTest {
  private static final Path JAR = Path.of("target/handlers/handlers.jar").toAbsolutePath();
  private static final Map<String, String> CREDENTIALS =
      Map.of(
          "action", "CREATE_CREDENTIALS",
          "credentials_name", "rd-credentials-1",
          "role_arn", "arn:aws:iam::123456789012:role/r");

  @TempDir Path folder;

  @Test
  void theRuntimeClientOfAwsRunsTheHandlerOfTheTemplate() throws Exception {
    CountDownLatch done = new CountDownLatch(1);
    AtomicInteger asked = new AtomicInteger();
    HttpServer runtimeApi =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    runtimeApi.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    try (TestAccount account = new TestAccount()) {
      byte[] event = account.event("Create", null, CREDENTIALS, Map.of()).getBytes(UTF_8);
      runtimeApi.createContext(
          "/2018-06-01/runtime/",
          exchange -> {
            try (exchange) {
              exchange.getRequestBody().readAllBytes();
              if (!exchange.getRequestURI().getPath().endsWith("/next")) {
                done.countDown();
                exchange.sendResponseHeaders(202, -1);
              } else if (asked.getAndIncrement() == 0) {
                exchange.getResponseHeaders().add("Lambda-Runtime-Aws-Request-Id", "one");
                exchange
                    .getResponseHeaders()
                    .add(
                        "Lambda-Runtime-Deadline-Ms",
                        Long.toString(System.currentTimeMillis() + 60_000));
                exchange
                    .getResponseHeaders()
                    .add("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:x:1:function:f");
                exchange.getResponseHeaders().add("Content-Type", "application/json");
                exchange.sendResponseHeaders(200, event.length);
                exchange.getResponseBody().write(event);
              } else {
                new CountDownLatch(1).await();
              }
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      runtimeApi.start();
      String client =
          Path.of(
                  Class.forName("com.amazonaws.services.lambda.runtime.api.client.AWSLambda")
                      .getProtectionDomain()
                      .getCodeSource()
                      .getLocation()
                      .toURI())
              .toString();
      String serialization =
          Path.of(
                  Class.forName(
                          "com.amazonaws.services.lambda.runtime.serialization.PojoSerializer")
                      .getProtectionDomain()
                      .getCodeSource()
                      .getLocation()
                      .toURI())
              .toString();
      ProcessBuilder builder =
          new ProcessBuilder(
              List.of(
                  java(),
                  "-cp",
                  JAR + ":" + client + ":" + serialization,
                  "com.amazonaws.services.lambda.runtime.api.client.AWSLambda",
                  "dev.tarn.stack.DatabricksApi::handleRequest"));
      builder
          .environment()
          .putAll(
              Map.of(
                  "AWS_LAMBDA_RUNTIME_API", "127.0.0.1:" + runtimeApi.getAddress().getPort(),
                  "_HANDLER", "dev.tarn.stack.DatabricksApi::handleRequest",
                  "LAMBDA_TASK_ROOT", folder.toString(),
                  "AWS_LAMBDA_FUNCTION_NAME", "databricksApiFunction",
                  "AWS_LAMBDA_FUNCTION_VERSION", "$LATEST",
                  "AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/databricksApiFunction",
                  "AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]1",
                  "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512",
                  "AWS_REGION", "us-east-1"));
      Path log = folder.resolve("log");
      Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
      try {
        assertThat(done.await(60, TimeUnit.SECONDS)).as("%s", log).isTrue();
      } finally {
        process.destroyForcibly().waitFor();
      }
      assertThat(account.answer()).containsEntry("Status", "SUCCESS");
      assertThat(java.nio.file.Files.readString(log))
          .contains("CREATE thing of ")
          .doesNotContain(TestAccount.TOKEN);
    } finally {
      runtimeApi.stop(0);
    }
  }

  @Test
  void ourBootstrapRunsManyEventsInOneProcessAndEndsWithItsInput() throws Exception {
    try (TestAccount account = new TestAccount()) {
      Process process =
          new ProcessBuilder(
                  java(),
                  "-cp",
                  JAR.toString(),
                  "dev.tarn.stack.Bootstrap",
                  "dev.tarn.stack.DatabricksApi::handleRequest",
                  "databricksApiFunction",
                  "2026/11/22/[$LATEST]1")
              .redirectError(folder.resolve("log").toFile())
              .start();
      long deadline = System.currentTimeMillis() + 60_000;
      ByteArrayOutputStream events = new ByteArrayOutputStream();
      PrintStream lines = new PrintStream(events, true, UTF_8);
      lines.println("one " + deadline + " " + account.event("Create", null, CREDENTIALS, Map.of()));
      lines.println("two " + deadline + " {}");
      lines.println(
          "three " + deadline + " " + account.event("Create", null, CREDENTIALS, Map.of()));
      try (var input = process.getOutputStream()) {
        events.writeTo(input);
      }
      String outcome = new String(process.getInputStream().readAllBytes(), UTF_8);
      assertThat(process.waitFor()).isZero();
      assertThat(outcome.lines())
          .containsExactly(
              "one ok", "two failed RequestType: missing (expected: a text)", "three ok");
      assertThat(account.objects).hasSize(1);
      assertThat(account.answers).hasSize(2);
    }
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }
}
