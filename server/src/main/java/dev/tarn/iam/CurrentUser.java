package dev.tarn.iam;

import com.databricks.sdk.service.iam.MeRequest;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import dev.tarn.iam.Scim.GroupReference;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** {@code GET /api/2.0/preview/scim/v2/Me}: who the caller is, and in which workspace. */
public final class CurrentUser {
  private final Principals principals;
  private final Identities identities;

  CurrentUser(Principals principals, Identities identities) {
    this.principals = principals;
    this.identities = identities;
  }

  @Allow({Role.WORKSPACE_USER, Role.ACCOUNT_USER})
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered"
  })
  public Answer me(Caller caller, MeRequest request) {
    Principal principal = principals.get(caller.kind(), caller.principalId());
    ObjectNode me =
        Scim.resource(
            principal,
            new Scim.Beside(caller.workspaceId(), true, groups(caller, principal), null, null));
    // A service principal is shown in the shape of a user too; its user name is its id.
    me.put("userName", principal.name());
    Answer answer = Answer.json(200, me);
    return caller.workspaceId() == null
        ? answer
        : answer.withHeader("x-databricks-org-id", Long.toString(caller.workspaceId()));
  }

  private Map<GroupReference, String> groups(Caller caller, Principal principal) {
    Map<GroupReference, String> groups = new LinkedHashMap<>();
    if (caller.workspaceId() != null) {
      if (caller.is(Role.WORKSPACE_ADMIN)) {
        groups.put(SystemGroup.ADMINS.reference(), "direct");
      }
      groups.put(SystemGroup.USERS.reference(), "direct");
    }
    Set<Long> direct =
        new HashSet<>(
            principals.read(
                handle ->
                    handle
                        .createQuery("SELECT group_id FROM group_member WHERE member_id = :id")
                        .bind("id", principal.id())
                        .mapTo(Long.class)
                        .list()));
    identities
        .ofPrincipal(principal.id())
        .ifPresent(
            identity ->
                identity
                    .groups()
                    .forEach(
                        (id, name) ->
                            groups.put(
                                new GroupReference(Long.toString(id), name),
                                direct.contains(id) ? "direct" : "indirect")));
    return groups;
  }
}
