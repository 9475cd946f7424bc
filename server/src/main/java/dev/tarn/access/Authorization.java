package dev.tarn.access;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.enforcement.Authorize;
import dev.tarn.enforcement.Decision;
import dev.tarn.enforcement.Need;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a driver asks once for a whole statement. The names of all needs are looked up together,
 * level by level, and so are the grants, so that a statement over many tables costs a handful of
 * queries; then the needs are judged in the order in which they stand in the plan.
 */
public final class Authorization {
  private static final String FUNCTION = "FUNCTION ";
  private static final String VOLUMES = "/Volumes/";

  private final Access access;

  Authorization(Access access) {
    this.access = access;
  }

  @Operation("POST /api/2.1/unity-catalog/tarn/authorize")
  @Allow(Role.ENGINE)
  public Decision authorize(Caller caller, Authorize request) {
    if (caller.kind() == Caller.Kind.SYSTEM) {
      throw new PermissionDenied(
          "An engine asks what a principal may (expected: the header X-Tarn-Principal-Id)", null);
    }
    List<Need> needs = request.needs() == null ? List.of() : request.needs();
    // Before anything is looked at: what changes meanwhile makes another version.
    String identities = access.people().version();
    List<String> groups = access.people().groupNames(Long.parseLong(caller.principalId()));
    return access.read(
        caller,
        rights -> {
          new Statement(rights, needs).judge();
          return new Decision(
              Access.version(rights.handle(), rights.workspaceId(), identities).orElseThrow(),
              groups);
        });
  }

  /** The objects of one statement, and whose rights count for them. */
  private final class Statement {
    private final Rights rights;
    private final List<Need> needs;

    /** By type and full name in lower case; nothing: it is not there. */
    private final Map<String, Securable> objects = new HashMap<>();

    private final Map<String, Rights> owners = new HashMap<>();

    Statement(Rights rights, List<Need> needs) {
      this.rights = rights;
      this.needs = needs;
      look();
    }

    private void look() {
      Map<SecurableType, Set<String>> wanted = new TreeMap<>();
      for (Need need : needs) {
        if (!need.securableType().equals("PATH")) {
          wanted
              .computeIfAbsent(Access.type(need.securableType()), type -> new HashSet<>())
              .add(Names.stored(need.fullName()));
        }
        for (String via : vias(need)) {
          wanted
              .computeIfAbsent(typeOf(via), type -> new HashSet<>())
              .add(Names.stored(nameOf(via)));
        }
      }
      Map<String, Securable> catalogs = new LinkedHashMap<>();
      Set<String> catalogNames = new HashSet<>();
      Set<String> schemaNames = new HashSet<>();
      wanted.forEach(
          (type, names) ->
              names.forEach(
                  name -> {
                    String[] parts =
                        type == SecurableType.METASTORE ? new String[0] : Rights.names(type, name);
                    if (parts.length > 1 || type == SecurableType.CATALOG) {
                      catalogNames.add(parts[0]);
                    }
                    if (parts.length > 1) {
                      schemaNames.add(parts[1]);
                    }
                  }));
      catalogs.putAll(children(List.of(rights.metastore()), SecurableType.CATALOG, catalogNames));
      Map<String, Securable> schemas =
          children(List.copyOf(catalogs.values()), SecurableType.SCHEMA, schemaNames);
      wanted.forEach(
          (type, names) -> {
            if (type == SecurableType.TABLE
                || type == SecurableType.FUNCTION
                || type == SecurableType.VOLUME) {
              children(
                  List.copyOf(schemas.values()),
                  type,
                  names.stream().map(name -> Rights.names(type, name)[2]).toList());
            } else if (type != SecurableType.CATALOG
                && type != SecurableType.SCHEMA
                && type != SecurableType.METASTORE) {
              children(List.of(rights.metastore()), type, names);
            }
          });
      rights.load(objects.values());
    }

    private Map<String, Securable> children(
        List<Securable> parents, SecurableType type, java.util.Collection<String> names) {
      if (parents.isEmpty() || names.isEmpty()) {
        return Map.of();
      }
      Map<String, Securable> found =
          Securables.children(rights.handle(), parents, type, new HashSet<>(names));
      found.values().forEach(child -> objects.put(key(type, child.fullName()), child));
      return found;
    }

    private static String key(SecurableType type, String fullName) {
      return type + " " + fullName;
    }

    /** As {@link Rights#get}, out of what was looked up. */
    private Securable get(Rights by, SecurableType type, String fullName) {
      if (type == SecurableType.METASTORE) {
        return by.get(type, fullName);
      }
      String[] names = Rights.names(type, fullName);
      Securable at = by.metastore();
      for (int level = 0; level < names.length; level++) {
        SecurableType wanted = level == names.length - 1 ? type : Rights.levelType(level);
        String name = level == 0 ? names[0] : at.fullName() + "." + names[level];
        at = by.found(at, wanted, names[level], objects.get(key(wanted, name)));
      }
      return at;
    }

    void judge() {
      for (Need need : needs) {
        List<String> vias = vias(need);
        if (vias.isEmpty()) {
          judge(rights, need);
        } else {
          String via = vias.getLast();
          try {
            judge(owner(via), need);
          } catch (PermissionDenied e) {
            String message = e.getMessage();
            throw message.startsWith("User does")
                ? new PermissionDenied(
                    "The owner of " + shown(via) + message.substring("User".length()), null)
                : e;
          }
        }
      }
    }

    private Rights owner(String via) {
      Securable definer = objects.get(key(typeOf(via), Names.stored(nameOf(via))));
      if (definer == null) {
        throw Rights.missing(rights.metastore(), typeOf(via), nameOf(via));
      }
      return owners.computeIfAbsent(
          String.valueOf(definer.ownerId()),
          id -> {
            Rights of = rights.of(access.owner(definer.ownerId(), rights.workspaceId()));
            of.load(objects.values());
            return of;
          });
    }

    private void judge(Rights by, Need need) {
      if (need.securableType().equals("PATH")) {
        path(by, need);
        return;
      }
      Securable object = get(by, Access.type(need.securableType()), need.fullName());
      switch (need.privilege()) {
        case "OWN" -> by.requireOwn(object);
        case "SEE" -> by.requireSees(object, true);
        default -> by.require(Privilege.of("privilege", need.privilege()), object);
      }
    }

    private void path(Rights by, Need need) {
      Privilege privilege = Privilege.of("privilege", need.privilege());
      String path = need.fullName();
      if (path.startsWith(VOLUMES)) {
        String[] parts = path.substring(VOLUMES.length()).split("/", -1);
        if (parts.length < 3) {
          throw new InvalidParameterValue(
              "path: " + Names.shown(path) + " (expected: /Volumes/catalog/schema/volume/path)",
              null);
        }
        by.requireVolume(
            ofVolume(privilege),
            by.get(SecurableType.VOLUME, parts[0] + "." + parts[1] + "." + parts[2]));
        return;
      }
      String canonical;
      try {
        canonical = Paths.canonical("path", path);
      } catch (InvalidParameterValue e) {
        // What is no path in a bucket is nobody's to read; the driver asks about any text.
        throw new PermissionDenied(
            "User does not have " + privilege.words() + " on Path: " + e.getMessage(), null);
      }
      by.requirePath(privilege, canonical);
    }
  }

  static Privilege ofVolume(Privilege privilege) {
    return switch (privilege) {
      case READ_FILES -> Privilege.READ_VOLUME;
      case WRITE_FILES -> Privilege.WRITE_VOLUME;
      default -> privilege;
    };
  }

  private static List<String> vias(Need need) {
    return need.via() == null ? List.of() : need.via();
  }

  private static SecurableType typeOf(String via) {
    return via.startsWith(FUNCTION) ? SecurableType.FUNCTION : SecurableType.TABLE;
  }

  private static String nameOf(String via) {
    return via.startsWith(FUNCTION) ? via.substring(FUNCTION.length()) : via;
  }

  private static String shown(String via) {
    return (typeOf(via) == SecurableType.FUNCTION ? "Function " : "View ")
        + Names.shown(nameOf(via));
  }
}
