package dev.tarn;

import dev.tarn.backup.Backup;
import dev.tarn.backup.Restore;
import dev.tarn.database.Database;
import dev.tarn.engine.Engines;
import dev.tarn.http.Coverage;
import dev.tarn.telemetry.Logs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** The program: {@code init} makes an instance, {@code serve} runs it until it is told to stop. */
public final class Main {
  private static final String USAGE =
      "usage: init --home DIRECTORY | serve --home DIRECTORY [--distribution DIRECTORY]"
          + " | backup --home DIRECTORY --to FILE [--keys-to FILE]"
          + " | restore --home DIRECTORY --from FILE --keys-from FILE"
          + " | database --home DIRECTORY"
          + " | reap --home DIRECTORY | trained --home DIRECTORY | coverage --home DIRECTORY > docs/api-coverage.md";

  private Main() {}

  public static void main(String[] arguments) {
    try {
      run(List.of(arguments));
    } catch (IllegalArgumentException | IllegalStateException e) {
      System.err.println("tarn: " + e.getMessage());
      System.exit(1);
    } catch (InterruptedException e) {
      System.exit(1);
    }
  }

  private static void run(List<String> arguments) throws InterruptedException {
    String verb = arguments.isEmpty() ? "" : arguments.getFirst();
    Config config =
        Config.load(
            Path.of(option(arguments, "--home", System.getProperty("user.home") + "/.tarn")),
            Path.of(option(arguments, "--distribution", ".")).toAbsolutePath().normalize(),
            System.getenv());
    switch (verb) {
      case "init" -> init(config);
      case "serve" -> serve(config);
      case "coverage" -> coverage(config);
      case "backup" -> backup(config, arguments);
      case "restore" ->
          new Restore(config, System.out)
              .run(
                  Path.of(required(arguments, "--from")),
                  Path.of(required(arguments, "--keys-from")));
      case "reap" -> reap(config);
      case "database" -> System.out.println(Database.describe(config.database()));
      case "trained" -> trained(config);
      default -> throw new IllegalArgumentException("'" + verb + "' is no verb; " + USAGE);
    }
  }

  /** Of a running instance by asking it, of another under the lock of its directory. */
  private static void backup(Config config, List<String> arguments) {
    Path to = Path.of(required(arguments, "--to"));
    String keysTo = option(arguments, "--keys-to", null);
    Path keys = keysTo == null ? null : Path.of(keysTo);
    Backup backup = new Backup(config, version(), System.out);
    Home home = null;
    try {
      home = Files.exists(config.keys()) ? Home.lock(config) : null;
    } catch (IllegalStateException e) {
      if (!Files.exists(config.home().resolve("run/server.json"))) {
        throw e;
      }
    }
    try (Home held = home) {
      backup.write(to, keys, held == null);
    }
  }

  private static String required(List<String> arguments, String name) {
    String value = option(arguments, name, null);
    if (value == null) {
      throw new IllegalArgumentException(name + " is missing; " + USAGE);
    }
    return value;
  }

  /** Ends engines that outlived a killed server; exit code 10 says that there were some. */
  private static void reap(Config config) {
    Home home = Home.lock(config);
    int ended;
    try (home) {
      ended = Engines.reap(config.home());
    }
    if (ended > 0) {
      System.exit(10);
    }
  }

  /** Whether engines of this build start with an AOT cache; exit code 10 says that they do not. */
  private static void trained(Config config) {
    boolean trained;
    try {
      trained = Engines.isTrained(config);
    } catch (IOException e) {
      throw new IllegalStateException("cannot look for the AOT cache of engines: " + e, e);
    }
    if (!trained) {
      System.exit(10);
    }
  }

  private static void init(Config config) {
    Home home = Home.lock(config);
    try (home) {
      Server.init(config, Clock.systemUTC());
    }
  }

  /** Prints the list of what is built; {@code config} names an empty directory for the purpose. */
  private static void coverage(Config config) {
    Home home = Home.lock(config);
    Server.init(config, Clock.systemUTC());
    try (home;
        Server server = new Server(config, Clock.systemUTC(), routes -> {})) {
      System.out.print(Coverage.page(server.routes()));
    }
  }

  /** Returns when the process was told to stop and everything is closed. */
  private static void serve(Config config) throws InterruptedException {
    CountDownLatch stopped = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    Home home = Home.lock(config);
    Logs.to(config.logs(), config.upkeep().logs());
    Server.init(config, Clock.systemUTC());
    try (home;
        Server server = Server.start(config, Clock.systemUTC())) {
      Runtime.getRuntime()
          .addShutdownHook(
              Thread.ofPlatform()
                  .unstarted(
                      () -> {
                        told.countDown();
                        waitFor(stopped);
                      }));
      home.ready(server.url(), server.ownUrl());
      told.await();
    } finally {
      stopped.countDown();
    }
  }

  private static void waitFor(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String option(List<String> arguments, String name, String otherwise) {
    int at = arguments.indexOf(name);
    if (at < 0) {
      return otherwise;
    }
    if (at + 1 == arguments.size()) {
      throw new IllegalArgumentException(name + " needs a value; " + USAGE);
    }
    return arguments.get(at + 1);
  }

  static String version() {
    String version = Main.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
