package dev.tarn.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Makes an instance as if it had never been. */
@Command(name = "reset", description = "Stop the instance and delete everything it keeps.")
final class Reset implements Runnable {
  @Option(names = "--yes", description = "Really: there is no way back.")
  private boolean yes;

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    if (!Files.exists(home.folder())) {
      System.out.println("there is nothing at " + home.folder());
      return;
    }
    if (!Files.exists(home.folder().resolve("tarn.db"))) {
      throw new Tarn.Failure(
          home.folder() + " does not look like a data directory of Tarn (no tarn.db); not touched");
    }
    if (!yes) {
      throw new Tarn.Failure(
          "this deletes the account, its workspaces and all data in "
              + home.folder()
              + "; say --yes to do it");
    }
    Down.stop(home);
    try (Stream<Path> all = Files.walk(home.folder())) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw new Tarn.Failure("not everything could be deleted: " + e.getMessage());
    }
    System.out.println("deleted " + home.folder());
  }
}
