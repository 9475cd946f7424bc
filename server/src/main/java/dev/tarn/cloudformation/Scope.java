package dev.tarn.cloudformation;

import dev.tarn.cloudformation.Template.Intrinsic;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.stream.Collectors;

/**
 * What the functions of a template mean in one stack: its parameters, its pseudo parameters, and
 * what its resources have become so far.
 */
final class Scope {
  static final Set<String> PSEUDO_PARAMETERS =
      Set.of(
          "AWS::AccountId",
          "AWS::NoValue",
          "AWS::Partition",
          "AWS::Region",
          "AWS::StackId",
          "AWS::StackName",
          "AWS::URLSuffix");

  /** Stands where a property is to be left out. */
  private static final Object NO_VALUE = new Object();

  private final Template template;
  private final Map<String, String> parameters;
  private final Map<String, String> pseudo;
  private final Map<String, Boolean> decided = new LinkedHashMap<>();
  private final Set<String> deciding = new HashSet<>();
  private final Set<String> included = new LinkedHashSet<>();

  /** A resource that exists, as others may refer to it. */
  record Physical(String id, Map<String, String> attributes) {}

  /**
   * @param parameters all of them, NoEcho ones in clear
   */
  Scope(Template template, Map<String, String> parameters, Map<String, String> pseudo) {
    this.template = template;
    this.parameters = parameters;
    this.pseudo = pseudo;
    template
        .resources()
        .forEach(
            (id, resource) -> {
              if (holds(resource.condition())) {
                included.add(id);
              }
            });
    for (String id : included) {
      beforeItself(id, dependencies(), new LinkedHashSet<>());
    }
  }

  /** The resources this stack consists of: those whose condition holds. */
  Set<String> included() {
    return included;
  }

  /** For each resource of the stack those that must be there before it. */
  Map<String, Set<String>> dependencies() {
    Map<String, Set<String>> edges = new LinkedHashMap<>();
    for (String id : included) {
      Set<String> before = new LinkedHashSet<>(template.resources().get(id).dependsOn());
      before.addAll(Template.references(template.resources().get(id).properties()));
      before.retainAll(included);
      edges.put(id, before);
    }
    return edges;
  }

  /** The properties of a resource with every function replaced by its value. */
  Map<String, Object> properties(String logicalId, Function<String, Physical> resources) {
    return Template.map(
        value(template.resources().get(logicalId).properties(), resources),
        "Properties of " + logicalId);
  }

  Map<String, String> outputs(Function<String, Physical> resources) {
    Map<String, String> outputs = new TreeMap<>();
    template
        .outputs()
        .forEach(
            (name, output) -> {
              if (holds(output.condition())) {
                outputs.put(name, Template.text(value(output.value(), resources), name));
              }
            });
    return outputs;
  }

  private void beforeItself(String id, Map<String, Set<String>> edges, Set<String> path) {
    if (!path.add(id)) {
      throw Template.invalid("Circular dependency between resources: " + path);
    }
    edges.get(id).forEach(next -> beforeItself(next, edges, path));
    path.remove(id);
  }

  private boolean holds(String condition) {
    if (condition == null) {
      return true;
    }
    Boolean known = decided.get(condition);
    if (known == null) {
      if (!deciding.add(condition)) {
        throw Template.invalid("Template error: condition " + condition + " refers to itself");
      }
      known = truth(template.conditions().get(condition));
      decided.put(condition, known);
    }
    return known;
  }

  private boolean truth(Object condition) {
    if (condition instanceof Intrinsic(String name, Object argument)) {
      return switch (name) {
        case "Condition" -> holds(Template.text(argument, name));
        case "Fn::Equals" -> {
          List<?> two = list(argument, 2, 2, name);
          yield value(two.get(0), this::noResource).equals(value(two.get(1), this::noResource));
        }
        case "Fn::Not" -> !truth(list(argument, 1, 1, name).getFirst());
        case "Fn::And" -> list(argument, 2, 10, name).stream().allMatch(this::truth);
        case "Fn::Or" -> list(argument, 2, 10, name).stream().anyMatch(this::truth);
        default ->
            throw Template.invalid(
                "Template error: " + name + " in a condition (expected: a condition function)");
      };
    }
    throw Template.invalid("Template error: a condition (expected: a condition function)");
  }

  Object value(Object value, Function<String, Physical> resources) {
    return switch (value) {
      case null -> "";
      case String text -> text;
      case Map<?, ?> map -> {
        Map<String, Object> result = new LinkedHashMap<>();
        map.forEach(
            (name, v) -> {
              Object inner = value(v, resources);
              if (inner != NO_VALUE) {
                result.put((String) name, inner);
              }
            });
        yield result;
      }
      case Collection<?> list ->
          list.stream()
              .map(v -> value(v, resources))
              .filter(v -> v != NO_VALUE)
              .collect(Collectors.toCollection(ArrayList::new));
      case Intrinsic intrinsic -> call(intrinsic, resources);
      default -> throw new IllegalStateException("no template value: " + value.getClass());
    };
  }

  private Object call(Intrinsic intrinsic, Function<String, Physical> resources) {
    String name = intrinsic.name();
    Object argument = intrinsic.argument();
    return switch (name) {
      case "Ref" -> reference(Template.text(argument, name), resources);
      case "Fn::GetAtt" -> attribute(Template.getAtt(intrinsic), resources);
      case "Fn::Sub" -> substitute(argument, resources);
      case "Fn::If" -> {
        List<?> three = list(argument, 3, 3, name);
        yield value(three.get(holds((String) three.getFirst()) ? 1 : 2), resources);
      }
      case "Fn::Join" -> {
        List<?> two = list(argument, 2, 2, name);
        yield list(value(two.get(1), resources), 0, Integer.MAX_VALUE, name).stream()
            .map(part -> Template.text(part, name))
            .collect(Collectors.joining(Template.text(two.get(0), name)));
      }
      case "Fn::Split" -> {
        List<?> two = list(argument, 2, 2, name);
        String whole = Template.text(value(two.get(1), resources), name);
        yield List.of(
            whole.split(java.util.regex.Pattern.quote(Template.text(two.get(0), name)), -1));
      }
      case "Fn::Select" -> {
        List<?> two = list(argument, 2, 2, name);
        String index = Template.text(value(two.get(0), resources), name);
        List<?> from = list(value(two.get(1), resources), 1, Integer.MAX_VALUE, name);
        if (!index.matches("\\d{1,6}") || Integer.parseInt(index) >= from.size()) {
          throw Template.invalid(
              "Template error: Fn::Select cannot select nonexistent value at index " + index);
        }
        yield from.get(Integer.parseInt(index));
      }
      default ->
          throw Template.invalid(
              "Template error: " + name + " outside of a condition (expected: in Conditions)");
    };
  }

  private Object reference(String name, Function<String, Physical> resources) {
    if (name.equals("AWS::NoValue")) {
      return NO_VALUE;
    }
    String given = pseudo.getOrDefault(name, parameters.get(name));
    return given != null ? given : physical(name, resources).id();
  }

  private String attribute(String[] path, Function<String, Physical> resources) {
    String value = physical(path[0], resources).attributes().get(path[1]);
    if (value == null) {
      throw Template.invalid(
          "Template error: resource " + path[0] + " has no attribute " + path[1]);
    }
    return value;
  }

  private Physical physical(String logicalId, Function<String, Physical> resources) {
    Physical physical = included.contains(logicalId) ? resources.apply(logicalId) : null;
    if (physical == null) {
      throw Template.invalid("Template error: resource " + logicalId + " is not there");
    }
    return physical;
  }

  private String substitute(Object argument, Function<String, Physical> resources) {
    Map<String, Object> own =
        argument instanceof List<?> list && list.size() == 2
            ? Template.map(value(list.get(1), resources), "Fn::Sub")
            : Map.of();
    Matcher matcher = Template.SUBSTITUTION.matcher(Template.subText(argument));
    StringBuilder result = new StringBuilder();
    while (matcher.find()) {
      String name = matcher.group(2).trim();
      String value;
      if (!matcher.group(1).isEmpty()) {
        value = "${" + matcher.group(2) + "}";
      } else if (own.containsKey(name)) {
        value = Template.text(own.get(name), "Fn::Sub");
      } else if (name.indexOf('.') > 0) {
        value = attribute(name.split("\\.", 2), resources);
      } else {
        value = Template.text(reference(name, resources), "Fn::Sub");
      }
      matcher.appendReplacement(result, Matcher.quoteReplacement(value));
    }
    return matcher.appendTail(result).toString();
  }

  private Physical noResource(String logicalId) {
    throw Template.invalid("Template error: a condition refers to resource " + logicalId);
  }

  private static List<?> list(Object argument, int least, int most, String function) {
    if (argument instanceof List<?> list && list.size() >= least && list.size() <= most) {
      return list;
    }
    throw Template.invalid(
        "Template error: "
            + function
            + " (expected: a list of "
            + (least == most ? "" + least : least + " or more")
            + ")");
  }
}
