package dev.tarn.enforcement;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which of Spark's settings people may read and set, in a session or for a cluster: those of {@code
 * settings.txt}, no other.
 */
public final class SessionSettings {
  private static final Set<String> SETTABLE = new TreeSet<>();
  private static final Map<String, String> FIXED = new TreeMap<>();
  private static final Set<String> READABLE = new TreeSet<>();

  static {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                SessionSettings.class.getResourceAsStream("settings.txt"), UTF_8))) {
      lines
          .lines()
          .map(line -> line.replaceFirst("(^|\\s)#.*", "").strip())
          .filter(line -> !line.isEmpty())
          .map(line -> line.split(" ", -1))
          .forEach(SessionSettings::add);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private SessionSettings() {}

  private static void add(String[] line) {
    READABLE.add(line[1]);
    switch (line[0]) {
      case "set" -> SETTABLE.add(line[1]);
      case "fixed" -> FIXED.put(line[1], line[2]);
      case "read" -> {}
      default ->
          throw new IllegalStateException(
              "settings.txt: '" + line[0] + "' (expected: set, fixed or read)");
    }
  }

  /** Names, in order. */
  public static Set<String> settable() {
    return Collections.unmodifiableSet(SETTABLE);
  }

  /** Those that may be set to the one value that they have. */
  public static Map<String, String> fixed() {
    return Collections.unmodifiableMap(FIXED);
  }

  /** Names of all, in order. */
  public static Set<String> readable() {
    return Collections.unmodifiableSet(READABLE);
  }
}
