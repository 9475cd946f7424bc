package dev.tarn.cloudformation;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/**
 * What a form needs to ask for a template's parameters, and what a picture needs to show its
 * resources. Member names as in CloudFormation's {@code GetTemplateSummary}, where it has them.
 *
 * @param stackName a free name to suggest, or the name of the stack whose template this is
 * @param capabilities what a deployer on AWS must acknowledge
 */
record TemplateSummary(
    @JsonProperty("TemplateName") String templateName,
    @JsonProperty("StackName") String stackName,
    @JsonProperty("Region") String region,
    @JsonProperty("Description") String description,
    @JsonProperty("Capabilities") List<String> capabilities,
    @JsonProperty("ParameterGroups") List<Group> groups,
    @JsonProperty("Parameters") List<Declaration> parameters,
    @JsonProperty("Resources") List<Node> resources,
    @JsonProperty("Outputs") List<OutputDeclaration> outputs) {

  private static final String INTERFACE = "AWS::CloudFormation::Interface";

  /** A heading of the form, and the keys of the parameters below it, in their order. */
  record Group(
      @JsonProperty("Label") String label, @JsonProperty("Parameters") List<String> parameters) {}

  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Constraints(
      @JsonProperty("AllowedPattern") String allowedPattern,
      @JsonProperty("AllowedValues") List<String> allowedValues,
      @JsonProperty("MinLength") int minLength,
      @JsonProperty("MaxLength") int maxLength,
      @JsonProperty("ConstraintDescription") String description) {}

  /**
   * @param value what it is when nothing is given; null when something must be
   * @param suppliedByServer the server knows it, or makes it: people are not asked
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Declaration(
      @JsonProperty("ParameterKey") String key,
      @JsonProperty("ParameterLabel") String label,
      @JsonProperty("Description") String description,
      @JsonProperty("ParameterType") String type,
      @JsonProperty("DefaultValue") String value,
      @JsonProperty("NoEcho") boolean noEcho,
      @JsonProperty("SuppliedByServer") boolean suppliedByServer,
      @JsonProperty("ParameterConstraints") Constraints constraints) {}

  /** {@code by}: {@code Ref}, {@code GetAtt NAME} or {@code DependsOn}. */
  record Use(
      @JsonProperty("LogicalResourceId") String logicalId, @JsonProperty("By") List<String> by) {}

  /**
   * @param condition null when it is always there
   * @param included whether it is part of the stack with the values shown here
   * @param uses what must be there before it
   * @param parameters the keys of the parameters it reads
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Node(
      @JsonProperty("LogicalResourceId") String logicalId,
      @JsonProperty("ResourceType") String type,
      @JsonProperty("Condition") String condition,
      @JsonProperty("Included") boolean included,
      @JsonProperty("Uses") List<Use> uses,
      @JsonProperty("Parameters") List<String> parameters) {}

  record OutputDeclaration(
      @JsonProperty("OutputKey") String key, @JsonProperty("Description") String description) {}

  /**
   * @param value of a parameter as it is to be shown; null when there is none
   * @param supplied the parameters that the server fills in
   * @param included the resources that the stack consists of
   */
  static TemplateSummary of(
      Template template,
      String templateName,
      String stackName,
      String region,
      UnaryOperator<String> value,
      Set<String> supplied,
      Set<String> included) {
    Map<String, Object> face =
        template.metadata().get(INTERFACE) instanceof Map<?, ?> map
            ? Template.map(map, INTERFACE)
            : Map.of();
    Map<String, Object> labels =
        Template.map(face.getOrDefault("ParameterLabels", Map.of()), "ParameterLabels");
    return new TemplateSummary(
        templateName,
        stackName,
        region,
        template.description(),
        template.resources().values().stream().anyMatch(r -> r.type().startsWith("AWS::IAM::"))
            ? List.of("CAPABILITY_NAMED_IAM")
            : List.of(),
        groups(template, face),
        template.parameters().values().stream()
            .map(
                p ->
                    new Declaration(
                        p.name(),
                        label(labels.get(p.name()), p.name()),
                        p.description(),
                        "String",
                        value.apply(p.name()),
                        p.noEcho(),
                        supplied.contains(p.name()),
                        new Constraints(
                            p.allowedPattern() == null ? null : p.allowedPattern().pattern(),
                            p.allowedValues().isEmpty() ? null : p.allowedValues(),
                            p.minLength(),
                            p.maxLength(),
                            p.expectation())))
            .toList(),
        template.resources().values().stream()
            .map(resource -> node(template, resource, included))
            .toList(),
        template.outputs().entrySet().stream()
            .map(e -> new OutputDeclaration(e.getKey(), e.getValue().description()))
            .toList());
  }

  /** What a resource uses of others: each with how, as the template says it. */
  static List<Use> uses(Template template, Template.Resource resource) {
    Map<String, Set<String>> by = new LinkedHashMap<>();
    Template.uses(resource.properties())
        .forEach((id, how) -> by.computeIfAbsent(id, x -> new LinkedHashSet<>()).addAll(how));
    resource
        .dependsOn()
        .forEach(id -> by.computeIfAbsent(id, x -> new LinkedHashSet<>()).add("DependsOn"));
    by.keySet().retainAll(template.resources().keySet());
    return by.entrySet().stream().map(e -> new Use(e.getKey(), List.copyOf(e.getValue()))).toList();
  }

  private static Node node(Template template, Template.Resource resource, Set<String> included) {
    Set<String> parameters = new TreeSet<>(Template.references(resource.properties()));
    parameters.retainAll(template.parameters().keySet());
    return new Node(
        resource.logicalId(),
        resource.type(),
        resource.condition(),
        included.contains(resource.logicalId()),
        uses(template, resource),
        List.copyOf(parameters));
  }

  /** As the template's metadata has them; what is in none is in a last one. */
  private static List<Group> groups(Template template, Map<String, Object> face) {
    List<Group> groups = new ArrayList<>();
    Set<String> left = new LinkedHashSet<>(template.parameters().keySet());
    if (face.get("ParameterGroups") instanceof List<?> list) {
      for (Object each : list) {
        Map<String, Object> group = Template.map(each, "ParameterGroups");
        List<String> keys = new ArrayList<>();
        if (group.get("Parameters") instanceof List<?> names) {
          names.forEach(name -> keys.add(Template.text(name, "ParameterGroups")));
        }
        keys.removeIf(key -> !left.remove(key));
        groups.add(new Group(label(group.get("Label"), ""), keys));
      }
    }
    if (!left.isEmpty()) {
      groups.add(new Group(groups.isEmpty() ? "Parameters" : "Other", List.copyOf(left)));
    }
    return groups;
  }

  private static String label(Object label, String otherwise) {
    return label instanceof Map<?, ?> map && map.get("default") instanceof String text
        ? text
        : otherwise;
  }
}
