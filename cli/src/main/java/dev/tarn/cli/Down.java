package dev.tarn.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;

/** Stops the server and every engine of this instance; what was acknowledged is on disk. */
@Command(name = "down", description = "Stop the server and its engines.")
final class Down implements Runnable {
  private static final long PATIENCE_SECONDS = 60;

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    System.out.println(stop(home) ? "stopped" : "nothing was running");
  }

  /** Whether there was anything to stop. */
  static boolean stop(Home home) {
    return stop(home, PATIENCE_SECONDS);
  }

  /** The same, for a server that has more to write at its end. */
  static boolean stop(Home home, long patienceSeconds) {
    Optional<Home.Running> running = home.running();
    if (running.isEmpty()) {
      return reap(home);
    }
    ProcessHandle process = ProcessHandle.of(running.get().pid()).orElse(null);
    if (process == null) {
      return reap(home);
    }
    process.destroy();
    try {
      process.onExit().get(patienceSeconds, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      process.destroyForcibly();
      reap(home);
    } catch (ExecutionException e) {
      throw new Tarn.Failure("cannot wait for pid " + process.pid() + ": " + e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Tarn.Failure("interrupted; pid " + process.pid() + " is stopping");
    }
    return true;
  }

  /** Ends engines that outlived a server which was killed. */
  private static boolean reap(Home home) {
    if (!Files.exists(home.folder().resolve("tarn.db"))) {
      return false;
    }
    try {
      return home.launch("reap").waitFor() == 10;
    } catch (IOException e) {
      throw new Tarn.Failure("cannot look for left-over engines: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Tarn.Failure("interrupted");
    }
  }
}
