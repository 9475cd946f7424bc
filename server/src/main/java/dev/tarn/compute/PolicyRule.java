package dev.tarn.compute;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/**
 * What a policy says of one attribute.
 *
 * @param defaultValue null for none
 * @param optional whether the attribute may be left out
 */
record PolicyRule(
    ClusterAttribute attribute, Limit limit, JsonNode defaultValue, boolean optional) {
  private static final int LONGEST_PATTERN = 4096;

  /** Enough for any sane pattern on a value of some thousand characters, and done in 20 ms. */
  private static final int STEPS = 1_000_000;

  /** Empty repetitions read no character, so only the pattern tells of them. */
  private static final long REPETITIONS = 10_000;

  private static final Pattern REPETITION = Pattern.compile("\\{(\\d+)(?:,(\\d*))?\\}");
  private static final int SHOWN = 20;

  private static final Set<String> ALIASES =
      Set.of(
          "auto:latest",
          "auto:latest-ml",
          "auto:latest-lts",
          "auto:latest-lts-ml",
          "auto:prev-major",
          "auto:prev-major-ml",
          "auto:prev-lts",
          "auto:prev-lts-ml");

  /** The fields of each type beside {@code type}. */
  private static final Map<String, Set<String>> FIELDS =
      Map.of(
          "fixed", Set.of("value", "hidden"),
          "forbidden", Set.of("hidden"),
          "allowlist", Set.of("values", "defaultValue", "isOptional"),
          "blocklist", Set.of("values", "defaultValue", "isOptional"),
          "regex", Set.of("pattern", "defaultValue", "isOptional"),
          "range", Set.of("minValue", "maxValue", "defaultValue", "isOptional"),
          "unlimited", Set.of("defaultValue", "isOptional", "hidden"));

  /** What a value must be, in words that follow "the value must". */
  sealed interface Limit {}

  record Fixed(JsonNode value) implements Limit {
    @Override
    public String toString() {
      return "be " + value.asText();
    }
  }

  record Forbidden() implements Limit {
    @Override
    public String toString() {
      return "not be present";
    }
  }

  record Allowed(List<JsonNode> values) implements Limit {
    @Override
    public String toString() {
      return "be one of " + listed(values);
    }
  }

  record Blocked(List<JsonNode> values) implements Limit {
    @Override
    public String toString() {
      return "not be one of " + listed(values);
    }
  }

  record Matching(Pattern pattern) implements Limit {
    @Override
    public String toString() {
      return "match the regular expression " + pattern;
    }
  }

  /** Either end may be null. */
  record Within(BigDecimal least, BigDecimal most) implements Limit {
    @Override
    public String toString() {
      if (least == null) {
        return "be at most " + most;
      }
      return most == null ? "be at least " + least : "be between " + least + " and " + most;
    }
  }

  record Unlimited() implements Limit {
    @Override
    public String toString() {
      return "";
    }
  }

  private static String listed(List<JsonNode> values) {
    return values.stream().limit(SHOWN).map(JsonNode::asText).collect(Collectors.joining(", "))
        + (values.size() > SHOWN ? " and " + (values.size() - SHOWN) + " more" : "");
  }

  /**
   * @param field the request's, for messages
   * @throws InvalidParameterValue it is no rule for {@code path}
   */
  static PolicyRule parse(String field, String path, JsonNode node) {
    return new Parsing(field + "." + path).rule(path, node);
  }

  /** The message of why {@code value} will not do; null when it will. */
  String violation(JsonNode value, UnaryOperator<String> versions) {
    String must = "the value must ";
    if (value == null) {
      if (optional || limit instanceof Forbidden || isNone(versions)) {
        return null;
      }
      return must + "be present" + (limit instanceof Unlimited ? "" : " and " + limit);
    }
    return permits(value, versions)
        ? null
        : must + limit + " (is \"" + (value.isValueNode() ? value.asText() : value) + "\")";
  }

  /** No delivery of logs is one of the values of its type. */
  private boolean isNone(UnaryOperator<String> versions) {
    TextNode none = TextNode.valueOf("NONE");
    return attribute.path().equals(ClusterAttribute.LOG_TYPE)
        && (limit instanceof Fixed || limit instanceof Allowed)
        && permits(none, versions);
  }

  private boolean permits(JsonNode value, UnaryOperator<String> versions) {
    BiPredicate<JsonNode, JsonNode> same = (a, b) -> isSame(a, b, versions);
    return switch (limit) {
      case Fixed(JsonNode only) -> same.test(only, value);
      case Forbidden _ -> false;
      case Allowed(List<JsonNode> values) -> values.stream().anyMatch(one -> same.test(one, value));
      case Blocked(List<JsonNode> values) ->
          values.stream().noneMatch(one -> same.test(one, value));
      case Matching(Pattern pattern) -> matches(pattern, value.asText());
      case Within(BigDecimal least, BigDecimal most) -> {
        BigDecimal number = number(value);
        yield number != null
            && (least == null || least.compareTo(number) <= 0)
            && (most == null || most.compareTo(number) >= 0);
      }
      case Unlimited _ -> true;
    };
  }

  private boolean isSame(JsonNode a, JsonNode b, UnaryOperator<String> versions) {
    if (a.isNumber()) {
      BigDecimal other = number(b);
      return other != null && a.decimalValue().compareTo(other) == 0;
    }
    return a.asText().equals(b.asText())
        || (attribute.path().equals(ClusterAttribute.SPARK_VERSION)
            && version(a.asText(), versions).equals(version(b.asText(), versions)));
  }

  /** What an alias stands for now; anything else is itself. */
  static String version(String version, UnaryOperator<String> versions) {
    return version.startsWith("auto:") ? versions.apply(version) : version;
  }

  /** Null for what is none. */
  private static BigDecimal number(JsonNode value) {
    try {
      return value.isNumber() ? value.decimalValue() : new BigDecimal(value.asText());
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /**
   * The whole of {@code text}. A pattern that takes a million steps does not match: whoever writes
   * a policy must not stop the server, and whoever it limits must not go past it by a long value.
   */
  private static boolean matches(Pattern pattern, String text) {
    try {
      return pattern.matcher(new Counted(text)).matches();
    } catch (TooManySteps | StackOverflowError e) {
      return false;
    }
  }

  private static final class TooManySteps extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** Backtracking reads characters again and again; each time counts. */
  private static final class Counted implements CharSequence {
    private final String text;
    private int steps;

    Counted(String text) {
      this.text = text;
    }

    @Override
    public char charAt(int index) {
      if (++steps > STEPS) {
        throw new TooManySteps();
      }
      return text.charAt(index);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.subSequence(start, end);
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /**
   * The value that mends a violation, null when the rule names none: what is fixed or the default,
   * the nearer end of a range, the only value of a list.
   *
   * @param value what there is, null for nothing
   */
  JsonNode remedy(JsonNode value) {
    if (limit instanceof Fixed(JsonNode only)) {
      return only;
    }
    if (defaultValue != null) {
      return defaultValue;
    }
    if (limit instanceof Allowed(List<JsonNode> values) && values.size() == 1) {
      return values.getFirst();
    }
    if (limit instanceof Within(BigDecimal least, BigDecimal most)
        && value != null
        && !attribute.isVirtual()
        && number(value) != null) {
      BigDecimal end = least != null && number(value).compareTo(least) < 0 ? least : most;
      return attribute.inMap()
          ? TextNode.valueOf(end.toString())
          : LongNode.valueOf(end.longValueExact());
    }
    return null;
  }

  /** Reads one rule; {@code where} it stands begins each message. */
  private record Parsing(String where) {
    PolicyRule rule(String path, JsonNode node) {
      ClusterAttribute attribute =
          ClusterAttribute.of(path)
              .orElseThrow(
                  () ->
                      bad(
                          where,
                          path,
                          "the path of a cluster's attribute, such as num_workers,"
                              + " spark_conf.KEY, custom_tags.NAME or"
                              + " init_scripts.*.s3.destination"));
      if (!(node instanceof ObjectNode fields)) {
        throw bad(where, node, "an object with a type");
      }
      JsonNode type = fields.path("type");
      if (!type.isTextual() || !FIELDS.containsKey(type.asText())) {
        throw bad(where + ".type", type, "one of " + new TreeSet<>(FIELDS.keySet()));
      }
      Set<String> known = FIELDS.get(type.asText());
      for (Map.Entry<String, JsonNode> given : fields.properties()) {
        if (!given.getKey().equals("type") && !known.contains(given.getKey())) {
          throw bad(
              where + "." + given.getKey(),
              given.getValue(),
              "a field of the type " + type.asText() + ": " + new TreeSet<>(known));
        }
      }
      flag(fields, "hidden");
      PolicyRule bare =
          new PolicyRule(
              attribute, limit(attribute, type.asText(), fields), null, flag(fields, "isOptional"));
      if (!fields.has("defaultValue")) {
        return bare;
      }
      if (attribute.isVirtual()) {
        throw bad(
            where + ".defaultValue",
            fields.get("defaultValue"),
            "none: it follows from the rest of the cluster");
      }
      JsonNode value = value(attribute, "defaultValue", fields.get("defaultValue"));
      if (!bare.permits(value, UnaryOperator.identity())) {
        throw bad(where + ".defaultValue", value, "what the rule allows: must " + bare.limit);
      }
      return new PolicyRule(attribute, bare.limit, value, bare.optional);
    }

    private Limit limit(ClusterAttribute attribute, String type, ObjectNode fields) {
      String path = attribute.path();
      if (path.equals(ClusterAttribute.DBUS_PER_HOUR) && !type.equals("range")) {
        throw bad(where + ".type", fields.get("type"), "range");
      }
      if (path.equals(ClusterAttribute.CLUSTER_TYPE) && type.equals("unlimited")) {
        throw bad(where + ".type", fields.get("type"), "fixed, allowlist, blocklist or regex");
      }
      return switch (type) {
        case "fixed" -> new Fixed(value(attribute, "value", fields.path("value")));
        case "forbidden" -> {
          if (path.equals(ClusterAttribute.SPARK_VERSION)
              || path.equals(ClusterAttribute.CLUSTER_TYPE)) {
            throw bad(
                where + ".type", fields.get("type"), "another type: every cluster has a " + path);
          }
          yield new Forbidden();
        }
        case "allowlist" -> new Allowed(values(attribute, fields.path("values")));
        case "blocklist" -> new Blocked(values(attribute, fields.path("values")));
        case "regex" -> new Matching(pattern(fields.path("pattern")));
        case "range" -> within(attribute, fields);
        default -> new Unlimited();
      };
    }

    private List<JsonNode> values(ClusterAttribute attribute, JsonNode list) {
      if (!list.isArray() || list.isEmpty()) {
        throw bad(where + ".values", list, "a list of at least one value");
      }
      List<JsonNode> values = new ArrayList<>();
      for (int i = 0; i < list.size(); i++) {
        values.add(value(attribute, "values[" + i + "]", list.get(i)));
      }
      return List.copyOf(values);
    }

    /** A value that the attribute can have. In a map of texts a number is what it is written as. */
    private JsonNode value(ClusterAttribute attribute, String name, JsonNode value) {
      JsonNode read =
          switch (attribute.kind()) {
            case TEXT ->
                value.isTextual() || (attribute.inMap() && (value.isNumber() || value.isBoolean()))
                    ? TextNode.valueOf(value.asText())
                    : null;
            case INTEGER -> whole(value);
            case DECIMAL -> value.isNumber() ? DecimalNode.valueOf(value.decimalValue()) : null;
            case BOOLEAN -> value.isBoolean() ? BooleanNode.valueOf(value.asBoolean()) : null;
          };
      if (read == null) {
        throw bad(where + "." + name, value, attribute.kind().expected);
      }
      String text = read.asText();
      if (!attribute.values().isEmpty() && !attribute.values().contains(text)) {
        throw bad(where + "." + name, value, "one of " + new TreeSet<>(attribute.values()));
      }
      if (attribute.path().equals(ClusterAttribute.SPARK_VERSION)
          && text.startsWith("auto:")
          && !ALIASES.contains(text)) {
        throw bad(where + "." + name, value, "a version, or one of " + new TreeSet<>(ALIASES));
      }
      return read;
    }

    private static JsonNode whole(JsonNode value) {
      try {
        return value.isNumber() ? LongNode.valueOf(value.decimalValue().longValueExact()) : null;
      } catch (ArithmeticException e) {
        return null;
      }
    }

    private Pattern pattern(JsonNode value) {
      if (!value.isTextual() || value.asText().length() > LONGEST_PATTERN) {
        throw bad(
            where + ".pattern",
            value,
            "a regular expression of at most " + LONGEST_PATTERN + " characters");
      }
      long repetitions = 1;
      for (var given : REPETITION.matcher(value.asText()).results().toList()) {
        String most = given.group(2) == null || given.group(2).isEmpty() ? "0" : given.group(2);
        BigDecimal times = new BigDecimal(given.group(1)).max(new BigDecimal(most));
        repetitions *=
            times.min(BigDecimal.valueOf(REPETITIONS + 1)).max(BigDecimal.ONE).longValue();
        if (repetitions > REPETITIONS) {
          throw bad(
              where + ".pattern",
              value,
              "numbers of repetitions whose product is at most " + REPETITIONS);
        }
      }
      try {
        return Pattern.compile(value.asText());
      } catch (PatternSyntaxException | StackOverflowError e) {
        throw bad(
            where + ".pattern",
            value,
            "a regular expression; "
                + (e instanceof PatternSyntaxException syntax
                    ? syntax.getDescription() + " near index " + syntax.getIndex()
                    : "nested too deep"));
      }
    }

    private Within within(ClusterAttribute attribute, ObjectNode fields) {
      if (!attribute.inMap()
          && attribute.kind() != ClusterAttribute.Kind.INTEGER
          && attribute.kind() != ClusterAttribute.Kind.DECIMAL) {
        throw bad(
            where + ".type",
            fields.get("type"),
            "another type: " + attribute.path() + " is " + attribute.kind().expected);
      }
      BigDecimal least = end(attribute, fields, "minValue");
      BigDecimal most = end(attribute, fields, "maxValue");
      if (least == null && most == null) {
        throw bad(where, fields, "minValue, maxValue or both");
      }
      if (least != null && most != null && least.compareTo(most) > 0) {
        throw bad(where + ".minValue", fields.get("minValue"), "at most maxValue, " + most);
      }
      return new Within(least, most);
    }

    private BigDecimal end(ClusterAttribute attribute, ObjectNode fields, String name) {
      JsonNode value = fields.get(name);
      if (value == null) {
        return null;
      }
      boolean integer = attribute.kind() == ClusterAttribute.Kind.INTEGER;
      if (!value.isNumber() || (integer && whole(value) == null)) {
        throw bad(where + "." + name, value, integer ? "a whole number" : "a number");
      }
      return integer ? whole(value).decimalValue() : value.decimalValue();
    }

    private boolean flag(ObjectNode fields, String name) {
      JsonNode value = fields.path(name);
      if (!value.isMissingNode() && !value.isBoolean()) {
        throw bad(where + "." + name, value, "true or false");
      }
      return value.asBoolean();
    }
  }

  /** The error of a definition: where, what is there, what was expected. */
  static InvalidParameterValue bad(String where, Object value, String expected) {
    String shown = value instanceof JsonNode node && node.isMissingNode() ? "missing" : value + "";
    return new InvalidParameterValue(
        where
            + ": "
            + (shown.length() > 200 ? shown.substring(0, 200) + "…" : shown)
            + " (expected: "
            + expected
            + ")",
        null);
  }
}
