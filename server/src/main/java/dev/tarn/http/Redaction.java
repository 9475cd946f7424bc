package dev.tarn.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** What of a request may be kept in the audit log: no secrets, and not megabytes. */
final class Redaction {
  private static final Pattern SECRET =
      Pattern.compile(
          ".*(token|secret|password|passwd|assertion|private_?key|access_?key|key_?json|authorization"
              + "|string_value|bytes_value|code_verifier).*|code");

  /** Names that say which secret is meant, and are none themselves. */
  private static final Pattern NAME_OF_ONE =
      Pattern.compile(".*_(id|name|type|key_arn)|page_token");

  private static final int TEXT = 1000;
  private static final int ITEMS = 50;
  private static final int DEPTH = 8;

  private Redaction() {}

  static Map<String, Object> of(
      Map<String, String> path, Map<String, List<String>> query, JsonNode body) {
    Map<String, Object> kept = new LinkedHashMap<>();
    path.forEach((name, value) -> kept.put(name, isSecret(name) ? "REDACTED" : value));
    query.forEach(
        (name, values) ->
            kept.put(
                shortened(name),
                isSecret(name)
                    ? "REDACTED"
                    : shortened(values.size() == 1 ? values.getFirst() : values.toString())));
    if (body != null && body.isObject()) {
      body.properties().stream()
          .limit(ITEMS)
          .forEach(
              entry ->
                  kept.put(shortened(entry.getKey()), kept(entry.getKey(), entry.getValue(), 0)));
    } else if (body != null) {
      kept.put("body", kept("body", body, 0));
    }
    return kept;
  }

  private static Object kept(String name, JsonNode value, int depth) {
    if (isSecret(name) && !value.isNull() && !value.isBoolean()) {
      return "REDACTED";
    } else if (value.isTextual()) {
      return shortened(value.textValue());
    } else if (value.isNull()) {
      return null;
    } else if (value.isBoolean()) {
      return value.booleanValue();
    } else if (value.isValueNode()) {
      return shortened(value.asText());
    } else if (depth == DEPTH) {
      return "…";
    } else if (value.isArray()) {
      List<Object> items = new ArrayList<>();
      for (int i = 0; i < Math.min(value.size(), ITEMS); i++) {
        items.add(kept(name, value.get(i), depth + 1));
      }
      return items;
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    // The name of a parameter may be in a field beside its value.
    boolean secret = isSecret(value.path("key").asText()) || isSecret(value.path("name").asText());
    value.properties().stream()
        .limit(ITEMS)
        .forEach(
            entry ->
                fields.put(
                    shortened(entry.getKey()),
                    secret && entry.getKey().endsWith("value")
                        ? "REDACTED"
                        : kept(entry.getKey(), entry.getValue(), depth + 1)));
    return fields;
  }

  private static boolean isSecret(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return SECRET.matcher(lower).matches() && !NAME_OF_ONE.matcher(lower).matches();
  }

  private static String shortened(String text) {
    return text.codePointCount(0, text.length()) <= TEXT
        ? text
        : text.substring(0, text.offsetByCodePoints(0, TEXT)) + "…";
  }
}
