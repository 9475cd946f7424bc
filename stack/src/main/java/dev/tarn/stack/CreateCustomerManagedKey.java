package dev.tarn.stack;

import java.util.List;
import java.util.Map;

/**
 * {@code Custom::CreateCustomerManagedKey}: a key of the customer, for what the workspace stores.
 * It has no name of its own; its ARN is what tells it apart.
 *
 * <p>Properties {@code key_arn}, {@code use_cases} ({@code MANAGED_SERVICES}, {@code STORAGE} or
 * {@code BOTH}); id {@code customer_managed_key_id}; no attributes.
 */
public final class CreateCustomerManagedKey extends NamedObject {
  /** What the Lambda runtime calls. */
  public CreateCustomerManagedKey() {
    this(Patience.real());
  }

  CreateCustomerManagedKey(Patience patience) {
    super(patience, "/customer-managed-keys", "customer_managed_key_id", "key_arn", "key_arn");
  }

  @Override
  String nameOf(Map<String, Object> object) {
    return object.get("aws_key_info") instanceof Map<?, ?> key
        ? text(Json.asObject(key), "key_arn")
        : "";
  }

  @Override
  boolean isUnique() {
    return false;
  }

  /** Two of one key may be there side by side. */
  @Override
  String besides(String name, String suffix) {
    return name;
  }

  @Override
  Map<String, Object> body(Event event, String name) {
    return Map.of("use_cases", useCases(event), "aws_key_info", Map.of("key_arn", name));
  }

  @Override
  boolean sameContent(Event event, Map<String, Object> object) {
    return object.get("use_cases") instanceof List<?> cases
        && cases.size() == useCases(event).size()
        && cases.containsAll(useCases(event));
  }

  @Override
  boolean contentChanged(Event event) {
    return event.changed("use_cases");
  }

  @Override
  Map<String, String> attributes(Event event, Map<String, Object> object) {
    return Map.of();
  }

  private static List<String> useCases(Event event) {
    String asked = event.required("use_cases");
    return asked.equals("BOTH") ? List.of("MANAGED_SERVICES", "STORAGE") : List.of(asked);
  }
}
