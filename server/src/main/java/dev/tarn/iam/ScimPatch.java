package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import dev.tarn.iam.ScimSchema.Attribute;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A PATCH (RFC 7644 §3.5.2) in all the spellings that clients have: operations in any case,
 * booleans as text, objects without a path whose names may have dots and schemas, lists of what to
 * remove, and {@code emails[type eq "work"].value} for an address that is not there yet.
 *
 * <p>Members of groups are many, so they are not in the tree that is changed: what is said of them
 * is done at once by {@link Members}.
 */
final class ScimPatch {
  private final ScimSchema schema;
  private final ObjectNode tree;
  private final Members members;

  /** The members of the group that is changed. */
  interface Members {
    Set<Long> current();

    void add(Set<Long> ids);

    void remove(Set<Long> ids);
  }

  /** Where an operation works: an attribute, or those elements of it, or one part of either. */
  private record Path(Attribute attribute, ScimFilter elements, Attribute part) {}

  ScimPatch(ScimSchema schema, ObjectNode tree, Members members) {
    this.schema = schema;
    this.tree = tree;
    this.members = members;
  }

  /** Does all operations in their order; the first that cannot be done ends it. */
  void apply(JsonNode body) {
    JsonNode operations = field(body, "Operations");
    if (operations == null || !operations.isArray() || operations.isEmpty()) {
      throw new InvalidParameterValue("Operations: none (expected: at least one)", null);
    }
    for (JsonNode operation : operations) {
      JsonNode op = field(operation, "op");
      JsonNode path = field(operation, "path");
      JsonNode value = field(operation, "value");
      String what = op == null ? "" : op.asText().toLowerCase(Locale.ROOT);
      if (!List.of("add", "remove", "replace").contains(what)) {
        throw new BadRequest(
            "INVALID_SYNTAX",
            "op: '"
                + Scim.shortened(op == null ? "" : op.asText())
                + "' (expected: add, remove or replace)",
            null);
      }
      if (path != null && !path.isNull() && !path.asText().isBlank()) {
        at(what, path.asText().strip(), value, true);
      } else if (what.equals("remove")) {
        throw new BadRequest("NO_TARGET", "path: none (expected: what to remove)", null);
      } else if (value == null || !value.isObject()) {
        throw new InvalidParameterValue(
            "value: '"
                + Scim.shortened(String.valueOf(value))
                + "' (expected: an object with what to "
                + what
                + ", or a path)",
            null);
      } else {
        object(what, value);
      }
    }
  }

  private static JsonNode field(JsonNode owner, String name) {
    for (Map.Entry<String, JsonNode> field : owner.properties()) {
      if (field.getKey().equalsIgnoreCase(name)) {
        return field.getValue();
      }
    }
    return null;
  }

  /** What is read only in an object without a path comes along unasked; Okta sends the id. */
  private void object(String op, JsonNode value) {
    for (Map.Entry<String, JsonNode> field : value.properties()) {
      String extension = schema.extension(field.getKey());
      if (field.getKey().equalsIgnoreCase("schemas")) {
        continue;
      }
      if (extension == null) {
        at(op, field.getKey(), field.getValue(), false);
      } else {
        for (Map.Entry<String, JsonNode> inner : field.getValue().properties()) {
          if (inner.getKey().equalsIgnoreCase("schemas")) {
            continue;
          }
          at(op, extension + ":" + inner.getKey(), inner.getValue(), false);
        }
      }
    }
  }

  private void at(String op, String text, JsonNode value, boolean named) {
    String extension = schema.extension(text);
    if (extension != null) {
      if (op.equals("remove")) {
        tree.remove(extension);
      } else {
        object(op, Json.MAPPER.createObjectNode().set(extension, value));
      }
      return;
    }
    Path path = path(text);
    if (path.attribute.readOnly() || (path.part != null && path.part.readOnly())) {
      if (named) {
        throw new BadRequest(
            "MUTABILITY", Scim.shortened(text) + " is read only and cannot be changed", null);
      }
    } else if (members != null && path.attribute.path().equals("members")) {
      members(op, path, value);
    } else if (op.equals("remove")) {
      remove(path, value);
    } else {
      set(op, path, value, text);
    }
  }

  private Path path(String text) {
    int open = text.indexOf('[');
    if (open > 0) {
      int close = text.lastIndexOf(']');
      if (close < open || (close + 1 < text.length() && text.charAt(close + 1) != '.')) {
        throw invalidPath(text);
      }
      Attribute attribute = schema.find(text.substring(0, open));
      if (attribute == null || !attribute.multiValued() || !attribute.isComplex()) {
        throw invalidPath(text);
      }
      ScimFilter.Parser parser =
          new ScimFilter.Parser(
              text.substring(open + 1, close), expected -> unreadable(text, expected));
      ScimFilter filter = parser.or(0);
      parser.end();
      Attribute part = null;
      if (close + 1 < text.length()) {
        part = attribute.part(text.substring(close + 2));
        if (part == null) {
          throw invalidPath(text);
        }
      }
      return new Path(attribute, filter, part);
    }
    Attribute attribute = schema.find(text);
    if (attribute != null) {
      return new Path(attribute, null, null);
    }
    int dot = text.lastIndexOf('.');
    Attribute owner = dot < 0 ? null : schema.find(text.substring(0, dot));
    Attribute part = owner == null ? null : owner.part(text.substring(dot + 1));
    if (part == null) {
      throw invalidPath(text);
    }
    return new Path(owner, null, part);
  }

  /** Clients look for these words. */
  private static BadRequest invalidPath(String text) {
    return new BadRequest(
        "INVALID_PATH",
        "invalidPath No such attribute with the name : "
            + Scim.shortened(text)
            + " in the current resource",
        null);
  }

  private static BadRequest unreadable(String text, String expected) {
    return new BadRequest(
        "INVALID_PATH",
        "path: '" + Scim.shortened(text) + "' (expected: " + expected + " between [ and ])",
        null);
  }

  private ObjectNode owner(Attribute attribute) {
    return attribute.schema() == null ? tree : tree.withObjectProperty(attribute.schema());
  }

  private void set(String op, Path path, JsonNode value, String text) {
    Attribute attribute = path.attribute;
    ObjectNode owner = owner(attribute);
    if (path.elements != null) {
      setElements(path, value, text);
      return;
    }
    if (path.part != null) {
      JsonNode read = ScimSchema.value(path.part, value);
      if (attribute.multiValued()) {
        owner
            .withArrayProperty(attribute.name())
            .forEach(e -> put((ObjectNode) e, path.part, read));
      } else {
        put(owner.withObjectProperty(attribute.name()), path.part, read);
      }
      return;
    }
    JsonNode read = ScimSchema.value(attribute, value);
    if (read == null) {
      owner.remove(attribute.name()); // replaced by nothing
    } else if (attribute.multiValued() && op.equals("add")) {
      add(owner.withArrayProperty(attribute.name()), read);
    } else if (attribute.isComplex()
        && !attribute.multiValued()
        && owner.get(attribute.name()) instanceof ObjectNode already) {
      already.setAll((ObjectNode) read);
    } else {
      owner.set(attribute.name(), read);
    }
  }

  private static void put(ObjectNode owner, Attribute part, JsonNode value) {
    if (value == null) {
      owner.remove(part.name());
    } else {
      owner.set(part.name(), value);
    }
  }

  /** One with the same value and type is the same; whichever comes last is the primary one. */
  private static void add(ArrayNode list, JsonNode more) {
    for (JsonNode element : more) {
      if (element.path("primary").asBoolean()) {
        list.forEach(other -> ((ObjectNode) other).remove("primary"));
      }
      ObjectNode same = null;
      for (JsonNode other : list) {
        if (other.isObject()
            && element.has("value")
            && other.path("value").equals(element.path("value"))
            && other.path("type").equals(element.path("type"))) {
          same = (ObjectNode) other;
        }
      }
      if (same != null) {
        same.setAll((ObjectNode) element);
      } else {
        list.add(element);
      }
    }
  }

  private void setElements(Path path, JsonNode value, String text) {
    ArrayNode list = owner(path.attribute).withArrayProperty(path.attribute.name());
    List<ObjectNode> fitting = fitting(list, path.elements);
    if (fitting.isEmpty()) {
      fitting = List.of(elementFor(path, text));
      list.addAll(fitting);
    }
    for (ObjectNode element : fitting) {
      if (path.part != null) {
        put(element, path.part, ScimSchema.value(path.part, value));
      } else {
        JsonNode read = ScimSchema.value(path.attribute, value);
        if (read == null || read.size() != 1) {
          throw ScimSchema.invalid(path.attribute, value, "one value");
        }
        element.setAll((ObjectNode) read.get(0));
      }
    }
  }

  /** What is not there yet is made as the filter has it, if that says what it is. */
  private static ObjectNode elementFor(Path path, String text) {
    ObjectNode made = Json.MAPPER.createObjectNode();
    for (ScimFilter.Compare equality : path.elements.equalities()) {
      Attribute part = path.attribute.part(equality.path());
      if (part != null) {
        made.set(
            part.name(),
            part.type().equals("boolean")
                ? BooleanNode.valueOf(equality.value().asBoolean())
                : equality.value());
      }
    }
    if (made.isEmpty()) {
      throw new BadRequest(
          "NO_TARGET",
          "path: '" + Scim.shortened(text) + "' (expected: one that fits an element)",
          null);
    }
    return made;
  }

  private static List<ObjectNode> fitting(ArrayNode list, ScimFilter filter) {
    List<ObjectNode> fitting = new ArrayList<>();
    for (JsonNode element : list) {
      if (element instanceof ObjectNode object && filter.fits(object)) {
        fitting.add(object);
      }
    }
    return fitting;
  }

  private void remove(Path path, JsonNode value) {
    Attribute attribute = path.attribute;
    ObjectNode owner = owner(attribute);
    JsonNode there = owner.path(attribute.name());
    if (there instanceof ArrayNode list) {
      if (path.elements == null && path.part != null) {
        list.forEach(element -> ((ObjectNode) element).remove(path.part.name()));
      } else if (path.elements != null && path.part != null) {
        fitting(list, path.elements).forEach(element -> element.remove(path.part.name()));
      } else if (path.elements != null) {
        fitting(list, path.elements).forEach(element -> drop(list, element));
      } else if (value == null || value.isNull() || (value.isEmpty() && value.isContainerNode())) {
        list.removeAll();
      } else {
        for (JsonNode gone : ScimSchema.value(attribute, value)) {
          for (JsonNode element : list.deepCopy()) {
            if (element.path("value").equals(gone.path("value"))) {
              drop(list, element);
            }
          }
        }
      }
      for (JsonNode element : list.deepCopy()) {
        if (element.isEmpty()) {
          drop(list, element);
        }
      }
    } else if (path.part != null && there instanceof ObjectNode object) {
      object.remove(path.part.name());
    } else {
      owner.remove(attribute.name());
    }
    if (attribute.schema() != null && owner.isEmpty()) {
      tree.remove(attribute.schema());
    }
  }

  private static void drop(ArrayNode list, JsonNode element) {
    for (int i = list.size() - 1; i >= 0; i--) {
      if (list.get(i).equals(element)) {
        list.remove(i);
      }
    }
  }

  private void members(String op, Path path, JsonNode value) {
    if (path.elements != null) {
      Set<Long> fitting = new TreeSet<>();
      for (Long id : members.current()) {
        if (path.elements.fits(Json.MAPPER.createObjectNode().put("value", Long.toString(id)))) {
          fitting.add(id);
        }
      }
      if (op.equals("remove")) {
        members.remove(fitting);
        return;
      }
      throw new BadRequest(
          "NO_TARGET", "path: members[…] (expected: the path members to " + op + ")", null);
    }
    // Some send the list in an object of the same name again.
    JsonNode list =
        value != null && value.isObject() && value.has("members") ? value.get("members") : value;
    boolean none = list == null || list.isNull() || (list.isArray() && list.isEmpty());
    switch (op) {
      case "add" -> members.add(ids(list));
      case "remove" -> members.remove(none ? members.current() : ids(list));
      default -> {
        Set<Long> wanted = ids(list);
        Set<Long> gone = new TreeSet<>(members.current());
        gone.removeAll(wanted);
        members.remove(gone);
        members.add(wanted);
      }
    }
  }

  /** The ids of a list of members. */
  static Set<Long> ids(JsonNode list) {
    Set<Long> ids = new TreeSet<>();
    JsonNode read = ScimSchema.value(ScimSchema.GROUP.find("members"), list);
    for (JsonNode member : read == null ? List.<JsonNode>of() : read) {
      String id = member.path("value").asText();
      if (!id.matches("\\d{1,18}")) {
        throw new InvalidParameterValue(
            "members: '"
                + Scim.shortened(id)
                + "' (expected: the id of a user, service principal or group)",
            null);
      }
      ids.add(Long.valueOf(id));
    }
    return ids;
  }
}
