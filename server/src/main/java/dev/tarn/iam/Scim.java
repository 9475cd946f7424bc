package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import dev.tarn.http.Caller;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;

/** Between stored principals and SCIM resources. */
final class Scim {
  static final String ACCOUNT_ADMIN = "account_admin";

  /** Names of groups that are there without a row. */
  static final Set<String> SYSTEM_GROUPS = Set.of("account users", "admins", "users");

  private static final List<String> ENTITLEMENTS =
      List.of(
          "workspace-access",
          "databricks-sql-access",
          "allow-cluster-create",
          "allow-instance-pool-create",
          "workspace-consume");

  private static final Pattern UUID_TEXT =
      Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  private static final int LONGEST_NAME = 256;

  /** What is in columns and tables of its own, and not in the document. */
  private static final List<String> APART =
      List.of(
          "userName",
          "applicationId",
          "displayName",
          "active",
          "roles",
          "entitlements",
          "members",
          "schemas",
          "id",
          "groups");

  private Scim() {}

  /**
   * What a resource shows beside its row.
   *
   * @param workspaceId where it is looked at, null for the account
   * @param active also in that workspace
   * @param groups those it is in, and how: direct or indirect
   * @param members null when they were not asked for, or it is no group
   */
  record Beside(
      Long workspaceId,
      boolean active,
      Map<GroupReference, String> groups,
      Collection<Principal> members,
      Collection<String> entitlements) {}

  /** A group as its members show it. */
  record GroupReference(String id, String name) implements Comparable<GroupReference> {
    @Override
    public int compareTo(GroupReference other) {
      int byName = name.compareTo(other.name);
      return byName != 0 ? byName : id.compareTo(other.id);
    }
  }

  static ObjectNode resource(Principal principal, Beside beside) {
    ScimSchema schema = ScimSchema.of(principal.kind());
    ObjectNode resource = Json.MAPPER.createObjectNode();
    ObjectNode document = (ObjectNode) Json.tree(principal.document());
    document.remove(APART);
    ArrayNode schemas = resource.putArray("schemas").add(schema.id);
    schema.extensions.stream().filter(document::has).forEach(schemas::add);
    resource.put("id", Long.toString(principal.id()));
    switch (principal.kind()) {
      case USER -> resource.put("userName", principal.name());
      case GROUP -> {}
      default -> resource.put("applicationId", principal.name());
    }
    if (!principal.displayName().isEmpty()) {
      resource.put("displayName", principal.displayName());
    }
    if (principal.kind() != Caller.Kind.GROUP) {
      resource.put("active", beside.active);
    }
    resource.setAll(document);
    if (beside.workspaceId == null && principal.accountAdmin()) {
      resource.putArray("roles").addObject().put("value", ACCOUNT_ADMIN);
    }
    if (beside.entitlements != null && !beside.entitlements.isEmpty()) {
      ArrayNode list = resource.putArray("entitlements");
      beside.entitlements.forEach(value -> list.addObject().put("value", value));
    }
    if (beside.groups != null && !beside.groups.isEmpty()) {
      ArrayNode list = resource.putArray("groups");
      new TreeMap<>(beside.groups)
          .forEach(
              (group, how) ->
                  list.addObject()
                      .put("value", group.id)
                      .put("display", group.name)
                      .put("type", how)
                      .put("$ref", "Groups/" + group.id));
    }
    if (beside.members != null) {
      members(resource, beside.members);
    }
    String type =
        beside.workspaceId != null && principal.workspaceId() != null
            ? "WorkspaceGroup"
            : schema.name;
    meta(resource, type, principal.reference())
        .put("created", Instant.ofEpochMilli(principal.createdAt()).toString())
        .put("lastModified", Instant.ofEpochMilli(principal.changedAt()).toString())
        .put("version", version(principal));
    return resource;
  }

  /** An entity tag (RFC 7232 §2.3): weak, because what is beside the row may say more. */
  static String version(Principal principal) {
    return "W/\"" + principal.version() + "\"";
  }

  static ObjectNode meta(ObjectNode resource, String type, String location) {
    return resource.putObject("meta").put("resourceType", type).put("location", location);
  }

  static void members(ObjectNode resource, Collection<Principal> members) {
    if (members.isEmpty()) {
      return;
    }
    ArrayNode list = resource.putArray("members");
    for (Principal member : members) {
      list.addObject()
          .put("value", Long.toString(member.id()))
          .put("display", member.shownAs())
          .put("type", ScimSchema.of(member.kind()).name)
          .put("$ref", member.reference());
    }
  }

  /** What a client may write, as it is now. */
  static ObjectNode writable(Principal principal) {
    ObjectNode tree = (ObjectNode) Json.tree(principal.document());
    tree.remove(APART);
    if (!principal.displayName().isEmpty()) {
      tree.put("displayName", principal.displayName());
    }
    if (principal.kind() != Caller.Kind.GROUP) {
      tree.put("active", principal.active());
    }
    if (principal.accountAdmin()) {
      tree.putArray("roles").addObject().put("value", ACCOUNT_ADMIN);
    }
    return tree;
  }

  /**
   * The principal that a new resource describes.
   *
   * @param workspaceId of a group that only one workspace has, else null
   */
  static Principal made(ScimSchema schema, Long workspaceId, ObjectNode tree, long now) {
    String name =
        switch (schema.kind) {
          case USER -> userName(tree.path("userName").asText(""));
          case GROUP -> groupName(workspaceId, tree.path("displayName").asText());
          default -> applicationId(tree.path("applicationId").asText());
        };
    if (schema.kind == Caller.Kind.USER && name.contains("@") && tree.path("emails").isEmpty()) {
      tree.putArray("emails")
          .addObject()
          .put("value", name)
          .put("type", "work")
          .put("primary", true);
    }
    return new Principal(
        Principals.newId(),
        schema.kind,
        workspaceId,
        name,
        displayName(tree.path("displayName").asText(""), name),
        tree.path("active").asBoolean(true),
        accountAdmin(tree.path("roles")),
        now,
        now,
        1,
        document(tree));
  }

  /** A new user of whom no more is known. */
  static Principal user(String userName, String displayName, long now) {
    ObjectNode tree = Json.MAPPER.createObjectNode().put("userName", userName);
    return made(ScimSchema.USER, null, tree.put("displayName", displayName), now);
  }

  /**
   * A user under other names; those that are null stay. An address that was made of the old user
   * name goes with it.
   */
  static Principal renamed(Principal before, String userName, String displayName, long now) {
    ObjectNode tree = writable(before);
    tree.put("userName", userName == null ? before.name() : userName);
    if (userName != null) {
      tree.remove("emails");
    }
    if (displayName != null) {
      tree.put("displayName", displayName);
    } else if (before.displayName().equals(before.name())) {
      tree.remove("displayName");
    }
    Principal made = made(ScimSchema.USER, null, tree, now);
    return new Principal(
        before.id(),
        made.kind(),
        null,
        made.name(),
        made.displayName(),
        made.active(),
        made.accountAdmin(),
        before.createdAt(),
        now,
        before.version() + 1,
        made.document());
  }

  /**
   * The principal as a resource that replaces or changes it describes. Who it is cannot be changed;
   * roles and whether it is active stay when nothing is said of them.
   *
   * @param whole whether {@code tree} is all there is, so that defaults are for what is not there
   */
  static Principal changed(Principal before, ObjectNode tree, boolean whole, long now) {
    String name = before.name();
    switch (before.kind()) {
      case USER -> requireSame("userName", tree, name);
      case GROUP -> name = groupName(before.workspaceId(), tree.path("displayName").asText());
      default -> requireSame("applicationId", tree, name);
    }
    String displayName = tree.path("displayName").asText();
    Principal after =
        new Principal(
            before.id(),
            before.kind(),
            before.workspaceId(),
            name,
            whole ? displayName(displayName, name) : displayName(displayName, ""),
            tree.path("active").asBoolean(before.active()),
            tree.has("roles")
                ? accountAdmin(tree.path("roles"))
                : !whole ? false : before.accountAdmin(),
            before.createdAt(),
            before.changedAt(),
            before.version(),
            document(tree));
    return after.equals(before) ? before : after.changedAt(now);
  }

  private static void requireSame(String attribute, ObjectNode tree, String name) {
    if (tree.has(attribute) && !Principals.folded(tree.path(attribute).asText()).equals(name)) {
      throw new BadRequest(
          "MUTABILITY",
          "%s: '%s' (expected: '%s', it cannot be changed)"
              .formatted(attribute, shortened(tree.path(attribute).asText()), name),
          null);
    }
  }

  private static String document(ObjectNode tree) {
    ObjectNode document = tree.deepCopy();
    document.remove(APART);
    for (String name : List.copyOf(fieldNames(document))) {
      if (document.path(name).isContainerNode() && document.path(name).isEmpty()) {
        document.remove(name);
      }
    }
    return Json.write(document);
  }

  private static List<String> fieldNames(ObjectNode node) {
    return node.properties().stream().map(Map.Entry::getKey).toList();
  }

  private static String userName(String given) {
    String name = Principals.folded(given);
    if (name.isEmpty() || name.length() > 254 || name.codePoints().anyMatch(Scim::isNotSeen)) {
      throw new InvalidParameterValue(
          "userName: '"
              + shortened(given)
              + "' (expected: an e-mail address; at most 254 characters, no spaces)",
          null);
    }
    return name;
  }

  /** White space, and what has no look of its own: two names with and without it are twins. */
  private static boolean isNotSeen(int character) {
    return Character.isWhitespace(character)
        || Character.isSpaceChar(character)
        || Character.isISOControl(character)
        || Character.getType(character) == Character.FORMAT
        || Character.getType(character) == Character.UNASSIGNED;
  }

  private static String applicationId(String given) {
    if (given.isEmpty()) {
      return UUID.randomUUID().toString();
    }
    if (!UUID_TEXT.matcher(given).matches()) {
      throw new InvalidParameterValue(
          "applicationId: '" + shortened(given) + "' (expected: a UUID, or none)", null);
    }
    return given.toLowerCase(Locale.ROOT);
  }

  /** What a group is known by; one of a workspace begins with a space, as no other name does. */
  static String groupName(Long workspaceId, String given) {
    String name = Principals.folded(given);
    if (name.isEmpty()
        || given.length() > LONGEST_NAME
        || name.codePoints().anyMatch(c -> isNotSeen(c) && c != ' ')) {
      throw new InvalidParameterValue(
          "displayName: '"
              + shortened(given)
              + "' (expected: 1 to "
              + LONGEST_NAME
              + " characters that are seen)",
          null);
    }
    if (SYSTEM_GROUPS.contains(name)) {
      throw new InvalidParameterValue(
          "displayName: '" + given + "' (expected: another name, a system group has this one)",
          null);
    }
    return workspaceId == null ? name : " " + workspaceId + "/" + name;
  }

  private static String displayName(String given, String otherwise) {
    String name = given.isBlank() ? otherwise : given;
    if (name.length() > LONGEST_NAME) {
      throw new InvalidParameterValue(
          "displayName: '"
              + shortened(name)
              + "' (expected: at most "
              + LONGEST_NAME
              + " characters)",
          null);
    }
    return name;
  }

  private static boolean accountAdmin(JsonNode roles) {
    for (JsonNode role : roles) {
      if (!ACCOUNT_ADMIN.equals(role.path("value").asText())) {
        throw new InvalidParameterValue(
            "roles: '"
                + shortened(role.path("value").asText())
                + "' (expected: "
                + ACCOUNT_ADMIN
                + ")",
            null);
      }
    }
    return !roles.isEmpty();
  }

  /** The entitlements that a resource names, null when it says nothing of them. */
  static Set<String> entitlements(ObjectNode tree) {
    if (!tree.has("entitlements")) {
      return null;
    }
    Set<String> entitlements = new java.util.TreeSet<>();
    for (JsonNode entitlement : tree.path("entitlements")) {
      String value = entitlement.path("value").asText();
      if (!ENTITLEMENTS.contains(value)) {
        throw new InvalidParameterValue(
            "entitlements: '" + shortened(value) + "' (expected: one of " + ENTITLEMENTS + ")",
            null);
      }
      entitlements.add(value);
    }
    return entitlements;
  }

  static String shortened(String text) {
    return text == null || text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
