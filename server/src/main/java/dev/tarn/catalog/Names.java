package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import java.util.Locale;

/**
 * Names of Unity Catalog: any characters but period, space, slash and control characters, at most
 * 255, kept in lower case (Databricks SQL reference, "Names").
 */
final class Names {
  private static final int LONGEST = 255;
  private static final int SHOWN = 80;

  private Names() {}

  /**
   * The name as it is stored.
   *
   * @param field what the client calls it
   * @throws InvalidParameterValue it cannot be a name
   */
  static String valid(String field, String name) {
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
  static String[] parts(String fullName, int count) {
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
  static String stored(String name) {
    return name == null ? "" : name.toLowerCase(Locale.ROOT);
  }

  /** The value in an error message: quoted, and shortened when it is long. */
  static String shown(String value) {
    if (value == null) {
      return "null";
    }
    return value.length() <= SHOWN
        ? "'" + value + "'"
        : "'" + value.substring(0, SHOWN) + "…' (" + value.length() + " characters)";
  }
}
