package dev.tarn.stack;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What CloudFormation asks of a custom resource.
 *
 * <p>Source: AWS CloudFormation user guide, "Custom resource request objects". Every scalar of the
 * properties arrives as a string.
 *
 * @param physicalId empty at Create; at the Delete of a failed Create, what the failed answer
 *     carried
 * @param oldProperties empty unless this is an Update
 */
record Event(
    Type type,
    URI responseUrl,
    String stackId,
    String requestId,
    String logicalId,
    String physicalId,
    Map<String, String> properties,
    Map<String, String> oldProperties) {

  enum Type {
    CREATE,
    UPDATE,
    DELETE
  }

  /**
   * Reads the event.
   *
   * @throws IllegalArgumentException it is no such event, so there is nobody to answer
   */
  static Event read(InputStream in) throws IOException {
    Map<String, Object> event =
        Json.object(new String(in.readAllBytes(), StandardCharsets.UTF_8).trim());
    return new Event(
        switch (text(event, "RequestType")) {
          case "Create" -> Type.CREATE;
          case "Update" -> Type.UPDATE;
          case "Delete" -> Type.DELETE;
          default ->
              throw new IllegalArgumentException(
                  "RequestType: '"
                      + text(event, "RequestType")
                      + "' (expected: Create, Update or Delete)");
        },
        URI.create(text(event, "ResponseURL")),
        text(event, "StackId"),
        text(event, "RequestId"),
        text(event, "LogicalResourceId"),
        event.get("PhysicalResourceId") instanceof String id ? id : "",
        scalars(event.get("ResourceProperties")),
        scalars(event.get("OldResourceProperties")));
  }

  /**
   * A property that must be there.
   *
   * @throws IllegalArgumentException it is missing or empty
   */
  String required(String name) {
    String value = optional(name);
    if (value.isEmpty()) {
      throw new IllegalArgumentException("property " + name + ": '' (expected: a value)");
    }
    return value;
  }

  /** A property, or the empty string. */
  String optional(String name) {
    return properties.getOrDefault(name, "");
  }

  boolean changed(String name) {
    return !optional(name).equals(oldProperties.getOrDefault(name, ""));
  }

  /** Everything but the properties: they hold the session token, and this is what gets logged. */
  @Override
  public String toString() {
    return type + " " + logicalId + " of " + stackId + " (request " + requestId + ")";
  }

  private static String text(Map<String, Object> event, String name) {
    if (event.get(name) instanceof String value && !value.isEmpty()) {
      return value;
    }
    throw new IllegalArgumentException(name + ": missing (expected: a text)");
  }

  private static Map<String, String> scalars(Object properties) {
    Map<String, String> scalars = new LinkedHashMap<>();
    if (properties instanceof Map<?, ?> map) {
      map.forEach(
          (name, value) -> {
            if (value != null && !(value instanceof Map) && !(value instanceof Iterable)) {
              scalars.put((String) name, value.toString());
            }
          });
    }
    return scalars;
  }
}
