package dev.tarn.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Everything an instance keeps, as it is at one point; it may run meanwhile. */
@Command(
    name = "backup",
    description = "Write database, buckets, audit log and settings to a file; the keys apart.")
final class Backup implements Callable<Integer> {
  @Parameters(description = "A file that is not there yet, or a folder to make one in.")
  private Path to;

  @Option(
      names = "--with-keys-to",
      description = "Write the keys too: to another file or folder, to be kept elsewhere.")
  private Path keys;

  @Override
  public Integer call() {
    List<String> arguments = new ArrayList<>(List.of("--to", to.toAbsolutePath().toString()));
    if (keys != null) {
      arguments.addAll(List.of("--keys-to", keys.toAbsolutePath().toString()));
    }
    return Home.ofEnvironment().run("backup", arguments);
  }
}
