package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.iam.DeleteWorkspaceAssignmentRequest;
import com.databricks.sdk.service.iam.GetWorkspaceAssignmentRequest;
import com.databricks.sdk.service.iam.ListWorkspaceAssignmentRequest;
import com.databricks.sdk.service.iam.PermissionAssignment;
import com.databricks.sdk.service.iam.PermissionAssignments;
import com.databricks.sdk.service.iam.PermissionOutput;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.iam.WorkspacePermissions;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.util.Collection;
import java.util.List;
import org.jdbi.v3.core.Handle;

/**
 * Who may enter a workspace, as user or as administrator: users, service principals, and groups of
 * the account for their members.
 */
public final class WorkspaceAssignments {
  private final Principals principals;

  WorkspaceAssignments(Principals principals) {
    this.principals = principals;
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public WorkspacePermissions get(Caller caller, GetWorkspaceAssignmentRequest request) {
    principals.read(handle -> requireWorkspace(handle, request.getWorkspaceId()));
    return new WorkspacePermissions()
        .setPermissions(
            List.of(
                new PermissionOutput()
                    .setPermissionLevel(WorkspacePermission.USER)
                    .setDescription("May enter the workspace"),
                new PermissionOutput()
                    .setPermissionLevel(WorkspacePermission.ADMIN)
                    .setDescription("May administer the workspace")));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public PermissionAssignments list(Caller caller, ListWorkspaceAssignmentRequest request) {
    return principals.read(
        handle ->
            new PermissionAssignments()
                .setPermissionAssignments(
                    Principals.assigned(handle, requireWorkspace(handle, request.getWorkspaceId()))
                        .stream()
                        .map(
                            assigned -> shown(assigned.principal(), List.of(assigned.permission())))
                        .toList()));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public PermissionAssignment update(Caller caller, UpdateWorkspaceAssignments request) {
    Collection<WorkspacePermission> asked =
        request.getPermissions() == null ? List.of() : request.getPermissions();
    if (asked.contains(WorkspacePermission.UNKNOWN)) {
      throw new InvalidParameterValue("permissions: 'UNKNOWN' (expected: USER or ADMIN)", null);
    }
    WorkspacePermission permission =
        asked.isEmpty()
            ? null
            : asked.contains(WorkspacePermission.ADMIN)
                ? WorkspacePermission.ADMIN
                : WorkspacePermission.USER;
    if (permission == null) {
      return shown(
          principals.unassign(request.getWorkspaceId(), request.getPrincipalId()), List.of());
    }
    return principals.write(
        handle -> {
          long workspace = requireWorkspace(handle, request.getWorkspaceId());
          Principal principal = requirePrincipal(handle, request.getPrincipalId());
          Principals.assign(handle, workspace, principal.id(), permission);
          return shown(principal, List.of(permission));
        });
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public void delete(Caller caller, DeleteWorkspaceAssignmentRequest request) {
    principals.unassign(request.getWorkspaceId(), request.getPrincipalId());
  }

  static PermissionAssignment shown(Principal principal, List<WorkspacePermission> permissions) {
    return new PermissionAssignment().setPrincipal(principal.output()).setPermissions(permissions);
  }

  /** Of the account: a group that only one workspace has is assigned nowhere. */
  static Principal requirePrincipal(Handle handle, Long id) {
    return Principals.find(handle, id)
        .filter(principal -> principal.workspaceId() == null)
        .orElseThrow(() -> new ResourceDoesNotExist("Principal " + id + " does not exist", null));
  }

  static long requireWorkspace(Handle handle, Long id) {
    return handle
        .createQuery("SELECT workspace_id FROM workspace WHERE workspace_id = :id")
        .bind("id", id)
        .mapTo(Long.class)
        .findOne()
        .orElseThrow(() -> new ResourceDoesNotExist("Workspace " + id + " does not exist", null));
  }
}
