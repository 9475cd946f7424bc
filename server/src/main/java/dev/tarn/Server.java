package dev.tarn;

import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import dev.tarn.database.Database;
import dev.tarn.http.Api;
import dev.tarn.http.Authenticator;
import dev.tarn.http.Hosts;
import dev.tarn.http.Routes;
import dev.tarn.storage.Buckets;
import dev.tarn.telemetry.Audit;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Clock;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * The composition root: every package's facade, built and mounted in reading order. Nothing else
 * knows all packages.
 */
public final class Server implements AutoCloseable {
  private final Config config;
  private final Clock clock;
  private final Database database;
  private final Buckets buckets;
  private final Authenticator authenticator;
  private final Routes routes = new Routes();
  private final ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor();
  private Audit audit;
  private com.linecorp.armeria.server.Server http;

  /** Builds and mounts everything; nothing runs yet. */
  Server(Config config, Clock clock, Authenticator authenticator, Consumer<Routes> more) {
    this.config = config;
    this.clock = clock;
    this.authenticator = authenticator;
    database = Database.open(config.databaseFile());
    buckets = new Buckets(database, config.storage(), clock);

    more.accept(routes);
    routes.complete();
  }

  /**
   * Opens the data directory of {@code config}, finishes what a killed process left, and listens.
   *
   * @throws IllegalStateException the directory, the database or the port cannot be used
   */
  public static Server start(Config config, Clock clock, Authenticator authenticator) {
    return start(config, clock, authenticator, routes -> {});
  }

  static Server start(
      Config config, Clock clock, Authenticator authenticator, Consumer<Routes> more) {
    Server server = new Server(config, clock, authenticator, more);
    try {
      server.run();
      return server;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private void run() {
    audit = Audit.open(config.audit(), clock);
    buckets.recover();
    http = listen(new Api(routes, authenticator, audit, clock, calls));
    try {
      http.start().join();
    } catch (CompletionException e) {
      // The native transport has an exception of its own for what the JDK calls BindException.
      if (e.getCause() instanceof BindException
          || String.valueOf(e.getCause().getMessage()).contains("Address already in use")) {
        throw new IllegalStateException(
            "port "
                + config.port()
                + " is in use (expected: a free port on 127.0.0.1; set TARN_PORT to another one)",
            e);
      }
      throw e;
    }
  }

  private com.linecorp.armeria.server.Server listen(Api api) {
    return com.linecorp.armeria.server.Server.builder()
        .http(new InetSocketAddress(InetAddress.getLoopbackAddress(), config.port()))
        .http1MaxInitialLineLength(256 * 1024) // names of 10,000 characters, percent-encoded
        .http1MaxHeaderSize(256 * 1024)
        .http2MaxHeaderListSize(256 * 1024)
        .maxRequestLength(0) // the operations know how much they read
        .requestTimeoutMillis(0) // a statement may be waited for
        .gracefulShutdownTimeoutMillis(200, 10_000)
        .disableServerHeader()
        .service("/healthz", Hosts.only((context, request) -> HttpResponse.of("ok\n")))
        .service("/readyz", Hosts.only((context, request) -> HttpResponse.of(readiness())))
        .serviceUnder("/", api)
        .build();
  }

  private CompletableFuture<HttpResponse> readiness() {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            database.read(handle -> handle.createQuery("SELECT 1").mapTo(int.class).one());
            return HttpResponse.of("ready\n");
          } catch (RuntimeException e) {
            return HttpResponse.of(
                HttpStatus.SERVICE_UNAVAILABLE,
                MediaType.PLAIN_TEXT_UTF_8,
                "the database does not answer\n");
          }
        },
        calls);
  }

  /** What is mounted, for the coverage list and for tests that try every route. */
  public Routes routes() {
    return routes;
  }

  public int port() {
    return http.activeLocalPort();
  }

  public URI url() {
    return URI.create("http://127.0.0.1:" + port());
  }

  /**
   * Calls that run have ten seconds to end, then are interrupted; then everything is closed in the
   * opposite order.
   */
  @Override
  public void close() {
    if (http != null) {
      http.stop().join();
    }
    calls.shutdownNow();
    calls.close();
    if (audit != null) {
      audit.close();
    }
    database.close();
  }
}
