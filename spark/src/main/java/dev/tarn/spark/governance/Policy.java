package dev.tarn.spark.governance;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What one principal sees of a table: its row filter and its masks, as the server said, each with
 * its function and arguments.
 *
 * @param table full name in lower case
 * @param groups of the principal, which policies may ask for: who leaves one sees otherwise
 */
record Policy(String table, JsonNode rules, List<String> groups) {

  /** All of it is seen. */
  boolean isEmpty() {
    return !hasFilter() && masks().isEmpty();
  }

  boolean hasFilter() {
    return filter().isObject();
  }

  JsonNode filter() {
    return rules.path("row_filter");
  }

  JsonNode masks() {
    return rules.path("column_masks");
  }

  Optional<JsonNode> mask(String column) {
    for (JsonNode mask : masks()) {
      if (mask.path("column").asText().equalsIgnoreCase(column)) {
        return Optional.of(mask);
      }
    }
    return Optional.empty();
  }

  boolean masks(String column) {
    return mask(column).isPresent();
  }

  /** Full names of the functions that are applied to whoever reads, who need no right on them. */
  Set<String> functions() {
    Set<String> names = new HashSet<>();
    if (hasFilter()) {
      names.add(function(filter()));
    }
    masks().forEach(mask -> names.add(function(mask)));
    return names;
  }

  private static String function(JsonNode rule) {
    return rule.path("function").path("full_name").asText().toLowerCase(Locale.ROOT);
  }

  /** Its text would tell who reads a plan what is hidden from them. */
  @Override
  public String toString() {
    return table;
  }
}
