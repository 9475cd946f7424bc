package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code attributes} and {@code excludedAttributes}: what of a resource is answered. */
final class ScimSelection {
  private static final List<String> ALWAYS = List.of("id", "schemas");

  private final List<String> only;
  private final List<String> not;
  private final boolean standard;

  private ScimSelection(List<String> only, List<String> not, boolean standard) {
    this.only = only;
    this.not = not;
    this.standard = standard;
  }

  /**
   * @param standard whether it is shown as RFC 7643 has it; else as Databricks' clients expect it,
   *     who are told the names of members unasked, and which groups only the workspace has
   * @throws InvalidParameterValue both are given
   */
  static ScimSelection of(ScimSchema schema, String attributes, String excluded, boolean standard) {
    List<String> only = names(schema, attributes);
    List<String> not = names(schema, excluded);
    if (!only.isEmpty() && !not.isEmpty()) {
      throw new InvalidParameterValue(
          "excludedAttributes: '"
              + Scim.shortened(excluded)
              + "' (expected: none beside attributes)",
          null);
    }
    return new ScimSelection(only, not, standard);
  }

  private static List<String> names(ScimSchema schema, String text) {
    List<String> names = new ArrayList<>();
    String core = schema.id.toLowerCase(Locale.ROOT) + ":";
    for (String name : text == null ? new String[0] : text.split(",", -1)) {
      String lower = name.strip().toLowerCase(Locale.ROOT);
      if (!lower.isEmpty()) {
        names.add(lower.startsWith(core) ? lower.substring(core.length()) : lower);
      }
    }
    return names;
  }

  boolean isAll() {
    return only.isEmpty() && not.isEmpty();
  }

  /** Whether anything of an attribute is wanted, so that it need be looked up. */
  boolean wants(String attribute) {
    String name = attribute.toLowerCase(Locale.ROOT);
    return only.isEmpty()
        ? !not.contains(name)
        : only.stream().anyMatch(chosen -> chosen.equals(name) || chosen.startsWith(name + "."));
  }

  ObjectNode of(ObjectNode resource) {
    if (standard) {
      JsonNode meta = resource.path("meta");
      if (meta.path("resourceType").asText().equals("WorkspaceGroup")) {
        ((ObjectNode) meta).put("resourceType", ScimSchema.GROUP.name);
      }
      if (!only.contains("members") && !only.contains("members.display")) {
        resource.path("members").forEach(member -> ((ObjectNode) member).remove("display"));
      }
    }
    if (!isAll()) {
      for (String name : names(resource)) {
        if (!ALWAYS.contains(name)) {
          select(
              resource, name, name.toLowerCase(Locale.ROOT), name.startsWith("urn:") ? ":" : ".");
        }
      }
    }
    return resource;
  }

  private void select(ObjectNode owner, String name, String path, String separator) {
    JsonNode value = owner.get(name);
    boolean parts =
        (only.isEmpty() ? not : only).stream().anyMatch(n -> n.startsWith(path + separator));
    if (only.isEmpty() ? not.contains(path) : !only.contains(path) && !parts) {
      owner.remove(name);
    } else if (parts && !only.contains(path)) {
      for (JsonNode element : value.isArray() ? value : List.of(value)) {
        if (element instanceof ObjectNode object) {
          for (String part : names(object)) {
            select(object, part, path + separator + part.toLowerCase(Locale.ROOT), ".");
          }
        }
      }
    }
  }

  private static List<String> names(ObjectNode node) {
    return node.properties().stream().map(Map.Entry::getKey).toList();
  }
}
