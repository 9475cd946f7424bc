package dev.tarn.cloudformation;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * A CloudFormation template, read and checked as far as it can be without parameters.
 *
 * <p>Values are {@code String} (every scalar, as CloudFormation hands them to custom resources),
 * {@code List}, {@code Map} and {@link Intrinsic}. What this does not know (a section, an attribute
 * of a resource, a function) is an error that names it: a template that is carried out in part is
 * worse than one that is refused.
 */
record Template(
    String description,
    Map<String, Object> metadata,
    Map<String, Parameter> parameters,
    Map<String, Object> conditions,
    Map<String, Resource> resources,
    Map<String, Output> outputs) {

  static final Pattern SUBSTITUTION = Pattern.compile("\\$\\{(!?)([^}]*)}");
  private static final Set<String> FUNCTIONS =
      Set.of(
          "Ref",
          "Condition",
          "Fn::GetAtt",
          "Fn::Sub",
          "Fn::Join",
          "Fn::Select",
          "Fn::Split",
          "Fn::If",
          "Fn::Equals",
          "Fn::Not",
          "Fn::And",
          "Fn::Or");
  private static final Set<String> SECTIONS =
      Set.of(
          "AWSTemplateFormatVersion",
          "Description",
          "Metadata",
          "Parameters",
          "Conditions",
          "Resources",
          "Outputs");

  /** A function call, {@code !Sub x} and {@code Fn::Sub: x} alike. */
  record Intrinsic(String name, Object argument) {}

  /**
   * @param defaultValue null when a value must be given
   */
  record Parameter(
      String name,
      String description,
      String defaultValue,
      boolean noEcho,
      Pattern allowedPattern,
      List<String> allowedValues,
      int minLength,
      int maxLength,
      String expectation) {

    /**
     * The value if it is allowed.
     *
     * @throws InvalidParameterValue it is not; a NoEcho value is not repeated
     */
    String checked(String value) {
      boolean allowed =
          value.length() >= minLength
              && value.length() <= maxLength
              && (allowedPattern == null || allowedPattern.matcher(value).matches())
              && (allowedValues.isEmpty() || allowedValues.contains(value));
      if (allowed) {
        return value;
      }
      throw invalid(
          "Parameter "
              + name
              + ": '"
              + (noEcho ? "****" : shortened(value))
              + "' (expected: "
              + expected()
              + ")");
    }

    private String expected() {
      if (expectation != null) {
        return expectation;
      }
      if (!allowedValues.isEmpty()) {
        return "one of " + allowedValues;
      }
      return minLength
          + " to "
          + maxLength
          + " characters"
          + (allowedPattern == null ? "" : " matching " + allowedPattern);
    }
  }

  /** {@code condition} is null when the resource is always there. */
  record Resource(
      String logicalId, String type, String condition, Set<String> dependsOn, Object properties) {}

  record Output(String description, String condition, Object value) {}

  /**
   * Reads a template.
   *
   * @throws InvalidParameterValue it is not YAML, or has something in it that cannot be carried out
   */
  static Template parse(String yaml) {
    Map<String, Object> root;
    try {
      LoaderOptions options = new LoaderOptions();
      options.setAllowDuplicateKeys(false);
      options.setMaxAliasesForCollections(0);
      root = map(convert(new Yaml(options).compose(new StringReader(yaml))), "the template");
    } catch (YAMLException e) {
      throw invalid("Template format error: YAML not well-formed: " + e.getMessage());
    }
    known("section", root.keySet(), SECTIONS);
    Map<String, Parameter> parameters = new LinkedHashMap<>();
    section(root, "Parameters").forEach((name, p) -> parameters.put(name, parameter(name, p)));
    Map<String, Resource> resources = new LinkedHashMap<>();
    section(root, "Resources").forEach((id, r) -> resources.put(id, resource(id, r)));
    if (resources.isEmpty()) {
      throw invalid("Template format error: At least one Resources member must be defined.");
    }
    Map<String, Output> outputs = new LinkedHashMap<>();
    section(root, "Outputs").forEach((name, o) -> outputs.put(name, output(name, o)));
    Template template =
        new Template(
            root.get("Description") instanceof String text ? text : "",
            section(root, "Metadata"),
            parameters,
            section(root, "Conditions"),
            resources,
            outputs);
    template.check();
    return template;
  }

  /** Every resource or parameter this value reads or names, in the branches not taken too. */
  static Set<String> references(Object value) {
    return uses(value).keySet();
  }

  /**
   * What this value reads, and how: {@code Ref} for a name or parameter, {@code GetAtt Arn} for an
   * attribute. Branches not taken count too.
   */
  static Map<String, Set<String>> uses(Object value) {
    Map<String, Set<String>> uses = new LinkedHashMap<>();
    visit(
        value,
        intrinsic -> {
          switch (intrinsic.name()) {
            case "Ref" -> use(uses, text(intrinsic.argument(), "Ref"));
            case "Fn::GetAtt" -> use(uses, String.join(".", getAtt(intrinsic)));
            case "Fn::Sub" -> {
              Object argument = intrinsic.argument();
              Map<String, Object> own =
                  argument instanceof List<?> list && list.size() == 2
                      ? map(list.get(1), "Fn::Sub")
                      : Map.of();
              Matcher matcher = SUBSTITUTION.matcher(subText(argument));
              while (matcher.find()) {
                if (matcher.group(1).isEmpty() && !own.containsKey(matcher.group(2).trim())) {
                  use(uses, matcher.group(2).trim());
                }
              }
            }
            default -> {}
          }
        });
    return uses;
  }

  private static void use(Map<String, Set<String>> uses, String dotted) {
    String[] path = dotted.split("\\.", 2);
    uses.computeIfAbsent(path[0], name -> new TreeSet<>())
        .add(path.length == 1 ? "Ref" : "GetAtt " + path[1]);
  }

  /** {@code {"logicalId", "attribute"}}. */
  static String[] getAtt(Intrinsic intrinsic) {
    if (intrinsic.argument() instanceof String dotted && dotted.indexOf('.') > 0) {
      return dotted.split("\\.", 2);
    }
    if (intrinsic.argument() instanceof List<?> list
        && list.size() == 2
        && list.get(0) instanceof String id
        && list.get(1) instanceof String attribute) {
      return new String[] {id, attribute};
    }
    throw invalid("Fn::GetAtt (expected: a logical id and an attribute)");
  }

  /** The text of both forms of {@code Fn::Sub}. */
  static String subText(Object argument) {
    if (argument instanceof List<?> list && list.size() == 2 && list.get(0) instanceof String s) {
      return s;
    }
    return text(argument, "Fn::Sub");
  }

  static String text(Object value, String where) {
    if (value instanceof String text) {
      return text;
    }
    throw invalid(where + " (expected: a text)");
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> map(Object value, String where) {
    if (value instanceof Map) {
      return (Map<String, Object>) value;
    }
    throw invalid("Template format error: " + where + " (expected: a map)");
  }

  static InvalidParameterValue invalid(String message) {
    return new InvalidParameterValue(message, null);
  }

  static String shortened(String value) {
    return value.length() <= 80 ? value : value.substring(0, 80) + "…";
  }

  private void check() {
    Set<String> names = new LinkedHashSet<>(parameters.keySet());
    names.addAll(resources.keySet());
    names.addAll(Scope.PSEUDO_PARAMETERS);
    conditions.forEach(
        (name, condition) -> {
          // Conditions are decided before there are resources.
          for (String reference : references(condition)) {
            if (!parameters.containsKey(reference)
                && !Scope.PSEUDO_PARAMETERS.contains(reference)) {
              throw invalid(
                  "Template error: condition "
                      + name
                      + " refers to '"
                      + reference
                      + "' (expected: a parameter)");
            }
          }
          conditionsOf(condition);
        });
    resources.forEach(
        (id, resource) -> {
          resolved(id, references(resource.properties()), names);
          resolved(id, resource.dependsOn(), resources.keySet());
          condition(resource.condition());
          conditionsOf(resource.properties());
        });
    outputs.forEach(
        (name, output) -> {
          resolved("output " + name, references(output.value()), names);
          condition(output.condition());
          conditionsOf(output.value());
        });
  }

  private static void resolved(String where, Set<String> references, Set<String> names) {
    for (String reference : references) {
      if (!names.contains(reference)) {
        throw invalid(
            "Template error: unresolved reference '"
                + reference
                + "' in "
                + where
                + " (expected: a parameter or a resource of the template)");
      }
    }
  }

  private void conditionsOf(Object value) {
    visit(
        value,
        intrinsic -> {
          if (intrinsic.name().equals("Condition")) {
            condition(text(intrinsic.argument(), "Condition"));
          } else if (intrinsic.name().equals("Fn::If")
              && intrinsic.argument() instanceof List<?> list
              && !list.isEmpty()) {
            condition(text(list.getFirst(), "Fn::If"));
          }
        });
  }

  private void condition(String name) {
    if (name != null && !conditions.containsKey(name)) {
      throw invalid("Template error: condition '" + name + "' is not defined");
    }
  }

  private static void visit(Object value, Consumer<Intrinsic> each) {
    switch (value) {
      case Intrinsic intrinsic -> {
        each.accept(intrinsic);
        visit(intrinsic.argument(), each);
      }
      case Map<?, ?> map -> map.values().forEach(v -> visit(v, each));
      case List<?> list -> list.forEach(v -> visit(v, each));
      case null, default -> {}
    }
  }

  private static Parameter parameter(String name, Object value) {
    Map<String, Object> p = map(value, "parameter " + name);
    known(
        "attribute of parameter " + name,
        p.keySet(),
        Set.of(
            "Type",
            "Description",
            "Default",
            "NoEcho",
            "AllowedPattern",
            "AllowedValues",
            "MinLength",
            "MaxLength",
            "ConstraintDescription"));
    if (!"String".equals(p.get("Type"))) {
      throw invalid(
          "Template format error: type '"
              + p.get("Type")
              + "' of parameter "
              + name
              + " (expected: String)");
    }
    List<String> allowed = new ArrayList<>();
    if (p.get("AllowedValues") instanceof List<?> list) {
      list.forEach(v -> allowed.add(text(v, "AllowedValues")));
    }
    return new Parameter(
        name,
        (String) p.getOrDefault("Description", ""),
        (String) p.get("Default"),
        "true".equals(p.get("NoEcho")),
        p.get("AllowedPattern") instanceof String pattern ? Pattern.compile(pattern) : null,
        allowed,
        Integer.parseInt((String) p.getOrDefault("MinLength", "0")),
        Integer.parseInt((String) p.getOrDefault("MaxLength", "4096")),
        (String) p.get("ConstraintDescription"));
  }

  private static Resource resource(String id, Object value) {
    Map<String, Object> r = map(value, "resource " + id);
    known(
        "attribute of resource " + id,
        r.keySet(),
        Set.of("Type", "Properties", "Condition", "DependsOn", "Metadata"));
    Set<String> dependsOn = new LinkedHashSet<>();
    switch (r.get("DependsOn")) {
      case null -> {}
      case List<?> list -> list.forEach(d -> dependsOn.add(text(d, "DependsOn")));
      case Object one -> dependsOn.add(text(one, "DependsOn"));
    }
    return new Resource(
        id,
        text(r.get("Type"), "Type of resource " + id),
        (String) r.get("Condition"),
        dependsOn,
        r.getOrDefault("Properties", Map.of()));
  }

  private static Output output(String name, Object value) {
    Map<String, Object> o = map(value, "output " + name);
    known("attribute of output " + name, o.keySet(), Set.of("Value", "Description", "Condition"));
    return new Output(
        (String) o.getOrDefault("Description", ""), (String) o.get("Condition"), o.get("Value"));
  }

  private static Map<String, Object> section(Map<String, Object> root, String name) {
    return map(root.getOrDefault(name, Map.of()), name);
  }

  private static void known(String what, Set<String> names, Set<String> known) {
    for (String name : names) {
      if (!known.contains(name)) {
        throw invalid(
            "Template format error: "
                + what
                + " '"
                + name
                + "' is not supported by the embedded runner (expected: one of "
                + new TreeSet<>(known)
                + ")");
      }
    }
  }

  private static Object convert(Node node) {
    if (node == null) {
      throw invalid("Template format error: it is empty");
    }
    Tag tag = node.getTag();
    Object value =
        switch (node) {
          case ScalarNode scalar -> tag.equals(Tag.NULL) ? null : scalar.getValue();
          case SequenceNode sequence -> {
            List<Object> list = new ArrayList<>();
            sequence.getValue().forEach(element -> list.add(convert(element)));
            yield list;
          }
          case MappingNode mapping -> {
            Map<String, Object> map = new LinkedHashMap<>();
            for (NodeTuple entry : mapping.getValue()) {
              String key = text(convert(entry.getKeyNode()), "a key");
              if (map.put(key, convert(entry.getValueNode())) != null) {
                throw invalid("Template format error: '" + key + "' is there twice");
              }
            }
            yield map;
          }
          default -> throw invalid("Template format error: anchors are not supported");
        };
    String name = tag.getValue();
    if (name.startsWith("!")) {
      String plain = name.substring(1);
      return intrinsic(
          plain.equals("Ref") || plain.equals("Condition") ? plain : "Fn::" + plain, value);
    }
    if (value instanceof Map<?, ?> map && map.size() == 1) {
      String key = (String) map.keySet().iterator().next();
      Object argument = map.get(key);
      // {"Condition": {…}} is a part of IAM's statements; {"Condition": "name"} is ours.
      if (key.equals("Ref")
          || key.startsWith("Fn::")
          || (key.equals("Condition") && argument instanceof String)) {
        return intrinsic(key, argument);
      }
    }
    return value;
  }

  private static Intrinsic intrinsic(String name, Object argument) {
    if (!FUNCTIONS.contains(name)) {
      throw invalid(
          "Template error: function '"
              + name
              + "' is not supported by the embedded runner (expected: one of "
              + new TreeSet<>(FUNCTIONS)
              + ")");
    }
    return new Intrinsic(name, argument);
  }
}
