package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.CreateEntityTagAssignmentRequest;
import com.databricks.sdk.service.catalog.DeleteEntityTagAssignmentRequest;
import com.databricks.sdk.service.catalog.EntityTagAssignment;
import com.databricks.sdk.service.catalog.GetEntityTagAssignmentRequest;
import com.databricks.sdk.service.catalog.ListEntityTagAssignmentsRequest;
import com.databricks.sdk.service.catalog.ListEntityTagAssignmentsResponse;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.UpdateEntityTagAssignmentRequest;
import com.google.protobuf.util.Timestamps;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * {@code /api/2.1/unity-catalog/entity-tag-assignments}: keys, with values or without, on what is
 * in the catalog. Set with APPLY TAG, seen by who sees what they are on.
 */
public final class EntityTags {
  private static final int PAGE = 1000;
  private static final int MOST = 50;
  private static final int LONGEST_KEY = 255;
  private static final int LONGEST_VALUE = 1000;
  private static final String COLUMNS = "columns";
  private static final String MODELS = "models";
  private static final Map<String, SecurableType> TYPES =
      Map.of(
          "catalogs",
          SecurableType.CATALOG,
          "schemas",
          SecurableType.SCHEMA,
          "tables",
          SecurableType.TABLE,
          COLUMNS,
          SecurableType.TABLE,
          "volumes",
          SecurableType.VOLUME,
          "functions",
          SecurableType.FUNCTION,
          MODELS,
          SecurableType.FUNCTION);

  private final Access access;
  private final Clock clock;

  EntityTags(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  /**
   * What tags are on.
   *
   * @param column lower case; "" for the securable itself
   */
  private record Entity(String type, String name, Securable securable, String column) {}

  /** Finds what a caller names, as {@link Rights#get}. */
  private static Entity entity(Rights rights, String type, String name) {
    SecurableType securableType = TYPES.get(String.valueOf(type));
    if (securableType == null) {
      throw new InvalidParameterValue(
          "entity_type: "
              + Names.shown(type)
              + " (expected: one of "
              + TYPES.keySet().stream().sorted().toList()
              + ")",
          null);
    }
    if (securableType == SecurableType.FUNCTION) {
      return new Entity(
          type,
          name,
          type.equals(MODELS) ? Models.get(rights, name) : Functions.get(rights, name),
          "");
    }
    if (!COLUMNS.equals(type)) {
      return new Entity(type, name, rights.get(securableType, name), "");
    }
    String[] parts = name.split("\\.", 4); // a column's name may have periods
    if (parts.length != 4) {
      throw new InvalidParameterValue(
          "entity_name: " + Names.shown(name) + " (expected: catalog.schema.table.column)", null);
    }
    Securable table = rights.get(securableType, parts[0] + "." + parts[1] + "." + parts[2]);
    var columns = Json.read(table.document(), TableInfo.class).getColumns();
    for (ColumnInfo column : columns == null ? List.<ColumnInfo>of() : columns) {
      if (column.getName().equalsIgnoreCase(parts[3])) {
        return new Entity(type, name, table, Names.stored(parts[3]));
      }
    }
    throw new NotFound(
        "COLUMN_DOES_NOT_EXIST", "Column " + Names.shown(name) + " does not exist.", null);
  }

  private static String key(String key) {
    if (key == null
        || key.isBlank()
        || !key.equals(key.strip())
        || key.codePointCount(0, key.length()) > LONGEST_KEY
        || key.codePoints().anyMatch(c -> c < ' ' || ".,-=/:".indexOf(c) >= 0)) {
      throw new InvalidParameterValue(
          "tag_key: "
              + Names.shown(key)
              + " (expected: 1 to 255 characters, none of . , - = / :, no space at an end)",
          null);
    }
    return key;
  }

  private static String value(String value) {
    if (value != null && value.codePointCount(0, value.length()) > LONGEST_VALUE) {
      throw new InvalidParameterValue(
          "tag_value: " + Names.shown(value) + " (expected: at most 1000 characters)", null);
    }
    return value;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({
    "tag_assignment.source_type: is an answer's field",
    "tag_assignment.update_time: is an answer's field",
    "tag_assignment.updated_by: is an answer's field"
  })
  public EntityTagAssignment create(Caller caller, CreateEntityTagAssignmentRequest request) {
    EntityTagAssignment given = request.getTagAssignment();
    if (given == null) {
      throw new InvalidParameterValue("tag_assignment: null (expected: a tag)", null);
    }
    String key = key(given.getTagKey());
    String value = value(given.getTagValue());
    return access.write(
        caller,
        rights -> {
          Entity entity = entity(rights, given.getEntityType(), given.getEntityName());
          rights.require(Privilege.APPLY_TAG, entity.securable());
          if (of(rights.handle(), entity, "", MOST).size() >= MOST) {
            throw new InvalidParameterValue(
                "tag_key: "
                    + Names.shown(key)
                    + " would be one too many (expected: at most "
                    + MOST
                    + " tags on one entity)",
                null);
          }
          try {
            rights
                .handle()
                .createUpdate(
                    """
                    INSERT INTO entity_tag VALUES (:id, :column, :key, :value, :by, :now)
                    """)
                .bind("id", entity.securable().id())
                .bind("column", entity.column())
                .bind("key", key)
                .bind("value", value)
                .bind("by", caller.name())
                .bind("now", clock.millis())
                .execute();
          } catch (RuntimeException e) {
            throw Database.isUniqueViolation(e)
                ? new AlreadyExists(
                    "Tag " + Names.shown(key) + " is on " + Names.shown(entity.name()) + " already",
                    null)
                : e;
          }
          return changed(rights, entity, key);
        });
  }

  private static EntityTagAssignment changed(Rights rights, Entity entity, String key) {
    Securables.changed(rights.handle(), entity.securable().metastoreId());
    return find(rights.handle(), entity, key);
  }

  private static EntityTagAssignment find(Handle handle, Entity entity, String key) {
    Optional<EntityTagAssignment> found =
        handle
            .createQuery(
                """
                SELECT tag_key, tag_value, updated_by, updated_at FROM entity_tag
                WHERE securable_id = :id AND column_name = :column AND tag_key = :key
                """)
            .bind("id", entity.securable().id())
            .bind("column", entity.column())
            .bind("key", key)
            .map((row, context) -> tag(entity, row))
            .findOne();
    return found.orElseThrow(() -> missing(entity, key));
  }

  private static NotFound missing(Entity entity, String key) {
    return new NotFound(
        "TAG_ASSIGNMENT_DOES_NOT_EXIST",
        "Tag " + Names.shown(key) + " is not on " + Names.shown(entity.name()),
        null);
  }

  private static EntityTagAssignment tag(Entity entity, ResultSet row) throws SQLException {
    return new EntityTagAssignment()
        .setEntityType(entity.type())
        .setEntityName(entity.name())
        .setTagKey(row.getString(1))
        .setTagValue(row.getString(2))
        .setUpdatedBy(row.getString(3))
        .setUpdateTime(Timestamps.fromMillis(row.getLong(4)));
  }

  private static List<EntityTagAssignment> of(
      Handle handle, Entity entity, String after, int limit) {
    return handle
        .createQuery(
            """
            SELECT tag_key, tag_value, updated_by, updated_at FROM entity_tag
            WHERE securable_id = :id AND column_name = :column AND tag_key > :after
            ORDER BY tag_key LIMIT :limit
            """)
        .bind("id", entity.securable().id())
        .bind("column", entity.column())
        .bind("after", after)
        .bind("limit", limit)
        .map((row, context) -> tag(entity, row))
        .list();
  }

  /** What the caller names and sees. */
  private static Entity seen(Rights rights, String type, String name) {
    Entity entity = entity(rights, type, name);
    rights.requireSees(entity.securable(), true);
    return entity;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public EntityTagAssignment get(Caller caller, GetEntityTagAssignmentRequest request) {
    return access.read(
        caller,
        rights ->
            find(
                rights.handle(),
                seen(rights, request.getEntityType(), request.getEntityName()),
                request.getTagKey()));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ListEntityTagAssignmentsResponse list(
      Caller caller, ListEntityTagAssignmentsRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, PAGE);
    return access.read(
        caller,
        rights -> {
          Entity entity = seen(rights, request.getEntityType(), request.getEntityName());
          Page<EntityTagAssignment> page =
              Page.of(
                  of(rights.handle(), entity, Page.after(request.getPageToken()), size + 1),
                  size,
                  EntityTagAssignment::getTagKey);
          return new ListEntityTagAssignmentsResponse()
              .setTagAssignments(page.items())
              .setNextPageToken(page.next());
        });
  }

  /** The value is all that changes. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({
    "tag_assignment.entity_name: is in the path",
    "tag_assignment.entity_type: is in the path",
    "tag_assignment.tag_key: is in the path",
    "tag_assignment.source_type: is an answer's field",
    "tag_assignment.update_time: is an answer's field",
    "tag_assignment.updated_by: is an answer's field"
  })
  public EntityTagAssignment update(Caller caller, UpdateEntityTagAssignmentRequest request) {
    String mask = request.getUpdateMask();
    if (mask != null && !mask.equals("tag_value") && !mask.equals("*")) {
      throw new InvalidParameterValue(
          "update_mask: " + Names.shown(mask) + " (expected: tag_value)", null);
    }
    String value =
        value(request.getTagAssignment() == null ? null : request.getTagAssignment().getTagValue());
    return access.write(
        caller,
        rights -> {
          Entity entity = entity(rights, request.getEntityType(), request.getEntityName());
          rights.require(Privilege.APPLY_TAG, entity.securable());
          rights
              .handle()
              .createUpdate(
                  """
                  UPDATE entity_tag SET tag_value = :value, updated_by = :by, updated_at = :now
                  WHERE securable_id = :id AND column_name = :column AND tag_key = :key
                  """)
              .bind("value", value)
              .bind("by", caller.name())
              .bind("now", clock.millis())
              .bind("id", entity.securable().id())
              .bind("column", entity.column())
              .bind("key", request.getTagKey())
              .execute();
          return changed(rights, entity, request.getTagKey());
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteEntityTagAssignmentRequest request) {
    access.write(
        caller,
        rights -> {
          Entity entity = entity(rights, request.getEntityType(), request.getEntityName());
          rights.require(Privilege.APPLY_TAG, entity.securable());
          int gone =
              rights
                  .handle()
                  .createUpdate(
                      """
                      DELETE FROM entity_tag
                      WHERE securable_id = :id AND column_name = :column AND tag_key = :key
                      """)
                  .bind("id", entity.securable().id())
                  .bind("column", entity.column())
                  .bind("key", request.getTagKey())
                  .execute();
          if (gone == 0) {
            throw missing(entity, request.getTagKey());
          }
          Securables.changed(rights.handle(), entity.securable().metastoreId());
          return null;
        });
  }
}
