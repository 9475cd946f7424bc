package dev.tarn.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;

/** Starts the server of this instance in the background and waits until it is ready. */
@Command(name = "up", description = "Start the server of this instance.")
final class Up implements Runnable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    Progress progress = new Progress();
    Home.Running running = start(home, progress);
    System.out.println("Tarn is up at " + running.url());
    Account.printFirstLink(home, running.url());
  }

  /** Starts the server unless it runs already; returns when it is ready. */
  static Home.Running start(Home home, Progress progress) {
    if (home.running().isPresent()) {
      Home.Running running = home.running().get();
      progress.stage("server runs already (pid " + running.pid() + ", " + running.url() + ")");
      return running;
    }
    Process server;
    try {
      if (!Files.exists(home.folder())) {
        Files.createDirectories(
            home.folder(),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
      server = home.launch("serve");
    } catch (IOException e) {
      throw new Tarn.Failure("cannot start on " + home.folder() + ": " + e.getMessage());
    }
    Home.Running running = awaitReady(home, server);
    progress.stage("server ready (pid " + running.pid() + ")");
    return running;
  }

  private static Home.Running awaitReady(Home home, Process server) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    try {
      while (System.nanoTime() < deadline) {
        if (server.waitFor(50, TimeUnit.MILLISECONDS)) {
          throw new Tarn.Failure(
              "the server ended at its start (exit code "
                  + server.exitValue()
                  + "); it said:\n"
                  + Logs.tail(home.serverOutput(), 8)
                  + "the whole log is "
                  + home.serverLog());
        }
        if (home.running().isPresent()) {
          Home.Running running = home.running().get();
          HttpRequest ready =
              HttpRequest.newBuilder(URI.create(running.ownUrl() + "/readyz"))
                  .timeout(Duration.ofSeconds(5))
                  .build();
          if (http.send(ready, HttpResponse.BodyHandlers.discarding()).statusCode() == 200) {
            return running;
          }
        }
      }
    } catch (IOException e) {
      throw new Tarn.Failure("the server does not answer: " + e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Tarn.Failure("interrupted while the server started");
    }
    throw new Tarn.Failure(
        "the server is not ready after "
            + PATIENCE.toSeconds()
            + " s; its log is "
            + home.serverLog());
  }
}
