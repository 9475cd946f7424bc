package dev.tarn.iam;

import dev.tarn.database.Database;
import dev.tarn.database.Remembered;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * Who a token or principal is, read from the database and remembered until anything about any
 * identity changes: whoever writes an identity calls {@link #announce} and {@link #changed()}.
 */
final class Identities {
  private static final String TOPIC = "identities";

  private final Remembered<String, Identity> remembered;

  Identities(Database database) {
    this.remembered = new Remembered<>(database, TOPIC);
  }

  /**
   * @param token what the principal came with, null for an OAuth token, which needs no row
   * @param principal null for an engine
   * @param assignments workspace id → whether as administrator, by itself or through a group
   * @param groups id → display name of every group it is in, directly or through another
   * @param direct ids of the groups it is in directly
   * @param all ids of all that it stands for: itself, its groups, system groups
   * @param accountAdmin whether it administers the account, by itself or through a group
   */
  record Identity(
      Token token,
      Principal principal,
      Map<Long, Boolean> assignments,
      Map<Long, String> groups,
      Set<Long> direct,
      Set<Long> all,
      boolean accountAdmin) {}

  /** An opaque token as stored. */
  record Token(
      String id, Kind kind, Long principalId, Long workspaceId, String holder, long expiresAt) {
    enum Kind {
      PERSONAL,
      STACK,
      ENGINE,
      /** Not sent as a token but as a cookie; {@code holder} is the host it counts on. */
      SESSION
    }
  }

  /** Tells the other control planes, in the transaction that changes something. */
  void announce(Handle handle) {
    remembered.announce(handle);
  }

  void changed() {
    remembered.changed();
  }

  /** Another text after each change of any identity; no two processes have the same. */
  String version() {
    return remembered.version();
  }

  /** To be told after each change, by the thread that made it; must not wait. */
  void onChange(Runnable listener) {
    remembered.onChange(listener);
  }

  Optional<Identity> ofToken(String hash) {
    return remembered.get("token " + hash, handle -> readToken(handle, hash));
  }

  Optional<Identity> ofSession(String hash) {
    return remembered.get("session " + hash, handle -> readSession(handle, hash));
  }

  /** Who a program was let act for, as long as it is. */
  Optional<Identity> ofGrant(String id) {
    return remembered.get(
        "grant " + id,
        handle ->
            handle
                .createQuery(
                    """
                    SELECT p.* FROM oauth_grant g
                    JOIN principal p ON p.principal_id = g.principal_id
                    WHERE g.grant_id = :id
                    """)
                .bind("id", id)
                .map((row, context) -> Principal.of(row))
                .findOne()
                .map(principal -> identity(handle, null, principal)));
  }

  Optional<Identity> ofPrincipal(long id) {
    return remembered.get(
        "principal " + id,
        handle -> readPrincipal(handle, id).map(principal -> identity(handle, null, principal)));
  }

  private static Identity identity(Handle handle, Token token, Principal principal) {
    Map<Long, String> groups = new HashMap<>();
    boolean admin = principal.accountAdmin();
    for (Principal group : Memberships.above(handle, principal.id())) {
      groups.put(group.id(), group.displayName());
      admin |= group.accountAdmin();
    }
    Map<Long, Boolean> assignments = assignments(handle, principal.id());
    Set<Long> all = new HashSet<>(groups.keySet());
    all.add(principal.id());
    all.addAll(WorkspaceGroups.of(handle, principal, assignments));
    return new Identity(
        token,
        principal,
        assignments,
        Map.copyOf(groups),
        Memberships.direct(handle, principal.id()),
        Set.copyOf(all),
        admin);
  }

  private static Optional<Identity> readToken(Handle handle, String hash) {
    return readBearer(
        handle,
        """
        SELECT token_id, kind, principal_id, workspace_id, holder, expires_at
        FROM token WHERE hash = :hash
        """,
        hash);
  }

  private static Optional<Identity> readSession(Handle handle, String hash) {
    return readBearer(
        handle,
        """
        SELECT session_id, 'SESSION', principal_id, workspace_id, host, expires_at
        FROM browser_session WHERE hash = :hash
        """,
        hash);
  }

  private static Optional<Identity> readBearer(Handle handle, String select, String hash) {
    return handle
        .createQuery(select)
        .bind("hash", hash)
        .map(
            (row, context) ->
                new Token(
                    row.getString(1),
                    Token.Kind.valueOf(row.getString(2)),
                    number(row, 3),
                    number(row, 4),
                    row.getString(5),
                    row.getLong(6)))
        .findOne()
        .map(
            token ->
                token.principalId() == null
                    ? new Identity(token, null, Map.of(), Map.of(), Set.of(), Set.of(), false)
                    : identity(
                        handle, token, readPrincipal(handle, token.principalId()).orElseThrow()));
  }

  private static Long number(ResultSet row, int column) throws SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? null : value;
  }

  private static Optional<Principal> readPrincipal(Handle handle, long id) {
    return handle
        .createQuery("SELECT * FROM principal WHERE principal_id = :id")
        .bind("id", id)
        .map((row, context) -> Principal.of(row))
        .findOne();
  }

  /** The workspaces of a principal, its own and those of its groups, but where it is suspended. */
  static Map<Long, Boolean> assignments(Handle handle, long principalId) {
    Map<Long, Boolean> found = new HashMap<>();
    handle
        .createQuery(
            Memberships.ABOVE
                + """
                SELECT a.workspace_id, a.permission FROM workspace_assignment a
                WHERE (a.principal_id = :id OR a.principal_id IN (SELECT group_id FROM above))
                  AND NOT EXISTS (SELECT 1 FROM workspace_suspension s
                    WHERE s.workspace_id = a.workspace_id AND s.principal_id = :id)
                """)
        .bind("id", principalId)
        .map((row, context) -> Map.entry(row.getLong(1), "ADMIN".equals(row.getString(2))))
        .forEach(entry -> found.merge(entry.getKey(), entry.getValue(), Boolean::logicalOr));
    return Map.copyOf(found);
  }
}
