package dev.tarn.cli;

import java.util.Locale;

/**
 * One line a stage, with the time since the command began; on standard error, so that answers can
 * be piped.
 */
final class Progress {
  private final long began = System.nanoTime();

  void stage(String what) {
    System.err.printf(Locale.ROOT, "  %6.1fs  %s%n", seconds(), what);
  }

  double seconds() {
    return (System.nanoTime() - began) / 1e9;
  }
}
