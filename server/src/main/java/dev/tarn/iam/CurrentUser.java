package dev.tarn.iam;

import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.iam.User;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.util.ArrayList;
import java.util.List;

/** {@code GET /api/2.0/preview/scim/v2/Me}: who the caller is, and in which workspace. */
public final class CurrentUser {
  private final Principals principals;

  CurrentUser(Principals principals) {
    this.principals = principals;
  }

  @Allow({Role.WORKSPACE_USER, Role.ACCOUNT_USER})
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered"
  })
  public Answer me(Caller caller, MeRequest request) {
    Principal principal = principals.get(caller.kind(), caller.principalId());
    // A service principal is shown in the shape of a user too; its user name is its id.
    User me = Scim.user(principal).setGroups(caller.workspaceId() == null ? null : groups(caller));
    Answer answer = Answer.json(200, me);
    return caller.workspaceId() == null
        ? answer
        : answer.withHeader("x-databricks-org-id", Long.toString(caller.workspaceId()));
  }

  private static List<ComplexValue> groups(Caller caller) {
    List<ComplexValue> groups = new ArrayList<>();
    if (caller.is(Role.WORKSPACE_ADMIN)) {
      groups.add(Groups.ADMINS.reference());
    }
    groups.add(Groups.USERS.reference());
    return groups;
  }
}
