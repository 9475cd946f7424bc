package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a SCIM list asks for: {@code filter}, {@code startIndex} (1-based), {@code count}.
 *
 * @param attribute the attribute of the filter, in lower case, null when there is none
 * @param operator {@code eq}, {@code co} or {@code sw}
 */
record Page(String attribute, String operator, String value, long start, long count) {
  private static final Pattern FILTER =
      Pattern.compile(
          "\\s*\"?([A-Za-z.]+)\"?\\s+([A-Za-z]+)\\s+(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^\\s\"]+))\\s*");
  private static final long MOST = 100;

  static Page of(String filter, Long startIndex, Long count, List<String> attributes) {
    long start = startIndex == null ? 1 : Math.max(1, startIndex);
    long most = count == null ? MOST : Math.clamp(count, 0, 10_000);
    if (filter == null || filter.isBlank()) {
      return new Page(null, null, null, start, most);
    }
    Matcher matcher = FILTER.matcher(filter);
    String operator = matcher.matches() ? matcher.group(2).toLowerCase(Locale.ROOT) : "";
    if (!List.of("eq", "co", "sw").contains(operator)
        || attributes.stream().noneMatch(matcher.group(1)::equalsIgnoreCase)) {
      throw new InvalidParameterValue(
          "filter: '" + filter + "' (expected: one of " + attributes + " eq, co or sw \"value\")",
          null);
    }
    String value =
        matcher.group(3) == null ? matcher.group(4) : matcher.group(3).replaceAll("\\\\(.)", "$1");
    return new Page(matcher.group(1).toLowerCase(Locale.ROOT), operator, value, start, most);
  }

  /** The filter as a LIKE pattern over lower-case text, escaped by {@code !}; null for all. */
  String pattern() {
    if (attribute == null) {
      return null;
    }
    String literal =
        value.toLowerCase(Locale.ROOT).replace("!", "!!").replace("%", "!%").replace("_", "!_");
    return switch (operator) {
      case "co" -> "%" + literal + "%";
      case "sw" -> literal + "%";
      default -> literal;
    };
  }
}
