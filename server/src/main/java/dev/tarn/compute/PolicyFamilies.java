package dev.tarn.compute;

import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.compute.GetPolicyFamilyRequest;
import com.databricks.sdk.service.compute.ListPolicyFamiliesRequest;
import com.databricks.sdk.service.compute.ListPolicyFamiliesResponse;
import com.databricks.sdk.service.compute.PolicyFamily;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.access.Page;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code /api/2.0/policy-families}: definitions that come with the product, which policies may
 * build upon. They are the files beside this class; there is one version of each.
 */
final class PolicyFamilies {
  static final String PERSONAL = "personal-vm";

  private static final int PAGE = 20;
  private static final int LONGEST_PAGE = 100;

  private final Map<String, PolicyFamily> families = new LinkedHashMap<>();
  private final Map<String, PolicyDefinition> definitions = new LinkedHashMap<>();

  PolicyFamilies() {
    // In the order of their ids, as pages are.
    for (String id : List.of("job-cluster", PERSONAL, "power-user", "shared-compute")) {
      JsonNode file = read(id + ".json");
      PolicyDefinition definition = PolicyDefinition.parse(id, file.path("definition").toString());
      definitions.put(id, definition);
      families.put(
          id,
          new PolicyFamily()
              .setPolicyFamilyId(id)
              .setName(file.path("name").asText())
              .setDescription(file.path("description").asText())
              .setDefinition(definition.json()));
    }
  }

  private static JsonNode read(String file) {
    try (InputStream in = PolicyFamilies.class.getResourceAsStream(file)) {
      return Json.MAPPER.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException("the policy family " + file + " cannot be read", e);
    }
  }

  List<PolicyFamily> all() {
    return List.copyOf(families.values());
  }

  Optional<PolicyDefinition> definition(String id) {
    return Optional.ofNullable(definitions.get(id));
  }

  @Allow(Role.WORKSPACE_USER)
  public PolicyFamily get(Caller caller, GetPolicyFamilyRequest request) {
    Long version = request.getVersion();
    PolicyFamily family = families.get(request.getPolicyFamilyId());
    if (family == null || (version != null && version != 1)) {
      throw new ResourceDoesNotExist(
          "Can't find a policy family with id: "
              + request.getPolicyFamilyId()
              + (version == null ? "" : " and version: " + version),
          null);
    }
    return family;
  }

  @Allow(Role.WORKSPACE_USER)
  public ListPolicyFamiliesResponse list(Caller caller, ListPolicyFamiliesRequest request) {
    int size = Page.size(request.getMaxResults(), LONGEST_PAGE, PAGE);
    Page<PolicyFamily> page =
        Page.of(
            families.values().stream()
                .filter(
                    family ->
                        family.getPolicyFamilyId().compareTo(Page.after(request.getPageToken()))
                            > 0)
                .toList(),
            size,
            PolicyFamily::getPolicyFamilyId);
    return new ListPolicyFamiliesResponse()
        .setPolicyFamilies(page.items())
        .setNextPageToken(page.next());
  }
}
