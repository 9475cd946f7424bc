package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.GetGroupRequest;
import com.databricks.sdk.service.iam.Group;
import com.databricks.sdk.service.iam.GroupSchema;
import com.databricks.sdk.service.iam.ListGroupsRequest;
import com.databricks.sdk.service.iam.ListGroupsResponse;
import com.databricks.sdk.service.iam.ListResponseSchema;
import com.databricks.sdk.service.iam.ResourceMeta;
import com.databricks.sdk.service.iam.WorkspacePermission;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The two groups every workspace has, {@code admins} and {@code users}. They are a view of the
 * workspace assignments and are changed there.
 */
public final class Groups {
  static final SystemGroup ADMINS = new SystemGroup("1", "admins");
  static final SystemGroup USERS = new SystemGroup("2", "users");

  private final Principals principals;

  Groups(Principals principals) {
    this.principals = principals;
  }

  record SystemGroup(String id, String name) {
    ComplexValue reference() {
      return new ComplexValue()
          .setDisplay(name)
          .setType("direct")
          .setValue(id)
          .setRef("Groups/" + id);
    }
  }

  @Allow(Role.WORKSPACE_USER)
  public Group get(Caller caller, GetGroupRequest request) {
    return Optional.ofNullable(request.getId())
        .flatMap(id -> List.of(ADMINS, USERS).stream().filter(g -> g.id().equals(id)).findFirst())
        .map(group -> group(caller, group))
        .orElseThrow(
            () ->
                new ResourceDoesNotExist("Group with id " + request.getId() + " not found.", null));
  }

  @Allow(Role.WORKSPACE_USER)
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered",
    "sortBy: always admins, then users",
    "sortOrder: always admins, then users"
  })
  public ListGroupsResponse list(Caller caller, ListGroupsRequest request) {
    Page page =
        Page.of(
            request.getFilter(),
            request.getStartIndex(),
            request.getCount(),
            List.of("displayName", "id"));
    List<SystemGroup> matching =
        List.of(ADMINS, USERS).stream()
            .filter(
                group -> matches(page, "id".equals(page.attribute()) ? group.id() : group.name()))
            .toList();
    List<Group> shown =
        matching.stream()
            .skip(page.start() - 1)
            .limit(page.count())
            .map(group -> group(caller, group))
            .toList();
    return new ListGroupsResponse()
        .setTotalResults((long) matching.size())
        .setStartIndex(page.start())
        .setItemsPerPage((long) shown.size())
        .setSchemas(List.of(ListResponseSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_LIST_RESPONSE))
        .setResources(shown);
  }

  private static boolean matches(Page page, String text) {
    if (page.attribute() == null) {
      return true;
    }
    String value = page.value().toLowerCase(Locale.ROOT);
    return switch (page.operator()) {
      case "co" -> text.contains(value);
      case "sw" -> text.startsWith(value);
      default -> text.equals(value);
    };
  }

  private Group group(Caller caller, SystemGroup group) {
    return new Group()
        .setId(group.id())
        .setDisplayName(group.name())
        .setSchemas(List.of(GroupSchema.URN_IETF_PARAMS_SCIM_SCHEMAS_CORE_2_0_GROUP))
        .setMeta(new ResourceMeta().setResourceType("WorkspaceGroup"))
        .setMembers(
            principals.assigned(caller.workspaceId()).stream()
                .filter(
                    assigned ->
                        group.equals(USERS) || assigned.permission() == WorkspacePermission.ADMIN)
                .map(
                    assigned ->
                        new ComplexValue()
                            .setValue(Long.toString(assigned.principal().id()))
                            .setDisplay(assigned.principal().displayName())
                            .setRef(assigned.principal().reference()))
                .toList());
  }
}
