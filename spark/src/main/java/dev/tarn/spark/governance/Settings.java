package dev.tarn.spark.governance;

import dev.tarn.enforcement.SessionSettings;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Which settings of a session people may read and set: those of {@link SessionSettings}. */
public final class Settings {
  /** The platform's own names of some, as in {@code SET TIMEZONE = 'UTC'}. */
  private static final Map<String, String> PARAMETERS =
      Map.of("ansi_mode", "spark.sql.ansi.enabled", "timezone", "spark.sql.session.timeZone");

  private Settings() {}

  /** All that may be read, in order. */
  static Set<String> readable() {
    return SessionSettings.readable();
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
    return SessionSettings.readable().contains(name(name));
  }

  /** Whether people may set it. */
  public static boolean isSettable(String name) {
    return SessionSettings.settable().contains(name(name));
  }

  /** The same for one value: what is fixed may be set to what it is. */
  static boolean isSettable(String name, String value) {
    return isSettable(name) || value.strip().equalsIgnoreCase(SessionSettings.fixed().get(name));
  }

  static boolean isUnsettable(String name) {
    return isSettable(name) || SessionSettings.fixed().containsKey(name);
  }

  static String notReadable(String name) {
    return "setting '" + name + "' cannot be read here (expected: one of those SET lists)";
  }

  static String notSettable(String name) {
    return "setting '" + name + "' cannot be changed here (expected: one of those SET lists)";
  }
}
