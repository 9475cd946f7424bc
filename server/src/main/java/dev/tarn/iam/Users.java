package dev.tarn.iam;

import com.databricks.sdk.service.iam.DeleteUserRequest;
import com.databricks.sdk.service.iam.GetUserRequest;
import com.databricks.sdk.service.iam.ListUsersRequest;
import com.databricks.sdk.service.iam.ListUsersResponse;
import com.databricks.sdk.service.iam.User;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.time.Clock;

/**
 * Users of a workspace, over SCIM: users of the account that are assigned to it. Making one that
 * the account does not have makes it there too; deleting one takes the assignment away.
 */
public final class Users {
  private final Principals principals;
  private final Clock clock;

  Users(Principals principals, Clock clock) {
    this.principals = principals;
    this.clock = clock;
  }

  @Allow(Role.WORKSPACE_ADMIN)
  @Ignores({
    "groups: whoever is assigned to a workspace is in its system groups",
    "schemas: there is one",
    "roles: a workspace makes no account admins"
  })
  public Answer create(Caller caller, User request) {
    // Administering a workspace does not make account admins.
    Principal asked = Scim.principal(Principals.newId(), request.setRoles(null), clock.millis());
    return Answer.json(201, Scim.user(principals.join(caller.workspaceId(), asked)));
  }

  @Allow(Role.WORKSPACE_USER)
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered",
    "sortBy: there is one answer",
    "sortOrder: there is one answer",
    "filter: there is one answer",
    "count: there is one answer",
    "startIndex: there is one answer"
  })
  public User get(Caller caller, GetUserRequest request) {
    return Scim.user(principals.assigned(caller.workspaceId(), Caller.Kind.USER, request.getId()));
  }

  @Allow(Role.WORKSPACE_USER)
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered",
    "sortBy: always by name",
    "sortOrder: always ascending"
  })
  public ListUsersResponse list(Caller caller, ListUsersRequest request) {
    return AccountUsers.listed(
        principals,
        caller.workspaceId(),
        Page.of(
            request.getFilter(),
            request.getStartIndex(),
            request.getCount(),
            AccountUsers.FILTERS));
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public void delete(Caller caller, DeleteUserRequest request) {
    principals.leave(caller.workspaceId(), Caller.Kind.USER, request.getId());
  }
}
