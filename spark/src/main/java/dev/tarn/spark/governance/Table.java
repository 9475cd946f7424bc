package dev.tarn.spark.governance;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.List;

/** A resource a person can read: one entry a line, {@code #} begins a comment. */
final class Table {
  private Table() {}

  /** The entries, each split at the first {@code separator}. */
  static List<String[]> read(String resource, String separator) {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(Table.class.getResourceAsStream(resource), UTF_8))) {
      return lines
          .lines()
          .map(line -> line.replaceFirst("(^|\\s)#.*", "").strip())
          .filter(line -> !line.isEmpty())
          .map(line -> line.split(separator, 2))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
