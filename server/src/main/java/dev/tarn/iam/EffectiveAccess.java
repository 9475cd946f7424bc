package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongFunction;
import org.jdbi.v3.core.Handle;

/**
 * What somebody can do, and why: each group with the way that leads into it, each workspace and
 * role with the way to whoever it was given to. The authenticator decides by the same rows.
 */
public final class EffectiveAccess {
  private final Principals principals;
  private final Identities identities;
  private final LongFunction<Optional<Face>> workspaces;

  EffectiveAccess(
      Principals principals, Identities identities, LongFunction<Optional<Face>> workspaces) {
    this.principals = principals;
    this.identities = identities;
    this.workspaces = workspaces;
  }

  /** What of a workspace those may see who may enter it. */
  public record Face(String name, String region, String status) {}

  public record Entrance(
      long workspaceId, String workspaceName, String region, String status, boolean admin) {}

  public record Entrances(List<Entrance> workspaces) {}

  /** The caller's own, in order of their names. */
  @Allow(Role.ACCOUNT_USER)
  @Operation("GET /api/2.0/tarn/workspaces")
  public Entrances mine(Caller caller) {
    List<Entrance> found = new ArrayList<>();
    identities
        .ofPrincipal(Long.parseLong(caller.principalId()))
        .map(Identities.Identity::assignments)
        .orElse(Map.of())
        .forEach(
            (id, admin) ->
                workspaces
                    .apply(id)
                    .ifPresent(
                        face ->
                            found.add(
                                new Entrance(
                                    id, face.name(), face.region(), face.status(), admin))));
    found.sort(Comparator.comparing(Entrance::workspaceName));
    return new Entrances(found);
  }

  public record Of(String accountId, String principalId) {}

  /** One step of a way; the first is the principal itself. */
  public record Step(String principalId, String displayName) {}

  /** {@code because} ends with the group itself. */
  public record InGroup(String groupId, String displayName, List<Step> because) {}

  /** {@code because} ends with whom the workspace was given to. */
  public record InWorkspace(
      long workspaceId, String workspaceName, String permission, List<Step> because) {}

  /**
   * @param resource what the role is on: {@code the account}, or a group's or service principal's
   *     name
   */
  public record HasRole(String role, String resource, List<Step> because) {}

  public record Access(
      String principalId,
      String kind,
      String displayName,
      boolean active,
      List<HasRole> roles,
      List<InWorkspace> workspaces,
      List<InGroup> groups) {}

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/tarn/effective-access/{principal_id}")
  public Access get(Caller caller, Of request) {
    return principals.read(
        handle -> {
          Principal principal =
              Optional.of(request.principalId())
                  .filter(id -> id.matches("\\d{1,18}"))
                  .flatMap(id -> Principals.find(handle, Long.parseLong(id)))
                  .orElseThrow(
                      () ->
                          new ResourceDoesNotExist(
                              "Principal " + Scim.shortened(request.principalId()) + " not found",
                              null));
          return access(handle, principal);
        });
  }

  private Access access(Handle handle, Principal principal) {
    Map<Long, List<Step>> ways = ways(handle, principal);
    List<HasRole> roles = new ArrayList<>();
    List<InWorkspace> entered = new ArrayList<>();
    List<InGroup> groups = new ArrayList<>();
    ways.forEach(
        (id, way) -> {
          if (id != principal.id()) {
            groups.add(new InGroup(Long.toString(id), way.getLast().displayName(), way));
          }
          if (isAccountAdmin(handle, id)) {
            roles.add(new HasRole(Scim.ACCOUNT_ADMIN, "the account", way));
          }
          roles.addAll(granted(handle, id, way));
          assigned(handle, id)
              .forEach(
                  (workspace, permission) ->
                      workspaces
                          .apply(workspace)
                          .ifPresent(
                              face ->
                                  entered.add(
                                      new InWorkspace(workspace, face.name(), permission, way))));
        });
    entered.sort(Comparator.comparing(InWorkspace::workspaceName));
    return new Access(
        Long.toString(principal.id()),
        principal.kind().name(),
        shown(principal),
        principal.active(),
        roles,
        entered,
        groups);
  }

  /**
   * From the principal to itself, to each group above it, the nearest first, the shortest, and to
   * the system groups among {@code all}.
   */
  static Map<Long, List<String>> ways(Handle handle, Principal principal, Set<Long> all) {
    Map<Long, List<String>> ways = new LinkedHashMap<>();
    ways(handle, principal)
        .forEach((id, way) -> ways.put(id, way.stream().map(Step::displayName).toList()));
    handle
        .createQuery(
            "SELECT * FROM principal WHERE kind = 'SYSTEM_GROUP' AND principal_id IN (<all>)")
        .bindList("all", List.copyOf(all))
        .map((row, context) -> Principal.of(row))
        .forEach(group -> ways.putIfAbsent(group.id(), List.of(shown(principal), shown(group))));
    return ways;
  }

  /** From the principal to itself and to each group above it, the nearest first, the shortest. */
  private static Map<Long, List<Step>> ways(Handle handle, Principal principal) {
    Map<Long, List<Step>> ways = new LinkedHashMap<>();
    ways.put(principal.id(), List.of(step(principal)));
    Deque<Long> next = new ArrayDeque<>(List.of(principal.id()));
    while (!next.isEmpty()) {
      long member = next.removeFirst();
      for (Principal group : holding(handle, member)) {
        if (!ways.containsKey(group.id())) {
          List<Step> way = new ArrayList<>(ways.get(member));
          way.add(step(group));
          ways.put(group.id(), List.copyOf(way));
          next.addLast(group.id());
        }
      }
    }
    return ways;
  }

  private static List<Principal> holding(Handle handle, long member) {
    return handle
        .createQuery(
            """
            SELECT p.* FROM principal p JOIN group_member m ON m.group_id = p.principal_id
            WHERE m.member_id = :member ORDER BY p.name
            """)
        .bind("member", member)
        .map((row, context) -> Principal.of(row))
        .list();
  }

  private static boolean isAccountAdmin(Handle handle, long id) {
    return handle
        .createQuery("SELECT account_admin FROM principal WHERE principal_id = :id")
        .bind("id", id)
        .mapTo(Boolean.class)
        .one();
  }

  /** Roles on groups and service principals. */
  private static List<HasRole> granted(Handle handle, long id, List<Step> way) {
    return handle
        .createQuery(
            """
            SELECT g.role AS granted_role, p.* FROM rule_grant g
            JOIN principal p ON p.principal_id = g.resource_id
            WHERE g.principal_id = :id ORDER BY g.role, p.name
            """)
        .bind("id", id)
        .map(
            (row, context) ->
                new HasRole(row.getString("granted_role"), shown(Principal.of(row)), way))
        .list();
  }

  private static Map<Long, String> assigned(Handle handle, long id) {
    Map<Long, String> found = new LinkedHashMap<>();
    handle
        .createQuery(
            """
            SELECT workspace_id, permission FROM workspace_assignment WHERE principal_id = :id
            ORDER BY workspace_id
            """)
        .bind("id", id)
        .map((row, context) -> Map.entry(row.getLong(1), row.getString(2)))
        .forEach(entry -> found.put(entry.getKey(), entry.getValue()));
    return found;
  }

  private static Step step(Principal principal) {
    return new Step(Long.toString(principal.id()), shown(principal));
  }

  private static String shown(Principal principal) {
    String name = principal.displayName();
    return name == null || name.isEmpty() ? principal.name() : name;
  }
}
