package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.iam.GetAssignableRolesForResourceRequest;
import com.databricks.sdk.service.iam.GetAssignableRolesForResourceResponse;
import com.databricks.sdk.service.iam.GetRuleSetRequest;
import com.databricks.sdk.service.iam.GrantRule;
import com.databricks.sdk.service.iam.RuleSetResponse;
import com.databricks.sdk.service.iam.UpdateRuleSetRequest;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;

/**
 * Rule sets: who may use or manage one service principal, or manage one group. Who manages a group
 * changes its members; who manages a service principal makes its secrets. The rule set of the
 * account has no roles, as nothing would enforce them.
 */
public final class Roles {
  static final String GROUP_MANAGER = "roles/group.manager";
  static final String USER = "roles/servicePrincipal.user";
  static final String MANAGER = "roles/servicePrincipal.manager";

  private static final Pattern RESOURCE =
      Pattern.compile("accounts/([^/]+)(?:/(groups|servicePrincipals)/([^/]+))?");
  private static final String SET = "/ruleSets/default";

  private final Principals principals;
  private final Identities identities;
  private final Supplier<String> accountId;

  Roles(Principals principals, Identities identities, Supplier<String> accountId) {
    this.principals = principals;
    this.identities = identities;
    this.accountId = accountId;
  }

  /** Whether one of the roles was given to the caller, or to a group the caller is in. */
  boolean has(Caller caller, long resource, String... roles) {
    if (caller.kind() != Caller.Kind.USER && caller.kind() != Caller.Kind.SERVICE_PRINCIPAL) {
      return false;
    }
    Set<Long> as = new TreeSet<>();
    as.add(Long.valueOf(caller.principalId()));
    identities
        .ofPrincipal(Long.parseLong(caller.principalId()))
        .ifPresent(identity -> as.addAll(identity.groups().keySet()));
    return principals.read(
        handle ->
            handle
                    .createQuery(
                        """
                        SELECT count(*) FROM rule_grant WHERE resource_id = :resource
                          AND role IN (<roles>) AND principal_id IN (<principals>)
                        """)
                    .bind("resource", resource)
                    .bindList("roles", List.of(roles))
                    .bindList("principals", List.copyOf(as))
                    .mapTo(Integer.class)
                    .one()
                > 0);
  }

  boolean managesGroup(Caller caller, Caller.Kind kind, String id) {
    return kind == Caller.Kind.GROUP
        && id.matches("\\d{1,18}")
        && has(caller, Long.parseLong(id), GROUP_MANAGER);
  }

  /** Who has a role on something sees it. */
  boolean sees(Caller caller, Caller.Kind kind, String id) {
    return kind != Caller.Kind.USER
        && id.matches("\\d{1,18}")
        && has(caller, Long.parseLong(id), GROUP_MANAGER, USER, MANAGER);
  }

  /** The first manager of a service principal is who made it. */
  void give(long resource, String role, long principal) {
    principals.write(handle -> insert(handle, resource, role, principal));
  }

  private static int insert(Handle handle, long resource, String role, long principal) {
    return handle
        .createUpdate(
            """
            INSERT INTO rule_grant (resource_id, role, principal_id)
            VALUES (:resource, :role, :principal)
            ON CONFLICT (resource_id, role, principal_id) DO NOTHING
            """)
        .bind("resource", resource)
        .bind("role", role)
        .bind("principal", principal)
        .execute();
  }

  @Allow({Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  public GetAssignableRolesForResourceResponse getAssignableRolesForResource(
      Caller caller, GetAssignableRolesForResourceRequest request) {
    Principal resource =
        principals.read(handle -> resource(handle, "resource", request.getResource()));
    return new GetAssignableRolesForResourceResponse()
        .setRoles(
            assignable(resource).stream()
                .map(role -> new com.databricks.sdk.service.iam.Role().setName(role))
                .toList());
  }

  private static List<String> assignable(Principal resource) {
    return resource == null
        ? List.of()
        : resource.kind() == Caller.Kind.GROUP ? List.of(GROUP_MANAGER) : List.of(USER, MANAGER);
  }

  /** What a rule set is of; null for the account. */
  private Principal resource(Handle handle, String field, String name) {
    Matcher matcher = RESOURCE.matcher(name == null ? "" : name);
    if (!matcher.matches()) {
      throw new InvalidParameterValue(
          field
              + ": '"
              + Scim.shortened(name)
              + "' (expected: accounts/ID, accounts/ID/groups/ID or"
              + " accounts/ID/servicePrincipals/APPLICATION_ID)",
          null);
    }
    if (!matcher.group(1).equals(accountId.get())) {
      throw new PermissionDenied(
          field + ": '" + Scim.shortened(name) + "' (expected: one of this account)", null);
    }
    if (matcher.group(2) == null) {
      return null;
    }
    return matcher.group(2).equals("groups")
        ? Principals.get(handle, Caller.Kind.GROUP, matcher.group(3))
        : Principals.named(handle, Caller.Kind.SERVICE_PRINCIPAL, matcher.group(3))
            .orElseThrow(() -> Principals.missing(Caller.Kind.SERVICE_PRINCIPAL, matcher.group(3)));
  }

  private static String withoutSet(String name) {
    if (name == null || !name.endsWith(SET)) {
      throw new InvalidParameterValue(
          "name: '" + Scim.shortened(name) + "' (expected: a resource with " + SET + ")", null);
    }
    return name.substring(0, name.length() - SET.length());
  }

  private void requireManager(Caller caller, Principal resource) {
    if (!caller.is(Role.ACCOUNT_ADMIN)
        && (resource == null || !has(caller, resource.id(), GROUP_MANAGER, MANAGER))) {
      throw new PermissionDenied(
          caller.name() + " may not do this (expected: an account admin, or a manager of it)",
          null);
    }
  }

  @Allow({Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  @Ignores("etag: the newest is answered")
  public RuleSetResponse getRuleSet(Caller caller, GetRuleSetRequest request) {
    String of = withoutSet(request.getName());
    Principal resource = principals.read(handle -> resource(handle, "name", of));
    requireManager(caller, resource);
    return principals.read(handle -> shown(handle, request.getName(), resource));
  }

  @Allow({Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  @Ignores("rule_set.name: the name beside the rule set counts")
  public RuleSetResponse updateRuleSet(Caller caller, UpdateRuleSetRequest request) {
    String of = withoutSet(request.getName());
    Principal resource = principals.read(handle -> resource(handle, "name", of));
    requireManager(caller, resource);
    if (request.getRuleSet() == null) {
      throw new InvalidParameterValue("rule_set: none (expected: etag and grant_rules)", null);
    }
    Collection<GrantRule> rules =
        request.getRuleSet().getGrantRules() == null
            ? List.of()
            : request.getRuleSet().getGrantRules();
    return principals.write(
        handle -> {
          requireNewest(handle, resource, request.getRuleSet().getEtag());
          if (resource != null) {
            handle
                .createUpdate("DELETE FROM rule_grant WHERE resource_id = :resource")
                .bind("resource", resource.id())
                .execute();
          }
          for (GrantRule rule : rules) {
            if (!assignable(resource).contains(rule.getRole())) {
              throw new InvalidParameterValue(
                  "role: '"
                      + Scim.shortened(rule.getRole())
                      + "' (expected: one of "
                      + assignable(resource)
                      + ")",
                  null);
            }
            for (String principal :
                rule.getPrincipals() == null ? List.<String>of() : rule.getPrincipals()) {
              insert(handle, resource.id(), rule.getRole(), principal(handle, principal).id());
            }
          }
          if (resource != null) {
            handle
                .createUpdate(
                    """
                    INSERT INTO rule_set_version (resource_id, version) VALUES (:resource, 1)
                    ON CONFLICT (resource_id)
                      DO UPDATE SET version = rule_set_version.version + 1
                    """)
                .bind("resource", resource.id())
                .execute();
          }
          return shown(handle, request.getName(), resource);
        });
  }

  private static void requireNewest(Handle handle, Principal resource, String etag) {
    String newest = etag(handle, resource);
    if (!newest.equals(etag)) {
      throw new ResourceConflict(
          "etag: '"
              + Scim.shortened(etag == null ? "" : etag)
              + "' (expected: '"
              + newest
              + "', the rule set has been changed since it was read)",
          null);
    }
  }

  private static String etag(Handle handle, Principal resource) {
    long version =
        resource == null
            ? 0
            : handle
                .createQuery("SELECT version FROM rule_set_version WHERE resource_id = :resource")
                .bind("resource", resource.id())
                .mapTo(Long.class)
                .findOne()
                .orElse(0L);
    return (resource == null ? "account" : Long.toString(resource.id())) + "-" + version;
  }

  private static Principal principal(Handle handle, String name) {
    String[] words = name.split("/", 2);
    Caller.Kind kind =
        switch (words[0]) {
          case "users" -> Caller.Kind.USER;
          case "servicePrincipals" -> Caller.Kind.SERVICE_PRINCIPAL;
          case "groups" -> Caller.Kind.GROUP;
          default -> null;
        };
    if (kind == null || words.length < 2) {
      throw new InvalidParameterValue(
          "principals: '"
              + Scim.shortened(name)
              + "' (expected: users/NAME, groups/NAME or servicePrincipals/APPLICATION_ID)",
          null);
    }
    return Principals.named(handle, kind, words[1])
        .orElseThrow(
            () ->
                new ResourceDoesNotExist(
                    "Principal " + Scim.shortened(name) + " does not exist", null));
  }

  private static RuleSetResponse shown(Handle handle, String name, Principal resource) {
    Map<String, List<String>> rules = new LinkedHashMap<>();
    if (resource != null) {
      handle
          .createQuery(
              """
              SELECT r.role AS granted, p.* FROM rule_grant r
              JOIN principal p ON p.principal_id = r.principal_id
              WHERE r.resource_id = :resource ORDER BY r.role, p.kind, p.name
              """)
          .bind("resource", resource.id())
          .map((row, context) -> Map.entry(row.getString("granted"), named(Principal.of(row))))
          .forEach(
              entry ->
                  rules
                      .computeIfAbsent(entry.getKey(), role -> new ArrayList<>())
                      .add(entry.getValue()));
    }
    return new RuleSetResponse()
        .setName(name)
        .setEtag(etag(handle, resource))
        .setGrantRules(
            rules.entrySet().stream()
                .map(rule -> new GrantRule().setRole(rule.getKey()).setPrincipals(rule.getValue()))
                .toList());
  }

  private static String named(Principal principal) {
    return switch (principal.kind()) {
      case USER -> "users/" + principal.name();
      case GROUP -> "groups/" + principal.displayName();
      default -> "servicePrincipals/" + principal.name();
    };
  }
}
