package dev.tarn.access;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/**
 * {@code /api/2.1/unity-catalog/permissions} and {@code /effective-permissions}. Privileges are
 * texts here and not the SDK's enum, which does not know all that the platform has.
 */
public final class Grants {
  private static final int PAGE = 1000;

  private static final String NAME = "CASE p.kind WHEN 'GROUP' THEN p.display_name ELSE p.name END";

  private final Access access;
  private final Clock clock;

  Grants(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  /** What one principal was granted. */
  public record Assignment(String principal, List<String> privileges) {}

  public record Assignments(List<Assignment> privilegeAssignments, String nextPageToken) {}

  public record Wanted(
      String securableType, String fullName, String principal, Long maxResults, String pageToken) {}

  /** Who manages a securable sees all grants on it, others their own. */
  @Operation("GET /api/2.1/unity-catalog/permissions/{securable_type}/{full_name}")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Assignments get(Caller caller, Wanted wanted) {
    Long principal = access.principal(blankToNull(wanted.principal()));
    int size = Page.size(wanted.maxResults(), PAGE, Page.ALL);
    return access.read(
        caller,
        rights -> {
          Securable securable = seen(rights, wanted);
          Page<Grantee> page =
              page(rights, List.of(securable), only(rights, securable, principal), wanted, size);
          return assignments(rights.handle(), securable, page);
        });
  }

  private static String blankToNull(String text) {
    return text == null || text.isEmpty() ? null : text;
  }

  private static Securable seen(Rights rights, Wanted wanted) {
    SecurableType type = Access.type(wanted.securableType());
    return type == SecurableType.METASTORE
        ? rights.get(type, wanted.fullName())
        : rights.seen(type, wanted.fullName(), true);
  }

  /** Of whom grants are shown; null: of all. */
  private Set<Long> only(Rights rights, Securable securable, Long principal) {
    boolean all = rights.manages(securable);
    if (principal == null) {
      return all ? null : access.people().standsFor(rights.principalId());
    }
    if (!all && !access.people().standsFor(rights.principalId()).contains(principal)) {
      throw new PermissionDenied(
          "User does not have MANAGE on "
              + securable.shown()
              + ": grants of others are not shown (expected: your own name, or that of a group of"
              + " yours)",
          null);
    }
    return Set.of(principal);
  }

  /** Somebody who was granted something. */
  private record Grantee(long id, String name) {}

  private static Page<Grantee> page(
      Rights rights, List<Securable> on, Set<Long> only, Wanted wanted, int size) {
    var query =
        rights
            .handle()
            .createQuery(
                """
                SELECT DISTINCT g.principal_id, %s AS grantee FROM securable_grant g
                JOIN principal p ON p.principal_id = g.principal_id
                WHERE g.securable_id IN (<on>) AND %s > :after %s
                ORDER BY grantee, g.principal_id LIMIT :limit
                """
                    .formatted(NAME, NAME, only == null ? "" : "AND g.principal_id IN (<only>)"))
            .bindList("on", on.stream().map(Securable::id).toList())
            .bind("after", Page.after(wanted.pageToken()))
            .bind("limit", size + 1);
    return Page.of(
        (only == null ? query : query.bindList("only", List.copyOf(only)))
            .map((row, context) -> new Grantee(row.getLong(1), row.getString(2)))
            .list(),
        size,
        Grantee::name);
  }

  private static Assignments assignments(Handle handle, Securable on, Page<Grantee> page) {
    Map<Long, List<String>> held = new LinkedHashMap<>();
    page.items().forEach(grantee -> held.put(grantee.id(), new ArrayList<>()));
    rows(handle, List.of(on), held.keySet())
        .forEach(row -> held.get(row.principalId()).add(row.privilege().name()));
    return new Assignments(
        page.items().stream()
            .map(grantee -> new Assignment(grantee.name(), held.get(grantee.id())))
            .toList(),
        page.next());
  }

  private record Row(String securableId, long principalId, Privilege privilege) {}

  private static List<Row> rows(Handle handle, List<Securable> on, Collection<Long> principals) {
    return principals.isEmpty()
        ? List.of()
        : handle
            .createQuery(
                """
                SELECT securable_id, principal_id, privilege FROM securable_grant
                WHERE securable_id IN (<on>) AND principal_id IN (<principals>)
                ORDER BY privilege
                """)
            .bindList("on", on.stream().map(Securable::id).toList())
            .bindList("principals", List.copyOf(principals))
            .map(
                (row, context) ->
                    new Row(row.getString(1), row.getLong(2), Privilege.valueOf(row.getString(3))))
            .list();
  }

  /** A grant by the names of who gave it and who has it. */
  record Given(String grantor, String grantee, Privilege privilege) {}

  /**
   * The grants on some securables, by their ids.
   *
   * @param only to these principals; null: to all
   */
  static Map<String, List<Given>> given(Handle handle, Collection<String> on, Set<Long> only) {
    var query =
        handle
            .createQuery(
                """
                SELECT g.securable_id, g.granted_by, %s AS grantee, g.privilege
                FROM securable_grant g JOIN principal p ON p.principal_id = g.principal_id
                WHERE g.securable_id IN (<on>) %s ORDER BY grantee, g.privilege
                """
                    .formatted(NAME, only == null ? "" : "AND g.principal_id IN (<only>)"))
            .bindList("on", List.copyOf(on));
    Map<String, List<Given>> given = new HashMap<>();
    (only == null ? query : query.bindList("only", List.copyOf(only)))
        .map(
            (row, context) ->
                Map.entry(
                    row.getString(1),
                    new Given(
                        row.getString(2), row.getString(3), Privilege.valueOf(row.getString(4)))))
        .forEach(
            grant ->
                given
                    .computeIfAbsent(grant.getKey(), id -> new ArrayList<>())
                    .add(grant.getValue()));
    return given;
  }

  /** A privilege and where it comes from, both null when it was granted here. */
  public record Effective(String privilege, String inheritedFromType, String inheritedFromName) {}

  public record EffectiveAssignment(String principal, List<Effective> privileges) {}

  public record EffectiveAssignments(
      List<EffectiveAssignment> privilegeAssignments, String nextPageToken) {}

  /** The same with what is inherited from above. */
  @Operation("GET /api/2.1/unity-catalog/effective-permissions/{securable_type}/{full_name}")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public EffectiveAssignments getEffective(Caller caller, Wanted wanted) {
    Long principal = access.principal(blankToNull(wanted.principal()));
    int size = Page.size(wanted.maxResults(), PAGE, Page.ALL);
    return access.read(
        caller,
        rights -> {
          Securable securable = seen(rights, wanted);
          List<Securable> chain = securable.chain();
          Page<Grantee> page =
              page(rights, chain, only(rights, securable, principal), wanted, size);
          return effective(rights.handle(), securable, chain, page);
        });
  }

  private static EffectiveAssignments effective(
      Handle handle, Securable securable, List<Securable> chain, Page<Grantee> page) {
    Map<String, Securable> byId = new TreeMap<>();
    chain.forEach(at -> byId.put(at.id(), at));
    Set<Privilege> here = Privilege.grantableOn(securable);
    Map<Long, List<Effective>> held = new LinkedHashMap<>();
    page.items().forEach(grantee -> held.put(grantee.id(), new ArrayList<>()));
    for (Row row : rows(handle, chain, held.keySet())) {
      Securable from = byId.get(row.securableId());
      boolean direct = from.id().equals(securable.id());
      if (direct || (here.contains(row.privilege()) && row.privilege() != Privilege.BROWSE)) {
        held.get(row.principalId())
            .add(
                new Effective(
                    row.privilege().name(),
                    direct ? null : from.type().name(),
                    direct ? null : from.fullName()));
      }
    }
    return new EffectiveAssignments(
        page.items().stream()
            .map(grantee -> new EffectiveAssignment(grantee.name(), held.get(grantee.id())))
            .filter(assignment -> !assignment.privileges().isEmpty())
            .toList(),
        page.next());
  }

  /** What of one principal is granted and taken back. */
  public record Change(String principal, List<String> add, List<String> remove) {}

  public record Changes(
      String securableType,
      String fullName,
      List<Change> changes,
      Boolean omitPermissionsInResponse) {}

  /** A change, judged as far as it can be without the securable. */
  private record Judged(long principalId, Set<Privilege> add, Set<Privilege> remove) {}

  /** All changes or none, by who manages the securable. */
  @Operation("PATCH /api/2.1/unity-catalog/permissions/{securable_type}/{full_name}")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Assignments update(Caller caller, Changes request) {
    SecurableType type = Access.type(request.securableType());
    List<Judged> changes = judged(request);
    return access.write(
        caller,
        rights -> {
          Securable securable = rights.get(type, request.fullName());
          rights.requireManages(securable);
          for (Judged change : changes) {
            requireApplicable(change.add(), securable);
            requireApplicable(change.remove(), securable);
            if (change.add().contains(Privilege.EXTERNAL_USE_SCHEMA)) {
              rights.requireOwnerOf(securable.above(SecurableType.CATALOG));
            }
            revoke(rights.handle(), securable, change.principalId(), change.remove());
            give(
                rights.handle(),
                securable,
                change.principalId(),
                change.add(),
                caller.name(),
                clock.millis());
          }
          if (Boolean.TRUE.equals(request.omitPermissionsInResponse())) {
            return new Assignments(null, null);
          }
          return assignments(
              rights.handle(),
              securable,
              page(
                  rights,
                  List.of(securable),
                  null,
                  new Wanted(null, null, null, null, null),
                  Page.ALL));
        });
  }

  private List<Judged> judged(Changes request) {
    List<Judged> changes = new ArrayList<>();
    for (Change change : request.changes() == null ? List.<Change>of() : request.changes()) {
      String field = "changes[" + changes.size() + "]";
      if (change == null || blankToNull(change.principal()) == null) {
        throw new InvalidParameterValue(
            field + ".principal: null (expected: the name of a user, service principal or group)",
            null);
      }
      changes.add(
          new Judged(
              access.principal(change.principal()),
              privileges(field + ".add", change.add()),
              privileges(field + ".remove", change.remove())));
    }
    return changes;
  }

  private static Set<Privilege> privileges(String field, List<String> names) {
    Set<Privilege> privileges = EnumSet.noneOf(Privilege.class);
    if (names != null) {
      names.forEach(name -> privileges.add(Privilege.of(field, name)));
    }
    return privileges;
  }

  private static void requireApplicable(Set<Privilege> privileges, Securable securable) {
    Set<Privilege> applicable = Privilege.grantableOn(securable);
    for (Privilege privilege : privileges) {
      if (!applicable.contains(privilege)) {
        throw new InvalidParameterValue(
            "Privilege "
                + privilege.words()
                + " is not applicable to "
                + securable.shown()
                + " (expected: one of "
                + String.join(", ", applicable.stream().map(Privilege::words).toList())
                + ")",
            null);
      }
    }
  }

  /** ALL PRIVILEGES takes with it what it stands for. */
  private static void revoke(
      Handle handle, Securable securable, long principalId, Set<Privilege> privileges) {
    Set<Privilege> gone = EnumSet.noneOf(Privilege.class);
    gone.addAll(privileges);
    if (privileges.contains(Privilege.ALL_PRIVILEGES)) {
      Privilege.grantableOn(securable).stream().filter(Privilege::inAll).forEach(gone::add);
    }
    if (!gone.isEmpty()) {
      handle
          .createUpdate(
              """
              DELETE FROM securable_grant WHERE securable_id = :securable
                AND principal_id = :principal AND privilege IN (<gone>)
              """)
          .bind("securable", securable.id())
          .bind("principal", principalId)
          .bindList("gone", gone.stream().map(Enum::name).toList())
          .execute();
      Securables.changed(handle, securable.metastoreId());
    }
  }

  /**
   * Grants, in the caller's transaction; nothing is asked, and what is there already stays.
   *
   * @param by who is noted as having granted
   */
  public static void give(
      Handle handle,
      Securable securable,
      long principalId,
      Collection<Privilege> privileges,
      String by,
      long now) {
    if (privileges.isEmpty()) {
      return;
    }
    PreparedBatch batch =
        handle.prepareBatch(
            """
            INSERT INTO securable_grant
              (securable_id, principal_id, privilege, parent_id, granted_by, granted_at)
            VALUES (:securable, :principal, :privilege, :parent, :by, :now)
            ON CONFLICT (securable_id, principal_id, privilege) DO NOTHING
            """);
    for (Privilege privilege : privileges) {
      batch
          .bind("securable", securable.id())
          .bind("principal", principalId)
          .bind("privilege", privilege.name())
          .bind("parent", securable.parent() == null ? null : securable.parent().id())
          .bind("by", by)
          .bind("now", now)
          .add();
    }
    try {
      batch.execute();
    } catch (RuntimeException e) {
      throw Database.isForeignKeyViolation(e)
          ? new InvalidParameterValue(
              "changes: one of the principals was removed meanwhile (expected: the name of a user,"
                  + " service principal or group)",
              null)
          : e;
    }
    Securables.changed(handle, securable.metastoreId());
  }
}
