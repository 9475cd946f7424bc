package dev.tarn.iam;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.FromHeader;
import dev.tarn.http.WholeBody;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Any SCIM request. The body is read by {@link ScimSchema}, and not as the SDK's types: clients of
 * other makers spell operations, booleans and schemas in ways that those have no place for.
 */
record ScimRequest(
    String id,
    String attributes,
    @JsonProperty("excludedAttributes") String excludedAttributes,
    String filter,
    @JsonProperty("sortBy") String sortBy,
    @JsonProperty("sortOrder") String sortOrder,
    @JsonProperty("startIndex") Long startIndex,
    Long count,
    @FromHeader("accept") String accept,
    @FromHeader("if-match") String ifMatch,
    @WholeBody JsonNode body) {
  static final String MEDIA_TYPE = "application/scim+json";

  /** The SDKs of Databricks ask for plain JSON, SCIM clients for SCIM's own or for anything. */
  ScimSelection selection(ScimSchema schema) {
    return ScimSelection.of(
        schema,
        attributes,
        excludedAttributes,
        accept == null || !accept.contains("application/json"));
  }

  /** A group may have thousands of members, so a changed one is shown to who asks for parts. */
  boolean answersPatch(ScimSchema schema) {
    return schema.kind != Caller.Kind.GROUP || attributes != null || excludedAttributes != null;
  }

  ScimSelection selectionOfPatch(ScimSchema schema) {
    return answersPatch(schema) ? selection(schema) : ScimSelection.of(schema, "id", null, true);
  }

  ScimResources.Asked asked() {
    return new ScimResources.Asked(filter, sortBy, sortOrder, startIndex, count);
  }

  /** A POST to {@code .search} has in its body what a GET has in its query. */
  ScimRequest ofBody() {
    if (body == null) {
      return this;
    }
    return new ScimRequest(
        null,
        joined("attributes"),
        joined("excludedAttributes"),
        text("filter"),
        text("sortBy"),
        text("sortOrder"),
        number("startIndex"),
        number("count"),
        accept,
        null,
        null);
  }

  private String text(String name) {
    return body.path(name).isTextual() ? body.path(name).asText() : null;
  }

  private Long number(String name) {
    return body.path(name).canConvertToLong() ? Long.valueOf(body.path(name).asLong()) : null;
  }

  private String joined(String name) {
    if (!body.path(name).isArray()) {
      return text(name);
    }
    List<String> names = new ArrayList<>();
    body.path(name).forEach(each -> names.add(each.asText()));
    return String.join(",", names);
  }

  static Answer answer(ObjectNode body) {
    return new Answer(200, tag(body), MEDIA_TYPE, body);
  }

  /** The version of one resource, where what is shown has it. */
  private static Map<String, String> tag(ObjectNode resource) {
    String version = resource.path("meta").path("version").asText();
    return version.isEmpty() ? Map.of() : Map.of("etag", version);
  }

  static Answer created(ObjectNode resource) {
    String location = resource.path("meta").path("location").asText();
    Answer answer = new Answer(201, tag(resource), MEDIA_TYPE, resource);
    return location.isEmpty() ? answer : answer.withHeader("location", location);
  }

  static Answer patched(ObjectNode resource, boolean answers) {
    return answers ? answer(resource) : deleted();
  }

  /** 204: there is nothing to say. */
  static Answer deleted() {
    return new Answer(204, Map.of(), null, null);
  }
}
