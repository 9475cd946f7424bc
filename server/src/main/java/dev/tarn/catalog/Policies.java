package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.CreatePolicyRequest;
import com.databricks.sdk.service.catalog.DeletePolicyRequest;
import com.databricks.sdk.service.catalog.DeletePolicyResponse;
import com.databricks.sdk.service.catalog.FunctionArgument;
import com.databricks.sdk.service.catalog.FunctionInfo;
import com.databricks.sdk.service.catalog.GetPolicyRequest;
import com.databricks.sdk.service.catalog.ListPoliciesRequest;
import com.databricks.sdk.service.catalog.ListPoliciesResponse;
import com.databricks.sdk.service.catalog.MatchColumn;
import com.databricks.sdk.service.catalog.PolicyInfo;
import com.databricks.sdk.service.catalog.PolicyType;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UpdatePolicyRequest;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
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
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;

/**
 * {@code /api/2.1/unity-catalog/policies}: row filters and masks for all tables below a catalog, a
 * schema or a table whose tags match, and the principals they are for. Made, seen and dropped by
 * who owns or manages what carries them, with EXECUTE on the function.
 */
public final class Policies {
  private static final int MOST_PRINCIPALS = 20;
  private static final int MOST_ON_TABLE = 50;
  private static final int MOST = 100;
  private static final int MOST_CONDITIONS_OF_FILTER = 6;
  private static final int MOST_CONDITIONS_OF_MASK = 3;

  private static final List<String> CHANGEABLE =
      List.of(
          "name",
          "comment",
          "policy_type",
          "for_securable_type",
          "to_principals",
          "except_principals",
          "when_condition",
          "match_columns",
          "row_filter",
          "column_mask");

  /** A policy with the ids it was made of. */
  record Stored(PolicyInfo info, String functionId, Set<Long> to, Set<Long> except) {}

  private final Access access;
  private final Clock clock;

  Policies(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({
    "policy_info.created_at: is an answer's field",
    "policy_info.created_by: is an answer's field",
    "policy_info.id: is an answer's field",
    "policy_info.updated_at: is an answer's field",
    "policy_info.updated_by: is an answer's field"
  })
  public PolicyInfo createPolicy(Caller caller, CreatePolicyRequest request) {
    PolicyInfo given = request.getPolicyInfo();
    if (given == null) {
      throw new InvalidParameterValue("policy_info: null (expected: a policy)", null);
    }
    requireValid(given);
    Set<Long> to = ids(given.getToPrincipals());
    Set<Long> except = ids(given.getExceptPrincipals());
    return access.write(
        caller,
        rights -> {
          Handle handle = rights.handle();
          Securable on =
              on(
                  rights,
                  String.valueOf(given.getOnSecurableType()),
                  given.getOnSecurableFullname());
          int most = on.type() == SecurableType.TABLE ? MOST_ON_TABLE : MOST;
          if (of(handle, List.of(on)).size() >= most) {
            throw new InvalidParameterValue(
                on.shown() + " has " + most + " policies (expected: at most as many)", null);
          }
          long now = clock.millis();
          PolicyInfo info =
              given
                  .setId(UUID.randomUUID().toString())
                  .setCreatedAt(now)
                  .setCreatedBy(caller.name())
                  .setUpdatedAt(now)
                  .setUpdatedBy(caller.name());
          String function = function(rights, info).id();
          written(
              on,
              info,
              () ->
                  handle
                      .createUpdate(
                          "INSERT INTO policy VALUES (:id, :on, :name, :function, :document)")
                      .bind("id", info.getId())
                      .bind("on", on.id())
                      .bind("name", info.getName())
                      .bind("function", function)
                      .bind("document", Json.write(info))
                      .execute());
          keep(handle, info, to, false);
          keep(handle, info, except, true);
          Securables.changed(handle, on.metastoreId());
          return shown(info, on);
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public PolicyInfo getPolicy(Caller caller, GetPolicyRequest request) {
    return access.read(
        caller,
        rights -> {
          Securable on = on(rights, request.getOnSecurableType(), request.getOnSecurableFullname());
          return shown(named(rights.handle(), on, request.getName()), on);
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({"max_results: all come on one page", "page_token: all come on one page"})
  public ListPoliciesResponse listPolicies(Caller caller, ListPoliciesRequest request) {
    return access.read(
        caller,
        rights -> {
          Securable on = on(rights, request.getOnSecurableType(), request.getOnSecurableFullname());
          List<PolicyInfo> found = new ArrayList<>();
          for (Securable at : on.chain()) {
            if (at.id().equals(on.id()) || Boolean.TRUE.equals(request.getIncludeInherited())) {
              of(rights.handle(), List.of(at))
                  .forEach(stored -> found.add(shown(stored.info(), at)));
            }
          }
          return new ListPoliciesResponse().setPolicies(found);
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({
    "policy_info.created_at: is an answer's field",
    "policy_info.created_by: is an answer's field",
    "policy_info.id: is an answer's field",
    "policy_info.on_securable_fullname: is in the path",
    "policy_info.on_securable_type: is in the path",
    "policy_info.updated_at: is an answer's field",
    "policy_info.updated_by: is an answer's field"
  })
  public PolicyInfo updatePolicy(Caller caller, UpdatePolicyRequest request) {
    PolicyInfo given = request.getPolicyInfo() == null ? new PolicyInfo() : request.getPolicyInfo();
    Set<String> fields = fields(request.getUpdateMask(), given);
    Set<Long> to = ids(given.getToPrincipals());
    Set<Long> except = ids(given.getExceptPrincipals());
    return access.write(
        caller,
        rights -> {
          Handle handle = rights.handle();
          Securable on = on(rights, request.getOnSecurableType(), request.getOnSecurableFullname());
          PolicyInfo info = changed(named(handle, on, request.getName()), given, fields);
          requireValid(info);
          info.setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          // What is not given stays as it was, by its id: a name may be another's by now.
          String function =
              fields.contains("row_filter") || fields.contains("column_mask")
                  ? function(rights, info).id()
                  : null;
          written(
              on,
              info,
              () ->
                  handle
                      .createUpdate(
                          """
                          UPDATE policy SET name = :name, document = :document,
                            function_id = COALESCE(:function, function_id)
                          WHERE policy_id = :id
                          """)
                      .bind("name", info.getName())
                      .bind("function", function)
                      .bind("document", Json.write(info))
                      .bind("id", info.getId())
                      .execute());
          if (fields.contains("to_principals")) {
            keep(handle, info, to, false);
          }
          if (fields.contains("except_principals")) {
            keep(handle, info, except, true);
          }
          Securables.changed(handle, on.metastoreId());
          return shown(info, on);
        });
  }

  /**
   * Which fields are to be as given: those of the mask, all with {@code *}, and without a mask
   * those that are given.
   */
  private static Set<String> fields(String mask, PolicyInfo given) {
    Set<String> fields = new LinkedHashSet<>(CHANGEABLE);
    if (mask == null || mask.isBlank()) {
      fields.removeIf(field -> !Json.MAPPER.valueToTree(given).hasNonNull(field));
    } else if (mask.equals("*")) {
      if (given.getName() == null) {
        fields.remove("name");
      }
    } else {
      List<String> named = Stream.of(mask.split(",", -1)).map(String::strip).toList();
      if (!fields.containsAll(named)) {
        throw new InvalidParameterValue(
            "update_mask: " + Names.shown(mask) + " (expected: of " + CHANGEABLE + ")", null);
      }
      fields.retainAll(named);
    }
    return fields;
  }

  private static PolicyInfo changed(PolicyInfo before, PolicyInfo given, Set<String> fields) {
    ObjectNode after = Json.MAPPER.valueToTree(before);
    ObjectNode changes = Json.MAPPER.valueToTree(given);
    fields.forEach(field -> after.set(field, changes.get(field)));
    return Json.MAPPER.convertValue(after, PolicyInfo.class);
  }

  private static void written(Securable on, PolicyInfo policy, Runnable statement) {
    try {
      statement.run();
    } catch (RuntimeException e) {
      throw Database.isUniqueViolation(e)
          ? new BadRequest(
              "POLICY_ALREADY_EXISTS",
              "Policy " + Names.shown(policy.getName()) + " on " + on.shown() + " already exists",
              null)
          : e;
    }
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public DeletePolicyResponse deletePolicy(Caller caller, DeletePolicyRequest request) {
    return access.write(
        caller,
        rights -> {
          Securable on = on(rights, request.getOnSecurableType(), request.getOnSecurableFullname());
          PolicyInfo info = named(rights.handle(), on, request.getName());
          rights
              .handle()
              .createUpdate("DELETE FROM policy WHERE policy_id = :id")
              .bind("id", info.getId())
              .execute();
          Securables.changed(rights.handle(), on.metastoreId());
          return new DeletePolicyResponse();
        });
  }

  // ---- what it is on, and what it is made of ----

  /** What carries a policy, which the caller owns or manages. */
  private static Securable on(Rights rights, String type, String name) {
    SecurableType kind =
        Stream.of(SecurableType.CATALOG, SecurableType.SCHEMA, SecurableType.TABLE)
            .filter(each -> each.name().equalsIgnoreCase(type))
            .findFirst()
            .orElseThrow(
                () ->
                    new BadRequest(
                        "POLICY_ON_SECURABLE_TYPE_NOT_SUPPORTED",
                        "on_securable_type: "
                            + Names.shown(type)
                            + " (expected: CATALOG, SCHEMA or TABLE)",
                        null));
    Securable on = rights.get(kind, name);
    rights.requireOwn(on);
    if (on.isView()) {
      throw new BadRequest(
          "ROW_LEVEL_SECURITY_FEATURE_NOT_SUPPORTED",
          on.shown() + " is a view (expected: a table; policies are not on views)",
          null);
    }
    return on;
  }

  /** That of a policy, which the caller may execute. */
  private static Securable function(Rights rights, PolicyInfo policy) {
    boolean filter = policy.getRowFilter() != null;
    Securable function =
        Functions.get(
            rights,
            filter
                ? policy.getRowFilter().getFunctionName()
                : policy.getColumnMask().getFunctionName());
    rights.require(Privilege.EXECUTE, function);
    FunctionInfo body = Functions.document(function);
    if (filter) {
      TablePolicies.requireBoolean(function, body);
    }
    TablePolicies.requireCount(body, (filter ? 0 : 1) + using(policy).size());
    return function;
  }

  private static void requireValid(PolicyInfo policy) {
    policy.setName(Names.valid("name", policy.getName()));
    boolean filter = policy.getPolicyType() == PolicyType.POLICY_TYPE_ROW_FILTER;
    if (policy.getPolicyType() == null
        || (policy.getRowFilter() != null) != filter
        || (policy.getColumnMask() != null) == filter) {
      throw new InvalidParameterValue(
          "policy_type: "
              + policy.getPolicyType()
              + " (expected: POLICY_TYPE_ROW_FILTER with row_filter alone, or"
              + " POLICY_TYPE_COLUMN_MASK with column_mask alone)",
          null);
    }
    if (policy.getForSecurableType() != SecurableType.TABLE) {
      throw new InvalidParameterValue(
          "for_securable_type: " + policy.getForSecurableType() + " (expected: TABLE)", null);
    }
    int to = list(policy.getToPrincipals()).size();
    if (to == 0 || to + list(policy.getExceptPrincipals()).size() > MOST_PRINCIPALS) {
      throw new InvalidParameterValue(
          "to_principals: "
              + policy.getToPrincipals()
              + " (expected: at least one, with except_principals at most "
              + MOST_PRINCIPALS
              + ")",
          null);
    }
    if (policy.getWhenCondition() != null) {
      TagCondition.require(policy.getWhenCondition());
    }
    int most = filter ? MOST_CONDITIONS_OF_FILTER : MOST_CONDITIONS_OF_MASK;
    if (list(policy.getMatchColumns()).size() > most) {
      throw new InvalidParameterValue(
          "match_columns: "
              + policy.getMatchColumns().size()
              + " conditions (expected: at most "
              + most
              + ")",
          null);
    }
    requireAliases(policy);
  }

  private static void requireAliases(PolicyInfo policy) {
    Set<String> aliases = new HashSet<>();
    for (MatchColumn match : list(policy.getMatchColumns())) {
      TagCondition.require(match.getCondition());
      if (match.getAlias() != null && !aliases.add(Names.stored(match.getAlias()))) {
        throw new InvalidParameterValue(
            "match_columns: "
                + Names.shown(match.getAlias())
                + " twice (expected: each alias once)",
            null);
      }
    }
    String on = policy.getColumnMask() == null ? null : policy.getColumnMask().getOnColumn();
    if (policy.getColumnMask() != null && (on == null || !aliases.contains(Names.stored(on)))) {
      throw new InvalidParameterValue(
          "column_mask.on_column: " + Names.shown(on) + " (expected: an alias of match_columns)",
          null);
    }
    for (FunctionArgument argument : using(policy)) {
      if ((argument.getAlias() == null) == (argument.getConstant() == null)
          || (argument.getAlias() != null
              && !aliases.contains(Names.stored(argument.getAlias())))) {
        throw new InvalidParameterValue(
            "using: "
                + Names.shown(argument.getAlias())
                + " (expected: each an alias of match_columns, or a constant)",
            null);
      }
    }
  }

  static Collection<FunctionArgument> using(PolicyInfo policy) {
    return list(
        policy.getRowFilter() != null
            ? policy.getRowFilter().getUsing()
            : policy.getColumnMask().getUsing());
  }

  static <T> Collection<T> list(Collection<T> given) {
    return given == null ? List.of() : given;
  }

  // ---- rows ----

  /** Whom names mean; ask before the transaction begins. */
  private Set<Long> ids(Collection<String> names) {
    return list(names).stream().map(access::principal).collect(Collectors.toSet());
  }

  private static void keep(
      Handle handle, PolicyInfo policy, Set<Long> principals, boolean excepted) {
    handle
        .createUpdate("DELETE FROM policy_principal WHERE policy_id = :id AND excepted = :excepted")
        .bind("id", policy.getId())
        .bind("excepted", excepted)
        .execute();
    for (long principal : principals) {
      handle
          .createUpdate("INSERT INTO policy_principal VALUES (:id, :principal, :excepted)")
          .bind("id", policy.getId())
          .bind("principal", principal)
          .bind("excepted", excepted)
          .execute();
    }
  }

  private static PolicyInfo shown(PolicyInfo info, Securable on) {
    return info.setOnSecurableType(on.type()).setOnSecurableFullname(on.fullName());
  }

  private static PolicyInfo named(Handle handle, Securable on, String name) {
    return handle
        .createQuery("SELECT document FROM policy WHERE securable_id = :on AND name = :name")
        .bind("on", on.id())
        .bind("name", Names.stored(name))
        .map((row, context) -> Json.read(row.getString(1), PolicyInfo.class))
        .findOne()
        .orElseThrow(
            () ->
                new NotFound(
                    "POLICY_DOES_NOT_EXIST",
                    "Policy " + Names.shown(name) + " on " + on.shown() + " does not exist.",
                    null));
  }

  /**
   * @param columns what an engine found in a table
   * @throws InvalidParameterValue one is not there any more by whose tags policies may go: under
   *     another name it would be open
   */
  static void requireTagged(Handle handle, Securable table, List<ColumnInfo> columns) {
    List<String> tagged =
        handle
            .createQuery(
                """
                SELECT DISTINCT column_name FROM entity_tag
                WHERE securable_id = :table AND column_name <> ''
                  AND EXISTS (SELECT 1 FROM policy WHERE securable_id IN (<ids>))
                """)
            .bind("table", table.id())
            .bindList("ids", table.chain().stream().map(Securable::id).toList())
            .mapTo(String.class)
            .list();
    for (String name : tagged) {
      if (columns.stream().noneMatch(column -> Names.stored(column.getName()).equals(name))) {
        throw new InvalidParameterValue(
            "columns: without "
                + Names.shown(name)
                + " (expected: all that have tags, as there are policies)",
            null);
      }
    }
  }

  /** All on any of these, in the order of their names. */
  static List<Stored> of(Handle handle, List<Securable> securables) {
    Map<String, Set<Long>> to = new HashMap<>();
    Map<String, Set<Long>> except = new HashMap<>();
    List<String> ids = securables.stream().map(Securable::id).toList();
    handle
        .createQuery(
            """
            SELECT p.policy_id, p.principal_id, p.excepted FROM policy_principal p
            JOIN policy o ON o.policy_id = p.policy_id WHERE o.securable_id IN (<ids>)
            """)
        .bindList("ids", ids)
        .map(
            (row, context) ->
                (row.getBoolean(3) ? except : to)
                    .computeIfAbsent(row.getString(1), id -> new HashSet<>())
                    .add(row.getLong(2)))
        .list();
    return handle
        .createQuery(
            "SELECT document, function_id FROM policy WHERE securable_id IN (<ids>) ORDER BY name")
        .bindList("ids", ids)
        .map(
            (row, context) -> {
              PolicyInfo info = Json.read(row.getString(1), PolicyInfo.class);
              return new Stored(
                  info,
                  row.getString(2),
                  to.getOrDefault(info.getId(), Set.of()),
                  except.getOrDefault(info.getId(), Set.of()));
            })
        .list();
  }
}
