package dev.tarn.access;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.database.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/**
 * The rows of all securables, for the packages that keep their nouns. Nothing here asks who may:
 * that is {@link Rights}, by which nouns find what a caller names.
 */
public final class Securables {
  private static final String SELECT =
      """
      SELECT s.*, COALESCE(CASE p.kind WHEN 'GROUP' THEN p.display_name ELSE p.name END, f.name)
        AS owner_name
      FROM securable s
      LEFT JOIN principal p ON p.principal_id = s.owner_id
      LEFT JOIN former_principal f ON f.principal_id = s.owner_id
      """;

  private Securables() {}

  /** A row, as long as what is above it is not known. */
  private record Row(Securable securable, String parentId) {
    static Row of(ResultSet row) throws SQLException {
      String owner = row.getString("owner_name");
      return new Row(
          new Securable(
              row.getString("securable_id"),
              row.getString("metastore_id"),
              SecurableType.valueOf(row.getString("securable_type")),
              row.getString("kind"),
              null,
              row.getString("name"),
              number(row, "owner_id"),
              owner == null ? Securable.SYSTEM : owner,
              row.getString("storage_location"),
              row.getString("uses_id"),
              row.getBoolean("isolated"),
              row.getBoolean("read_only"),
              number(row, "deleted_at"),
              row.getString("document")),
          row.getString("parent_id"));
    }

    Securable below(Securable parent) {
      return new Securable(
          securable.id(),
          securable.metastoreId(),
          securable.type(),
          securable.kind(),
          parent,
          securable.name(),
          securable.ownerId(),
          securable.owner(),
          securable.storageLocation(),
          securable.usesId(),
          securable.isolated(),
          securable.readOnly(),
          securable.deletedAt(),
          securable.document());
    }
  }

  private static Long number(ResultSet row, String column) throws SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? null : value;
  }

  /** The metastore of a workspace. */
  public static Optional<Securable> metastoreOf(Handle handle, long workspaceId) {
    return handle
        .createQuery(
            SELECT
                + """
                WHERE s.securable_id =
                  (SELECT metastore_id FROM metastore_assignment WHERE workspace_id = :workspace)
                """)
        .bind("workspace", workspaceId)
        .map((row, context) -> Row.of(row).below(null))
        .findOne();
  }

  public static Optional<Securable> metastore(Handle handle, String metastoreId) {
    return handle
        .createQuery(SELECT + "WHERE s.securable_id = :id AND s.securable_type = 'METASTORE'")
        .bind("id", metastoreId)
        .map((row, context) -> Row.of(row).below(null))
        .findOne();
  }

  /** The child of that type and name. */
  public static Optional<Securable> child(
      Handle handle, Securable parent, SecurableType type, String name) {
    return Optional.ofNullable(
        children(handle, List.of(parent), type, Set.of(name)).get(key(parent, name)));
  }

  /**
   * A catalog, in it a schema, in it one of a type, as far as they are there: three levels in one
   * query.
   */
  static List<Securable> chain(
      Handle handle, Securable metastore, SecurableType type, String[] names) {
    if (names.length < 3) {
      List<Securable> found = new ArrayList<>();
      Securable at = metastore;
      for (int level = 0; level < names.length && at != null; level++) {
        at =
            child(handle, at, level == names.length - 1 ? type : CONTAINERS[level], names[level])
                .orElse(null);
        if (at != null) {
          found.add(at);
        }
      }
      return found;
    }
    Map<String, Row> rows = new HashMap<>();
    handle
        .createQuery(
            """
            WITH c AS (SELECT securable_id FROM securable WHERE parent_id = :metastore
                AND securable_type = 'CATALOG' AND name = :catalog AND deleted_at IS NULL),
              d AS (SELECT securable_id FROM securable WHERE parent_id = (SELECT securable_id FROM c)
                AND securable_type = 'SCHEMA' AND name = :schema AND deleted_at IS NULL),
              e AS (SELECT securable_id FROM securable WHERE parent_id = (SELECT securable_id FROM d)
                AND securable_type = :type AND name = :name AND deleted_at IS NULL)
            """
                + SELECT
                + """
                WHERE s.securable_id IN (SELECT securable_id FROM c
                  UNION ALL SELECT securable_id FROM d UNION ALL SELECT securable_id FROM e)
                """)
        .bind("metastore", metastore.id())
        .bind("catalog", names[0])
        .bind("schema", names[1])
        .bind("type", type.name())
        .bind("name", names[2])
        .map((row, context) -> Row.of(row))
        .forEach(row -> rows.put(row.parentId(), row));
    List<Securable> found = new ArrayList<>();
    Row next = rows.get(metastore.id());
    for (Securable at = metastore; next != null; next = rows.get(at.id())) {
      at = next.below(at);
      found.add(at);
    }
    return found;
  }

  private static final SecurableType[] CONTAINERS = {SecurableType.CATALOG, SecurableType.SCHEMA};

  static String key(Securable parent, String name) {
    return parent.id() + "/" + name;
  }

  /** Children of several parents, by {@link #key}. */
  static Map<String, Securable> children(
      Handle handle, Collection<Securable> parents, SecurableType type, Collection<String> names) {
    Map<String, Securable> byId = new HashMap<>();
    parents.forEach(parent -> byId.put(parent.id(), parent));
    Map<String, Securable> found = new HashMap<>();
    handle
        .createQuery(
            SELECT
                + """
                WHERE s.parent_id IN (<parents>) AND s.securable_type = :type AND s.name IN (<names>)
                  AND s.deleted_at IS NULL
                """)
        .bindList("parents", List.copyOf(byId.keySet()))
        .bind("type", type.name())
        .bindList("names", List.copyOf(names))
        .map((row, context) -> Row.of(row))
        .forEach(
            row -> {
              Securable child = row.below(byId.get(row.parentId()));
              found.put(key(child.parent(), child.name()), child);
            });
    return found;
  }

  /** One by its id, with all above it; deleted ones too. */
  public static Optional<Securable> find(Handle handle, String id) {
    return id == null
        ? Optional.empty()
        : handle
            .createQuery(SELECT + "WHERE s.securable_id = :id")
            .bind("id", id)
            .map((row, context) -> Row.of(row))
            .findOne()
            .map(row -> row.below(find(handle, row.parentId()).orElse(null)));
  }

  /** All children of a type, in the order of their names: for the machinery, not for a caller. */
  public static List<Securable> all(Handle handle, Securable parent, SecurableType type) {
    return handle
        .createQuery(
            SELECT
                + """
                WHERE s.parent_id = :parent AND s.securable_type = :type AND s.deleted_at IS NULL
                ORDER BY s.name
                """)
        .bind("parent", parent.id())
        .bind("type", type.name())
        .map((row, context) -> Row.of(row).below(parent))
        .list();
  }

  /**
   * Children after {@code after} by name that a workspace is bound to.
   *
   * @param seenBy only those which one of these principals owns or has a grant on; null: all
   * @param browse whether a grant of BROWSE counts for that
   */
  static List<Securable> page(
      Handle handle,
      Securable parent,
      SecurableType type,
      String kind,
      long workspaceId,
      Set<Long> seenBy,
      boolean browse,
      String after,
      int limit) {
    // Who sees little is asked what that is, who sees much what comes next. Documents are fetched
    // when it is known which.
    String from =
        seenBy == null
            ? "WHERE v.parent_id = :parent"
            : """
              WHERE v.securable_id IN (
                SELECT g.securable_id FROM securable_grant g
                WHERE g.principal_id IN (<set>) AND g.parent_id = :parent
                  AND (:browse OR g.privilege <> 'BROWSE')
                UNION SELECT o.securable_id FROM securable o
                WHERE o.owner_id IN (<set>) AND o.parent_id = :parent)
              """;
    Query query =
        handle
            .createQuery(
                SELECT
                    + "WHERE s.securable_id IN (SELECT v.securable_id FROM securable v "
                    + from
                    + """
                       AND v.securable_type = :type AND v.name > :after AND v.deleted_at IS NULL
                        AND (:kind = '' OR v.kind = :kind)
                        AND (NOT v.isolated OR EXISTS (SELECT 1 FROM workspace_binding b
                          WHERE b.securable_id = v.securable_id AND b.workspace_id = :workspace))
                      ORDER BY v.name LIMIT :limit)
                    ORDER BY s.name
                    """)
            .bind("parent", parent.id())
            .bind("type", type.name())
            .bind("kind", kind)
            .bind("after", after)
            .bind("workspace", workspaceId)
            .bind("limit", limit);
    return (seenBy == null
            ? query
            : query.bindList("set", List.copyOf(seenBy)).bind("browse", browse))
        .map((row, context) -> Row.of(row).below(parent))
        .list();
  }

  /** What a client hears when it wants a name that something has. */
  public static DatabricksError existsAlready(Securable named) {
    String noun =
        switch (named.type()) {
          case FUNCTION -> "Function or model";
          case EXTERNAL_LOCATION -> "External Location";
          default -> Securable.noun(named.type());
        };
    String message = noun + " " + Names.shown(named.name()) + " already exists";
    return named.kind().equals("MODEL")
        ? new ResourceAlreadyExists(message, null)
        : new BadRequest(named.type() + "_ALREADY_EXISTS", message, null);
  }

  /** Of what failed as {@code wanted} was stored: {@link #existsAlready} if its name was taken. */
  public static RuntimeException taken(RuntimeException e, Securable wanted) {
    return Database.isUniqueViolation(e) ? existsAlready(wanted) : e;
  }

  /** Fails with a unique violation when the name is taken. */
  public static Securable insert(Handle handle, Securable securable) {
    handle
        .createUpdate(
            """
            INSERT INTO securable (securable_id, metastore_id, securable_type, kind, parent_id, name,
              owner_id, storage_location, uses_id, isolated, read_only, document)
            VALUES (:id, :metastore, :type, :kind, :parent, :name,
              :owner, :location, :uses, :isolated, :readOnly, :document)
            """)
        .bind("id", securable.id())
        .bind("metastore", securable.metastoreId())
        .bind("type", securable.type().name())
        .bind("kind", securable.kind())
        .bind("parent", securable.parent() == null ? null : securable.parent().id())
        .bind("name", securable.name())
        .bind("owner", securable.ownerId())
        .bind("location", securable.storageLocation())
        .bind("uses", securable.usesId())
        .bind("isolated", securable.isolated())
        .bind("readOnly", securable.readOnly())
        .bind("document", securable.document())
        .execute();
    // Also of what is in a schema: a name or a path decides otherwise when something is there.
    changed(handle, securable.metastoreId());
    return find(handle, securable.id()).orElseThrow();
  }

  /**
   * Stores what may change: name, owner, document, place, what it uses, whether it is isolated or
   * read only. Fails with a unique violation when the name is taken.
   */
  public static Securable update(Handle handle, Securable before, Securable after) {
    handle
        .createUpdate(
            """
            UPDATE securable SET name = :name, owner_id = :owner, uses_id = :uses,
              storage_location = :location, isolated = :isolated, read_only = :readOnly,
              document = :document
            WHERE securable_id = :id
            """)
        .bind("id", after.id())
        .bind("name", after.name())
        .bind("owner", after.ownerId())
        .bind("uses", after.usesId())
        .bind("location", after.storageLocation())
        .bind("isolated", after.isolated())
        .bind("readOnly", after.readOnly())
        .bind("document", after.document())
        .execute();
    if (!after.with("").equals(before.with(""))) {
      changed(handle, after.metastoreId());
    }
    return find(handle, after.id()).orElseThrow();
  }

  /** It and all that is below it, which the caller has seen to. */
  public static void delete(Handle handle, Securable securable) {
    handle
        .createUpdate(
            "DELETE FROM securable WHERE securable_id IN (SELECT securable_id FROM ("
                + BELOW
                + ") b)")
        .bind("id", securable.id())
        .execute();
    changed(handle, securable.metastoreId());
  }

  /** Drops it and all that is below it, so that it can be had back. */
  public static void drop(Handle handle, Securable securable, long now) {
    long before =
        handle
            .createQuery(
                """
                SELECT COALESCE(max(deleted_at), 0) FROM securable
                WHERE securable_id IN (SELECT securable_id FROM (%s) b)
                """
                    .formatted(BELOW))
            .bind("id", securable.id())
            .mapTo(Long.class)
            .one();
    handle
        .createUpdate(
            """
            UPDATE securable SET deleted_at = :now
            WHERE deleted_at IS NULL AND securable_id IN (SELECT securable_id FROM (%s) b)
            """
                .formatted(BELOW))
        .bind("id", securable.id())
        .bind("now", Math.max(now, before + 1)) // what goes together comes back together
        .execute();
    changed(handle, securable.metastoreId());
  }

  /**
   * Takes {@link #drop} back, of what was dropped with it too. Fails with a unique violation when
   * the name was taken meanwhile.
   */
  public static Securable restore(Handle handle, Securable dropped) {
    handle
        .createUpdate(
            """
            UPDATE securable SET deleted_at = NULL
            WHERE deleted_at = :at AND securable_id IN (SELECT securable_id FROM (%s) b)
            """
                .formatted(BELOW))
        .bind("id", dropped.id())
        .bind("at", dropped.deletedAt())
        .execute();
    changed(handle, dropped.metastoreId());
    return find(handle, dropped.id()).orElseThrow();
  }

  /** What was dropped out of a securable, the last first. */
  public static List<Securable> dropped(Handle handle, Securable parent, SecurableType type) {
    return handle
        .createQuery(
            SELECT
                + """
                WHERE s.parent_id = :parent AND s.securable_type = :type
                  AND s.deleted_at IS NOT NULL
                ORDER BY s.deleted_at DESC, s.name
                """)
        .bind("parent", parent.id())
        .bind("type", type.name())
        .map((row, context) -> Row.of(row).below(parent))
        .list();
  }

  /** Ids of what was dropped before a time. */
  public static List<String> droppedBefore(Handle handle, long time) {
    return handle
        .createQuery("SELECT securable_id FROM securable WHERE deleted_at < :time")
        .bind("time", time)
        .mapTo(String.class)
        .list();
  }

  private static final String BELOW =
      """
      WITH RECURSIVE below (securable_id) AS (
        SELECT securable_id FROM securable WHERE securable_id = :id
        UNION ALL
        SELECT s.securable_id FROM securable s JOIN below b ON s.parent_id = b.securable_id)
      SELECT securable_id FROM below
      """;

  /** What uses a credential or connection, in the order of names. */
  public static List<Securable> users(Handle handle, Securable used) {
    List<String> ids =
        handle
            .createQuery("SELECT securable_id FROM securable WHERE uses_id = :id ORDER BY name")
            .bind("id", used.id())
            .mapTo(String.class)
            .list();
    List<Securable> users = new ArrayList<>();
    ids.forEach(id -> find(handle, id).ifPresent(users::add));
    return users;
  }

  /** How many of each type are directly below. */
  public static Map<SecurableType, Integer> count(Handle handle, Securable parent) {
    Map<SecurableType, Integer> counts = new HashMap<>();
    handle
        .createQuery(
            """
            SELECT securable_type, count(*) FROM securable
            WHERE parent_id = :parent AND deleted_at IS NULL GROUP BY securable_type
            """)
        .bind("parent", parent.id())
        .map((row, context) -> Map.entry(SecurableType.valueOf(row.getString(1)), row.getInt(2)))
        .forEach(entry -> counts.put(entry.getKey(), entry.getValue()));
    return counts;
  }

  /**
   * Where data lies that goes with a securable: managed tables and volumes, and models, in or below
   * it.
   */
  public static List<String> managedData(Handle handle, Securable securable) {
    return handle
        .createQuery(
            """
            SELECT storage_location FROM securable
            WHERE kind IN ('MANAGED', 'MODEL') AND storage_location IS NOT NULL
              AND securable_type IN ('TABLE', 'VOLUME', 'FUNCTION')
              AND securable_id IN (SELECT securable_id FROM (%s) b)
            """
                .formatted(BELOW))
        .bind("id", securable.id())
        .mapTo(String.class)
        .list();
  }

  /** What has its data in the place of a location, above it or below it. */
  private static final String AROUND =
      "(storage_location IN (<above>)"
          + " OR (storage_location > :below AND storage_location < :end))";

  private static Query around(Query query, String location) {
    return query
        .bindList("above", Paths.above(location))
        .bind("below", location + "/")
        .bind("end", location + "0"); // '0' follows '/'
  }

  /**
   * Some of what has its data in the place of {@code location}, above it or below it, the longest
   * path first.
   */
  public static List<Securable> overlapping(
      Handle handle, String location, Collection<SecurableType> types) {
    List<String> ids =
        around(
                handle.createQuery(
                    "SELECT securable_id FROM securable WHERE "
                        + AROUND
                        + " AND securable_type IN (<types>) AND deleted_at IS NULL"
                        + " ORDER BY length(storage_location) DESC LIMIT 20"),
                location)
            .bindList("types", types.stream().map(Enum::name).toList())
            .mapTo(String.class)
            .list();
    List<Securable> found = new ArrayList<>();
    ids.forEach(id -> find(handle, id).ifPresent(found::add));
    return found;
  }

  /** Whether a path is in managed storage, or something managed is in it. */
  static boolean isManaged(Handle handle, String location) {
    return isAround(
        handle,
        location,
        "kind IN ('MANAGED', 'MODEL') OR securable_type IN ('METASTORE', 'CATALOG', 'SCHEMA')");
  }

  /**
   * Whether a path is in the data of a table with a row filter or a mask, or such is in it; under a
   * policy all tables are taken for such, as another reader's tags and groups may match.
   */
  static boolean isProtected(Handle handle, String location) {
    return isAround(
        handle,
        location,
        """
        securable_id IN (SELECT securable_id FROM table_policy)
        OR (securable_type = 'TABLE'
          AND (securable_id IN (SELECT securable_id FROM policy)
            OR parent_id IN (SELECT securable_id FROM policy)
            OR parent_id IN (SELECT s.securable_id FROM securable s
              JOIN policy p ON p.securable_id = s.parent_id)))
        """);
  }

  private static boolean isAround(Handle handle, String location, String condition) {
    return around(
            handle.createQuery(
                "SELECT 1 FROM securable WHERE " + AROUND + " AND (" + condition + ") LIMIT 1"),
            location)
        .mapTo(Integer.class)
        .findOne()
        .isPresent();
  }

  /** Engines keep decisions as long as this number stays. */
  public static void changed(Handle handle, String metastoreId) {
    handle
        .createUpdate(
            """
            UPDATE metastore SET catalogs_version = catalogs_version + 1 WHERE metastore_id = :id
            """)
        .bind("id", metastoreId)
        .execute();
  }
}
