package dev.tarn.spark.governance;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which settings of a session people may read and set: those of {@code settings.txt}, no other. */
public final class Settings {
  /** The platform's own names of some, as in {@code SET TIMEZONE = 'UTC'}. */
  private static final Map<String, String> PARAMETERS =
      Map.of("ansi_mode", "spark.sql.ansi.enabled", "timezone", "spark.sql.session.timeZone");

  private static final Set<String> SETTABLE;
  private static final Map<String, String> FIXED;
  private static final Set<String> READABLE;

  static {
    List<String[]> lines = Table.read("settings.txt", " ");
    SETTABLE = names(lines, "set");
    FIXED =
        names(lines, "fixed").stream()
            .map(line -> line.split(" "))
            .collect(Collectors.toMap(line -> line[0], line -> line[1]));
    READABLE = names(lines, "read");
    READABLE.addAll(SETTABLE);
    READABLE.addAll(FIXED.keySet());
  }

  private Settings() {}

  private static Set<String> names(List<String[]> lines, String what) {
    return lines.stream()
        .filter(line -> line[0].equals(what))
        .map(line -> line[1])
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** All that may be read, in order. */
  static Set<String> readable() {
    return READABLE;
  }

  /** Spark's name of a setting, also when the platform's was given. */
  static String name(String given) {
    return PARAMETERS.getOrDefault(given.toLowerCase(Locale.ROOT), given);
  }

  /** A value of the platform's form, which may be quoted, as Spark's takes it. */
  static String plain(String value) {
    return value.length() > 1 && value.startsWith("'") && value.endsWith("'")
        ? value.substring(1, value.length() - 1)
        : value;
  }

  static boolean isReadable(String name) {
    return READABLE.contains(name(name));
  }

  /** Whether people may set it. */
  public static boolean isSettable(String name) {
    return SETTABLE.contains(name(name));
  }

  /** The same for one value: what is fixed may be set to what it is. */
  static boolean isSettable(String name, String value) {
    return isSettable(name) || value.strip().equalsIgnoreCase(FIXED.get(name));
  }

  static boolean isUnsettable(String name) {
    return isSettable(name) || FIXED.containsKey(name);
  }

  static String notReadable(String name) {
    return "setting '" + name + "' cannot be read here (expected: one of those SET lists)";
  }

  static String notSettable(String name) {
    return "setting '" + name + "' cannot be changed here (expected: one of those SET lists)";
  }
}
