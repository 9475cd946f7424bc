package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import dev.tarn.http.Caller;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What a SCIM resource may say, as {@code scim-schemas.json} has it: that file is what {@code
 * /Schemas} answers, and what resources are read by. Names have no case; what no schema knows is
 * dropped from a whole resource, as RFC 7643 says, and refused as the path of a PATCH.
 */
final class ScimSchema {
  static final String ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
  private static final String CORE = "urn:ietf:params:scim:schemas:core:2.0:";
  private static final int LONGEST = 2000;
  private static final List<ObjectNode> ALL = load();

  static final ScimSchema USER = new ScimSchema(Caller.Kind.USER, "User", List.of(ENTERPRISE));
  static final ScimSchema SERVICE_PRINCIPAL =
      new ScimSchema(Caller.Kind.SERVICE_PRINCIPAL, "ServicePrincipal", List.of());
  static final ScimSchema GROUP = new ScimSchema(Caller.Kind.GROUP, "Group", List.of());

  final Caller.Kind kind;

  /** {@code User}, as in {@code meta.resourceType}; with an s, where they are. */
  final String name;

  final String id;
  final List<String> extensions;
  private final Map<String, Attribute> attributes = new LinkedHashMap<>();

  /**
   * One attribute.
   *
   * @param schema the extension it is of, null for the core
   * @param path lower case, with extension or parent: {@code name.givenname}
   * @param type string, boolean, reference or complex
   */
  record Attribute(
      String schema,
      String name,
      String path,
      String type,
      boolean multiValued,
      boolean caseExact,
      boolean readOnly,
      Map<String, Attribute> parts) {
    boolean isComplex() {
      return type.equals("complex");
    }

    Attribute part(String name) {
      return parts.get(name.toLowerCase(Locale.ROOT));
    }
  }

  static ScimSchema of(Caller.Kind kind) {
    return switch (kind) {
      case USER -> USER;
      case GROUP -> GROUP;
      default -> SERVICE_PRINCIPAL;
    };
  }

  private ScimSchema(Caller.Kind kind, String name, List<String> extensions) {
    this.kind = kind;
    this.name = name;
    this.id = CORE + name;
    this.extensions = extensions;
    add(new Attribute(null, "externalId", "externalid", "string", false, true, false, Map.of()));
    add(new Attribute(null, "id", "id", "string", false, true, true, Map.of()));
    add(new Attribute(null, "schemas", "schemas", "string", true, true, true, Map.of()));
    Map<String, Attribute> meta = new LinkedHashMap<>();
    for (String part : List.of("resourceType", "created", "lastModified", "location", "version")) {
      String path = "meta." + part.toLowerCase(Locale.ROOT);
      meta.put(
          part.toLowerCase(Locale.ROOT),
          new Attribute(null, part, path, "string", false, true, true, Map.of()));
    }
    add(new Attribute(null, "meta", "meta", "complex", false, false, true, meta));
    for (ObjectNode schema : ALL) {
      String urn = schema.path("id").asText();
      if (urn.equals(id) || extensions.contains(urn)) {
        String extension = urn.equals(id) ? null : urn;
        String prefix = extension == null ? "" : extension.toLowerCase(Locale.ROOT) + ":";
        for (JsonNode attribute : schema.path("attributes")) {
          add(attribute(extension, prefix, attribute));
        }
      }
    }
  }

  private void add(Attribute attribute) {
    attributes.put(attribute.path(), attribute);
  }

  private static Attribute attribute(String schema, String prefix, JsonNode node) {
    String name = node.path("name").asText();
    String path = prefix + name.toLowerCase(Locale.ROOT);
    Map<String, Attribute> parts = new LinkedHashMap<>();
    for (JsonNode part : node.path("subAttributes")) {
      parts.put(
          part.path("name").asText().toLowerCase(Locale.ROOT), attribute(schema, path + ".", part));
    }
    return new Attribute(
        schema,
        name,
        path,
        node.path("type").asText(),
        node.path("multiValued").asBoolean(),
        node.path("caseExact").asBoolean(),
        node.path("mutability").asText().equals("readOnly"),
        parts);
  }

  /** The file, with every characteristic that it leaves to its default. */
  private static List<ObjectNode> load() {
    try (InputStream in = ScimSchema.class.getResourceAsStream("scim-schemas.json")) {
      List<ObjectNode> schemas = new ArrayList<>();
      for (JsonNode schema : Json.MAPPER.readTree(in)) {
        schema.path("attributes").forEach(attribute -> fill((ObjectNode) attribute));
        schemas.add((ObjectNode) schema);
      }
      return schemas;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the SCIM schemas", e);
    }
  }

  private static void fill(ObjectNode attribute) {
    ObjectNode given = attribute.deepCopy();
    attribute.put("type", "string").put("multiValued", false).put("required", false);
    attribute.put("caseExact", false).put("mutability", "readWrite").put("returned", "default");
    attribute.put("uniqueness", "none").setAll(given);
    attribute.path("subAttributes").forEach(part -> fill((ObjectNode) part));
  }

  /** The schemas as one level of the product publishes them. */
  static List<ObjectNode> published(boolean ofAccount) {
    List<ObjectNode> published = new ArrayList<>();
    for (ObjectNode schema : ALL) {
      ObjectNode copy = schema.deepCopy();
      ArrayNode kept = copy.putArray("attributes");
      for (JsonNode attribute : schema.path("attributes")) {
        String name = attribute.path("name").asText();
        if (!name.equals(ofAccount ? "entitlements" : "roles")) {
          kept.add(attribute);
        }
      }
      published.add(copy);
    }
    return published;
  }

  List<Attribute> attributes() {
    return List.copyOf(attributes.values());
  }

  /** The attribute of that name, which may have its schema before it; null when there is none. */
  Attribute find(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    String core = id.toLowerCase(Locale.ROOT) + ":";
    return attributes.get(lower.startsWith(core) ? lower.substring(core.length()) : lower);
  }

  /** The extension that is meant, or null. */
  String extension(String name) {
    return extensions.stream().filter(urn -> urn.equalsIgnoreCase(name)).findFirst().orElse(null);
  }

  /**
   * What a client may write of {@code sent}, in our spelling: known names, true booleans, lists
   * where there may be several, nothing that is empty or null.
   */
  ObjectNode read(JsonNode sent) {
    if (sent == null || !sent.isObject()) {
      throw new BadRequest("MALFORMED_REQUEST", "body: none (expected: a SCIM resource)", null);
    }
    ObjectNode read = Json.MAPPER.createObjectNode();
    for (Map.Entry<String, JsonNode> field : sent.properties()) {
      String extension = extension(field.getKey());
      if (extension != null) {
        for (Map.Entry<String, JsonNode> inner : field.getValue().properties()) {
          put(read, find(extension + ":" + inner.getKey()), inner.getValue());
        }
      } else {
        put(read, find(field.getKey()), field.getValue());
      }
    }
    return read;
  }

  private static void put(ObjectNode to, Attribute attribute, JsonNode value) {
    if (attribute == null || attribute.readOnly()) {
      return;
    }
    JsonNode read = value(attribute, value);
    if (read == null) {
      return;
    }
    ObjectNode owner = attribute.schema() == null ? to : to.withObjectProperty(attribute.schema());
    owner.set(attribute.name(), read);
  }

  /**
   * A value as it is kept; null for nothing, which is also what an empty list is, unless its being
   * empty says something.
   */
  static JsonNode value(Attribute attribute, JsonNode sent) {
    if (sent == null || sent.isNull()) {
      return null;
    }
    if (!attribute.multiValued()) {
      if (sent.isArray() && sent.size() == 1) {
        return single(attribute, sent.get(0)); // as some clients send it
      }
      return single(attribute, sent);
    }
    Set<JsonNode> different = new LinkedHashSet<>(); // there may be thousands
    for (JsonNode element : sent.isArray() ? sent : List.of(sent)) {
      JsonNode read = single(attribute, element);
      if (read != null) {
        different.add(read);
      }
    }
    return Json.MAPPER.createArrayNode().addAll(different);
  }

  private static JsonNode single(Attribute attribute, JsonNode sent) {
    if (sent.isNull()) {
      return null;
    }
    if (attribute.isComplex()) {
      ObjectNode read = Json.MAPPER.createObjectNode();
      if (sent.isObject()) {
        for (Map.Entry<String, JsonNode> field : sent.properties()) {
          Attribute part = attribute.part(field.getKey());
          JsonNode value = part == null || part.readOnly() ? null : single(part, field.getValue());
          if (value != null) {
            read.set(part.name(), value);
          }
        }
        return read.isEmpty() ? null : read;
      }
      Attribute value = attribute.part("value");
      if (value == null || sent.isArray()) {
        throw invalid(attribute, sent, "an object");
      }
      return read.set("value", single(value, sent));
    }
    if (attribute.type().equals("boolean")) {
      // Entra's client writes "False", Terraform [{"value":"false"}].
      JsonNode plain = sent.size() == 1 && sent.has("value") ? sent.get("value") : sent;
      String text = plain.asText().toLowerCase(Locale.ROOT);
      if (!text.equals("true") && !text.equals("false")) {
        throw invalid(attribute, sent, "true or false");
      }
      return BooleanNode.valueOf(text.equals("true"));
    }
    if (!sent.isTextual() && !sent.isNumber()) {
      throw invalid(attribute, sent, "a string");
    }
    String text = sent.asText();
    if (text.length() > LONGEST) {
      throw invalid(attribute, sent, "at most " + LONGEST + " characters");
    }
    if (text.chars().anyMatch(c -> c == 0 || Character.getType(c) == Character.SURROGATE)
        && text.codePoints().anyMatch(c -> c == 0 || Character.getType(c) == Character.SURROGATE)) {
      throw invalid(attribute, sent, "whole characters, and not NUL");
    }
    return Json.MAPPER.getNodeFactory().textNode(text);
  }

  static InvalidParameterValue invalid(Attribute attribute, JsonNode sent, String expected) {
    return new InvalidParameterValue(
        attribute.name()
            + ": '"
            + Scim.shortened(sent.isValueNode() ? sent.asText() : sent.toString())
            + "' (expected: "
            + expected
            + ")",
        null);
  }

  /** Every text of a resource under its path, with its place in its list: what filters ask. */
  void texts(JsonNode document, Texts texts) {
    for (Attribute attribute : attributes.values()) {
      JsonNode owner = attribute.schema() == null ? document : document.path(attribute.schema());
      JsonNode value = owner.path(attribute.name());
      if (value.isMissingNode() || attribute.readOnly()) {
        continue;
      }
      int position = 0;
      for (JsonNode element : value.isArray() ? value : List.of(value)) {
        if (attribute.isComplex()) {
          for (Attribute part : attribute.parts().values()) {
            if (element.path(part.name()).isValueNode()) {
              texts.add(part, position, element.path(part.name()).asText());
            }
          }
        } else {
          texts.add(attribute, position, element.asText());
        }
        position++;
      }
    }
  }

  /** Takes the texts of a resource. */
  interface Texts {
    void add(Attribute attribute, int position, String text);
  }
}
