package dev.tarn.permissions;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.iam.AccessControlRequest;
import com.databricks.sdk.service.iam.AccessControlResponse;
import com.databricks.sdk.service.iam.GetPermissionLevelsRequest;
import com.databricks.sdk.service.iam.GetPermissionLevelsResponse;
import com.databricks.sdk.service.iam.GetPermissionRequest;
import com.databricks.sdk.service.iam.ObjectPermissions;
import com.databricks.sdk.service.iam.Permission;
import com.databricks.sdk.service.iam.PermissionLevel;
import com.databricks.sdk.service.iam.PermissionsDescription;
import com.databricks.sdk.service.iam.PermissionsService;
import com.databricks.sdk.service.iam.SetObjectPermissions;
import com.databricks.sdk.service.iam.UpdateObjectPermissions;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jdbi.v3.core.Handle;

/**
 * Who may do what with the objects of a workspace: one engine for all kinds of them, behind the
 * permissions API and behind each operation on an object. A principal has at most one level of its
 * own on an object; what counts is the strongest of all that it stands for. Administrators of the
 * workspace manage everything in it, and that cannot be taken from them.
 */
public final class Permissions {
  private final Database database;
  private final People people;
  private final Map<ObjectKind, Objects> objects = new ConcurrentHashMap<>();

  /** Who there is, told by whoever keeps identities. Not asked within transactions. */
  public interface People {
    /** All that a principal stands for: itself, its groups, system groups. Empty: nobody. */
    Set<Long> standsFor(long principalId);

    /** The same, each with the names on the shortest way that leads there, its own first. */
    Map<Long, List<String>> ways(long principalId);

    /**
     * The principal of that kind and name, as somebody in a workspace names it; its groups {@code
     * users} and {@code admins} are among them.
     */
    Optional<Long> named(long workspaceId, Caller.Kind kind, String name);

    /** Its name, as {@link #named} takes it. */
    Optional<Named> name(long principalId);
  }

  /**
   * What a principal is called.
   *
   * @param displayName null for none
   */
  public record Named(Caller.Kind kind, String name, String displayName) {}

  /** What there is of a kind, told by whoever keeps it. */
  @FunctionalInterface
  public interface Objects {
    /**
     * @throws ResourceDoesNotExist the workspace has no such object
     */
    void require(long workspaceId, String id);
  }

  public Permissions(Database database, People people) {
    this.database = database;
    this.people = people;
  }

  /** To be called by whoever keeps objects of a kind, when the server is put together. */
  public void objects(ObjectKind kind, Objects there) {
    objects.put(kind, there);
  }

  public void routes(Routes routes) {
    routes.mount(PermissionsService.class, this);
    routes.mountOwn(this);
    for (ObjectKind kind : objects.keySet()) {
      routes.answersBelow("/api/2.0/permissions/" + kind.segment() + "/");
    }
  }

  /**
   * The first line of what is done with an object.
   *
   * @throws PermissionDenied the caller has not that level, nor one that includes it
   */
  public void require(Caller caller, ObjectKind kind, String id, PermissionLevel needed) {
    if (!has(caller, kind, id, needed)) {
      throw new PermissionDenied(
          caller.name()
              + " does not have "
              + needed
              + " on "
              + kind.type()
              + " "
              + id
              + " (expected: "
              + needed
              + " or more, given by who manages it)",
          null);
    }
  }

  /** Whether the caller has that level, or one that includes it. */
  public boolean has(Caller caller, ObjectKind kind, String id, PermissionLevel needed) {
    return caller.is(Role.WORKSPACE_ADMIN)
        || levels(caller, kind, id).stream().anyMatch(held -> kind.includes(held, needed));
  }

  /** Whether the caller has any level: then it is not hidden from them. */
  public boolean sees(Caller caller, ObjectKind kind, String id) {
    return caller.is(Role.WORKSPACE_ADMIN) || !levels(caller, kind, id).isEmpty();
  }

  private List<PermissionLevel> levels(Caller caller, ObjectKind kind, String id) {
    Set<Long> all = standsFor(caller);
    return all.isEmpty()
        ? List.of()
        : database.read(
            handle ->
                handle
                    .createQuery(
                        """
                        SELECT DISTINCT permission_level FROM object_permission
                        WHERE object_type = :type AND object_id = :id AND workspace_id = :workspace
                          AND principal_id IN (<all>)
                        """)
                    .bind("type", kind.name())
                    .bind("id", id)
                    .bind("workspace", workspace(caller))
                    .bindList("all", List.copyOf(all))
                    .mapTo(PermissionLevel.class)
                    .list());
  }

  /**
   * The ids of all objects of a kind that the caller has any level of; empty for an administrator,
   * who sees all.
   */
  public Optional<Set<String>> visible(Caller caller, ObjectKind kind) {
    if (caller.is(Role.WORKSPACE_ADMIN)) {
      return Optional.empty();
    }
    Set<Long> all = standsFor(caller);
    return Optional.of(
        all.isEmpty()
            ? Set.of()
            : database.read(
                handle ->
                    Set.copyOf(
                        handle
                            .createQuery(
                                """
                                SELECT DISTINCT object_id FROM object_permission
                                WHERE object_type = :type AND workspace_id = :workspace
                                  AND principal_id IN (<all>)
                                """)
                            .bind("type", kind.name())
                            .bind("workspace", workspace(caller))
                            .bindList("all", List.copyOf(all))
                            .mapTo(String.class)
                            .list())));
  }

  private Set<Long> standsFor(Caller caller) {
    return caller.principalId() == null
        ? Set.of()
        : people.standsFor(Long.parseLong(caller.principalId()));
  }

  private static long workspace(Caller caller) {
    if (caller.workspaceId() == null) {
      throw new BadRequest(
          "No workspace: call this on a workspace's host, with its token, or with the header"
              + " X-Databricks-Workspace-Id",
          null);
    }
    return caller.workspaceId();
  }

  /** To be called in the transaction that makes an object: it is its maker's. */
  public static void created(
      Handle handle, long workspaceId, ObjectKind kind, String id, long creatorId) {
    if (kind.ofCreator() != null && creatorId != 0) {
      put(handle, workspaceId, kind, id, creatorId, kind.ofCreator());
    }
  }

  /** Gives one principal one level, beside what others have. */
  public static void put(
      Handle handle,
      long workspaceId,
      ObjectKind kind,
      String id,
      long principalId,
      PermissionLevel level) {
    handle
        .createUpdate(
            """
            INSERT INTO object_permission (object_type, object_id, workspace_id, principal_id,
              permission_level)
            VALUES (:type, :id, :workspace, :principal, :level)
            ON CONFLICT (object_type, object_id, principal_id)
              DO UPDATE SET permission_level = :level
            """)
        .bind("type", kind.name())
        .bind("id", id)
        .bind("workspace", workspaceId)
        .bind("principal", principalId)
        .bind("level", level.name())
        .execute();
  }

  /** To be called in the transaction that removes an object. */
  public static void deleted(Handle handle, ObjectKind kind, String id) {
    handle
        .createUpdate("DELETE FROM object_permission WHERE object_type = :type AND object_id = :id")
        .bind("type", kind.name())
        .bind("id", id)
        .execute();
  }

  /** Everybody who has the object in a list of theirs. */
  @Allow(Role.WORKSPACE_USER)
  public ObjectPermissions get(Caller caller, GetPermissionRequest request) {
    ObjectKind kind = kind(request.getRequestObjectType());
    String id = requireSeen(caller, kind, request.getRequestObjectId());
    return shown(kind, id);
  }

  @Allow(Role.WORKSPACE_USER)
  public GetPermissionLevelsResponse getPermissionLevels(
      Caller caller, GetPermissionLevelsRequest request) {
    ObjectKind kind = kind(request.getRequestObjectType());
    requireSeen(caller, kind, request.getRequestObjectId());
    return new GetPermissionLevelsResponse()
        .setPermissionLevels(
            kind.levels().entrySet().stream()
                .map(
                    each ->
                        new PermissionsDescription()
                            .setPermissionLevel(each.getKey())
                            .setDescription(each.getValue()))
                .toList());
  }

  /** Replaces all that was given; an owner who is not named stays the owner. */
  @Allow(Role.WORKSPACE_USER)
  public ObjectPermissions set(Caller caller, SetObjectPermissions request) {
    ObjectKind kind = kind(request.getRequestObjectType());
    return change(caller, kind, request.getRequestObjectId(), request.getAccessControlList(), true);
  }

  /** Changes those that are named; the others stay. */
  @Allow(Role.WORKSPACE_USER)
  public ObjectPermissions update(Caller caller, UpdateObjectPermissions request) {
    ObjectKind kind = kind(request.getRequestObjectType());
    return change(
        caller, kind, request.getRequestObjectId(), request.getAccessControlList(), false);
  }

  private ObjectPermissions change(
      Caller caller,
      ObjectKind kind,
      String id,
      Collection<AccessControlRequest> asked,
      boolean replacing) {
    requireSeen(caller, kind, id);
    requireManager(caller, kind, id);
    Map<Long, PermissionLevel> wanted = wanted(caller, kind, asked);
    List<Long> owners =
        wanted.entrySet().stream()
            .filter(each -> each.getValue() == PermissionLevel.IS_OWNER)
            .map(Entry::getKey)
            .toList();
    if (owners.size() > 1) {
      throw new InvalidParameterValue(
          "access_control_list: " + owners.size() + " owners (expected: one)", null);
    }
    database.inTransaction(
        handle -> {
          Optional<Long> owner = owner(handle, kind, id);
          Optional<Long> next = owners.isEmpty() ? owner : Optional.of(owners.getFirst());
          if (!owner.equals(next)
              && !caller.is(Role.WORKSPACE_ADMIN)
              && !owner.map(String::valueOf).equals(Optional.of(caller.principalId()))) {
            throw new PermissionDenied(
                caller.name()
                    + " may not say who owns "
                    + kind.type()
                    + " "
                    + id
                    + " (expected: its owner, or a workspace admin)",
                null);
          }
          if (replacing) {
            deleted(handle, kind, id);
          } else if (!owner.equals(next)) {
            owner.ifPresent(former -> remove(handle, kind, id, former));
          }
          wanted.forEach(
              (principal, level) -> put(handle, workspace(caller), kind, id, principal, level));
          // Whose it is, it stays, also when no more than another level was asked for.
          next.ifPresent(
              is -> put(handle, workspace(caller), kind, id, is, PermissionLevel.IS_OWNER));
          return null;
        });
    return shown(kind, id);
  }

  private static Optional<Long> owner(Handle handle, ObjectKind kind, String id) {
    return handle
        .createQuery(
            """
            SELECT principal_id FROM object_permission
            WHERE object_type = :type AND object_id = :id AND permission_level = 'IS_OWNER'
            """)
        .bind("type", kind.name())
        .bind("id", id)
        .mapTo(Long.class)
        .findOne();
  }

  private static void remove(Handle handle, ObjectKind kind, String id, long principalId) {
    handle
        .createUpdate(
            """
            DELETE FROM object_permission
            WHERE object_type = :type AND object_id = :id AND principal_id = :principal
            """)
        .bind("type", kind.name())
        .bind("id", id)
        .bind("principal", principalId)
        .execute();
  }

  /** By principal; of two for one, as clients send that add themselves, the stronger. */
  private Map<Long, PermissionLevel> wanted(
      Caller caller, ObjectKind kind, Collection<AccessControlRequest> asked) {
    Map<Long, PermissionLevel> wanted = new LinkedHashMap<>();
    for (AccessControlRequest each : asked == null ? List.<AccessControlRequest>of() : asked) {
      kind.requireLevel(each.getPermissionLevel());
      Named named = named(each);
      long principal =
          people
              .named(workspace(caller), named.kind(), named.name())
              .orElseThrow(
                  () ->
                      new ResourceDoesNotExist(
                          "Principal: "
                              + named.kind()
                              + " '"
                              + named.name()
                              + "' does not exist in this workspace",
                          null));
      if (named.kind() == Caller.Kind.GROUP) {
        if (each.getPermissionLevel() == PermissionLevel.IS_OWNER) {
          throw new InvalidParameterValue(
              "group_name: '"
                  + named.name()
                  + "' (expected: a user or a service principal as"
                  + " owner)",
              null);
        }
        if (named.name().equals("admins") && each.getPermissionLevel() != kind.ofAdmins()) {
          throw new InvalidParameterValue(
              "group_name: 'admins' with "
                  + each.getPermissionLevel()
                  + " (expected: "
                  + kind.ofAdmins()
                  + ", which administrators have in any case)",
              null);
        }
      }
      wanted.merge(
          principal,
          each.getPermissionLevel(),
          (one, other) -> kind.rank(one) > kind.rank(other) ? one : other);
    }
    return wanted;
  }

  private static Named named(AccessControlRequest each) {
    List<Named> names = new ArrayList<>();
    add(names, Caller.Kind.USER, each.getUserName());
    add(names, Caller.Kind.GROUP, each.getGroupName());
    add(names, Caller.Kind.SERVICE_PRINCIPAL, each.getServicePrincipalName());
    if (names.size() != 1) {
      throw new InvalidParameterValue(
          "access_control_list: an entry with "
              + names.size()
              + " principals (expected: one of user_name, group_name, service_principal_name)",
          null);
    }
    return names.getFirst();
  }

  private static void add(List<Named> names, Caller.Kind kind, String name) {
    if (name != null && !name.isEmpty()) {
      names.add(new Named(kind, name, null));
    }
  }

  private void requireManager(Caller caller, ObjectKind kind, String id) {
    if (kind.managed()) {
      require(caller, kind, id, PermissionLevel.CAN_MANAGE);
    } else {
      caller.require(Role.WORKSPACE_ADMIN);
    }
  }

  private String requireSeen(Caller caller, ObjectKind kind, String id) {
    objects.get(kind).require(workspace(caller), id);
    if (!sees(caller, kind, id)) {
      throw new PermissionDenied(
          caller.name() + " has no permission on " + kind.type() + " " + id, null);
    }
    return id;
  }

  private ObjectKind kind(String path) {
    return ObjectKind.of(String.valueOf(path))
        .filter(objects::containsKey)
        .orElseThrow(
            () ->
                new NotFound(
                    "ENDPOINT_NOT_FOUND", "No permissions of '" + path + "' are kept here", null));
  }

  /** One row, as it is kept. */
  private record Given(long principalId, PermissionLevel level) {}

  private List<Given> given(ObjectKind kind, String id) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT principal_id, permission_level FROM object_permission
                    WHERE object_type = :type AND object_id = :id
                    """)
                .bind("type", kind.name())
                .bind("id", id)
                .map(
                    (row, context) ->
                        new Given(row.getLong(1), PermissionLevel.valueOf(row.getString(2))))
                .list());
  }

  private ObjectPermissions shown(ObjectKind kind, String id) {
    Map<Named, List<Permission>> shown = new LinkedHashMap<>();
    for (Given each : given(kind, id)) {
      people
          .name(each.principalId()) // None: removed since the rows were read, which went along.
          .ifPresent(
              named ->
                  shown
                      .computeIfAbsent(named, ignored -> new ArrayList<>())
                      .add(new Permission().setPermissionLevel(each.level()).setInherited(false)));
    }
    shown
        .computeIfAbsent(new Named(Caller.Kind.GROUP, "admins", null), ignored -> new ArrayList<>())
        .add(
            new Permission()
                .setPermissionLevel(kind.ofAdmins())
                .setInherited(true)
                .setInheritedFromObject(List.of("/" + kind.path() + "/")));
    return new ObjectPermissions()
        .setObjectId("/" + kind.path() + "/" + id)
        .setObjectType(kind.type())
        .setAccessControlList(
            shown.entrySet().stream()
                .sorted(
                    Comparator.comparing(
                            (Entry<Named, List<Permission>> each) -> each.getKey().kind())
                        .thenComparing(each -> each.getKey().name()))
                .map(each -> response(each.getKey(), each.getValue()))
                .toList());
  }

  private static AccessControlResponse response(Named named, List<Permission> permissions) {
    AccessControlResponse response =
        new AccessControlResponse()
            .setDisplayName(named.displayName())
            .setAllPermissions(permissions);
    return switch (named.kind()) {
      case USER -> response.setUserName(named.name());
      case SERVICE_PRINCIPAL -> response.setServicePrincipalName(named.name());
      default -> response.setGroupName(named.name());
    };
  }

  /**
   * @param userName of whom it is asked, also the application id of a service principal; null: the
   *     caller
   */
  public record Asked(String objectType, String objectId, String userName) {}

  /**
   * One row that counts for somebody.
   *
   * @param through names from the principal to who was given it
   */
  public record Reason(PermissionLevel permissionLevel, List<String> through) {}

  /**
   * @param may the levels that hold, in ascending order
   * @param because the rows they rest on, the strongest first
   */
  public record Effective(List<PermissionLevel> may, List<Reason> because) {}

  /** What somebody may with an object, and why; who manages it asks about anybody. */
  @Operation("GET /api/2.0/tarn/permissions/{object_type}/{object_id}/effective")
  @Allow(Role.WORKSPACE_USER)
  public Effective effective(Caller caller, Asked asked) {
    ObjectKind kind = kind(asked.objectType());
    String id = requireSeen(caller, kind, asked.objectId());
    long workspace = workspace(caller);
    Long principal = Long.valueOf(caller.principalId());
    if (asked.userName() != null) {
      requireManager(caller, kind, id);
      principal =
          people
              .named(workspace, Caller.Kind.USER, asked.userName())
              .or(() -> people.named(workspace, Caller.Kind.SERVICE_PRINCIPAL, asked.userName()))
              .orElseThrow(
                  () ->
                      new ResourceDoesNotExist(
                          "user_name: '"
                              + asked.userName()
                              + "' (expected: a user or service principal of this workspace)",
                          null));
    }
    Map<Long, List<String>> ways = people.ways(principal);
    List<Reason> because = new ArrayList<>();
    for (Given each : given(kind, id)) {
      if (ways.containsKey(each.principalId())) {
        because.add(new Reason(each.level(), ways.get(each.principalId())));
      }
    }
    people
        .named(workspace, Caller.Kind.GROUP, "admins")
        .map(ways::get)
        .ifPresent(way -> because.add(new Reason(kind.ofAdmins(), way)));
    because.sort(
        Comparator.comparing((Reason each) -> -kind.rank(each.permissionLevel()))
            .thenComparing(each -> each.through().size())
            .thenComparing(each -> String.join(" ", each.through())));
    return new Effective(
        kind.levels().keySet().stream()
            .filter(
                level ->
                    because.stream().anyMatch(each -> kind.includes(each.permissionLevel(), level)))
            .toList(),
        because);
  }
}
