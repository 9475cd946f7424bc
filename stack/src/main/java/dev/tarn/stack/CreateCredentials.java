package dev.tarn.stack;

import java.util.Map;

/**
 * {@code Custom::CreateCredentials}: the account's record of the role it assumes.
 *
 * <p>Properties {@code credentials_name}, {@code role_arn}; id {@code credentials_id}; attribute
 * {@code ExternalId}.
 */
public final class CreateCredentials extends NamedObject {
  /** What the Lambda runtime calls. */
  public CreateCredentials() {
    this(Patience.real());
  }

  CreateCredentials(Patience patience) {
    super(patience, "/credentials", "credentials_id", "credentials_name", "credentials_name");
  }

  @Override
  Map<String, Object> body(Event event, String name) {
    return Map.of(
        "credentials_name",
        name,
        "aws_credentials",
        Map.of("sts_role", Map.of("role_arn", event.required("role_arn"))));
  }

  @Override
  boolean sameContent(Event event, Map<String, Object> object) {
    return event.required("role_arn").equals(text(role(object), "role_arn"));
  }

  @Override
  boolean contentChanged(Event event) {
    return event.changed("role_arn");
  }

  @Override
  Map<String, String> attributes(Event event, Map<String, Object> object) {
    // Where the service leaves it out it is the account id by definition.
    String externalId = text(role(object), "external_id");
    return Map.of("ExternalId", externalId.isEmpty() ? event.required("accountId") : externalId);
  }

  private static Map<String, Object> role(Map<String, Object> object) {
    return object.get("aws_credentials") instanceof Map<?, ?> aws
            && aws.get("sts_role") instanceof Map<?, ?> role
        ? Json.asObject(role)
        : Map.of();
  }
}
