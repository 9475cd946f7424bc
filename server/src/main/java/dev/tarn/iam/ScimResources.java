package dev.tarn.iam;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.http.Caller;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.SqlStatements;

/**
 * Users, service principals or groups over SCIM, as the account has them and as a workspace does. A
 * workspace shows those of the account that may enter it, and groups of its own. What it may change
 * of them is what is its own: whether they are active there, their entitlements there, its groups;
 * and the rest only of people whom no other workspace has.
 */
final class ScimResources {
  static final long PAGE = 100;
  static final long LARGEST_PAGE = 10_000;

  final ScimSchema schema;
  private final Principals principals;
  private final Clock clock;

  ScimResources(ScimSchema schema, Principals principals, Clock clock) {
    this.schema = schema;
    this.principals = principals;
    this.clock = clock;
  }

  /** What a list asks for. */
  record Asked(String filter, String sortBy, String sortOrder, Long startIndex, Long count) {}

  /**
   * What a POST made.
   *
   * @param isNew false when the account had it, and it was let into the workspace
   */
  record Made(long id, boolean isNew, ObjectNode shown) {}

  /**
   * @param workspaceId where it is made, null for the account
   */
  Made create(Long workspaceId, JsonNode body, ScimSelection selection) {
    ObjectNode tree = read(workspaceId, body);
    Set<Long> members = ScimPatch.ids(tree.get("members"));
    boolean group = schema.kind == Caller.Kind.GROUP;
    // Inactive in this workspace, that is, and not for whoever else knows the same person.
    boolean inactive = workspaceId != null && !group && !tree.path("active").asBoolean(true);
    if (inactive) {
      tree.put("active", true);
    }
    Principal asked = Scim.made(schema, group ? workspaceId : null, tree, clock.millis());
    try {
      return principals.write(
          handle -> {
            Principal made =
                group || workspaceId == null
                    ? Principals.insert(handle, asked)
                    : join(handle, workspaceId, asked);
            if (!members.isEmpty()) {
              new GroupMembers(handle, made).add(members);
            }
            entitle(handle, workspaceId, made.id(), Scim.entitlements(tree));
            if (inactive) {
              suspend(handle, workspaceId, made, true);
            }
            return new Made(
                made.id(), made.id() == asked.id(), shown(handle, workspaceId, made, selection));
          });
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw taken(workspaceId, asked);
      }
      throw e;
    }
  }

  /** Clients look for these words. */
  private static AlreadyExists taken(Long workspaceId, Principal principal) {
    String name = principal.name();
    return new AlreadyExists(
        switch (principal.kind()) {
          case USER ->
              workspaceId == null
                  ? "User with email " + name + " already exists in this account"
                  : "User with username " + name + " already exists.";
          case GROUP -> "Group with name " + principal.displayName() + " already exists.";
          default -> "Service principal with application ID " + name + " already exists.";
        },
        null);
  }

  /** Assigns whom the account has under that name, or else makes it. */
  private static Principal join(Handle handle, long workspaceId, Principal asked) {
    Optional<Principal> there = Principals.named(handle, asked.kind(), asked.name());
    Principal found = there.orElseGet(() -> Principals.insert(handle, asked));
    if (Principals.assignment(handle, workspaceId, found.id()).isPresent()) {
      throw taken(workspaceId, found);
    }
    Principals.assign(handle, workspaceId, found.id(), WorkspacePermission.USER);
    return found;
  }

  private ObjectNode read(Long workspaceId, JsonNode body) {
    ObjectNode tree = schema.read(body);
    if (workspaceId != null) {
      tree.remove("roles"); // administering a workspace does not make account admins
    } else if (!tree.path("entitlements").isEmpty()) {
      throw new InvalidParameterValue(
          "entitlements: '"
              + Scim.shortened(tree.path("entitlements").toString())
              + "' (expected: none in the account; they are given in a workspace)",
          null);
    }
    return tree;
  }

  ObjectNode get(Long workspaceId, String id, ScimSelection selection) {
    return principals.read(
        handle -> {
          SystemGroup system = system(workspaceId, id);
          return system == null
              ? shown(handle, workspaceId, find(handle, workspaceId, id), selection)
              : selection.of(system.shown(handle, workspaceId));
        });
  }

  /**
   * @throws com.databricks.sdk.core.error.platform.ResourceDoesNotExist it is not there, or not in
   *     that workspace
   */
  Principal find(Handle handle, Long workspaceId, String id) {
    Principal principal = Principals.get(handle, schema.kind, id);
    boolean here =
        workspaceId == null
            ? principal.workspaceId() == null
            : principal.workspaceId() == null
                ? Principals.enters(handle, workspaceId, principal.id())
                : principal.workspaceId().equals(workspaceId);
    if (!here) {
      throw Principals.missing(schema.kind, id);
    }
    return principal;
  }

  ObjectNode list(Long workspaceId, Asked asked, ScimSelection selection) {
    ScimQuery query = new ScimQuery(schema, asked.filter());
    String where =
        " FROM principal p WHERE p.kind = :kind AND "
            + scope(workspaceId)
            + " AND "
            + query.condition();
    String order = query.order(asked.sortBy(), asked.sortOrder());
    long start = asked.startIndex() == null ? 1 : Math.max(1, asked.startIndex());
    long count = asked.count() == null ? PAGE : Math.clamp(asked.count(), 0, LARGEST_PAGE);
    return principals.read(
        handle -> {
          List<ObjectNode> system = systems(handle, workspaceId, asked.filter(), selection);
          String with = workspaceId == null ? "" : Memberships.ENTRANTS;
          long stored =
              bound(query, handle.createQuery(with + "SELECT count(*)" + where), workspaceId)
                  .mapTo(Long.class)
                  .one();
          List<ObjectNode> page =
              new ArrayList<>(system.stream().skip(start - 1).limit(count).toList());
          if (page.size() < count && stored > 0) {
            List<Principal> rows =
                bound(
                        query,
                        handle.createQuery(
                            with
                                + "SELECT p.*"
                                + where
                                + " ORDER BY "
                                + order
                                + " LIMIT :count OFFSET :offset"),
                        workspaceId)
                    .bind("count", count - page.size())
                    .bind("offset", Math.max(0, start - 1 - system.size()))
                    .map((row, context) -> Principal.of(row))
                    .list();
            page.addAll(shown(handle, workspaceId, rows, selection));
          }
          return listed(page, system.size() + stored, start);
        });
  }

  static ObjectNode listed(List<ObjectNode> page, long total, long start) {
    ObjectNode list = Json.MAPPER.createObjectNode();
    list.putArray("schemas").add("urn:ietf:params:scim:api:messages:2.0:ListResponse");
    list.put("totalResults", total).put("startIndex", start).put("itemsPerPage", page.size());
    list.putArray("Resources").addAll(page);
    return list;
  }

  private String scope(Long workspaceId) {
    if (workspaceId == null) {
      return "p.workspace_id IS NULL";
    }
    return "(p.workspace_id = :workspace OR (p.workspace_id IS NULL AND p.principal_id IN"
        + " (SELECT principal_id FROM entrant)))";
  }

  private Query bound(ScimQuery query, Query sql, Long workspaceId) {
    sql.getConfig(SqlStatements.class).setUnusedBindingAllowed(true);
    return query
        .bindTo(sql)
        .bind("kind", schema.kind.name())
        .bind("workspace", workspaceId == null ? 0 : workspaceId);
  }

  private List<ObjectNode> systems(
      Handle handle, Long workspaceId, String filter, ScimSelection selection) {
    if (workspaceId == null || schema.kind != Caller.Kind.GROUP) {
      return List.of();
    }
    List<ObjectNode> fitting = new ArrayList<>();
    ScimFilter asked = filter == null || filter.isBlank() ? null : ScimFilter.parse(filter);
    for (SystemGroup group : SystemGroup.ALL) {
      if (asked == null || asked.fits(group.named())) {
        fitting.add(selection.of(group.shown(handle, workspaceId)));
      }
    }
    return fitting;
  }

  private SystemGroup system(Long workspaceId, String id) {
    return workspaceId == null || schema.kind != Caller.Kind.GROUP ? null : SystemGroup.of(id);
  }

  /**
   * PUT: what is not said has its default, or is gone.
   *
   * @param admin whether roles of the account may be changed too
   */
  ObjectNode replace(
      boolean admin,
      Long workspaceId,
      String id,
      String ifMatch,
      JsonNode body,
      ScimSelection selection) {
    ObjectNode tree = read(workspaceId, body);
    Set<Long> members = ScimPatch.ids(tree.get("members"));
    return change(
        admin,
        workspaceId,
        id,
        ifMatch,
        selection,
        true,
        (before, membership) -> {
          if (membership != null) {
            Set<Long> gone = new TreeSet<>(membership.current());
            gone.removeAll(members);
            Set<Long> come = new TreeSet<>(members);
            come.removeAll(membership.current());
            membership.remove(gone);
            membership.add(come);
          }
          return tree;
        });
  }

  ObjectNode patch(
      boolean admin,
      Long workspaceId,
      String id,
      String ifMatch,
      JsonNode body,
      ScimSelection selection) {
    return change(
        admin,
        workspaceId,
        id,
        ifMatch,
        selection,
        false,
        (before, membership) -> {
          new ScimPatch(schema, before, membership).apply(body);
          return before;
        });
  }

  private interface Change {
    /**
     * @param writable what can be written, as it is
     * @param members null when it is no group
     * @return what can be written, as it shall be
     */
    ObjectNode of(ObjectNode writable, ScimPatch.Members members);
  }

  private ObjectNode change(
      boolean admin,
      Long workspaceId,
      String id,
      String ifMatch,
      ScimSelection selection,
      boolean whole,
      Change change) {
    boolean group = schema.kind == Caller.Kind.GROUP;
    try {
      if (!group) {
        // What would change nothing writes nothing, and nobody has to be looked up again.
        Optional<ObjectNode> same =
            principals.read(
                handle -> {
                  Principal before = find(handle, workspaceId, id);
                  requireVersion(before, ifMatch);
                  Changed changed = changed(handle, workspaceId, before, whole, change, null);
                  return changed.isNone()
                      ? Optional.of(shown(handle, workspaceId, before, selection))
                      : Optional.empty();
                });
        if (same.isPresent()) {
          return same.get();
        }
      }
      return principals.write(
          handle -> {
            SystemGroup system = system(workspaceId, id);
            if (system != null) {
              ObjectNode before = system.named();
              ObjectNode after = change.of(before.deepCopy(), system.members(handle, workspaceId));
              if (!after.path("displayName").asText().equals(system.groupName)) {
                throw new PermissionDenied(
                    "Group " + system.groupName + " is a system group and cannot be renamed", null);
              }
              return selection.of(system.shown(handle, workspaceId));
            }
            Principal before = find(handle, workspaceId, id);
            requireVersion(before, ifMatch);
            GroupMembers members = group ? new GroupMembers(handle, before) : null;
            Changed changed = changed(handle, workspaceId, before, whole, change, members);
            if (!admin && changed.after().accountAdmin() != before.accountAdmin()) {
              throw new PermissionDenied("roles of the account are given by its admins", null);
            }
            if (!changed.after().equals(before) || (group && members.changed)) {
              requireOwn(handle, workspaceId, before);
            }
            changed = changed.asVersion(members, clock.millis());
            if (!changed.after().equals(before)) {
              Principals.update(handle, changed.after());
            }
            if (before.active() && !changed.after().active()) {
              Principals.signOut(handle, before.id(), null);
            }
            if (changed.suspended() != null) {
              suspend(handle, workspaceId, before, changed.suspended());
              if (changed.suspended()) {
                Principals.signOut(handle, before.id(), workspaceId);
              }
            }
            entitle(handle, workspaceId, before.id(), changed.entitlements());
            return shown(handle, workspaceId, changed.after(), selection);
          });
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw new AlreadyExists("Group with that name already exists.", null);
      }
      throw e;
    }
  }

  /**
   * @param suspended whether it is to be inactive in the workspace, null when that stays
   * @param entitlements null when they stay
   */
  private record Changed(
      Principal before, Principal after, Boolean suspended, Set<String> entitlements) {
    boolean isNone() {
      return before.equals(after) && suspended == null && entitlements == null;
    }

    /** What is beside the row counts as a change of it. */
    Changed asVersion(GroupMembers members, long now) {
      boolean beside =
          suspended != null || entitlements != null || (members != null && members.changed);
      return beside && after.equals(before)
          ? new Changed(before, before.changedAt(now), suspended, entitlements)
          : this;
    }
  }

  private Changed changed(
      Handle handle,
      Long workspaceId,
      Principal before,
      boolean whole,
      Change change,
      ScimPatch.Members members) {
    ObjectNode writable = Scim.writable(before);
    Set<String> entitled = null;
    boolean suspended = false;
    if (workspaceId != null) {
      entitled =
          Set.copyOf(
              entitlements(handle, workspaceId, List.of(before.id()))
                  .getOrDefault(before.id(), List.of()));
      ArrayNode list = writable.putArray("entitlements");
      new TreeSet<>(entitled).forEach(value -> list.addObject().put("value", value));
      suspended = !suspended(handle, workspaceId, List.of(before.id())).isEmpty();
      if (before.kind() != Caller.Kind.GROUP) {
        writable.put("active", before.active() && !suspended);
      }
    }
    ObjectNode wanted = change.of(writable, members).deepCopy();
    if (workspaceId == null) {
      if (!wanted.path("entitlements").isEmpty()) {
        read(null, wanted);
      }
      return new Changed(before, Scim.changed(before, wanted, whole, clock.millis()), null, null);
    }
    Set<String> entitlements = Scim.entitlements(wanted);
    Boolean suspend = null;
    if (before.kind() != Caller.Kind.GROUP && wanted.has("active")) {
      boolean active = wanted.path("active").asBoolean();
      if (active && !before.active()) {
        throw new PermissionDenied(
            before.name() + " is deactivated in the account, and can be activated only there",
            null);
      }
      suspend = active == suspended ? !active : null;
      if (!before.active()) {
        suspend = null;
      }
    }
    wanted.put("active", before.active());
    Principal after = Scim.changed(before, wanted, whole, clock.millis());
    return new Changed(
        before,
        after,
        suspend,
        entitlements == null || entitlements.equals(entitled) ? null : entitlements);
  }

  /**
   * Who says which version they have seen is told when there is another by now (RFC 7644 §3.14).
   *
   * @param ifMatch entity tags, weak or not; null when nothing is said of versions
   */
  private static void requireVersion(Principal principal, String ifMatch) {
    if (ifMatch == null || ifMatch.isBlank() || ifMatch.strip().equals("*")) {
      return;
    }
    String version = Scim.version(principal);
    for (String seen : ifMatch.split(",", -1)) {
      if (seen.strip().equals(version) || ("W/" + seen.strip()).equals(version)) {
        return;
      }
    }
    throw new DatabricksError(
        "PRECONDITION_FAILED",
        "If-Match: "
            + Scim.shortened(ifMatch)
            + " (expected: "
            + version
            + ", somebody has changed it since; read it again)",
        412);
  }

  /** Of people that other workspaces have too, a workspace changes nothing that those would see. */
  private void requireOwn(Handle handle, Long workspaceId, Principal principal) {
    if (workspaceId == null || principal.workspaceId() != null) {
      return;
    }
    if (principal.kind() == Caller.Kind.GROUP) {
      throw ofAccount(principal);
    }
    Set<Long> workspaces = Identities.assignments(handle, principal.id()).keySet();
    if (principal.accountAdmin() || workspaces.stream().anyMatch(id -> !id.equals(workspaceId))) {
      throw new PermissionDenied(
          principal.name()
              + " is known beyond this workspace, so names and addresses are changed in the account",
          null);
    }
  }

  private static PermissionDenied ofAccount(Principal group) {
    return new PermissionDenied(
        "Group "
            + group.displayName()
            + " is an account group, and is changed in the account (expected: a group of this"
            + " workspace)",
        null);
  }

  void delete(Long workspaceId, String id, String ifMatch) {
    if (workspaceId == null) {
      principals.remove(schema.kind, id, gone -> requireVersion(gone, ifMatch));
      return;
    }
    if (schema.kind == Caller.Kind.GROUP) {
      SystemGroup system = system(workspaceId, id);
      if (system != null) {
        throw new PermissionDenied(
            "Group " + system.groupName + " is a system group and stays", null);
      }
      Principal group = principals.read(handle -> find(handle, workspaceId, id));
      if (group.workspaceId() == null) {
        throw ofAccount(group);
      }
      principals.remove(schema.kind, id, gone -> requireVersion(gone, ifMatch));
      return;
    }
    principals.write(
        handle -> {
          Principal gone = find(handle, workspaceId, id);
          requireVersion(gone, ifMatch);
          Principals.unassign(handle, workspaceId, gone.id());
          Principals.leaveGroups(handle, workspaceId, gone.id());
          if (Principals.enters(handle, workspaceId, gone.id())) {
            throw new InvalidState(
                gone.name()
                    + " enters this workspace through a group of the account (expected: the"
                    + " assignment of that group, or the membership, to be taken away there)",
                null);
          }
          return null;
        });
  }

  private static void suspend(Handle handle, long workspaceId, Principal principal, boolean on) {
    handle
        .createUpdate(
            on
                ? """
                  INSERT INTO workspace_suspension (workspace_id, principal_id)
                  VALUES (:workspace, :principal) ON CONFLICT (workspace_id, principal_id) DO NOTHING
                  """
                : """
                  DELETE FROM workspace_suspension
                  WHERE workspace_id = :workspace AND principal_id = :principal
                  """)
        .bind("workspace", workspaceId)
        .bind("principal", principal.id())
        .execute();
  }

  private static void entitle(
      Handle handle, Long workspaceId, long principalId, Set<String> entitlements) {
    if (workspaceId == null || entitlements == null) {
      return;
    }
    handle
        .createUpdate(
            """
            DELETE FROM workspace_entitlement
            WHERE workspace_id = :workspace AND principal_id = :principal
            """)
        .bind("workspace", workspaceId)
        .bind("principal", principalId)
        .execute();
    for (String entitlement : entitlements) {
      handle
          .createUpdate(
              """
              INSERT INTO workspace_entitlement (workspace_id, principal_id, entitlement)
              VALUES (:workspace, :principal, :entitlement)
              """)
          .bind("workspace", workspaceId)
          .bind("principal", principalId)
          .bind("entitlement", entitlement)
          .execute();
    }
  }

  /** Writes memberships of a group that is changed; what may not be is refused as it is asked. */
  private static final class GroupMembers implements ScimPatch.Members {
    private final Handle handle;
    private final Principal group;
    private boolean changed;

    GroupMembers(Handle handle, Principal group) {
      this.handle = handle;
      this.group = group;
    }

    @Override
    public Set<Long> current() {
      return Memberships.ids(handle, group.id());
    }

    @Override
    public void add(Set<Long> ids) {
      if (group.workspaceId() != null) {
        Principals.requireEntrants(handle, group.workspaceId(), ids);
      }
      changed |= Memberships.add(handle, group, ids);
    }

    @Override
    public void remove(Set<Long> ids) {
      changed |= Memberships.remove(handle, group.id(), ids);
    }
  }

  private ObjectNode shown(
      Handle handle, Long workspaceId, Principal principal, ScimSelection selection) {
    return shown(handle, workspaceId, List.of(principal), selection).getFirst();
  }

  /** What is beside the rows is looked up for all of them at once. */
  private List<ObjectNode> shown(
      Handle handle, Long workspaceId, List<Principal> rows, ScimSelection selection) {
    List<Long> ids = rows.stream().map(Principal::id).toList();
    Map<Long, Map<Scim.GroupReference, String>> groups =
        selection.wants("groups") ? Memberships.directGroups(handle, workspaceId, ids) : Map.of();
    boolean wantsMembers = schema.kind == Caller.Kind.GROUP && selection.wants("members");
    Map<Long, List<Principal>> members = wantsMembers ? Memberships.of(handle, ids) : Map.of();
    Map<Long, List<String>> entitlements =
        workspaceId == null ? Map.of() : entitlements(handle, workspaceId, ids);
    Set<Long> suspended = workspaceId == null ? Set.of() : suspended(handle, workspaceId, ids);
    List<ObjectNode> shown = new ArrayList<>();
    for (Principal row : rows) {
      shown.add(
          selection.of(
              Scim.resource(
                  row,
                  new Scim.Beside(
                      workspaceId,
                      row.active() && !suspended.contains(row.id()),
                      groups.get(row.id()),
                      wantsMembers ? members.getOrDefault(row.id(), List.of()) : null,
                      entitlements.get(row.id())))));
    }
    return shown;
  }

  private static Map<Long, List<String>> entitlements(
      Handle handle, long workspaceId, List<Long> ids) {
    Map<Long, List<String>> found = new HashMap<>();
    for (List<Long> some : Memberships.chunks(ids)) {
      handle
          .createQuery(
              """
                    SELECT principal_id, entitlement FROM workspace_entitlement
                    WHERE workspace_id = :workspace AND principal_id IN (<ids>)
                    ORDER BY entitlement
                    """)
          .bind("workspace", workspaceId)
          .bindList("ids", some)
          .map((row, context) -> Map.entry(row.getLong(1), row.getString(2)))
          .forEach(
              entry ->
                  found
                      .computeIfAbsent(entry.getKey(), id -> new ArrayList<>())
                      .add(entry.getValue()));
    }
    return found;
  }

  private static Set<Long> suspended(Handle handle, long workspaceId, List<Long> ids) {
    Set<Long> found = new HashSet<>();
    for (List<Long> some : Memberships.chunks(ids)) {
      found.addAll(
          handle
              .createQuery(
                  """
                        SELECT principal_id FROM workspace_suspension
                        WHERE workspace_id = :workspace AND principal_id IN (<ids>)
                        """)
              .bind("workspace", workspaceId)
              .bindList("ids", some)
              .mapTo(Long.class)
              .list());
    }
    return found;
  }
}
