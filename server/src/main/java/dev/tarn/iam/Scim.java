package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.Patch;
import com.databricks.sdk.service.iam.PatchOp;
import com.databricks.sdk.service.iam.ServicePrincipal;
import com.databricks.sdk.service.iam.ServicePrincipalSchema;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.iam.UserSchema;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import dev.tarn.http.Caller;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Between stored principals and SCIM resources: reading, writing, checking, patching. */
final class Scim {
  static final String ACCOUNT_ADMIN = "account_admin";
  private static final Pattern EMAIL = Pattern.compile("[^@\\s]{1,64}@[^@\\s]{1,189}");
  private static final Pattern ELEMENT = Pattern.compile("([A-Za-z]+)\\[value eq \"([^\"]*)\"\\]");

  private Scim() {}

  static User user(Principal principal) {
    return Json.read(principal.document(), User.class)
        .setId(Long.toString(principal.id()))
        .setUserName(principal.name())
        .setDisplayName(principal.displayName())
        .setActive(principal.active())
        .setRoles(roles(principal))
        .setSchemas(List.of(UserSchema.URN_IETF_PARAMS_SCIM_SCHEMAS_CORE_2_0_USER));
  }

  static ServicePrincipal servicePrincipal(Principal principal) {
    return Json.read(principal.document(), ServicePrincipal.class)
        .setId(Long.toString(principal.id()))
        .setApplicationId(principal.name())
        .setDisplayName(principal.displayName())
        .setActive(principal.active())
        .setRoles(roles(principal))
        .setSchemas(
            List.of(
                ServicePrincipalSchema.URN_IETF_PARAMS_SCIM_SCHEMAS_CORE_2_0_SERVICE_PRINCIPAL));
  }

  private static List<ComplexValue> roles(Principal principal) {
    return principal.accountAdmin() ? List.of(new ComplexValue().setValue(ACCOUNT_ADMIN)) : null;
  }

  /** The principal a SCIM user describes. */
  static Principal principal(long id, User user, long createdAt) {
    String name = user.getUserName();
    if (name == null || !EMAIL.matcher(name).matches()) {
      throw new InvalidParameterValue(
          "userName: '" + shortened(name) + "' (expected: an e-mail address)", null);
    }
    String lower = name.toLowerCase(Locale.ROOT);
    User kept =
        new User()
            .setExternalId(user.getExternalId())
            .setName(user.getName())
            .setEntitlements(user.getEntitlements())
            .setEmails(
                user.getEmails() == null || user.getEmails().isEmpty()
                    ? List.of(new ComplexValue().setValue(lower).setPrimary(true).setType("work"))
                    : user.getEmails());
    return new Principal(
        id,
        Caller.Kind.USER,
        null,
        lower,
        displayName(user.getDisplayName(), lower),
        !Boolean.FALSE.equals(user.getActive()),
        accountAdmin(user.getRoles()),
        createdAt,
        createdAt,
        Json.write(kept));
  }

  /** The principal a SCIM service principal describes. */
  static Principal principal(long id, ServicePrincipal given, long createdAt) {
    String applicationId = given.getApplicationId();
    if (applicationId == null) {
      applicationId = UUID.randomUUID().toString();
    } else if (!applicationId.matches("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")) {
      throw new InvalidParameterValue(
          "applicationId: '" + shortened(applicationId) + "' (expected: a UUID, or none)", null);
    }
    ServicePrincipal kept =
        new ServicePrincipal()
            .setExternalId(given.getExternalId())
            .setEntitlements(given.getEntitlements());
    return new Principal(
        id,
        Caller.Kind.SERVICE_PRINCIPAL,
        null,
        applicationId.toLowerCase(Locale.ROOT),
        displayName(given.getDisplayName(), applicationId),
        !Boolean.FALSE.equals(given.getActive()),
        accountAdmin(given.getRoles()),
        createdAt,
        createdAt,
        Json.write(kept));
  }

  private static String displayName(String given, String otherwise) {
    String name = given == null || given.isBlank() ? otherwise : given;
    if (name.length() > 256) {
      throw new InvalidParameterValue(
          "displayName: '" + shortened(name) + "' (expected: at most 256 characters)", null);
    }
    return name;
  }

  private static boolean accountAdmin(Collection<ComplexValue> roles) {
    if (roles == null) {
      return false;
    }
    for (ComplexValue role : roles) {
      if (!ACCOUNT_ADMIN.equals(role.getValue())) {
        throw new InvalidParameterValue(
            "roles: '" + shortened(role.getValue()) + "' (expected: " + ACCOUNT_ADMIN + ")", null);
      }
    }
    return !roles.isEmpty();
  }

  /** The resource after the operations of a PATCH; paths are those clients send. */
  static ObjectNode patched(Object resource, Collection<Patch> operations) {
    ObjectNode tree = Json.MAPPER.valueToTree(resource);
    if (operations == null || operations.isEmpty()) {
      throw new InvalidParameterValue("Operations: none (expected: at least one)", null);
    }
    for (Patch operation : operations) {
      JsonNode value = Json.MAPPER.valueToTree(operation.getValue());
      String path = operation.getPath();
      PatchOp op = operation.getOp();
      if (op == null) {
        throw new InvalidParameterValue("op: none (expected: add, remove or replace)", null);
      }
      if (path == null || path.isBlank()) {
        if (op == PatchOp.REMOVE || !value.isObject()) {
          throw new InvalidParameterValue(
              "path: none (expected: a path, or an object to add or replace)", null);
        }
        value.properties().forEach(field -> set(tree, op, field.getKey(), field.getValue()));
      } else if (op == PatchOp.REMOVE) {
        remove(tree, path, value);
      } else {
        set(tree, op, path, value);
      }
    }
    return tree;
  }

  private static void set(ObjectNode tree, PatchOp op, String path, JsonNode value) {
    List<String> known =
        List.of(
            "active",
            "displayName",
            "externalId",
            "userName",
            "name",
            "name.givenName",
            "name.familyName",
            "emails",
            "roles",
            "entitlements",
            "schemas");
    if (!known.contains(path)) {
      throw noAttribute(path);
    }
    if (value == null || value.isNull()) {
      throw new InvalidParameterValue("value of " + path + ": none (expected: one)", null);
    }
    if (path.equals("active") && !value.isBoolean()) {
      // Azure's SCIM client writes "False".
      if (!value.asText().matches("(?i)true|false")) {
        throw new InvalidParameterValue(
            "active: '" + shortened(value.asText()) + "' (expected: true or false)", null);
      }
      tree.put(path, Boolean.parseBoolean(value.asText().toLowerCase(Locale.ROOT)));
      return;
    }
    ArrayNode already = tree.get(path) instanceof ArrayNode array ? array : null;
    if (op == PatchOp.ADD && already != null) {
      for (JsonNode element : value.isArray() ? value : tree.arrayNode().add(value)) {
        if (!contains(already, element.path("value").asText())) {
          already.add(element);
        }
      }
    } else if (path.startsWith("name.")) {
      tree.withObject("/name").set(path.substring("name.".length()), value);
    } else {
      tree.set(path, value);
    }
  }

  private static boolean contains(ArrayNode array, String value) {
    for (JsonNode element : array) {
      if (element.path("value").asText().equals(value)) {
        return true;
      }
    }
    return false;
  }

  private static void remove(ObjectNode tree, String path, JsonNode values) {
    Matcher element = ELEMENT.matcher(path);
    String attribute = element.matches() ? element.group(1) : path;
    if (!List.of("roles", "entitlements", "emails", "externalId", "name").contains(attribute)) {
      throw noAttribute(path);
    }
    if (!(tree.get(attribute) instanceof ArrayNode array)) {
      tree.remove(attribute);
      return;
    }
    List<String> gone =
        element.matches()
            ? List.of(element.group(2))
            : values != null && values.isArray()
                ? values.findValuesAsText("value")
                : array.findValuesAsText("value");
    for (int i = array.size() - 1; i >= 0; i--) {
      if (gone.contains(array.get(i).path("value").asText())) {
        array.remove(i);
      }
    }
  }

  private static InvalidParameterValue noAttribute(String path) {
    return new InvalidParameterValue(
        "invalidPath No such attribute with the name : "
            + shortened(path)
            + " in the current resource",
        null);
  }

  static String shortened(String text) {
    return text == null || text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
