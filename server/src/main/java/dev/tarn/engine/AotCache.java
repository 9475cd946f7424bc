package dev.tarn.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.Server;
import dev.tarn.Config;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * JDK 25's AOT cache for engines: classes loaded, linked and profiled by a run before, so that the
 * next start does not do it again. A file beside the jars, named after the JDK, the jars and the
 * flags it was made with; a start that finds none of its name goes without.
 */
public final class AotCache {
  private static final Logger LOG = LoggerFactory.getLogger(AotCache.class);
  private static final long WRITE_MINUTES = 10;
  private static final String BUCKET = "training";

  /** The real path: parse, analyse, run, Arrow back; files and Delta; an error; all in one life. */
  private static final List<String> WORKLOAD =
      List.of(
          "SELECT 1",
          "SELECT id % 7 AS k, count(*) AS n, sum(CAST(id AS DECIMAL(18, 2))) AS s, avg(id) AS a,"
              + " max(CAST(id AS STRING)) AS m FROM range(100000) GROUP BY 1 ORDER BY 1",
          "SELECT a.id, b.id FROM range(1000) a JOIN range(1000) b ON a.id = b.id + 1"
              + " WHERE a.id > 10 LIMIT 10",
          "INSERT OVERWRITE DIRECTORY 's3://training/rows' USING parquet SELECT id, CAST(id AS"
              + " STRING) AS name, DATE'2020-01-01' AS day, CAST(id AS DECIMAL(12, 2)) AS amount"
              + " FROM range(10000)",
          "SELECT day, count(*), sum(amount), min(name) FROM parquet.`s3://training/rows` GROUP BY 1",
          "INSERT OVERWRITE DIRECTORY 's3://training/delta' USING delta SELECT id FROM range(100)",
          "SELECT count(*) FROM delta.`s3://training/delta`",
          "SHOW CATALOGS",
          "SELECT * FROM missing");

  private AotCache() {}

  /**
   * @param runtime the folder with {@code jars}
   * @param inside the same as the engine sees it
   * @param flags the others of the engine
   */
  static List<String> flags(Path runtime, Path inside, List<String> flags) throws IOException {
    String name = name(runtime, flags);
    return Files.exists(runtime.resolve(name))
        ? List.of("-XX:AOTCache=" + inside.resolve(name), "-Xlog:aot=off", "-Xlog:cds=off")
        : List.of();
  }

  private static String name(Path runtime, List<String> flags) throws IOException {
    StringBuilder made = new StringBuilder(Runtime.version() + "\n" + flags + "\n");
    try (Stream<Path> jars = Files.list(runtime.resolve("jars"))) {
      for (Path jar : jars.sorted().toList()) {
        made.append(jar.getFileName())
            .append(' ')
            .append(Files.size(jar))
            .append(' ')
            .append(Files.getLastModifiedTime(jar).toMillis())
            .append('\n');
      }
    }
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(made.toString().getBytes(UTF_8));
      return "engine-" + HexFormat.of().formatHex(hash, 0, 8) + ".aot";
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Makes the cache of this distribution where it is missing: an engine in an empty home runs a
   * workload and writes what it learned when it is told to end.
   *
   * @param config of a home of its own, to be thrown away
   */
  public static void train(Config config) throws IOException, InterruptedException {
    Sandbox sandbox = Sandbox.open(config.sandbox(), config.home());
    Launcher launcher = new Launcher(config, sandbox);
    Path runtime = launcher.runtime();
    Path cache = runtime.resolve(name(runtime, launcher.flagsInSandbox()));
    if (Files.exists(cache)) {
      return;
    }
    Files.createDirectories(config.storage().resolve(BUCKET));
    Server catalog = emptyCatalog();
    ClientFactory connections = ConnectClient.connections();
    try {
      KeyPair keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
      String id = "training";
      Map<String, Object> told = new HashMap<>();
      told.put("engine_id", id);
      told.put("workspace_id", "1");
      told.put("public_key", Base64.getEncoder().encodeToString(keys.getPublic().getEncoded()));
      told.put("catalog_uri", "http://127.0.0.1:" + catalog.activeLocalPort());
      told.put("catalog_token", "none");
      told.put("default_catalog", "main");
      Launcher.Started started =
          launcher.start(
              id,
              told,
              Map.of(BUCKET, true),
              List.of("-XX:AOTCacheOutput=" + launcher.insideScratch(id).resolve("engine.aot")));
      Integer port = launcher.awaitPort(started);
      if (port == null) {
        throw new IOException(
            "the engine ended: " + new String(launcher.log(id).tail(2000), UTF_8));
      }
      work(
          new ConnectClient(
              connections, id, port, keys.getPrivate(), Clock.systemUTC(), () -> "1"));
      Launcher.jvm(started.process().toHandle()).destroy();
      if (!started.process().waitFor(WRITE_MINUTES, TimeUnit.MINUTES)) {
        started.process().destroyForcibly();
        throw new IOException("the cache was not written in " + WRITE_MINUTES + " minutes");
      }
      publish(launcher.folder(id).resolve("scratch/engine.aot"), cache);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    } finally {
      var unused = connections.closeAsync();
      catalog.stop().join();
      Engines.reap(config.home());
    }
  }

  private static void work(ConnectClient client) {
    Session session =
        new Session(UUID.randomUUID().toString(), "1", "training@localhost", 1, null, null);
    for (String statement : WORKLOAD) {
      try {
        client.run(session, "training", statement);
      } catch (SparkError e) {
        LOG.debug("training: {}", statement, e); // The way to an error is worth learning too.
      }
    }
  }

  /** Whole or not there, and the only one. */
  private static void publish(Path made, Path cache) throws IOException {
    if (!Files.exists(made)) {
      throw new IOException("the engine ended without writing " + made);
    }
    Path near = cache.resolveSibling("." + cache.getFileName());
    Files.copy(made, near, StandardCopyOption.REPLACE_EXISTING);
    try (Stream<Path> files = Files.list(cache.getParent())) {
      for (Path old : files.filter(file -> file.toString().endsWith(".aot")).toList()) {
        if (!old.equals(near)) {
          Files.delete(old);
        }
      }
    }
    Files.move(near, cache, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Has the catalog {@code main} and nothing in it. */
  private static Server emptyCatalog() {
    Server server =
        Server.builder()
            .http(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .gracefulShutdownTimeoutMillis(0, 0)
            .service("/healthz", (context, request) -> HttpResponse.of("ok"))
            .service(
                "/api/2.1/unity-catalog/catalogs",
                (context, request) -> json(HttpStatus.OK, "{\"catalogs\":[{\"name\":\"main\"}]}"))
            .serviceUnder(
                "/",
                (context, request) ->
                    json(
                        HttpStatus.NOT_FOUND,
                        "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"none\"}"))
            .build();
    server.start().join();
    return server;
  }

  private static HttpResponse json(HttpStatus status, String body) {
    return HttpResponse.of(status, MediaType.JSON, body);
  }
}
