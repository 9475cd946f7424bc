package dev.tarn.iam;

import dev.tarn.http.Caller;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * The groups that follow from who is assigned to a workspace, and of which there is everybody's one
 * beside. Grants may name them; nobody is put into them by hand, and SCIM does not show them.
 *
 * @param users everybody who enters the workspace
 * @param admins those of them who administer it
 */
public record WorkspaceGroups(long users, long admins) {
  /** Everybody of the account; a migration made it. */
  public static final long ACCOUNT_USERS = 3;

  private static final String USERS = "_workspace_users_";
  private static final String ADMINS = "_workspace_admins_";

  static Optional<WorkspaceGroups> find(Principals principals, long workspaceId) {
    return principals.read(handle -> find(handle, workspaceId));
  }

  private static Optional<WorkspaceGroups> find(Handle handle, long workspaceId) {
    List<Principal> groups = rows(handle, Set.of(workspaceId));
    return groups.isEmpty()
        ? Optional.empty()
        : Optional.of(new WorkspaceGroups(id(groups, USERS), id(groups, ADMINS)));
  }

  private static long id(List<Principal> groups, String prefix) {
    return groups.stream()
        .filter(group -> group.name().startsWith(prefix))
        .mapToLong(Principal::id)
        .findFirst()
        .orElseThrow();
  }

  static WorkspaceGroups make(Principals principals, long workspaceId, String name, long now) {
    return principals.write(
        handle ->
            find(handle, workspaceId)
                .orElseGet(
                    () ->
                        new WorkspaceGroups(
                            insert(handle, USERS, workspaceId, name, now),
                            insert(handle, ADMINS, workspaceId, name, now))));
  }

  private static long insert(
      Handle handle, String prefix, long workspaceId, String workspaceName, long now) {
    String name = prefix + Principals.folded(workspaceName) + "_" + workspaceId;
    return Principals.insert(
            handle,
            new Principal(
                Principals.newId(),
                Caller.Kind.SYSTEM_GROUP,
                workspaceId,
                name,
                name,
                true,
                false,
                now,
                now,
                1,
                "{}"))
        .id();
  }

  /** What a workspace calls a system group. */
  static String shown(String name) {
    return name.startsWith(USERS) ? "users" : name.startsWith(ADMINS) ? "admins" : "account users";
  }

  /** Ids of the system groups that somebody is in, or a system group stands for. */
  static Set<Long> of(Handle handle, Principal principal, Map<Long, Boolean> assignments) {
    Set<Long> ids = new HashSet<>();
    ids.add(ACCOUNT_USERS);
    Map<Long, Boolean> entered =
        principal.kind() == Caller.Kind.SYSTEM_GROUP && principal.workspaceId() != null
            ? Map.of(principal.workspaceId(), principal.name().startsWith(ADMINS))
            : assignments;
    if (!entered.isEmpty()) {
      for (Principal group : rows(handle, entered.keySet())) {
        if (group.name().startsWith(USERS) || entered.get(group.workspaceId())) {
          ids.add(group.id());
        }
      }
    }
    return ids;
  }

  private static List<Principal> rows(Handle handle, Set<Long> workspaces) {
    return handle
        .createQuery(
            """
            SELECT * FROM principal
            WHERE kind = 'SYSTEM_GROUP' AND workspace_id IN (<workspaces>)
            """)
        .bindList("workspaces", List.copyOf(workspaces))
        .map((row, context) -> Principal.of(row))
        .list();
  }
}
