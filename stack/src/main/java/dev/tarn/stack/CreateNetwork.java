package dev.tarn.stack;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * {@code Custom::CreateNetworks}: the VPC, subnets and security groups a workspace's machines are
 * in.
 *
 * <p>Properties {@code network_name}, {@code vpc_id}, {@code subnet_ids} and {@code
 * security_group_ids} (separated by commas), optional {@code rest_access_endpoint_id} and {@code
 * relay_access_endpoint_id}; id {@code network_id}; no attributes.
 */
public final class CreateNetwork extends NamedObject {
  /** What the Lambda runtime calls. */
  public CreateNetwork() {
    this(Patience.real());
  }

  CreateNetwork(Patience patience) {
    super(patience, "/networks", "network_id", "network_name", "network_name");
  }

  @Override
  Map<String, Object> body(Event event, String name) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("network_name", name);
    body.put("vpc_id", event.required("vpc_id"));
    body.put("subnet_ids", ids(event.required("subnet_ids")));
    body.put("security_group_ids", ids(event.required("security_group_ids")));
    if (!event.optional("rest_access_endpoint_id").isEmpty()) {
      body.put(
          "vpc_endpoints",
          Map.of(
              "rest_api",
              List.of(event.required("rest_access_endpoint_id")),
              "dataplane_relay",
              List.of(event.required("relay_access_endpoint_id"))));
    }
    return body;
  }

  @Override
  boolean sameContent(Event event, Map<String, Object> object) {
    return event.required("vpc_id").equals(text(object, "vpc_id"))
        && Set.copyOf(ids(event.required("subnet_ids"))).equals(set(object, "subnet_ids"))
        && Set.copyOf(ids(event.required("security_group_ids")))
            .equals(set(object, "security_group_ids"));
  }

  @Override
  boolean contentChanged(Event event) {
    return event.changed("vpc_id")
        || event.changed("subnet_ids")
        || event.changed("security_group_ids")
        || event.changed("rest_access_endpoint_id")
        || event.changed("relay_access_endpoint_id");
  }

  @Override
  Map<String, String> attributes(Event event, Map<String, Object> object) {
    return Map.of();
  }

  static List<String> ids(String separated) {
    return Arrays.stream(separated.split(",")).map(String::trim).filter(s -> !s.isEmpty()).toList();
  }

  private static Set<Object> set(Map<String, Object> object, String name) {
    return object.get(name) instanceof List<?> list ? Set.copyOf(list) : Set.of();
  }
}
