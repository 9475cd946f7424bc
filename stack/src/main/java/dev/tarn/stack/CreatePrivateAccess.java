package dev.tarn.stack;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code Custom::CreatePrivateAccessConfiguration}: who may reach the workspace, and by which
 * endpoints.
 *
 * <p>Properties {@code private_access_settings_name}, {@code aws_region}, {@code
 * public_access_enabled} ({@code true} or {@code false}), {@code allowed_vpc_endpoint_ids}
 * (separated by commas; empty allows all of the account); id {@code private_access_settings_id}; no
 * attributes.
 */
public final class CreatePrivateAccess extends NamedObject {
  /** What the Lambda runtime calls. */
  public CreatePrivateAccess() {
    this(Patience.real());
  }

  CreatePrivateAccess(Patience patience) {
    super(
        patience,
        "/private-access-settings",
        "private_access_settings_id",
        "private_access_settings_name",
        "private_access_settings_name");
  }

  @Override
  Map<String, Object> body(Event event, String name) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("private_access_settings_name", name);
    body.put("region", event.required("aws_region"));
    body.put("public_access_enabled", event.required("public_access_enabled").equals("true"));
    String endpoints = event.optional("allowed_vpc_endpoint_ids");
    body.put("private_access_level", endpoints.isEmpty() ? "ACCOUNT" : "ENDPOINT");
    if (!endpoints.isEmpty()) {
      body.put("allowed_vpc_endpoint_ids", CreateNetwork.ids(endpoints));
    }
    return body;
  }

  @Override
  boolean sameContent(Event event, Map<String, Object> object) {
    return event.required("aws_region").equals(text(object, "region"))
        && event.required("public_access_enabled").equals(text(object, "public_access_enabled"));
  }

  @Override
  boolean contentChanged(Event event) {
    return event.changed("aws_region")
        || event.changed("public_access_enabled")
        || event.changed("allowed_vpc_endpoint_ids");
  }

  @Override
  Map<String, String> attributes(Event event, Map<String, Object> object) {
    return Map.of();
  }
}
