package dev.tarn.iam;

import com.databricks.sdk.service.iam.WorkspacePermission;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jdbi.v3.core.Handle;

/**
 * The two groups that every workspace has. They are a view of its assignments: whoever is put into
 * one is assigned, whoever is taken out is not any more.
 */
enum SystemGroup {
  ADMINS("1", "admins"),
  USERS("2", "users");

  static final List<SystemGroup> ALL = List.of(values());

  final String id;
  final String groupName;

  SystemGroup(String id, String groupName) {
    this.id = id;
    this.groupName = groupName;
  }

  static SystemGroup of(String id) {
    return ALL.stream().filter(group -> group.id.equals(id)).findFirst().orElse(null);
  }

  Scim.GroupReference reference() {
    return new Scim.GroupReference(id, groupName);
  }

  /** What of it can be found by. */
  ObjectNode named() {
    return Json.MAPPER.createObjectNode().put("id", id).put("displayName", groupName);
  }

  ObjectNode shown(Handle handle, long workspaceId) {
    ObjectNode resource = Json.MAPPER.createObjectNode();
    resource.putArray("schemas").add(ScimSchema.GROUP.id);
    resource.setAll(named());
    Scim.members(
        resource,
        Principals.assigned(handle, workspaceId).stream()
            .filter(assigned -> this == USERS || assigned.permission() == WorkspacePermission.ADMIN)
            .map(Principals.Assigned::principal)
            .toList());
    Scim.meta(resource, "WorkspaceGroup", "Groups/" + id);
    return resource;
  }

  ScimPatch.Members members(Handle handle, long workspaceId) {
    return new ScimPatch.Members() {
      @Override
      public Set<Long> current() {
        Set<Long> ids = new TreeSet<>();
        for (Principals.Assigned assigned : Principals.assigned(handle, workspaceId)) {
          if (SystemGroup.this == USERS || assigned.permission() == WorkspacePermission.ADMIN) {
            ids.add(assigned.principal().id());
          }
        }
        return ids;
      }

      @Override
      public void add(Set<Long> ids) {
        Principals.requireEntrants(handle, workspaceId, ids);
        for (long id : ids) {
          if (SystemGroup.this == ADMINS) {
            Principals.assign(handle, workspaceId, id, WorkspacePermission.ADMIN);
          } else if (Principals.assignment(handle, workspaceId, id).isEmpty()) {
            Principals.assign(handle, workspaceId, id, WorkspacePermission.USER);
          }
        }
      }

      @Override
      public void remove(Set<Long> ids) {
        for (long id : ids) {
          if (SystemGroup.this == USERS) {
            Principals.unassign(handle, workspaceId, id);
          } else if (Principals.assignment(handle, workspaceId, id).isPresent()) {
            Principals.assign(handle, workspaceId, id, WorkspacePermission.USER);
          }
        }
      }
    };
  }
}
