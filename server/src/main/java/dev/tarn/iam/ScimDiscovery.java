package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.NotFound;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What a SCIM client asks to learn what it may ask ({@code /ServiceProviderConfig}, {@code
 * /ResourceTypes}, {@code /Schemas}), at the account and in workspaces; and the search that is over
 * all kinds of resource.
 */
public final class ScimDiscovery {
  private static final String ACCOUNT = "/api/2.0/accounts/{account_id}/scim/v2/";
  private static final String WORKSPACE = "/api/2.0/preview/scim/v2/";
  private static final List<String> ENDPOINTS =
      List.of("ServiceProviderConfig", "ResourceTypes", "Schemas");
  private static final List<ScimSchema> TYPES =
      List.of(ScimSchema.USER, ScimSchema.GROUP, ScimSchema.SERVICE_PRINCIPAL);

  private final List<ScimResources> kinds;

  ScimDiscovery(List<ScimResources> kinds) {
    this.kinds = kinds;
  }

  /**
   * @param endpoint what is asked for, on the way that is for everything else
   */
  public record Request(String accountId, String id, String endpoint) {}

  @Allow({Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN})
  @Operation("GET " + ACCOUNT + "ServiceProviderConfig")
  public Answer accountConfig(Caller caller, Request request) {
    return config();
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("GET " + WORKSPACE + "ServiceProviderConfig")
  public Answer workspaceConfig(Caller caller, Request request) {
    return config();
  }

  @Allow({Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN})
  @Operation("GET " + ACCOUNT + "ResourceTypes")
  public Answer accountTypes(Caller caller, Request request) {
    return all(types());
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("GET " + WORKSPACE + "ResourceTypes")
  public Answer workspaceTypes(Caller caller, Request request) {
    return all(types());
  }

  @Allow({Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN})
  @Operation("GET " + ACCOUNT + "ResourceTypes/{id}")
  public Answer accountType(Caller caller, Request request) {
    return one(types(), request.id());
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("GET " + WORKSPACE + "ResourceTypes/{id}")
  public Answer workspaceType(Caller caller, Request request) {
    return one(types(), request.id());
  }

  @Allow({Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN})
  @Operation("GET " + ACCOUNT + "Schemas")
  public Answer accountSchemas(Caller caller, Request request) {
    return all(schemas(true));
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("GET " + WORKSPACE + "Schemas")
  public Answer workspaceSchemas(Caller caller, Request request) {
    return all(schemas(false));
  }

  @Allow({Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN})
  @Operation("GET " + ACCOUNT + "Schemas/{id}")
  public Answer accountSchema(Caller caller, Request request) {
    return one(schemas(true), request.id());
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("GET " + WORKSPACE + "Schemas/{id}")
  public Answer workspaceSchema(Caller caller, Request request) {
    return one(schemas(false), request.id());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("POST " + ACCOUNT + ".search")
  public Answer accountSearch(Caller caller, ScimRequest request) {
    return search(null, request);
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("POST " + WORKSPACE + ".search")
  public Answer workspaceSearch(Caller caller, ScimRequest request) {
    return search(caller.workspaceId(), request);
  }

  /**
   * Of every kind, one after the other; what asks for an attribute finds the kinds that have it.
   */
  private Answer search(Long workspaceId, ScimRequest sent) {
    ScimRequest request = sent.ofBody();
    long start = request.startIndex() == null ? 1 : Math.max(1, request.startIndex());
    long count =
        request.count() == null
            ? ScimResources.PAGE
            : Math.clamp(request.count(), 0, ScimResources.LARGEST_PAGE);
    List<ObjectNode> page = new ArrayList<>();
    long total = 0;
    for (ScimResources kind : kinds) {
      ScimResources.Asked asked =
          new ScimResources.Asked(
              request.filter(),
              request.sortBy(),
              request.sortOrder(),
              Math.max(1, start - total),
              Math.max(0, count - page.size()));
      ObjectNode list;
      try {
        list = kind.list(workspaceId, asked, request.selection(kind.schema));
      } catch (BadRequest e) {
        if (!e.getErrorCode().equals("INVALID_FILTER")
            || (kind.schema.kind == kinds.getLast().schema.kind && total == 0)) {
          throw e;
        }
        continue;
      }
      list.path("Resources").forEach(resource -> page.add((ObjectNode) resource));
      total += list.path("totalResults").asLong();
    }
    return ScimRequest.answer(ScimResources.listed(page, total, start));
  }

  // Nothing of this can be written, which a client is told by 405 and not by 404.

  @Allow({Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN})
  @Operation("POST " + ACCOUNT + "{endpoint}")
  public Answer accountPost(Caller caller, Request request) {
    return refused("POST", request);
  }

  @Allow({Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN})
  @Operation("PUT " + ACCOUNT + "{endpoint}")
  public Answer accountPut(Caller caller, Request request) {
    return refused("PUT", request);
  }

  @Allow({Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN})
  @Operation("PATCH " + ACCOUNT + "{endpoint}")
  public Answer accountPatch(Caller caller, Request request) {
    return refused("PATCH", request);
  }

  @Allow({Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN})
  @Operation("DELETE " + ACCOUNT + "{endpoint}")
  public Answer accountDelete(Caller caller, Request request) {
    return refused("DELETE", request);
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("POST " + WORKSPACE + "{endpoint}")
  public Answer workspacePost(Caller caller, Request request) {
    return refused("POST", request);
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("PUT " + WORKSPACE + "{endpoint}")
  public Answer workspacePut(Caller caller, Request request) {
    return refused("PUT", request);
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("PATCH " + WORKSPACE + "{endpoint}")
  public Answer workspacePatch(Caller caller, Request request) {
    return refused("PATCH", request);
  }

  @Allow(Role.WORKSPACE_USER)
  @Operation("DELETE " + WORKSPACE + "{endpoint}")
  public Answer workspaceDelete(Caller caller, Request request) {
    return refused("DELETE", request);
  }

  private static Answer refused(String verb, Request request) {
    String what = Scim.shortened(request.endpoint());
    if (!ENDPOINTS.contains(request.endpoint())) {
      throw new NotFound(
          "ENDPOINT_NOT_FOUND", "No API found for '" + verb + " " + what + "'", null);
    }
    return new Answer(
        405,
        Map.of("allow", "GET"),
        ScimRequest.MEDIA_TYPE,
        Map.of(
            "schemas",
            List.of("urn:ietf:params:scim:api:messages:2.0:Error"),
            "status",
            "405",
            "detail",
            what + " is there to be read (expected: GET)"));
  }

  private static Answer all(List<ObjectNode> resources) {
    return ScimRequest.answer(ScimResources.listed(resources, resources.size(), 1));
  }

  private static Answer one(List<ObjectNode> resources, String id) {
    return ScimRequest.answer(
        resources.stream()
            .filter(resource -> resource.path("id").asText().equalsIgnoreCase(id))
            .findFirst()
            .orElseThrow(
                () ->
                    new NotFound(
                        "RESOURCE_DOES_NOT_EXIST",
                        "'"
                            + Scim.shortened(id)
                            + "' is not there (expected: one of "
                            + resources.stream().map(r -> r.path("id").asText()).toList()
                            + ")",
                        null)));
  }

  private static List<ObjectNode> schemas(boolean ofAccount) {
    return described(
        ScimSchema.published(ofAccount),
        "urn:ietf:params:scim:schemas:core:2.0:Schema",
        "Schema",
        schema -> "Schemas/" + schema.path("id").asText());
  }

  private static List<ObjectNode> types() {
    return described(
        TYPES.stream()
            .map(
                of -> {
                  ObjectNode node = Json.MAPPER.createObjectNode();
                  node.put("id", of.name).put("name", of.name);
                  node.put("endpoint", "/" + of.name + "s").put("schema", of.id);
                  if (!of.extensions.isEmpty()) {
                    var list = node.putArray("schemaExtensions");
                    of.extensions.forEach(
                        urn -> list.addObject().put("schema", urn).put("required", false));
                  }
                  return node;
                })
            .toList(),
        "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
        "ResourceType",
        type -> "ResourceTypes/" + type.path("id").asText());
  }

  private static List<ObjectNode> described(
      List<ObjectNode> nodes, String schema, String type, Function<ObjectNode, String> location) {
    for (ObjectNode node : nodes) {
      node.putArray("schemas").add(schema);
      Scim.meta(node, type, location.apply(node));
    }
    return nodes;
  }

  private static Answer config() {
    ObjectNode config = Json.MAPPER.createObjectNode();
    config.putArray("schemas").add("urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig");
    config.putObject("patch").put("supported", true);
    config
        .putObject("bulk")
        .put("supported", false)
        .put("maxOperations", 0)
        .put("maxPayloadSize", 0);
    config.putObject("filter").put("supported", true).put("maxResults", ScimResources.LARGEST_PAGE);
    config.putObject("changePassword").put("supported", false);
    config.putObject("sort").put("supported", true);
    config.putObject("etag").put("supported", true);
    config
        .putArray("authenticationSchemes")
        .addObject()
        .put("type", "oauthbearertoken")
        .put("name", "Bearer token")
        .put("description", "An OAuth access token or a personal access token")
        .put("primary", true);
    Scim.meta(config, "ServiceProviderConfig", "ServiceProviderConfig");
    return ScimRequest.answer(config);
  }
}
