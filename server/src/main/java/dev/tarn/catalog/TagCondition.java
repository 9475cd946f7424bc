package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import dev.tarn.access.Names;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code has_tag('k') AND NOT (has_tag_value('k', 'v') OR …)} of a policy, over the tags of a table
 * or column.
 */
final class TagCondition {
  private static final Pattern TOKEN =
      Pattern.compile("\\s*(?:([A-Za-z_]\\w*)|('(?:[^']|'')*+'|\"[^\"]*\")|([(),]))\\s*");
  private static final int DEEPEST = 50;
  private static final int LONGEST = 2000;

  private final String text;
  private final Map<String, String> tags;
  private final List<String> tokens = new ArrayList<>();
  private int at;
  private int depth;

  private TagCondition(String text, Map<String, String> tags) {
    this.text = text;
    this.tags = tags;
    if (text == null || text.length() > LONGEST) {
      throw wrong();
    }
    Matcher token = TOKEN.matcher(text);
    int end = 0;
    while (end < text.length()) {
      if (!token.find(end) || token.start() != end) {
        throw wrong();
      }
      tokens.add(token.group().strip());
      end = token.end();
    }
  }

  /**
   * @param tags values by key; "" without one
   * @throws InvalidParameterValue it is not a condition
   */
  static boolean holds(String text, Map<String, String> tags) {
    TagCondition condition = new TagCondition(text, tags);
    boolean holds = condition.or();
    if (condition.at < condition.tokens.size()) {
      throw condition.wrong();
    }
    return holds;
  }

  /**
   * @throws InvalidParameterValue it is not a condition
   */
  static void require(String text) {
    boolean unused = holds(text, Map.of());
  }

  private InvalidParameterValue wrong() {
    return new InvalidParameterValue(
        "condition: "
            + Names.shown(text)
            + " (expected: has_tag('key') or has_tag_value('key', 'value'), with AND, OR, NOT and parentheses, at"
            + " most "
            + LONGEST
            + " characters)",
        null);
  }

  private boolean or() {
    boolean holds = and();
    while (next("OR")) {
      holds |= and();
    }
    return holds;
  }

  private boolean and() {
    boolean holds = not();
    while (next("AND")) {
      holds &= not();
    }
    return holds;
  }

  private boolean not() {
    if (++depth > DEEPEST) {
      throw wrong();
    }
    boolean holds;
    if (next("NOT")) {
      holds = !not();
    } else if (next("(")) {
      holds = or();
      expect(")");
    } else {
      holds = call();
    }
    depth--;
    return holds;
  }

  private boolean call() {
    String name = token().toLowerCase(Locale.ROOT).replace("_", "");
    if (name.equals("true") || name.equals("false")) {
      return name.equals("true");
    }
    expect("(");
    String key = string();
    boolean holds;
    switch (name) {
      case "hastag" -> holds = tags.containsKey(key);
      case "hastagvalue" -> {
        expect(",");
        holds = string().equals(tags.get(key));
      }
      default -> throw wrong();
    }
    expect(")");
    return holds;
  }

  private boolean next(String word) {
    if (at < tokens.size() && tokens.get(at).equalsIgnoreCase(word)) {
      at++;
      return true;
    }
    return false;
  }

  private void expect(String word) {
    if (!next(word)) {
      throw wrong();
    }
  }

  private String token() {
    if (at >= tokens.size()) {
      throw wrong();
    }
    return tokens.get(at++);
  }

  private String string() {
    String token = token();
    char quote = token.charAt(0);
    if (quote != '\'' && quote != '"') {
      throw wrong();
    }
    return token.substring(1, token.length() - 1).replace("''", "'");
  }
}
