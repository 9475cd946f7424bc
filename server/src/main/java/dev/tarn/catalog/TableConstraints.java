package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.CreateTableConstraint;
import com.databricks.sdk.service.catalog.DeleteTableConstraintRequest;
import com.databricks.sdk.service.catalog.ForeignKeyConstraint;
import com.databricks.sdk.service.catalog.PrimaryKeyConstraint;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableConstraint;
import com.databricks.sdk.service.catalog.TableInfo;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * {@code /api/2.1/unity-catalog/constraints}: primary and foreign keys. They inform who reads a
 * table's definition; as on the platform, no write is checked against them.
 */
public final class TableConstraints {
  private final Access access;
  private final Clock clock;

  TableConstraints(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  /** By who owns the table, and for a foreign key also the table that it refers to. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public TableConstraint create(Caller caller, CreateTableConstraint request) {
    TableConstraint given = valid(request.getConstraint());
    return access.write(
        caller,
        rights -> {
          Securable table = owned(rights, request.getFullNameArg());
          TableInfo info = Json.read(table.document(), TableInfo.class);
          if (find(info, name(given)) != null) {
            throw new BadRequest(
                "CONSTRAINT_ALREADY_EXISTS",
                "Constraint " + Names.shown(name(given)) + " already exists on " + table.shown(),
                null);
          }
          if (given.getPrimaryKeyConstraint() != null) {
            requirePrimary(table, info, given.getPrimaryKeyConstraint());
          } else {
            Securable parent = requireForeign(rights, info, given.getForeignKeyConstraint());
            rights
                .handle()
                .createUpdate("INSERT INTO table_foreign_key VALUES (:table, :name, :parent)")
                .bind("table", table.id())
                .bind("name", name(given).toLowerCase(Locale.ROOT))
                .bind("parent", parent.id())
                .execute();
          }
          List<TableConstraint> all = new ArrayList<>(of(info));
          all.add(given);
          store(rights.handle(), caller, table, info, all);
          return given;
        });
  }

  private static TableConstraint valid(TableConstraint given) {
    PrimaryKeyConstraint primary = given == null ? null : given.getPrimaryKeyConstraint();
    ForeignKeyConstraint foreign = given == null ? null : given.getForeignKeyConstraint();
    if (given != null && given.getNamedTableConstraint() != null) {
      Catalogs.refuse("constraint.named_table_constraint", given.getNamedTableConstraint());
    }
    if ((primary == null) == (foreign == null)) {
      throw new InvalidParameterValue(
          "constraint: expected: a primary_key_constraint or a foreign_key_constraint", null);
    }
    Names.valid("constraint.name", name(given));
    if (foreign != null
        && size(foreign.getParentColumns()) != 0
        && size(foreign.getParentColumns()) != size(foreign.getChildColumns())) {
      throw new InvalidParameterValue(
          "constraint.parent_columns: "
              + foreign.getParentColumns()
              + " (expected: as many as child_columns "
              + foreign.getChildColumns()
              + ")",
          null);
    }
    return given;
  }

  private static int size(Collection<String> names) {
    return names == null ? 0 : names.size();
  }

  private static String name(TableConstraint constraint) {
    return constraint.getPrimaryKeyConstraint() == null
        ? constraint.getForeignKeyConstraint().getName()
        : constraint.getPrimaryKeyConstraint().getName();
  }

  private static Securable owned(Rights rights, String fullName) {
    Securable table = rights.get(SecurableType.TABLE, fullName);
    rights.requireOwn(table);
    if (table.isView()) {
      throw new InvalidParameterValue(
          "full_name: " + table.shown() + " is a view (expected: a table)", null);
    }
    return table;
  }

  private static Collection<TableConstraint> of(TableInfo info) {
    return info.getTableConstraints() == null ? List.of() : info.getTableConstraints();
  }

  private static TableConstraint find(TableInfo info, String name) {
    return of(info).stream()
        .filter(constraint -> name(constraint).equalsIgnoreCase(name))
        .findFirst()
        .orElse(null);
  }

  private static PrimaryKeyConstraint primaryKey(TableInfo info) {
    return of(info).stream()
        .map(TableConstraint::getPrimaryKeyConstraint)
        .filter(key -> key != null)
        .findFirst()
        .orElse(null);
  }

  private static void requirePrimary(Securable table, TableInfo info, PrimaryKeyConstraint key) {
    if (primaryKey(info) != null) {
      throw new InvalidParameterValue(
          "constraint: "
              + table.shown()
              + " has the primary key "
              + Names.shown(primaryKey(info).getName())
              + " (expected: at most one)",
          null);
    }
    for (ColumnInfo column : columns("child_columns", info, key.getChildColumns())) {
      if (!Boolean.FALSE.equals(column.getNullable())) {
        throw new InvalidParameterValue(
            "constraint.child_columns: "
                + Names.shown(column.getName())
                + " is nullable (expected: columns that are NOT NULL)",
            null);
      }
    }
    if (key.getTimeseriesColumns() != null
        && !lower(key.getChildColumns()).containsAll(lower(key.getTimeseriesColumns()))) {
      throw new InvalidParameterValue(
          "constraint.timeseries_columns: "
              + key.getTimeseriesColumns()
              + " (expected: some of child_columns "
              + key.getChildColumns()
              + ")",
          null);
    }
  }

  private static Securable requireForeign(Rights rights, TableInfo info, ForeignKeyConstraint key) {
    columns("child_columns", info, key.getChildColumns());
    Securable parent = owned(rights, key.getParentTable());
    TableInfo parentInfo = Json.read(parent.document(), TableInfo.class);
    PrimaryKeyConstraint primary = primaryKey(parentInfo);
    List<String> wanted =
        size(key.getParentColumns()) == 0
            ? primary == null ? List.of() : List.copyOf(primary.getChildColumns())
            : List.copyOf(key.getParentColumns());
    if (primary == null
        || wanted.size() != size(key.getChildColumns())
        || !new HashSet<>(lower(wanted)).equals(new HashSet<>(lower(primary.getChildColumns())))) {
      throw new InvalidParameterValue(
          "constraint.parent_columns: "
              + wanted
              + " (expected: the columns of the primary key of "
              + parent.shown()
              + ", which "
              + (primary == null ? "has none" : "are " + primary.getChildColumns())
              + ")",
          null);
    }
    key.setParentTable(parent.fullName()).setParentColumns(wanted);
    return parent;
  }

  private static List<String> lower(Collection<String> names) {
    return names.stream().map(name -> name.toLowerCase(Locale.ROOT)).toList();
  }

  private static List<ColumnInfo> columns(String field, TableInfo info, Collection<String> names) {
    List<ColumnInfo> found = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (String name : names == null ? List.<String>of() : names) {
      found.add(
          (info.getColumns() == null ? List.<ColumnInfo>of() : info.getColumns())
              .stream()
                  .filter(column -> column.getName().equalsIgnoreCase(name))
                  .filter(column -> seen.add(column.getName()))
                  .findFirst()
                  .orElseThrow(
                      () ->
                          new InvalidParameterValue(
                              "constraint."
                                  + field
                                  + ": "
                                  + Names.shown(name)
                                  + " (expected: columns of the table, each once)",
                              null)));
    }
    if (found.isEmpty()) {
      throw new InvalidParameterValue(
          "constraint." + field + ": empty (expected: columns of the table)", null);
    }
    return found;
  }

  private void store(
      Handle handle, Caller caller, Securable table, TableInfo info, List<TableConstraint> all) {
    info.setTableConstraints(all.isEmpty() ? null : all)
        .setUpdatedAt(clock.millis())
        .setUpdatedBy(caller.name());
    Securables.update(handle, table, table.with(Json.write(info)));
  }

  /** A primary key with the foreign keys that refer to it, when {@code cascade} says so. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteTableConstraintRequest request) {
    String name = String.valueOf(request.getConstraintName());
    access.write(
        caller,
        rights -> {
          Securable table = owned(rights, request.getFullName());
          TableInfo info = Json.read(table.document(), TableInfo.class);
          TableConstraint found = find(info, name);
          if (found == null) {
            throw new NotFound(
                "CONSTRAINT_DOES_NOT_EXIST",
                "Constraint " + Names.shown(name) + " does not exist on " + table.shown() + ".",
                null);
          }
          if (found.getPrimaryKeyConstraint() != null) {
            dropReferences(rights, caller, table, Boolean.TRUE.equals(request.getCascade()));
            // A table may refer to itself.
            table = rights.get(SecurableType.TABLE, request.getFullName());
            info = Json.read(table.document(), TableInfo.class);
          }
          drop(rights.handle(), caller, table, info, name);
          return null;
        });
  }

  private void drop(
      Handle handle, Caller caller, Securable table, TableInfo info, String constraint) {
    handle
        .createUpdate(
            """
            DELETE FROM table_foreign_key
            WHERE securable_id = :table AND constraint_name = :name
            """)
        .bind("table", table.id())
        .bind("name", constraint.toLowerCase(Locale.ROOT))
        .execute();
    store(
        handle,
        caller,
        table,
        info,
        of(info).stream().filter(each -> !name(each).equalsIgnoreCase(constraint)).toList());
  }

  private record Reference(String tableId, String constraint) {}

  private void dropReferences(Rights rights, Caller caller, Securable parent, boolean cascade) {
    List<Reference> references =
        rights
            .handle()
            .createQuery(
                """
                SELECT k.securable_id, k.constraint_name FROM table_foreign_key k
                JOIN securable s ON s.securable_id = k.securable_id
                WHERE k.parent_table_id = :parent AND s.deleted_at IS NULL
                ORDER BY k.securable_id, k.constraint_name
                """)
            .bind("parent", parent.id())
            .map((row, context) -> new Reference(row.getString(1), row.getString(2)))
            .list();
    if (!references.isEmpty() && !cascade) {
      throw new InvalidState(
          "The primary key of "
              + parent.shown()
              + " is referred to by "
              + references.size()
              + " foreign key(s) (expected: by none, or cascade)",
          null);
    }
    for (Reference reference : references) {
      Securable child = Securables.find(rights.handle(), reference.tableId()).orElseThrow();
      drop(
          rights.handle(),
          caller,
          child,
          Json.read(child.document(), TableInfo.class),
          reference.constraint());
    }
  }

  /** The constraints that still have all their columns, after an engine changed a table's. */
  static void keep(TableInfo before, Collection<ColumnInfo> columns) {
    Set<String> left = new HashSet<>();
    columns.forEach(column -> left.add(column.getName().toLowerCase(Locale.ROOT)));
    List<TableConstraint> kept =
        of(before).stream()
            .filter(
                constraint ->
                    left.containsAll(
                        lower(
                            constraint.getPrimaryKeyConstraint() == null
                                ? constraint.getForeignKeyConstraint().getChildColumns()
                                : constraint.getPrimaryKeyConstraint().getChildColumns())))
            .toList();
    before.setTableConstraints(kept.isEmpty() ? null : kept);
  }
}
