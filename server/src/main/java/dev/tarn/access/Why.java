package dev.tarn.access;

import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * What somebody may with a securable, and the rows that it rests on: decided by {@link Rights}, as
 * everything is, and explained by the grants and owners that it looks at.
 */
public final class Why {
  /** A reason that is no privilege: what is owned is managed. */
  private static final String OWNER = "OWNER";

  private final Access access;

  Why(Access access) {
    this.access = access;
  }

  /**
   * @param principal null: the caller
   */
  public record Asked(String securableType, String fullName, String principal) {}

  /**
   * One row that counts for somebody.
   *
   * @param privilege as it was granted, or {@code OWNER}
   * @param securableType of what it was granted on
   * @param through names from the principal to who was granted it
   */
  public record Reason(
      String privilege, String securableType, String fullName, List<String> through) {}

  /**
   * @param enters whether the principal is assigned to this workspace, itself or through a group
   * @param sees NOTHING, BROWSE or METADATA
   * @param may the privileges that hold, with all that they need above
   * @param wanting why it cannot be read, in the words of the refusal; null when it can
   */
  public record Explained(
      boolean enters,
      String sees,
      boolean manages,
      boolean owns,
      List<String> may,
      String wanting,
      List<Reason> because) {}

  /** Everybody about themselves, who manages the securable about anybody. */
  @Operation("GET /api/2.1/unity-catalog/tarn/effective-access/{securable_type}/{full_name}")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Explained get(Caller caller, Asked asked) {
    String name = asked.principal();
    long self = Long.parseLong(caller.principalId());
    long id = name == null || name.isEmpty() ? self : access.principal(name);
    Map<Long, List<String>> ways = access.people().ways(id);
    long workspace = Access.workspace(caller);
    Subject subject = access.owner(id, workspace);
    boolean enters = access.people().enters(id, workspace);
    SecurableType type = Access.type(asked.securableType());
    return access.read(
        caller,
        rights -> {
          Securable securable =
              type == SecurableType.METASTORE
                  ? rights.get(type, asked.fullName())
                  : rights.seen(type, asked.fullName(), true);
          if (id != self && !rights.manages(securable)) {
            throw new PermissionDenied(
                "User does not have MANAGE on "
                    + securable.shown()
                    + ": what others may is not shown (expected: no principal, or yourself)",
                null);
          }
          return explained(id == self ? rights : rights.of(subject), securable, enters, ways);
        });
  }

  private static Explained explained(
      Rights rights, Securable securable, boolean enters, Map<Long, List<String>> ways) {
    Set<Privilege> grantable = Privilege.grantableOn(securable);
    Privilege reading = reading(securable.type());
    PermissionDenied refused = reading == null ? null : rights.refused(reading, securable);
    return new Explained(
        enters,
        rights.sees(securable).name(),
        rights.manages(securable),
        rights.canOwn(securable),
        grantable.stream()
            .filter(each -> each != Privilege.ALL_PRIVILEGES && each != Privilege.MANAGE)
            .filter(each -> rights.can(each, securable))
            .map(Enum::name)
            .toList(),
        refused == null ? null : refused.getMessage(),
        reasons(rights, securable, grantable, ways));
  }

  /** What one reads of it with; null where nothing is read. */
  private static Privilege reading(SecurableType type) {
    return switch (type) {
      case CATALOG -> Privilege.USE_CATALOG;
      case SCHEMA -> Privilege.USE_SCHEMA;
      case TABLE -> Privilege.SELECT;
      case FUNCTION -> Privilege.EXECUTE;
      case VOLUME -> Privilege.READ_VOLUME;
      case EXTERNAL_LOCATION -> Privilege.READ_FILES;
      default -> null;
    };
  }

  /** The nearest first; on one securable what is owned, then in the order of the names. */
  private static List<Reason> reasons(
      Rights rights, Securable securable, Set<Privilege> grantable, Map<Long, List<String>> ways) {
    Set<Privilege> telling = EnumSet.of(Privilege.USE_CATALOG, Privilege.USE_SCHEMA);
    telling.addAll(EnumSet.of(Privilege.ALL_PRIVILEGES, Privilege.MANAGE, Privilege.BROWSE));
    telling.addAll(grantable);
    List<Securable> chain = new ArrayList<>(securable.chain());
    if (securable.type() != SecurableType.METASTORE) {
      chain.add(rights.metastore());
    }
    List<Reason> reasons = new ArrayList<>();
    for (Securable at : chain) {
      if (at.ownerId() != null && ways.containsKey(at.ownerId())) {
        reasons.add(reason(OWNER, at, ways.get(at.ownerId())));
      }
      // Nothing is inherited from the metastore but what its owner may.
      if (at.type() != SecurableType.METASTORE || securable.type() == SecurableType.METASTORE) {
        reasons.addAll(granted(rights.handle(), at, telling, ways));
      }
    }
    return reasons;
  }

  private static List<Reason> granted(
      Handle handle, Securable at, Set<Privilege> telling, Map<Long, List<String>> ways) {
    return ways.isEmpty()
        ? List.of()
        : handle
            .createQuery(
                """
                SELECT principal_id, privilege FROM securable_grant
                WHERE securable_id = :at AND principal_id IN (<all>)
                """)
            .bind("at", at.id())
            .bindList("all", List.copyOf(ways.keySet()))
            .map(
                (row, context) ->
                    telling.contains(Privilege.valueOf(row.getString(2)))
                        ? reason(row.getString(2), at, ways.get(row.getLong(1)))
                        : null)
            .list()
            .stream()
            .filter(reason -> reason != null)
            .sorted(
                Comparator.comparing(Reason::privilege)
                    .thenComparing(reason -> reason.through().size())
                    .thenComparing(reason -> String.join(" ", reason.through())))
            .toList();
  }

  private static Reason reason(String privilege, Securable at, List<String> through) {
    return new Reason(privilege, at.type().name(), at.fullName(), through);
  }
}
