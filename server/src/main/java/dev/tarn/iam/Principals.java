package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.iam.WorkspacePermission;
import dev.tarn.database.Database;
import dev.tarn.http.Caller;
import java.security.SecureRandom;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.Update;

/** The rows of users, service principals and their assignments to workspaces. */
final class Principals {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Database database;
  private final Identities identities;

  Principals(Database database, Identities identities) {
    this.database = database;
    this.identities = identities;
  }

  /** Ids are decimal numbers of 16 digits that a double holds exactly. */
  static long newId() {
    return RANDOM.nextLong(1_000_000_000_000_000L, 9_000_000_000_000_000L);
  }

  /** A page of a list, and how many there are in all. */
  record Listed(List<Principal> page, long total) {}

  /** A principal and what it may do in a workspace. */
  record Assigned(Principal principal, WorkspacePermission permission) {}

  /** One transaction; nobody is remembered as who they were before it. */
  <T> T write(HandleCallback<T, RuntimeException> work) {
    try {
      return database.inTransaction(work);
    } finally {
      identities.changed();
    }
  }

  <T> T read(HandleCallback<T, RuntimeException> work) {
    return database.read(work);
  }

  /** Fails with a unique violation when the name is taken. */
  static Principal insert(Handle handle, Principal principal) {
    bind(
            handle.createUpdate(
                """
                INSERT INTO principal (principal_id, kind, name, display_name, active,
                  account_admin, created_at, document)
                VALUES (:id, :kind, :name, :displayName, :active, :accountAdmin, :createdAt,
                  :document)
                """),
            principal)
        .execute();
    return principal;
  }

  /**
   * @throws AlreadyExists the account has it
   */
  Principal add(Principal made) {
    try {
      return write(handle -> insert(handle, made));
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw new AlreadyExists(
            (made.kind() == Caller.Kind.USER
                    ? "User with email "
                    : "Service principal with application id ")
                + made.name()
                + " already exists in this account",
            null);
      }
      throw e;
    }
  }

  /**
   * Assigns whom the account has under that name, or else makes it.
   *
   * @throws AlreadyExists it is assigned already
   */
  Principal join(long workspaceId, Principal asked) {
    return write(
        handle -> {
          Principal found =
              named(handle, asked.kind(), asked.name()).orElseGet(() -> insert(handle, asked));
          if (permission(handle, workspaceId, found.id()).isPresent()) {
            throw new AlreadyExists(
                (asked.kind() == Caller.Kind.USER
                        ? "User with username "
                        : "Service principal with application id ")
                    + found.name()
                    + " already exists.",
                null);
          }
          assign(handle, workspaceId, found.id(), WorkspacePermission.USER);
          return found;
        });
  }

  /**
   * @throws InvalidParameterValue it would have another name afterwards
   * @throws InvalidState nobody would be left to administer the account
   */
  Principal change(Caller.Kind kind, String id, UnaryOperator<Principal> change) {
    return write(
        handle -> {
          Principal before = get(handle, kind, id);
          Principal after = change.apply(before);
          if (!after.name().equals(before.name())) {
            throw new InvalidParameterValue(
                "%s: '%s' (expected: '%s', it cannot be changed)"
                    .formatted(
                        kind == Caller.Kind.USER ? "userName" : "applicationId",
                        after.name(),
                        before.name()),
                null);
          }
          update(handle, after);
          return after;
        });
  }

  private static Update bind(Update update, Principal principal) {
    return update
        .bind("id", principal.id())
        .bind("kind", principal.kind().name())
        .bind("name", principal.name())
        .bind("displayName", principal.displayName())
        .bind("active", principal.active())
        .bind("accountAdmin", principal.accountAdmin())
        .bind("createdAt", principal.createdAt())
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
                  account_admin = :accountAdmin, document = :document
                WHERE principal_id = :id AND kind = :kind
                """),
            principal)
        .execute();
    requireAnAdmin(handle);
  }

  /**
   * @throws InvalidState nobody would be left to administer the account
   */
  static Principal delete(Handle handle, Caller.Kind kind, String id) {
    Principal gone = get(handle, kind, id);
    handle
        .createUpdate("DELETE FROM principal WHERE principal_id = :id")
        .bind("id", gone.id())
        .execute();
    requireAnAdmin(handle);
    return gone;
  }

  private static void requireAnAdmin(Handle handle) {
    int admins =
        handle
            .createQuery("SELECT count(*) FROM principal WHERE account_admin AND active")
            .mapTo(Integer.class)
            .one();
    if (admins == 0) {
      throw new InvalidState("this is the last active account admin; make another one first", null);
    }
  }

  static ResourceDoesNotExist missing(Caller.Kind kind, String id) {
    return new ResourceDoesNotExist(
        (kind == Caller.Kind.USER ? "User" : "Service principal") + " with id " + id + " not found",
        null);
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

  static Optional<Principal> find(Handle handle, long id) {
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
        .bind("name", name.toLowerCase(Locale.ROOT))
        .map((row, context) -> Principal.of(row))
        .findOne();
  }

  /**
   * @param workspaceId only who is assigned there, or null for all of the account
   */
  Listed list(Caller.Kind kind, Long workspaceId, Page page) {
    String column =
        switch (page.attribute() == null ? "" : page.attribute()) {
          case "displayname" -> "lower(display_name)";
          case "id" -> "CAST(principal_id AS TEXT)";
          default -> "name";
        };
    String where =
        """
         FROM principal WHERE kind = :kind AND (CAST(:pattern AS TEXT) IS NULL OR %s LIKE :pattern ESCAPE '!')
         AND (CAST(:workspace AS BIGINT) IS NULL OR principal_id IN
           (SELECT principal_id FROM workspace_assignment WHERE workspace_id = :workspace))
        """
            .formatted(column);
    return read(
        handle ->
            new Listed(
                bind(
                        handle.createQuery(
                            "SELECT * " + where + " ORDER BY name LIMIT :count OFFSET :offset"),
                        kind,
                        workspaceId,
                        page)
                    .bind("count", page.count())
                    .bind("offset", page.start() - 1)
                    .map((row, context) -> Principal.of(row))
                    .list(),
                bind(handle.createQuery("SELECT count(*) " + where), kind, workspaceId, page)
                    .mapTo(Long.class)
                    .one()));
  }

  private static Query bind(Query query, Caller.Kind kind, Long workspaceId, Page page) {
    return query
        .bind("kind", kind.name())
        .bind("workspace", workspaceId)
        .bind("pattern", page.pattern());
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

  /** Whether it was assigned; its tokens of this workspace go with the assignment. */
  static boolean unassign(Handle handle, long workspaceId, long principalId) {
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

  /**
   * @throws ResourceDoesNotExist nobody of that kind and id is assigned to the workspace
   */
  Principal assigned(long workspaceId, Caller.Kind kind, String id) {
    return read(
        handle -> {
          Principal principal = get(handle, kind, id);
          return permission(handle, workspaceId, principal.id())
              .map(permission -> principal)
              .orElseThrow(() -> missing(kind, id));
        });
  }

  /**
   * Takes somebody out of a workspace.
   *
   * @throws ResourceDoesNotExist nobody of that kind and id is assigned to the workspace
   */
  void leave(long workspaceId, Caller.Kind kind, String id) {
    write(
        handle -> {
          if (!unassign(handle, workspaceId, get(handle, kind, id).id())) {
            throw missing(kind, id);
          }
          return id;
        });
  }

  List<Assigned> assigned(long workspaceId) {
    return read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT p.*, a.permission FROM workspace_assignment a
                    JOIN principal p ON p.principal_id = a.principal_id
                    WHERE a.workspace_id = :workspace ORDER BY p.kind, p.name
                    """)
                .bind("workspace", workspaceId)
                .map(
                    (row, context) ->
                        new Assigned(
                            Principal.of(row),
                            WorkspacePermission.valueOf(row.getString("permission"))))
                .list());
  }

  static Optional<WorkspacePermission> permission(
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
}
