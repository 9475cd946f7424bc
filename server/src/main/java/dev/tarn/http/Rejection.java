package dev.tarn.http;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;

/** The two ways in which a request cannot be read: where, what was there, what was expected. */
final class Rejection {
  private static final int SHOWN = 80;

  private Rejection() {}

  static DatabricksError value(String path, Object value, String expected) {
    return new InvalidParameterValue(text(path, value, expected), null);
  }

  static DatabricksError malformed(String path, Object value, String expected) {
    return new BadRequest("MALFORMED_REQUEST", text(path, value, expected), null);
  }

  private static String text(String path, Object value, String expected) {
    return shortened(path)
        + ": '"
        + shortened(String.valueOf(value))
        + "' (expected: "
        + expected
        + ")";
  }

  /** At most 80 characters, never half a surrogate pair. */
  static String shortened(String text) {
    if (text.codePointCount(0, text.length()) <= SHOWN) {
      return text;
    }
    return text.substring(0, text.offsetByCodePoints(0, SHOWN)) + "…";
  }
}
