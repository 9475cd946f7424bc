package dev.tarn.iam;

import com.databricks.sdk.service.iam.MeRequest;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import dev.tarn.iam.Identities.Identity;
import dev.tarn.iam.Scim.GroupReference;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code GET /api/2.0/preview/scim/v2/Me}: who the caller is, and in which workspace. */
public final class CurrentUser {
  private final Identities identities;

  CurrentUser(Identities identities) {
    this.identities = identities;
  }

  @Allow({Role.WORKSPACE_USER, Role.ACCOUNT_USER})
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered"
  })
  public Answer me(Caller caller, MeRequest request) {
    Identity identity =
        identities
            .ofPrincipal(Long.parseLong(caller.principalId()))
            .orElseThrow(() -> Principals.missing(caller.kind(), caller.principalId()));
    Principal principal = identity.principal();
    ObjectNode me =
        Scim.resource(
            principal,
            new Scim.Beside(caller.workspaceId(), true, groups(caller, identity), null, null));
    // A service principal is shown in the shape of a user too; its user name is its id.
    me.put("userName", principal.name());
    Answer answer = Answer.json(200, me);
    return caller.workspaceId() == null
        ? answer
        : answer.withHeader("x-databricks-org-id", Long.toString(caller.workspaceId()));
  }

  private static Map<GroupReference, String> groups(Caller caller, Identity identity) {
    Map<GroupReference, String> groups = new LinkedHashMap<>();
    if (caller.workspaceId() != null) {
      if (caller.is(Role.WORKSPACE_ADMIN)) {
        groups.put(SystemGroup.ADMINS.reference(), "direct");
      }
      groups.put(SystemGroup.USERS.reference(), "direct");
    }
    identity
        .groups()
        .forEach(
            (id, name) ->
                groups.put(
                    new GroupReference(Long.toString(id), name),
                    identity.direct().contains(id) ? "direct" : "indirect"));
    return groups;
  }
}
