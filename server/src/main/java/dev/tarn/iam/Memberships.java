package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import dev.tarn.http.Caller;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/**
 * Who is in which group. Groups hold users, service principals and groups; a membership that would
 * put a group below itself is refused in the transaction that would write it, so two that together
 * make a loop cannot both be written.
 */
final class Memberships {
  /** Every group that {@code :id} is in, directly or through another. */
  static final String ABOVE =
      """
      WITH RECURSIVE above (group_id) AS (
        SELECT group_id FROM group_member WHERE member_id = :id
        UNION
        SELECT m.group_id FROM group_member m JOIN above a ON m.member_id = a.group_id)
      """;

  /** Whoever enters {@code :workspace}, groups too; suspended or not. */
  static final String ENTRANTS =
      """
      WITH RECURSIVE entrant (principal_id) AS (
        SELECT principal_id FROM workspace_assignment WHERE workspace_id = :workspace
        UNION
        SELECT m.member_id FROM group_member m JOIN entrant e ON m.group_id = e.principal_id)
      """;

  /** How many ids one statement takes. */
  private static final int CHUNK = 500;

  private Memberships() {}

  static List<Principal> above(Handle handle, long id) {
    return handle
        .createQuery(
            ABOVE
                + "SELECT p.* FROM principal p JOIN above ON p.principal_id = above.group_id"
                + " ORDER BY p.name")
        .bind("id", id)
        .map((row, context) -> Principal.of(row))
        .list();
  }

  /** The groups that somebody is in directly. */
  static Set<Long> direct(Handle handle, long id) {
    return Set.copyOf(
        handle
            .createQuery("SELECT group_id FROM group_member WHERE member_id = :id")
            .bind("id", id)
            .mapTo(Long.class)
            .list());
  }

  /** The direct members of groups. */
  static Map<Long, List<Principal>> of(Handle handle, List<Long> groups) {
    Map<Long, List<Principal>> members = new HashMap<>();
    for (List<Long> some : chunks(groups)) {
      handle
          .createQuery(
              """
              SELECT m.group_id, p.* FROM principal p
              JOIN group_member m ON m.member_id = p.principal_id
              WHERE m.group_id IN (<groups>) ORDER BY p.kind, p.name
              """)
          .bindList("groups", some)
          .map((row, context) -> Map.entry(row.getLong("group_id"), Principal.of(row)))
          .forEach(
              entry ->
                  members
                      .computeIfAbsent(entry.getKey(), id -> new ArrayList<>())
                      .add(entry.getValue()));
    }
    return members;
  }

  /**
   * The groups that principals are in by themselves.
   *
   * @param workspaceId which groups are seen: its own and those it lets in; null for the account's
   */
  static Map<Long, Map<Scim.GroupReference, String>> directGroups(
      Handle handle, Long workspaceId, List<Long> members) {
    Map<Long, Map<Scim.GroupReference, String>> groups = new HashMap<>();
    String seen =
        workspaceId == null
            ? "p.workspace_id IS NULL"
            : """
              (p.workspace_id = :workspace
                OR (p.workspace_id IS NULL AND p.principal_id IN (SELECT principal_id FROM entrant)))
              """;
    for (List<Long> some : chunks(members)) {
      var query =
          handle
              .createQuery(
                  (workspaceId == null ? "" : ENTRANTS)
                      + """
                      SELECT m.member_id, p.principal_id, p.display_name FROM principal p
                      JOIN group_member m ON m.group_id = p.principal_id
                      WHERE m.member_id IN (<members>) AND\s"""
                      + seen)
              .bindList("members", some);
      (workspaceId == null ? query : query.bind("workspace", workspaceId))
          .map(
              (row, context) ->
                  Map.entry(
                      row.getLong(1),
                      new Scim.GroupReference(Long.toString(row.getLong(2)), row.getString(3))))
          .forEach(
              entry ->
                  groups
                      .computeIfAbsent(entry.getKey(), id -> new HashMap<>())
                      .put(entry.getValue(), "direct"));
    }
    return groups;
  }

  /**
   * Makes principals members; those that are already stay so.
   *
   * @return whether any was none before
   * @throws InvalidParameterValue one of them does not exist, is of another workspace, or holds the
   *     group itself
   */
  static boolean add(Handle handle, Principal group, Collection<Long> members) {
    Map<Long, Principal> found = new HashMap<>();
    for (List<Long> some : chunks(members)) {
      handle
          .createQuery(
              "SELECT * FROM principal WHERE principal_id IN (<ids>) AND kind <> 'SYSTEM_GROUP'")
          .bindList("ids", some)
          .map((row, context) -> Principal.of(row))
          .forEach(principal -> found.put(principal.id(), principal));
    }
    Set<Long> holders = null;
    PreparedBatch batch =
        handle.prepareBatch(
            """
            INSERT INTO group_member (group_id, member_id) VALUES (:group, :member)
            ON CONFLICT (group_id, member_id) DO NOTHING
            """);
    for (long id : new TreeSet<>(members)) {
      Principal member = found.get(id);
      if (member == null
          || (member.workspaceId() != null && !member.workspaceId().equals(group.workspaceId()))) {
        throw new InvalidParameterValue(
            "members: '" + id + "' (expected: the id of a user, service principal or group)", null);
      }
      if (member.kind() == Caller.Kind.GROUP) {
        if (holders == null) {
          holders = new TreeSet<>(List.of(group.id()));
          for (Principal holder : above(handle, group.id())) {
            holders.add(holder.id());
          }
        }
        if (holders.contains(id)) {
          throw new InvalidParameterValue(
              "members: '"
                  + id
                  + "', group "
                  + Scim.shortened(member.displayName())
                  + " (expected: no group that holds "
                  + Scim.shortened(group.displayName())
                  + ", or is it)",
              null);
        }
      }
      batch.bind("group", group.id()).bind("member", id).add();
    }
    return batch.size() > 0 && Arrays.stream(batch.execute()).anyMatch(rows -> rows > 0);
  }

  /** Whether any of them was a member. */
  static boolean remove(Handle handle, long group, Collection<Long> members) {
    int gone = 0;
    for (List<Long> some : chunks(members)) {
      gone +=
          handle
              .createUpdate(
                  "DELETE FROM group_member WHERE group_id = :group AND member_id IN (<members>)")
              .bind("group", group)
              .bindList("members", some)
              .execute();
    }
    return gone > 0;
  }

  static List<List<Long>> chunks(Collection<Long> ids) {
    List<Long> all = List.copyOf(ids);
    List<List<Long>> chunks = new ArrayList<>();
    for (int i = 0; i < all.size(); i += CHUNK) {
      chunks.add(all.subList(i, Math.min(all.size(), i + CHUNK)));
    }
    return chunks;
  }

  static Set<Long> ids(Handle handle, long group) {
    return handle
        .createQuery("SELECT member_id FROM group_member WHERE group_id = :group")
        .bind("group", group)
        .mapTo(Long.class)
        .set();
  }

  /** Active users and service principals that administer the account, themselves or by a group. */
  static int accountAdmins(Handle handle) {
    return handle
        .createQuery(
            """
            WITH RECURSIVE admin (id) AS (
              SELECT principal_id FROM principal WHERE account_admin
              UNION
              SELECT m.member_id FROM group_member m JOIN admin a ON m.group_id = a.id)
            SELECT count(*) FROM principal p JOIN admin a ON a.id = p.principal_id
            WHERE p.active AND p.kind <> 'GROUP'
            """)
        .mapTo(Integer.class)
        .one();
  }
}
