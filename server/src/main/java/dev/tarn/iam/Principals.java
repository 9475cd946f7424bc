package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.iam.WorkspacePermission;
import dev.tarn.database.Database;
import dev.tarn.http.Caller;
import java.security.SecureRandom;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.text.Normalizer;
import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.statement.Update;

/** The rows of users, service principals and groups, and their assignments to workspaces. */
final class Principals {
  /** What was assigned to {@code :workspace} itself. */
  static final String ASSIGNED =
      """
      SELECT p.*, a.permission FROM workspace_assignment a
      JOIN principal p ON p.principal_id = a.principal_id
      WHERE a.workspace_id = :workspace
      """;

  private static final SecureRandom RANDOM = new SecureRandom();

  private final Database database;
  private final Identities identities;
  private final Clock clock;

  Principals(Database database, Identities identities, Clock clock) {
    this.database = database;
    this.identities = identities;
    this.clock = clock;
  }

  /**
   * Ends what lets somebody in without a token of their own, in the transaction that takes them
   * out: who comes back is to sign in again, and programs are to ask again.
   *
   * @param workspaceId which they lost, null for the account
   */
  static void signOut(Handle handle, long principalId, Long workspaceId) {
    BrowserSessions.endOf(handle, principalId, workspaceId);
    Grants.endAll(handle, principalId, workspaceId);
  }

  /**
   * A name as it is compared: two that look the same, or differ in case only, are one.
   *
   * @see <a href="https://www.unicode.org/reports/tr15/">normalisation form KC</a>
   */
  static String folded(String name) {
    String composed = Normalizer.normalize(name, Normalizer.Form.NFKC);
    // By way of upper case, as some letters have two lower ones.
    String lower = composed.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
    return Normalizer.normalize(lower, Normalizer.Form.NFKC).strip();
  }

  /** Ids are decimal numbers of 16 digits that a double holds exactly. */
  static long newId() {
    return RANDOM.nextLong(1_000_000_000_000_000L, 9_000_000_000_000_000L);
  }

  /** A principal and what it may do in a workspace. */
  record Assigned(Principal principal, WorkspacePermission permission) {}

  /** One transaction; nobody is remembered as who they were before it. */
  <T> T write(HandleCallback<T, RuntimeException> work) {
    try {
      return database.inTransaction(
          handle -> {
            T result = work.withHandle(handle);
            identities.announce(handle);
            return result;
          });
    } finally {
      identities.changed();
    }
  }

  /** A transaction that changes nothing of who anybody is. */
  <T> T note(HandleCallback<T, RuntimeException> work) {
    return database.inTransaction(work);
  }

  <T> T read(HandleCallback<T, RuntimeException> work) {
    return database.read(work);
  }

  /** Fails with a unique violation when the name is taken. */
  static Principal insert(Handle handle, Principal principal) {
    bind(
            handle.createUpdate(
                """
                INSERT INTO principal (principal_id, kind, workspace_id, name, display_name,
                  active, account_admin, created_at, changed_at, version, document)
                VALUES (:id, :kind, :workspace, :name, :displayName, :active, :accountAdmin,
                  :createdAt, :changedAt, :version, :document)
                """),
            principal)
        .execute();
    if (principal.kind() != Caller.Kind.SYSTEM_GROUP) {
      Attributes.write(handle, principal);
    }
    return principal;
  }

  /**
   * Takes somebody out of the account, and so out of every workspace; the name is remembered.
   *
   * @param check of who is about to go; may throw
   * @throws InvalidState nobody would be left to administer the account
   */
  void remove(Caller.Kind kind, String id, Consumer<Principal> check) {
    write(
        handle -> {
          Principal gone = get(handle, kind, id);
          check.accept(gone);
          delete(handle, gone, clock.millis());
          return null;
        });
  }

  private static Update bind(Update update, Principal principal) {
    return update
        .bind("id", principal.id())
        .bind("kind", principal.kind().name())
        .bind("workspace", principal.workspaceId())
        .bind("name", principal.name())
        .bind("displayName", principal.displayName())
        .bind("active", principal.active())
        .bind("accountAdmin", principal.accountAdmin())
        .bind("createdAt", principal.createdAt())
        .bind("changedAt", principal.changedAt())
        .bind("version", principal.version())
        .bind("document", principal.document());
  }

  /**
   * @throws InvalidState nobody would be left to administer the account
   */
  static void update(Handle handle, Principal principal) {
    bind(
            handle.createUpdate(
                """
                UPDATE principal SET name = :name, display_name = :displayName, active = :active,
                  account_admin = :accountAdmin, changed_at = :changedAt, version = :version,
                  document = :document
                WHERE principal_id = :id AND kind = :kind
                """),
            principal)
        .execute();
    Attributes.write(handle, principal);
    requireAnAdmin(handle);
  }

  /**
   * @throws InvalidState nobody would be left to administer the account
   */
  private static void delete(Handle handle, Principal gone, long now) {
    handle
        .createUpdate("DELETE FROM principal WHERE principal_id = :id")
        .bind("id", gone.id())
        .execute();
    handle
        .createUpdate(
            """
            INSERT INTO former_principal (principal_id, kind, name, removed_at)
            VALUES (:id, :kind, :name, :now)
            """)
        .bind("id", gone.id())
        .bind("kind", gone.kind().name())
        .bind("name", gone.kind() == Caller.Kind.GROUP ? gone.displayName() : gone.name())
        .bind("now", now)
        .execute();
    requireAnAdmin(handle);
  }

  static void requireAnAdmin(Handle handle) {
    if (Memberships.accountAdmins(handle) == 0) {
      throw new InvalidState("this is the last active account admin; make another one first", null);
    }
  }

  static ResourceDoesNotExist missing(Caller.Kind kind, String id) {
    String noun =
        switch (kind) {
          case USER -> "User";
          case GROUP -> "Group";
          default -> "Service principal";
        };
    return new ResourceDoesNotExist(noun + " with id " + Scim.shortened(id) + " not found", null);
  }

  /** SCIM ids are decimal numbers; what is none is an id of nobody. */
  Principal get(Caller.Kind kind, String id) {
    return read(handle -> get(handle, kind, id));
  }

  static Principal get(Handle handle, Caller.Kind kind, String id) {
    if (id == null || !id.matches("\\d{1,18}")) {
      throw missing(kind, id);
    }
    return find(handle, Long.parseLong(id))
        .filter(principal -> principal.kind() == kind)
        .orElseThrow(() -> missing(kind, id));
  }

  /** A user, service principal or group; system groups are nobody to whom SCIM speaks. */
  static Optional<Principal> find(Handle handle, long id) {
    return any(handle, id).filter(found -> found.kind() != Caller.Kind.SYSTEM_GROUP);
  }

  static Optional<Principal> any(Handle handle, long id) {
    return handle
        .createQuery("SELECT * FROM principal WHERE principal_id = :id")
        .bind("id", id)
        .map((row, context) -> Principal.of(row))
        .findOne();
  }

  static Optional<Principal> named(Handle handle, Caller.Kind kind, String name) {
    return handle
        .createQuery("SELECT * FROM principal WHERE kind = :kind AND name = :name")
        .bind("kind", kind.name())
        .bind("name", folded(name))
        .map((row, context) -> Principal.of(row))
        .findOne();
  }

  /**
   * Assigns, or changes an assignment.
   *
   * @throws ResourceDoesNotExist there is no such workspace or principal
   */
  static void assign(
      Handle handle, long workspaceId, long principalId, WorkspacePermission permission) {
    try {
      handle
          .createUpdate(
              """
              INSERT INTO workspace_assignment (workspace_id, principal_id, permission)
              VALUES (:workspace, :principal, :permission)
              ON CONFLICT (workspace_id, principal_id) DO UPDATE SET permission = :permission
              """)
          .bind("workspace", workspaceId)
          .bind("principal", principalId)
          .bind("permission", permission.name())
          .execute();
    } catch (RuntimeException e) {
      if (Database.isForeignKeyViolation(e)) {
        throw new ResourceDoesNotExist(
            "Workspace " + workspaceId + " or principal " + principalId + " does not exist", null);
      }
      throw e;
    }
  }

  /**
   * Takes the assignment of a principal to a workspace away.
   *
   * @throws ResourceDoesNotExist there is no such workspace or principal
   */
  Principal unassign(Long workspaceId, Long principalId) {
    return write(
        handle -> {
          long workspace = WorkspaceAssignments.requireWorkspace(handle, workspaceId);
          Principal found = WorkspaceAssignments.requirePrincipal(handle, principalId);
          unassign(handle, workspace, found.id());
          return found;
        });
  }

  /** Whether it was assigned; its tokens and sessions of this workspace go with the assignment. */
  static boolean unassign(Handle handle, long workspaceId, long principalId) {
    signOut(handle, principalId, workspaceId);
    handle
        .createUpdate(
            "DELETE FROM token WHERE workspace_id = :workspace AND principal_id = :principal")
        .bind("workspace", workspaceId)
        .bind("principal", principalId)
        .execute();
    return handle
            .createUpdate(
                """
                DELETE FROM workspace_assignment
                WHERE workspace_id = :workspace AND principal_id = :principal
                """)
            .bind("workspace", workspaceId)
            .bind("principal", principalId)
            .execute()
        > 0;
  }

  static void leaveGroups(Handle handle, long workspaceId, long principalId) {
    handle
        .createUpdate(
            """
            DELETE FROM group_member WHERE member_id = :principal AND group_id IN
              (SELECT principal_id FROM principal WHERE workspace_id = :workspace)
            """)
        .bind("workspace", workspaceId)
        .bind("principal", principalId)
        .execute();
  }

  /** Whether a user, service principal or group is let into a workspace; suspended or not. */
  static boolean enters(Handle handle, long workspaceId, long principalId) {
    return handle
            .createQuery(
                Memberships.ABOVE
                    + """
                    SELECT count(*) FROM workspace_assignment a WHERE a.workspace_id = :workspace
                      AND (a.principal_id = :id OR a.principal_id IN (SELECT group_id FROM above))
                    """)
            .bind("workspace", workspaceId)
            .bind("id", principalId)
            .mapTo(Integer.class)
            .one()
        > 0;
  }

  /**
   * @throws InvalidParameterValue one of them is not let into the workspace, nor a group of it
   */
  static void requireEntrants(Handle handle, long workspaceId, Collection<Long> ids) {
    for (long id : ids) {
      boolean own =
          find(handle, id)
              .filter(found -> Objects.equals(found.workspaceId(), workspaceId))
              .isPresent();
      if (!own && !enters(handle, workspaceId, id)) {
        throw new InvalidParameterValue(
            "members: '" + id + "' (expected: the id of a member of this workspace)", null);
      }
    }
  }

  /** What was assigned to a workspace itself, groups too. */
  static List<Assigned> assigned(Handle handle, long workspaceId) {
    return handle
        .createQuery(ASSIGNED + "ORDER BY p.kind, p.name")
        .bind("workspace", workspaceId)
        .map((row, context) -> assigned(row))
        .list();
  }

  static Assigned assigned(ResultSet row) throws SQLException {
    return new Assigned(
        Principal.of(row), WorkspacePermission.valueOf(row.getString("permission")));
  }

  /** As what a principal itself was assigned to a workspace. */
  static Optional<WorkspacePermission> assignment(
      Handle handle, long workspaceId, long principalId) {
    return handle
        .createQuery(
            """
            SELECT permission FROM workspace_assignment
            WHERE workspace_id = :workspace AND principal_id = :principal
            """)
        .bind("workspace", workspaceId)
        .bind("principal", principalId)
        .map((row, context) -> WorkspacePermission.valueOf(row.getString(1)))
        .findOne();
  }

  /** What a principal may do in a workspace, by itself or through a group. */
  static Optional<WorkspacePermission> permission(
      Handle handle, long workspaceId, long principalId) {
    return Optional.ofNullable(Identities.assignments(handle, principalId).get(workspaceId))
        .map(admin -> admin ? WorkspacePermission.ADMIN : WorkspacePermission.USER);
  }
}
