package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnMask;
import com.databricks.sdk.service.catalog.ColumnTypeName;
import com.databricks.sdk.service.catalog.FunctionInfo;
import com.databricks.sdk.service.catalog.PolicyFunctionArgument;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableRowFilter;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jdbi.v3.core.Handle;

/**
 * The row filter of a table and the masks of its columns, which the public API shows and SQL sets.
 * Set by who owns the table and may execute the function; a table has one filter, a column one
 * mask, and setting another puts it in the place of the first.
 */
public final class TablePolicies {
  private static final Set<ColumnTypeName> NUMBERS =
      EnumSet.of(
          ColumnTypeName.BYTE,
          ColumnTypeName.SHORT,
          ColumnTypeName.INT,
          ColumnTypeName.LONG,
          ColumnTypeName.FLOAT,
          ColumnTypeName.DOUBLE,
          ColumnTypeName.DECIMAL);
  private static final Set<ColumnTypeName> TIMES =
      EnumSet.of(ColumnTypeName.DATE, ColumnTypeName.TIMESTAMP, ColumnTypeName.TIMESTAMP_NTZ);
  private static final String FILTER = "";

  private final Access access;
  private final Clock clock;

  TablePolicies(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  /** The SDK's {@link TableRowFilter} for a table. */
  public record RowFilter(
      String fullName,
      String functionName,
      List<String> inputColumnNames,
      List<PolicyFunctionArgument> inputArguments) {}

  /** The SDK's {@link ColumnMask} for a column. */
  public record Mask(
      String fullName,
      String column,
      String functionName,
      List<String> usingColumnNames,
      List<PolicyFunctionArgument> usingArguments) {}

  @Operation("PUT /api/2.1/unity-catalog/tarn/tables/{full_name}/row-filter")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public TableInfo setRowFilter(Caller caller, RowFilter request) {
    return change(
        caller,
        request.fullName(),
        FILTER,
        (rights, table, info) -> {
          Securable function = function(rights, table, request.functionName());
          FunctionInfo body = Functions.document(function);
          requireBoolean(function, body);
          requireArguments(
              info, body, 0, request.inputColumnNames(), request.inputArguments(), "input");
          info.setRowFilter(
              new TableRowFilter()
                  .setFunctionName(function.fullName())
                  .setInputColumnNames(request.inputColumnNames())
                  .setInputArguments(request.inputArguments()));
          return function;
        });
  }

  /** A table of which a row filter or mask is meant. */
  public record OfTable(String fullName) {}

  @Operation("DELETE /api/2.1/unity-catalog/tarn/tables/{full_name}/row-filter")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public TableInfo dropRowFilter(Caller caller, OfTable request) {
    return change(
        caller,
        request.fullName(),
        FILTER,
        (rights, table, info) -> {
          info.setRowFilter(null);
          return null;
        });
  }

  @Operation("PUT /api/2.1/unity-catalog/tarn/tables/{full_name}/columns/{column}/mask")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public TableInfo setMask(Caller caller, Mask request) {
    return change(
        caller,
        request.fullName(),
        Names.stored(request.column()),
        (rights, table, info) -> {
          ColumnInfo column = column(info, "column", request.column());
          Securable function = function(rights, table, request.functionName());
          FunctionInfo body = Functions.document(function);
          if (!isCast(body.getDataType(), column.getTypeName())) {
            throw new InvalidParameterValue(
                "function_name: "
                    + Names.shown(function.fullName())
                    + " returns "
                    + body.getFullDataType()
                    + " (expected: what casts to "
                    + column.getTypeText()
                    + " of column "
                    + Names.shown(column.getName())
                    + ")",
                null);
          }
          requireArguments(
              info, body, 1, request.usingColumnNames(), request.usingArguments(), "using");
          column.setMask(
              new ColumnMask()
                  .setFunctionName(function.fullName())
                  .setUsingColumnNames(request.usingColumnNames())
                  .setUsingArguments(request.usingArguments()));
          return function;
        });
  }

  /** A column of a table. */
  public record OfColumn(String fullName, String column) {}

  @Operation("DELETE /api/2.1/unity-catalog/tarn/tables/{full_name}/columns/{column}/mask")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public TableInfo dropMask(Caller caller, OfColumn request) {
    return change(
        caller,
        request.fullName(),
        Names.stored(request.column()),
        (rights, table, info) -> {
          column(info, "column", request.column()).setMask(null);
          return null;
        });
  }

  /** Changes what is shown of a table, and says which function is in use by that; null: none. */
  private interface Change {
    Securable of(Rights rights, Securable table, TableInfo info);
  }

  private TableInfo change(Caller caller, String fullName, String column, Change change) {
    return access.write(
        caller,
        rights -> {
          Handle handle = rights.handle();
          Securable table = rights.get(SecurableType.TABLE, fullName);
          rights.requireOwn(table);
          TableInfo document =
              Json.read(table.document(), TableInfo.class)
                  .setUpdatedAt(clock.millis())
                  .setUpdatedBy(caller.name());
          Securable function = change.of(rights, table, document);
          handle
              .createUpdate(
                  "DELETE FROM table_policy WHERE securable_id = :table AND column_name = :column")
              .bind("table", table.id())
              .bind("column", column)
              .execute();
          if (function != null) {
            handle
                .createUpdate("INSERT INTO table_policy VALUES (:table, :column, :function)")
                .bind("table", table.id())
                .bind("column", column)
                .bind("function", function.id())
                .execute();
          }
          Securables.changed(handle, table.metastoreId());
          return Tables.info(Securables.update(handle, table, table.with(Json.write(document))));
        });
  }

  private static Securable function(Rights rights, Securable table, String name) {
    if (table.isView()) {
      throw new BadRequest(
          "ROW_LEVEL_SECURITY_FEATURE_NOT_SUPPORTED",
          table.shown() + " is a view (expected: a table; filters and masks are not on views)",
          null);
    }
    Securable function = Functions.get(rights, name);
    rights.require(Privilege.EXECUTE, function);
    return function;
  }

  private static ColumnInfo column(TableInfo table, String field, String name) {
    return columns(table).stream()
        .filter(column -> column.getName().equalsIgnoreCase(name))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidParameterValue(
                    field
                        + ": "
                        + Names.shown(name)
                        + " (expected: one of "
                        + columns(table).stream().map(ColumnInfo::getName).toList()
                        + ")",
                    null));
  }

  private static Collection<ColumnInfo> columns(TableInfo table) {
    return table.getColumns() == null ? List.of() : table.getColumns();
  }

  /** Columns must be there, and as many arguments be given as the function takes. */
  private static void requireArguments(
      TableInfo table,
      FunctionInfo function,
      int before,
      List<String> names,
      List<PolicyFunctionArgument> arguments,
      String prefix) {
    List<String> columns = names == null ? List.of() : names;
    int given = columns.size();
    columns.forEach(name -> column(table, prefix + "_column_names", name));
    if (arguments != null) {
      given = arguments.size();
      for (PolicyFunctionArgument argument : arguments) {
        if ((argument.getColumn() == null) == (argument.getConstant() == null)) {
          throw new InvalidParameterValue(
              prefix + "_arguments: expected: each a column or a constant", null);
        }
        if (argument.getColumn() != null) {
          column(table, prefix + "_arguments", argument.getColumn());
        }
      }
    }
    requireCount(function, before + given);
  }

  static void requireBoolean(Securable function, FunctionInfo body) {
    if (body.getDataType() != ColumnTypeName.BOOLEAN) {
      throw new InvalidParameterValue(
          "function_name: "
              + Names.shown(function.fullName())
              + " returns "
              + body.getFullDataType()
              + " (expected: a function that returns BOOLEAN)",
          null);
    }
  }

  static void requireCount(FunctionInfo function, int given) {
    int takes =
        function.getInputParams() == null || function.getInputParams().getParameters() == null
            ? 0
            : function.getInputParams().getParameters().size();
    if (given != takes) {
      throw new InvalidParameterValue(
          "function_name: takes "
              + takes
              + " arguments, and "
              + given
              + " would be given (expected: as many)",
          null);
    }
  }

  private static boolean isCast(ColumnTypeName from, ColumnTypeName to) {
    return from == to
        || to == ColumnTypeName.STRING
        || (NUMBERS.contains(from) && NUMBERS.contains(to))
        || (TIMES.contains(from) && TIMES.contains(to));
  }

  static boolean isUsed(Handle handle, Securable function) {
    return handle
        .createQuery(
            """
            SELECT 1 FROM table_policy WHERE function_id = :id
            UNION SELECT 1 FROM policy WHERE function_id = :id
            """)
        .bind("id", function.id())
        .mapTo(Integer.class)
        .findOne()
        .isPresent();
  }

  /**
   * What an engine found in the table, with the masks that are on it.
   *
   * @throws InvalidParameterValue a column with a mask is not there any more
   */
  static List<ColumnInfo> keepMasks(TableInfo before, List<ColumnInfo> columns) {
    List<ColumnInfo> after = new ArrayList<>(columns);
    Consumer<ColumnInfo> keep =
        masked ->
            after.stream()
                .filter(column -> column.getName().equalsIgnoreCase(masked.getName()))
                .findFirst()
                .orElseThrow(
                    () ->
                        new InvalidParameterValue(
                            "columns: without "
                                + Names.shown(masked.getName())
                                + " (expected: all that have a mask)",
                            null))
                .setMask(masked.getMask());
    columns(before).stream().filter(column -> column.getMask() != null).forEach(keep);
    return after;
  }
}
