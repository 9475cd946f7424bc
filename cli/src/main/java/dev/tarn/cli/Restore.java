package dev.tarn.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes an empty data directory what another was when it was backed up. */
@Command(
    name = "restore",
    description = "Restore a backup into an empty data directory (TARN_HOME).")
final class Restore implements Callable<Integer> {
  @Parameters(description = "What `tarn backup` wrote.")
  private Path from;

  @Option(names = "--keys", required = true, description = "What --with-keys-to wrote.")
  private Path keys;

  @Override
  public Integer call() {
    return Home.ofEnvironment()
        .run(
            "restore",
            List.of(
                "--from",
                from.toAbsolutePath().toString(),
                "--keys-from",
                keys.toAbsolutePath().toString()));
  }
}
