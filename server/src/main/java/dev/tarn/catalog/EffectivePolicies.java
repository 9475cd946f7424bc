package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnMask;
import com.databricks.sdk.service.catalog.FunctionArgument;
import com.databricks.sdk.service.catalog.FunctionInfo;
import com.databricks.sdk.service.catalog.MatchColumn;
import com.databricks.sdk.service.catalog.PolicyFunctionArgument;
import com.databricks.sdk.service.catalog.PolicyInfo;
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
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
              : new Told(rights, table).effective(version);
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

  /** What holds for one table and one principal. */
  private static final class Told {
    private final Rights rights;
    private final Handle handle;
    private final Securable table;
    private final List<ColumnInfo> columns;
    private final Set<Rule> filters = new LinkedHashSet<>();
    private final Map<String, Set<Rule>> masks = new LinkedHashMap<>();

    /** By column in lower case; "" has the table's own and those of what it is in. */
    private final Map<String, Map<String, String>> tags = new HashMap<>();

    Told(Rights rights, Securable table) {
      this.rights = rights;
      this.handle = rights.handle();
      this.table = table;
      TableInfo info = Json.read(table.document(), TableInfo.class);
      this.columns = info.getColumns() == null ? List.of() : List.copyOf(info.getColumns());
      ofTable(info.getRowFilter());
      List<Policies.Stored> policies = Policies.of(handle, table.chain());
      if (!policies.isEmpty()) {
        readTags();
        policies.forEach(this::ofPolicy);
      }
    }

    Effective effective(String version) {
      List<Rule> all = new ArrayList<>();
      masks.forEach((column, rules) -> all.add(one("masks of column '" + column + "'", rules)));
      return new Effective(version, filters.isEmpty() ? null : one("row filters", filters), all);
    }

    /** Which of two counts is never chosen in silence. */
    private Rule one(String what, Set<Rule> rules) {
      if (rules.size() > 1) {
        throw new InvalidState(
            table.shown()
                + " has "
                + rules.size()
                + " different "
                + what
                + " for this user: "
                + rules.stream().map(rule -> rule.function().getFullName()).sorted().toList()
                + " (expected: at most one)",
            null);
      }
      return rules.iterator().next();
    }

    private void ofTable(TableRowFilter filter) {
      Map<String, String> functions = new HashMap<>();
      handle
          .createQuery(
              "SELECT column_name, function_id FROM table_policy WHERE securable_id = :table")
          .bind("table", table.id())
          .map((row, context) -> Map.entry(row.getString(1), row.getString(2)))
          .forEach(row -> functions.put(row.getKey(), row.getValue()));
      if (filter != null) {
        filters.add(
            new Rule(
                null,
                function(handle, table, functions.get(FILTER)),
                arguments(filter.getInputColumnNames(), filter.getInputArguments())));
      }
      for (ColumnInfo column : columns) {
        ColumnMask mask = column.getMask();
        if (mask != null) {
          mask(
              column.getName(),
              function(handle, table, functions.get(Names.stored(column.getName()))),
              arguments(mask.getUsingColumnNames(), mask.getUsingArguments()));
        }
      }
    }

    private void mask(
        String column, FunctionInfo function, List<PolicyFunctionArgument> arguments) {
      masks
          .computeIfAbsent(column, name -> new LinkedHashSet<>())
          .add(new Rule(column, function, arguments));
    }

    private void readTags() {
      List<Securable> chain = table.chain();
      for (int level = chain.size() - 1; level >= 0; level--) {
        boolean own = level == 0;
        handle
            .createQuery(
                "SELECT column_name, tag_key, tag_value FROM entity_tag WHERE securable_id = :id")
            .bind("id", chain.get(level).id())
            .map(
                (row, context) ->
                    new String[] {row.getString(1), row.getString(2), row.getString(3)})
            .forEach(
                tag -> {
                  if (own || tag[0].isEmpty()) {
                    tags.computeIfAbsent(tag[0], column -> new HashMap<>())
                        .put(tag[1], tag[2] == null ? "" : tag[2]);
                  }
                });
      }
    }

    private void ofPolicy(Policies.Stored policy) {
      PolicyInfo info = policy.info();
      if (rights.isEngine()) {
        throw new PermissionDenied(
            "An engine that speaks for nobody does not see " + table.shown() + ".", null);
      }
      if (!rights.isAny(policy.to())
          || rights.isAny(policy.except())
          || (info.getWhenCondition() != null
              && !TagCondition.holds(info.getWhenCondition(), tags.getOrDefault("", Map.of())))) {
        return;
      }
      Map<String, List<String>> matched = new HashMap<>();
      for (MatchColumn match : Policies.list(info.getMatchColumns())) {
        List<String> names =
            columns.stream()
                .map(ColumnInfo::getName)
                .filter(
                    name ->
                        TagCondition.holds(
                            match.getCondition(), tags.getOrDefault(Names.stored(name), Map.of())))
                .toList();
        if (names.isEmpty()) {
          return;
        }
        if (match.getAlias() != null) {
          matched.put(Names.stored(match.getAlias()), names);
        }
      }
      FunctionInfo function = function(handle, table, policy.functionId());
      if (info.getRowFilter() != null) {
        filters.add(new Rule(null, function, using(info, matched, null, null)));
        return;
      }
      String on = Names.stored(info.getColumnMask().getOnColumn());
      for (String column : matched.get(on)) {
        mask(column, function, using(info, matched, on, column));
      }
    }

    private List<PolicyFunctionArgument> using(
        PolicyInfo policy, Map<String, List<String>> matched, String on, String column) {
      List<PolicyFunctionArgument> arguments = new ArrayList<>();
      for (FunctionArgument argument : Policies.using(policy)) {
        if (argument.getConstant() != null) {
          arguments.add(new PolicyFunctionArgument().setConstant(argument.getConstant()));
          continue;
        }
        String alias = Names.stored(argument.getAlias());
        List<String> names = alias.equals(on) ? List.of(column) : matched.get(alias);
        if (names.size() != 1) {
          throw new InvalidState(
              "Policy "
                  + Names.shown(policy.getName())
                  + " matches columns "
                  + names
                  + " of "
                  + table.shown()
                  + " as "
                  + Names.shown(alias)
                  + " (expected: one)",
              null);
        }
        arguments.add(new PolicyFunctionArgument().setColumn(names.getFirst()));
      }
      return arguments;
    }
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
