package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.iam.PermissionAssignment;
import com.databricks.sdk.service.iam.PrincipalOutput;
import dev.tarn.database.Slice;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.util.List;
import java.util.Map;

/** Lists of principals that the public API answers whole, page by page for the console. */
public final class PrincipalLists {
  /** What a list is filtered and ordered by. */
  private static final String NAMES = "name || ' ' || display_name";

  private final Principals principals;

  PrincipalLists(Principals principals) {
    this.principals = principals;
  }

  /** See {@link Slice.Wanted}. */
  record Entrants(Long workspaceId, String filter, Integer startIndex, Integer count) {}

  /** Who was assigned to a workspace itself, groups too. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/tarn/workspaces/{workspace_id}/assignments")
  public Slice<PermissionAssignment> assignments(Caller caller, Entrants wanted) {
    return principals.read(
        handle ->
            Slice.read(
                    handle,
                    Principals.ASSIGNED,
                    NAMES,
                    "principal_id",
                    new Slice.Wanted(wanted.filter(), wanted.startIndex(), wanted.count()),
                    Map.of(
                        "workspace",
                        WorkspaceAssignments.requireWorkspace(handle, wanted.workspaceId())),
                    (row, context) -> Principals.assigned(row))
                .map(
                    assigned ->
                        WorkspaceAssignments.shown(
                            assigned.principal(), List.of(assigned.permission()))));
  }

  /** See {@link Slice.Wanted}. */
  record Members(Long groupId, String filter, Integer startIndex, Integer count) {}

  /** The direct members of a group of the account. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/tarn/groups/{group_id}/members")
  public Slice<PrincipalOutput> members(Caller caller, Members wanted) {
    return principals.read(
        handle -> {
          Principal group =
              Principals.find(handle, wanted.groupId())
                  .filter(found -> found.kind() == Caller.Kind.GROUP && found.workspaceId() == null)
                  .orElseThrow(
                      () ->
                          new ResourceDoesNotExist(
                              "Group " + wanted.groupId() + " does not exist", null));
          return Slice.read(
                  handle,
                  """
                  SELECT p.* FROM group_member m JOIN principal p ON p.principal_id = m.member_id
                  WHERE m.group_id = :group
                  """,
                  NAMES,
                  "principal_id",
                  new Slice.Wanted(wanted.filter(), wanted.startIndex(), wanted.count()),
                  Map.of("group", group.id()),
                  (row, context) -> Principal.of(row))
              .map(Principal::output);
        });
  }
}
