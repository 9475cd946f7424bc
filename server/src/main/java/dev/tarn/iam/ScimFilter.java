package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.tarn.database.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A filter of SCIM (RFC 7644 §3.4.2.2) as a tree: {@code and} binds closer than {@code or}. Names
 * and operators have no case. {@link ScimQuery} makes SQL of it; what is in brackets of a path of a
 * PATCH is asked of elements here.
 */
sealed interface ScimFilter {
  int MOST_NODES = 200;

  record And(ScimFilter left, ScimFilter right) implements ScimFilter {}

  record Or(ScimFilter left, ScimFilter right) implements ScimFilter {}

  record Not(ScimFilter filter) implements ScimFilter {}

  /**
   * @param path name of the attribute, perhaps with its schema and a sub-attribute, as it was given
   * @param operator eq, ne, co, sw, ew, gt, ge, lt, le or pr
   * @param value text, number, boolean or null; missing for pr
   */
  record Compare(String path, String operator, JsonNode value) implements ScimFilter {
    private boolean fitsValue(JsonNode found) {
      boolean there = found != null && !found.isNull() && !found.asText().isEmpty();
      if (operator.equals("pr")) {
        return there;
      }
      if (value.isNull() || !there) {
        return operator.equals("eq") ? value.isNull() && !there : operator.equals("ne");
      }
      String is = Principals.folded(found.asText());
      String wanted = Principals.folded(value.asText());
      return switch (operator) {
        case "eq" -> is.equals(wanted);
        case "ne" -> !is.equals(wanted);
        case "co" -> is.contains(wanted);
        case "sw" -> is.startsWith(wanted);
        case "ew" -> is.endsWith(wanted);
        case "gt" -> is.compareTo(wanted) > 0;
        case "ge" -> is.compareTo(wanted) >= 0;
        case "lt" -> is.compareTo(wanted) < 0;
        default -> is.compareTo(wanted) <= 0;
      };
    }
  }

  /** One element of {@code path} fits all of {@code filter}. */
  record Element(String path, ScimFilter filter) implements ScimFilter {}

  /**
   * @throws BadRequest it does not parse, or has more than {@value #MOST_NODES} nodes
   */
  static ScimFilter parse(String text) {
    Parser parser = new Parser(text, problem -> invalid(text, problem));
    ScimFilter filter = parser.or(0);
    parser.end();
    return filter;
  }

  static BadRequest invalid(String text, String expected) {
    return new BadRequest(
        "INVALID_FILTER",
        "filter: '" + Scim.shortened(text) + "' (expected: " + expected + ")",
        null);
  }

  /** Whether an element of a multi-valued attribute fits; its sub-attributes are simple. */
  default boolean fits(JsonNode element) {
    return switch (this) {
      case And and -> and.left.fits(element) && and.right.fits(element);
      case Or or -> or.left.fits(element) || or.right.fits(element);
      case Not not -> !not.filter.fits(element);
      case Element inner -> false;
      case Compare compare -> {
        JsonNode found = null;
        for (var field : element.properties()) {
          if (field.getKey().equalsIgnoreCase(compare.path)) {
            found = field.getValue();
          }
        }
        yield compare.fitsValue(found);
      }
    };
  }

  /** What an element must have to fit, when that is all the filter says; else empty. */
  default List<Compare> equalities() {
    return switch (this) {
      case Compare compare when compare.operator.equals("eq") -> List.of(compare);
      case And and when !and.left.equalities().isEmpty() && !and.right.equalities().isEmpty() -> {
        List<Compare> both = new ArrayList<>(and.left.equalities());
        both.addAll(and.right.equalities());
        yield both;
      }
      default -> List.of();
    };
  }

  /** A tokenizer and the rules of the grammar, one method each. */
  final class Parser {
    private static final Pattern TOKEN =
        Pattern.compile(
            "\\s*(?:([()\\[\\]])|(\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*')|([^\\s()\\[\\]\"]+))\\s*");
    private static final List<String> OPERATORS =
        List.of("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le");
    private static final int DEPTH = 50;

    private final List<String> tokens = new ArrayList<>();
    private final Function<String, BadRequest> invalid;
    private int next;
    private int nodes;

    Parser(String text, Function<String, BadRequest> invalid) {
      this.invalid = invalid;
      Matcher matcher = TOKEN.matcher(text);
      int at = 0;
      while (at < text.length()) {
        if (!matcher.find(at) || matcher.start() != at) {
          throw invalid.apply("attribute operator \"value\", joined by and, or, not ( )");
        }
        tokens.add(
            matcher.group(1) != null
                ? matcher.group(1)
                : matcher.group(2) != null ? matcher.group(2) : matcher.group(3));
        at = matcher.end();
      }
    }

    private String peek() {
      return next < tokens.size() ? tokens.get(next) : "";
    }

    private boolean take(String token) {
      if (peek().equalsIgnoreCase(token)) {
        next++;
        return true;
      }
      return false;
    }

    void end() {
      if (next < tokens.size()) {
        throw invalid.apply("nothing after '" + Scim.shortened(tokens.get(next - 1)) + "'");
      }
    }

    private <T extends ScimFilter> T node(T node) {
      if (++nodes > MOST_NODES) {
        throw invalid.apply("at most " + MOST_NODES + " nodes");
      }
      return node;
    }

    ScimFilter or(int depth) {
      if (depth > DEPTH) {
        throw invalid.apply("brackets at most " + DEPTH + " deep");
      }
      ScimFilter left = and(depth);
      while (take("or")) {
        left = node(new Or(left, and(depth)));
      }
      return left;
    }

    private ScimFilter and(int depth) {
      ScimFilter left = one(depth);
      while (take("and")) {
        left = node(new And(left, one(depth)));
      }
      return left;
    }

    private ScimFilter one(int depth) {
      if (take("(")) {
        return closed(or(depth + 1), ")");
      }
      if (peek().equalsIgnoreCase("not")
          && next + 1 < tokens.size()
          && tokens.get(next + 1).equals("(")) {
        next += 2;
        return node(new Not(closed(or(depth + 1), ")")));
      }
      String path = name();
      if (take("[")) {
        return node(new Element(path, closed(or(depth + 1), "]")));
      }
      if (take("pr")) {
        return node(new Compare(path, "pr", null));
      }
      String operator = peek().toLowerCase(Locale.ROOT);
      if (!OPERATORS.contains(operator)) {
        throw invalid.apply("one of " + OPERATORS + " or pr after '" + Scim.shortened(path) + "'");
      }
      next++;
      return node(new Compare(path, operator, value()));
    }

    private ScimFilter closed(ScimFilter filter, String bracket) {
      if (!take(bracket)) {
        throw invalid.apply("a closing '" + bracket + "'");
      }
      return filter;
    }

    /** Some clients quote the names of attributes too. */
    private String name() {
      String token = peek();
      if (token.isEmpty() || "()[]".contains(token)) {
        throw invalid.apply("the name of an attribute");
      }
      next++;
      return token.startsWith("\"") ? token.substring(1, token.length() - 1) : token;
    }

    private JsonNode value() {
      String token = peek();
      if (token.isEmpty() || "()[]".contains(token)) {
        throw invalid.apply("a value after '" + Scim.shortened(tokens.get(next - 1)) + "'");
      }
      next++;
      if (token.startsWith("\"")) {
        try {
          return Json.MAPPER.readTree(token);
        } catch (JsonProcessingException e) {
          throw invalid.apply("a JSON string in place of " + Scim.shortened(token));
        }
      }
      if (token.startsWith("'") && token.length() > 1) { // as Terraform asks for groups
        return new TextNode(token.substring(1, token.length() - 1));
      }
      return switch (token.toLowerCase(Locale.ROOT)) {
        case "true" -> BooleanNode.TRUE;
        case "false" -> BooleanNode.FALSE;
        case "null" -> NullNode.instance;
        default -> new TextNode(token); // numbers are text too: nothing here is counted
      };
    }
  }
}
