package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.WatchService;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.spark.launcher.JavaModuleOptions;
import org.sparkproject.connect.grpc.ManagedChannel;
import org.sparkproject.connect.grpc.netty.NettyChannelBuilder;

/** The engine as the launcher starts it: a child JVM, told over standard input. */
final class TestEngine {
  static final String ID = "engine-1";

  /** What is asked but once is done before its code would be compiled. */
  static final Map<String, String> UNCOMPILED =
      Map.of(
          "spark.sql.codegen.wholeStage", "false", "spark.sql.codegen.factoryMode", "NO_CODEGEN");

  /** It lives for a minute: what the second compiler makes of the code comes too late. */
  private static final List<String> SHORT_LIVED =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

  final Process process;
  final Path log;
  final KeyPair keys;
  private final ManagedChannel channel;

  /** Starts an engine on {@code folder/storage} and waits until it is ready. */
  TestEngine(Path folder, InMemoryCatalog catalog, String token, long orphanAfterSeconds)
      throws Exception {
    this(Engine.class, folder, catalog, token, orphanAfterSeconds, Map.of());
  }

  /** {@code main} reads what {@link Engine} would; {@code sparkConf} are further settings. */
  TestEngine(
      Class<?> main,
      Path folder,
      InMemoryCatalog catalog,
      String token,
      long orphanAfterSeconds,
      Map<String, String> sparkConf)
      throws Exception {
    this(main, folder, catalog, token, orphanAfterSeconds, sparkConf, SHORT_LIVED);
  }

  TestEngine(
      Class<?> main,
      Path folder,
      InMemoryCatalog catalog,
      String token,
      long orphanAfterSeconds,
      Map<String, String> sparkConf,
      List<String> jvmOptions)
      throws Exception {
    keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    log = folder.resolve("driver.log");
    Path ready = folder.resolve("ready.json");
    ObjectNode spec = new ObjectMapper().createObjectNode();
    spec.put("engine_id", ID);
    spec.put("workspace_id", 7);
    spec.put("public_key", Base64.getEncoder().encodeToString(keys.getPublic().getEncoded()));
    spec.put("catalog_uri", catalog.uri().toString());
    spec.put("catalog_token", token);
    spec.put("storage_root", folder.resolve("storage").toString());
    spec.put("default_catalog", "main");
    spec.put("ready_file", ready.toString());
    spec.put("orphan_after_seconds", orphanAfterSeconds);

    sparkConf.forEach(spec.putObject("spark_conf")::put);

    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(JavaModuleOptions.defaultModuleOptionArray()));
    command.add("-Xmx1g");
    command.add("-Djava.io.tmpdir=" + Files.createDirectories(folder.resolve("tmp")));
    command.addAll(jvmOptions);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.directory(folder.toFile());
    builder.environment().put("LC_ALL", "C.UTF-8");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    try (WatchService watch = folder.getFileSystem().newWatchService()) {
      folder.register(watch, ENTRY_CREATE);
      process = builder.start();
      try (var stdin = process.getOutputStream()) {
        stdin.write(spec.toString().getBytes(UTF_8));
      }
      var unused = process.onExit().thenRun(() -> close(watch));
      while (!Files.exists(ready)) {
        if (!process.isAlive()) {
          throw new IllegalStateException("the engine ended:\n" + Files.readString(log));
        }
        var key = watch.poll(120, TimeUnit.SECONDS);
        if (key != null) {
          key.pollEvents();
          boolean unusedReset = key.reset();
        }
      }
    } catch (java.nio.file.ClosedWatchServiceException e) {
      throw new IllegalStateException("the engine ended:\n" + Files.readString(log), e);
    }
    JsonNode port = new ObjectMapper().readTree(Files.readString(ready)).path("port");
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", port.asInt())
            .usePlaintext()
            .maxInboundMessageSize(128 << 20)
            .build();
  }

  private static void close(WatchService watch) {
    try {
      watch.close();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  ConnectSession session(String userId, String userName) {
    return new ConnectSession(channel, keys.getPrivate(), userId, userName);
  }

  ManagedChannel channel() {
    return channel;
  }

  void stop() throws InterruptedException {
    channel.shutdownNow();
    process.destroy();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IllegalStateException("the engine did not end on SIGTERM");
    }
  }
}
