package dev.tarn.stack;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code Custom::CreateStorageConfigurations}: the bucket that becomes a workspace's root.
 *
 * <p>Properties {@code storage_config_name}, {@code s3bucket_name} and {@code catalog_role_arn}
 * (optional; with it the workspace gets its own catalog); id {@code storage_configuration_id}; no
 * attributes.
 */
public final class CreateStorageConfiguration extends NamedObject {
  /** What the Lambda runtime calls. */
  public CreateStorageConfiguration() {
    this(Patience.real());
  }

  CreateStorageConfiguration(Patience patience) {
    super(
        patience,
        "/storage-configurations",
        "storage_configuration_id",
        "storage_configuration_name",
        "storage_config_name");
  }

  @Override
  Map<String, Object> body(Event event, String name) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("storage_configuration_name", name);
    body.put("root_bucket_info", Map.of("bucket_name", event.required("s3bucket_name")));
    if (!event.optional("catalog_role_arn").isEmpty()) {
      body.put("role_arn", event.optional("catalog_role_arn"));
    }
    return body;
  }

  @Override
  boolean sameContent(Event event, Map<String, Object> object) {
    return object.get("root_bucket_info") instanceof Map<?, ?> bucket
        && event.required("s3bucket_name").equals(bucket.get("bucket_name"))
        && event.optional("catalog_role_arn").equals(text(object, "role_arn"));
  }

  @Override
  boolean contentChanged(Event event) {
    return event.changed("s3bucket_name") || event.changed("catalog_role_arn");
  }

  @Override
  Map<String, String> attributes(Event event, Map<String, Object> object) {
    return Map.of();
  }
}
