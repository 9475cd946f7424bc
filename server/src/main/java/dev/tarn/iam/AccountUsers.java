package dev.tarn.iam;

import com.databricks.sdk.service.iam.DeleteAccountUserRequest;
import com.databricks.sdk.service.iam.GetAccountUserRequest;
import com.databricks.sdk.service.iam.ListAccountUsersRequest;
import com.databricks.sdk.service.iam.ListResponseSchema;
import com.databricks.sdk.service.iam.ListUsersResponse;
import com.databricks.sdk.service.iam.PartialUpdate;
import com.databricks.sdk.service.iam.User;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.List;
import java.util.function.UnaryOperator;

/** Users of the account, over SCIM. */
public final class AccountUsers {
  static final List<String> FILTERS = List.of("userName", "displayName", "id");

  private final Principals principals;
  private final Clock clock;

  AccountUsers(Principals principals, Clock clock) {
    this.principals = principals;
    this.clock = clock;
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores({
    "groups: whoever is assigned to a workspace is in its system groups",
    "schemas: there is one"
  })
  public Answer create(Caller caller, User request) {
    Principal made = principals.add(Scim.principal(Principals.newId(), request, clock.millis()));
    return Answer.json(201, Scim.user(made));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered",
    "sortBy: there is one answer",
    "sortOrder: there is one answer",
    "filter: there is one answer",
    "count: there is one answer",
    "startIndex: there is one answer"
  })
  public User get(Caller caller, GetAccountUserRequest request) {
    return Scim.user(principals.get(Caller.Kind.USER, request.getId()));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered",
    "sortBy: always by name",
    "sortOrder: always ascending"
  })
  public ListUsersResponse list(Caller caller, ListAccountUsersRequest request) {
    return listed(
        principals,
        null,
        Page.of(request.getFilter(), request.getStartIndex(), request.getCount(), FILTERS));
  }

  static ListUsersResponse listed(Principals principals, Long workspaceId, Page page) {
    Principals.Listed listed = principals.list(Caller.Kind.USER, workspaceId, page);
    return new ListUsersResponse()
        .setTotalResults(listed.total())
        .setStartIndex(page.start())
        .setItemsPerPage((long) listed.page().size())
        .setSchemas(List.of(ListResponseSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_LIST_RESPONSE))
        .setResources(listed.page().stream().map(Scim::user).toList());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores({
    "groups: whoever is assigned to a workspace is in its system groups",
    "schemas: there is one"
  })
  public User update(Caller caller, User request) {
    return change(request.getId(), before -> request);
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores("schemas: there is one")
  public User patch(Caller caller, PartialUpdate request) {
    return change(
        request.getId(),
        before -> Json.read(Scim.patched(before, request.getOperations()).toString(), User.class));
  }

  private User change(String id, UnaryOperator<User> change) {
    return Scim.user(
        principals.change(
            Caller.Kind.USER,
            id,
            before ->
                Scim.principal(before.id(), change.apply(Scim.user(before)), before.createdAt())));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public void delete(Caller caller, DeleteAccountUserRequest request) {
    principals.remove(Caller.Kind.USER, request.getId());
  }
}
