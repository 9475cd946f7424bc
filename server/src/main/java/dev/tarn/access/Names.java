package dev.tarn.access;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Names of Unity Catalog: any characters but period, space, slash and control characters, at most
 * 255, kept in lower case (Databricks SQL reference, "Names").
 */
public final class Names {
  private static final int LONGEST = 255;
  private static final int SHOWN = 80;

  private Names() {}

  /**
   * The name as it is stored.
   *
   * @param field what the client calls it
   * @throws InvalidParameterValue it cannot be a name
   */
  public static String valid(String field, String name) {
    if (name == null
        || name.isEmpty()
        || name.codePointCount(0, name.length()) > LONGEST
        || name.codePoints().anyMatch(Names::isForbidden)) {
      throw new InvalidParameterValue(
          field
              + ": "
              + shown(name)
              + " (expected: 1 to 255 characters, no period, space, slash or control character)",
          null);
    }
    return name.toLowerCase(Locale.ROOT);
  }

  private static boolean isForbidden(int codePoint) {
    return codePoint <= ' '
        || codePoint == '.'
        || codePoint == '/'
        || codePoint == 0x7f
        || (codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE);
  }

  /**
   * The parts of {@code catalog.schema} or {@code catalog.schema.table}, as stored. Parts are not
   * judged: a name that cannot be is one that does not exist.
   *
   * @throws InvalidParameterValue it has another number of parts
   */
  public static String[] parts(String fullName, int count) {
    String[] parts =
        fullName == null ? new String[0] : fullName.toLowerCase(Locale.ROOT).split("\\.", -1);
    if (parts.length != count) {
      throw new InvalidParameterValue(
          "full_name: "
              + shown(fullName)
              + (count == 2 ? " (expected: catalog.schema)" : " (expected: catalog.schema.table)"),
          null);
    }
    return parts;
  }

  /** A name for lookup, as stored. */
  public static String stored(String name) {
    return name == null ? "" : name.toLowerCase(Locale.ROOT);
  }

  /** As {@link #valid}; null when it is not to change. */
  public static String validOrNull(String field, String name) {
    return name == null ? null : valid(field, name);
  }

  /** The value in an error message: quoted, and shortened when it is long. */
  public static String shown(String value) {
    if (value == null) {
      return "null";
    }
    return value.length() <= SHOWN
        ? "'" + value + "'"
        : "'" + value.substring(0, SHOWN) + "…' (" + value.length() + " characters)";
  }

  /**
   * What an SQL LIKE pattern with the escape character backslash matches, over names as stored; all
   * when there is none.
   */
  public static Predicate<String> like(String pattern) {
    if (pattern == null || pattern.isEmpty()) {
      return name -> true;
    }
    StringBuilder regex = new StringBuilder();
    boolean escaped = false;
    for (int c : stored(pattern).codePoints().toArray()) {
      if (c == '\\' && !escaped) {
        escaped = true;
        continue;
      }
      regex.append(
          escaped || (c != '%' && c != '_')
              ? Pattern.quote(Character.toString(c))
              : c == '%' ? ".*" : ".");
      escaped = false;
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL).asMatchPredicate();
  }
}
