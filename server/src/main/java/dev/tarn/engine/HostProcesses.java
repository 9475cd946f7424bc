package dev.tarn.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What {@code /proc} tells about processes that a control plane before this one started. */
public final class HostProcesses {
  private static final int START_TICK = 19; // Field 22, counted from the one after "(name)".

  private HostProcesses() {}

  /** Processes that have all of {@code words} among their arguments. */
  public static List<ProcessHandle> with(List<String> words) {
    try (Stream<Path> entries = Files.list(Path.of("/proc"))) {
      return entries
          .filter(entry -> entry.getFileName().toString().matches("\\d+"))
          .filter(entry -> arguments(entry).containsAll(words))
          .map(entry -> ProcessHandle.of(Long.parseLong(entry.getFileName().toString())))
          .flatMap(Optional::stream)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list /proc", e);
    }
  }

  private static List<String> arguments(Path entry) {
    try {
      return Arrays.asList(Files.readString(entry.resolve("cmdline"), UTF_8).split("\0", -1));
    } catch (IOException e) {
      return List.of(); // It has ended, or is not ours to look at.
    }
  }

  /**
   * Which process a pid is: boot and start tick. Pids are used again, and after a restart of the
   * machine all are.
   *
   * @return null when there is none
   */
  static String identity(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      List<String> fields = Arrays.asList(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1));
      if (fields.getFirst().equals("Z")) {
        return null;
      }
      return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).trim()
          + " "
          + fields.get(START_TICK);
    } catch (IOException e) {
      return null;
    }
  }
}
