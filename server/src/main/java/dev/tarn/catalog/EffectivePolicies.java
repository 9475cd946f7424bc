package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.FunctionInfo;
import com.databricks.sdk.service.catalog.PolicyFunctionArgument;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableRowFilter;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jdbi.v3.core.Handle;

/**
 * What a principal sees of a table, with all that an engine needs to show it. Whether the table may
 * be read is not asked here: filters and masks are those of whoever reads, also through a view of
 * another's.
 */
public final class EffectivePolicies {
  private static final String FILTER = "";

  private final Access access;

  EffectivePolicies(Access access) {
    this.access = access;
  }

  public record OfTable(String fullName) {}

  /** A function and what it is given, for a mask after the column itself. */
  public record Rule(
      String column, FunctionInfo function, List<PolicyFunctionArgument> arguments) {}

  /**
   * @param version under which it holds
   */
  public record Effective(String version, Rule rowFilter, List<Rule> columnMasks) {}

  @Operation("GET /api/2.1/unity-catalog/tarn/tables/{full_name}/policies")
  @Allow(Role.ENGINE)
  public Effective get(Caller caller, OfTable request) {
    // Before anything is looked at: what changes meanwhile makes another version.
    String version = access.version(Access.workspace(caller));
    return access.read(
        caller,
        rights -> {
          Securable table = table(rights, request.fullName());
          return table.isView()
              ? new Effective(version, null, List.of())
              : of(rights.handle(), table, version);
        });
  }

  private static Securable table(Rights rights, String fullName) {
    Securable at = rights.metastore();
    String[] names = Names.parts(fullName, 3);
    for (int level = 0; level < names.length; level++) {
      SecurableType type =
          level == 0
              ? SecurableType.CATALOG
              : level == 1 ? SecurableType.SCHEMA : SecurableType.TABLE;
      at =
          Securables.child(rights.handle(), at, type, names[level])
              .orElseThrow(
                  () ->
                      new NotFound(
                          "TABLE_DOES_NOT_EXIST",
                          "Table " + Names.shown(fullName) + " does not exist.",
                          null));
    }
    return at;
  }

  private static Effective of(Handle handle, Securable table, String version) {
    TableInfo info = Json.read(table.document(), TableInfo.class);
    Map<String, String> functions = new HashMap<>();
    handle
        .createQuery(
            "SELECT column_name, function_id FROM table_policy WHERE securable_id = :table")
        .bind("table", table.id())
        .map((row, context) -> Map.entry(row.getString(1), row.getString(2)))
        .forEach(row -> functions.put(row.getKey(), row.getValue()));
    TableRowFilter filter = info.getRowFilter();
    List<Rule> masks = new ArrayList<>();
    for (ColumnInfo column :
        info.getColumns() == null ? List.<ColumnInfo>of() : info.getColumns()) {
      if (column.getMask() != null) {
        masks.add(
            new Rule(
                column.getName(),
                function(handle, table, functions.get(lower(column.getName()))),
                arguments(
                    column.getMask().getUsingColumnNames(), column.getMask().getUsingArguments())));
      }
    }
    return new Effective(
        version,
        filter == null
            ? null
            : new Rule(
                null,
                function(handle, table, functions.get(FILTER)),
                arguments(filter.getInputColumnNames(), filter.getInputArguments())),
        masks);
  }

  private static String lower(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  /** By what it is and not by its name, which another may have by now. */
  private static FunctionInfo function(Handle handle, Securable table, String id) {
    return Securables.find(handle, id)
        .filter(function -> function.deletedAt() == null)
        .map(Functions::info)
        .orElseThrow(
            () ->
                new InvalidState(
                    "The function of a row filter or mask of "
                        + table.shown()
                        + " is not there any more: nobody reads the table (expected: the filter or"
                        + " mask set anew, or dropped)",
                    null));
  }

  private static List<PolicyFunctionArgument> arguments(
      java.util.Collection<String> names, java.util.Collection<PolicyFunctionArgument> mixed) {
    if (mixed != null && !mixed.isEmpty()) {
      return List.copyOf(mixed);
    }
    return names == null
        ? List.of()
        : names.stream().map(name -> new PolicyFunctionArgument().setColumn(name)).toList();
  }
}
