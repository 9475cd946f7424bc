package dev.tarn.access;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.WorkspaceBindingBindingType;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/**
 * What one principal may in one workspace, as the rows of one transaction or read say. All
 * questions of who may end here, and the answer is the same for REST, SQL and engines:
 *
 * <ul>
 *   <li>what is isolated and not bound to the workspace does not exist;
 *   <li>a privilege is held by a grant on the object or above it (never on the metastore), by ALL
 *       PRIVILEGES, or by owning the object itself;
 *   <li>with it go USE CATALOG and USE SCHEMA of what is above;
 *   <li>who owns the object or something above it, has MANAGE there, or administers the metastore,
 *       manages it: that is no access to data.
 * </ul>
 *
 * <p>Who may not look into a catalog or schema is not told what is in it.
 */
public final class Rights {
  /** How much somebody sees of an object. */
  public enum Sight {
    NOTHING,
    /** That it is there, by BROWSE alone. */
    BROWSE,
    METADATA
  }

  private final Handle handle;
  private final Subject subject;
  private final Securable metastore;

  /** Grants to {@link Subject#all} by securable; what is not a key was not looked up. */
  private final Map<String, Set<Privilege>> granted = new HashMap<>();

  /** Bindings of isolated securables to the workspace. */
  private final Map<String, WorkspaceBindingBindingType> bound = new HashMap<>();

  private final Set<String> boundKnown = new HashSet<>();

  Rights(Handle handle, Subject subject, Securable metastore) {
    this.handle = handle;
    this.subject = subject;
    this.metastore = metastore;
  }

  public Handle handle() {
    return handle;
  }

  /**
   * Stores a new securable.
   *
   * @throws BadRequest the name is taken
   */
  public Securable insert(Securable wanted) {
    return stored(wanted, () -> Securables.insert(handle, wanted));
  }

  /** Stores what may change of one, as {@link #insert}. */
  public Securable update(Securable before, Securable after) {
    return stored(after, () -> Securables.update(handle, before, after));
  }

  /** Takes back that it was dropped, as {@link #insert}. */
  public Securable restore(Securable dropped) {
    return stored(dropped, () -> Securables.restore(handle, dropped));
  }

  private static Securable stored(Securable wanted, Supplier<Securable> change) {
    try {
      return change.get();
    } catch (RuntimeException e) {
      throw Securables.taken(e, wanted);
    }
  }

  /**
   * As {@code browse_only} says it: true of what the caller sees by BROWSE alone, if that is asked.
   */
  public Boolean browseOnly(Securable securable, Boolean browse) {
    return (Boolean.TRUE.equals(browse) && sees(securable) == Sight.BROWSE) ? true : null;
  }

  public Securable metastore() {
    return metastore;
  }

  public long workspaceId() {
    return subject.workspaceId();
  }

  /** Who owns what the caller makes. */
  public Long principalId() {
    return subject.principalId();
  }

  /** Whether an engine asks for itself and not for a principal. */
  public boolean isEngine() {
    return subject.isEngine();
  }

  /** Whether the caller is one of these, or in one of these groups. */
  public boolean isAny(Set<Long> principals) {
    return principals.stream().anyMatch(subject.all()::contains);
  }

  /** The same question for another principal. */
  Rights of(Subject other) {
    return new Rights(handle, other, metastore);
  }

  // What a caller names

  /**
   * The securable of that name, found as far as the caller may look; what may be done with it is
   * asked afterwards.
   *
   * @throws NotFound it is not there, or not for this workspace
   * @throws PermissionDenied the caller may not look into what it is in
   */
  public Securable get(SecurableType type, String fullName) {
    if (type == SecurableType.METASTORE) {
      return metastore(fullName);
    }
    String[] names = names(type, fullName);
    List<Securable> there = Securables.chain(handle, metastore, type, names);
    Securable at = metastore;
    for (int level = 0; level < names.length; level++) {
      SecurableType wanted = level == names.length - 1 ? type : levelType(level);
      at = found(at, wanted, names[level], level < there.size() ? there.get(level) : null);
    }
    return at;
  }

  private Securable metastore(String name) {
    if (!metastore.id().equals(name) && !metastore.name().equals(Names.stored(name))) {
      throw new NotFound(
          "METASTORE_DOES_NOT_EXIST", "Metastore " + Names.shown(name) + " does not exist.", null);
    }
    return metastore;
  }

  /** The child of that name, as {@link #get}. */
  public Securable child(Securable parent, SecurableType type, String name) {
    return found(parent, type, name, Securables.child(handle, parent, type, name).orElse(null));
  }

  /** What was found of that name, when the caller may know. */
  Securable found(Securable parent, SecurableType type, String name, Securable found) {
    if (found != null && isVisible(found)) {
      return found;
    }
    if (!seesInto(parent)) {
      throw unusable(parent);
    }
    throw missing(parent, type, name);
  }

  static NotFound missing(Securable parent, SecurableType type, String name) {
    String fullName =
        parent.type() == SecurableType.METASTORE ? name : parent.fullName() + "." + name;
    return new NotFound(
        type.name() + "_DOES_NOT_EXIST",
        Securable.noun(type) + " " + Names.shown(fullName) + " does not exist.",
        null);
  }

  static SecurableType levelType(int level) {
    return level == 0 ? SecurableType.CATALOG : SecurableType.SCHEMA;
  }

  /**
   * The parts of a name, as stored.
   *
   * @throws InvalidParameterValue a securable of that type has another number of them
   */
  static String[] names(SecurableType type, String fullName) {
    return switch (type) {
      case SCHEMA -> Names.parts(fullName, 2);
      case TABLE, VOLUME, FUNCTION -> Names.parts(fullName, 3);
      default -> new String[] {Names.stored(fullName)};
    };
  }

  /** Whether all isolated ones in the chain are bound to the workspace. */
  private boolean isVisible(Securable securable) {
    for (Securable at : securable.chain()) {
      if (at.isolated() && binding(at) == null) {
        return false;
      }
    }
    return true;
  }

  private WorkspaceBindingBindingType binding(Securable securable) {
    if (boundKnown.add(securable.id())) {
      handle
          .createQuery(
              """
              SELECT binding_type FROM workspace_binding
              WHERE securable_id = :id AND workspace_id = :workspace
              """)
          .bind("id", securable.id())
          .bind("workspace", subject.workspaceId())
          .mapTo(String.class)
          .findOne()
          .ifPresent(type -> bound.put(securable.id(), WorkspaceBindingBindingType.valueOf(type)));
    }
    return bound.get(securable.id());
  }

  // What is granted

  /** Looks up at once what would be looked up one by one. */
  void load(Collection<Securable> securables) {
    Set<String> ids = new HashSet<>();
    for (Securable securable : securables) {
      for (Securable at : securable.chain()) {
        if (!granted.containsKey(at.id())) {
          ids.add(at.id());
        }
      }
    }
    if (ids.isEmpty()) {
      return;
    }
    ids.forEach(id -> granted.put(id, EnumSet.noneOf(Privilege.class)));
    if (!subject.all().isEmpty()) {
      handle
          .createQuery(
              """
              SELECT securable_id, privilege FROM securable_grant
              WHERE securable_id IN (<ids>) AND principal_id IN (<set>)
              """)
          .bindList("ids", List.copyOf(ids))
          .bindList("set", List.copyOf(subject.all()))
          .map((row, context) -> Map.entry(row.getString(1), Privilege.valueOf(row.getString(2))))
          .forEach(grant -> granted.get(grant.getKey()).add(grant.getValue()));
    }
  }

  private Set<Privilege> grants(Securable securable) {
    if (!granted.containsKey(securable.id())) {
      load(List.of(securable));
    }
    return granted.get(securable.id());
  }

  private boolean owns(Securable securable) {
    return securable.ownerId() != null && subject.all().contains(securable.ownerId());
  }

  /** Whether a privilege is held, whatever may be missing to use it. */
  private boolean holds(Privilege privilege, Securable securable) {
    if (privilege.inOwnership() && owns(securable)) {
      return true;
    }
    for (Securable at : securable.chain()) {
      Set<Privilege> here = grants(at);
      if (here.contains(privilege)
          || (privilege.inAll() && here.contains(Privilege.ALL_PRIVILEGES))) {
        return true;
      }
    }
    return false;
  }

  private boolean holdsAny(Set<Privilege> privileges, Securable securable) {
    return privileges.stream().anyMatch(privilege -> holds(privilege, securable));
  }

  /** A privilege that is wanting on one of those above, with it. */
  private record Wanting(Privilege privilege, Securable on) {}

  /** What is wanting of USE CATALOG and USE SCHEMA above a securable; null when nothing is. */
  private Wanting wantingAbove(Securable securable) {
    return securable.parent() == null ? null : wantingIn(securable.parent());
  }

  /** The same to get at what is in it. */
  private Wanting wantingIn(Securable container) {
    Securable catalog = container.above(SecurableType.CATALOG);
    if (catalog != null && !holds(Privilege.USE_CATALOG, catalog)) {
      return new Wanting(Privilege.USE_CATALOG, catalog);
    }
    Securable schema = container.above(SecurableType.SCHEMA);
    if (schema != null && !holds(Privilege.USE_SCHEMA, schema)) {
      return new Wanting(Privilege.USE_SCHEMA, schema);
    }
    return null;
  }

  // Who may

  private PermissionDenied refusal(String words, Securable on) {
    String who = subject.isEngine() ? "An engine that speaks for nobody" : "User";
    return new PermissionDenied(who + " does not have " + words + " on " + on.shown() + ".", null);
  }

  /** Whether {@link #require} would return. */
  public boolean can(Privilege privilege, Securable securable) {
    return refused(privilege, securable) == null;
  }

  /**
   * @throws PermissionDenied the caller may not; says what of which object is wanting
   */
  public void require(Privilege privilege, Securable securable) {
    PermissionDenied refused = refused(privilege, securable);
    if (refused != null) {
      throw refused;
    }
  }

  /** Null: the caller may. */
  PermissionDenied refused(Privilege privilege, Securable securable) {
    if (privilege.writes()) {
      PermissionDenied readOnly = readOnly(securable);
      if (readOnly != null) {
        return readOnly;
      }
    }
    Wanting wanting = privilege.isInside() ? wantingIn(securable) : wantingAbove(securable);
    if (wanting != null) {
      return refusal(wanting.privilege().words(), wanting.on());
    }
    return holds(privilege, securable) ? null : refusal(privilege.words(), securable);
  }

  /** Nobody writes below what is read-only, whatever was granted. */
  private PermissionDenied readOnly(Securable securable) {
    for (Securable at : securable.chain()) {
      if (at.readOnly()) {
        return new PermissionDenied(at.shown() + " is read-only", null);
      }
      if (at.isolated() && binding(at) == WorkspaceBindingBindingType.BINDING_TYPE_READ_ONLY) {
        return new PermissionDenied(
            at.shown() + " is read-only in workspace " + subject.workspaceId(), null);
      }
    }
    return null;
  }

  private boolean isMetastoreAdmin() {
    return owns(metastore);
  }

  /** Whether the caller decides who may: grants, and who owns it. */
  public boolean manages(Securable securable) {
    if (isMetastoreAdmin()
        || (securable.type() == SecurableType.METASTORE && subject.isAccountAdmin())) {
      return true;
    }
    for (Securable at : securable.chain()) {
      if (owns(at) || (grants(at).contains(Privilege.MANAGE) && wantingAbove(at) == null)) {
        return true;
      }
    }
    return false;
  }

  /**
   * @throws PermissionDenied the caller does not manage it
   */
  public void requireManages(Securable securable) {
    if (!manages(securable)) {
      throw refusal(Privilege.MANAGE.words(), securable);
    }
  }

  /**
   * Asks whether the caller may change or drop the object itself: as {@link #manages}, but who owns
   * something needs the use of what is above that, and what is read-only is nobody's.
   *
   * @throws PermissionDenied the caller may not
   */
  public void requireOwn(Securable securable) {
    PermissionDenied refused = ownRefused(securable);
    if (refused != null) {
      throw refused;
    }
  }

  /** Whether {@link #requireOwn} would return. */
  public boolean canOwn(Securable securable) {
    return ownRefused(securable) == null;
  }

  private PermissionDenied ownRefused(Securable securable) {
    PermissionDenied readOnly = readOnly(securable);
    if (readOnly != null) {
      return readOnly;
    }
    if (isMetastoreAdmin()) {
      return null;
    }
    Wanting nearest = null;
    for (Securable at : securable.chain()) {
      if (owns(at) || grants(at).contains(Privilege.MANAGE)) {
        nearest = wantingAbove(at);
        if (nearest == null) {
          return null;
        }
      }
    }
    return nearest == null
        ? refusal(Privilege.MANAGE.words(), securable)
        : refusal(nearest.privilege().words(), nearest.on());
  }

  /**
   * Asks for being the owner, which MANAGE and the ownership of what is above do not replace.
   *
   * @throws PermissionDenied the caller is not
   */
  public void requireOwnerOf(Securable securable) {
    if (!owns(securable)) {
      throw new PermissionDenied(
          "User is not the owner of " + securable.shown() + " (expected: its owner)", null);
    }
  }

  /**
   * Asks whether somebody may be made the owner of what reads with its owner's rights, a view or a
   * function: given to anybody it would borrow that one's rights.
   *
   * @throws PermissionDenied it is neither the caller nor a group of the caller's, and the caller
   *     does not administer the metastore
   */
  public void requireGivable(Securable securable, long newOwner) {
    if (!isMetastoreAdmin() && !subject.all().contains(newOwner)) {
      throw new PermissionDenied(
          securable.shown()
              + " reads with its owner's rights (expected: yourself or a group of yours as its owner;"
              + " an admin of the metastore may name anybody)",
          null);
    }
  }

  // Paths

  /**
   * The external location in which a path is, the innermost that this workspace sees.
   *
   * @return null when there is none
   */
  public Securable location(String path) {
    for (Securable found :
        Securables.overlapping(handle, path, Set.of(SecurableType.EXTERNAL_LOCATION))) {
      if (found.metastoreId().equals(metastore.id())
          && found.deletedAt() == null
          && found.usesId() != null // whose credential was taken away by force reaches nothing
          && Paths.isIn(path, found.storageLocation())
          && isVisible(found)) {
        return found;
      }
    }
    return null;
  }

  /**
   * Asks for a privilege of external locations on a path: what is managed is no path for anybody,
   * what is in a volume is its business.
   *
   * @param path canonical
   * @throws PermissionDenied the caller may not
   */
  public void requirePath(Privilege privilege, String path) {
    if (Paths.isPlatforms(path) || Securables.isManaged(handle, path)) {
      throw new PermissionDenied(
          "Path "
              + Names.shown(path)
              + " is or holds managed storage, which is reached by the names of its tables and"
              + " volumes only",
          null);
    }
    if (Securables.isProtected(handle, path)) {
      throw new PermissionDenied(
          "Path "
              + Names.shown(path)
              + " is or holds data of a table with a row filter, column masks or policies, which is"
              + " reached by the table's name only",
          null);
    }
    for (Securable volume : Securables.overlapping(handle, path, Set.of(SecurableType.VOLUME))) {
      if (Paths.isIn(path, volume.storageLocation())) {
        requireVolume(Authorization.ofVolume(privilege), volume);
        return;
      }
    }
    Securable location = location(path);
    if (location == null) {
      throw new PermissionDenied(
          "User does not have "
              + privilege.words()
              + " on Path "
              + Names.shown(path)
              + ": no external location covers it",
          null);
    }
    require(privilege, location);
  }

  /** A privilege on a volume; nobody writes to an external one where its location is read-only. */
  public void requireVolume(Privilege privilege, Securable volume) {
    require(privilege, volume);
    if (privilege != Privilege.WRITE_VOLUME || !volume.kind().equals("EXTERNAL")) {
      return;
    }
    Securable covering = location(volume.storageLocation());
    if (covering != null && covering.readOnly()) {
      throw new PermissionDenied(covering.shown() + " is read-only", null);
    }
  }

  /** How much the caller sees of an object. */
  public Sight sees(Securable securable) {
    if (subject.isEngine() || manages(securable)) {
      return Sight.METADATA;
    }
    Set<Privilege> any = EnumSet.copyOf(Privilege.grantableOn(securable));
    any.remove(Privilege.BROWSE);
    if (wantingAbove(securable) == null && holdsAny(any, securable)) {
      return Sight.METADATA;
    }
    return holds(Privilege.BROWSE, securable) ? Sight.BROWSE : Sight.NOTHING;
  }

  /**
   * An object that the caller sees.
   *
   * @param browse whether seeing it by BROWSE is enough
   * @throws PermissionDenied the caller does not
   */
  public Securable seen(SecurableType type, String fullName, Boolean browse) {
    Securable securable = get(type, fullName);
    requireSees(securable, browse);
    return securable;
  }

  /**
   * @throws PermissionDenied the caller does not see it
   */
  public void requireSees(Securable securable, Boolean browse) {
    Sight sight = sees(securable);
    if (sight == Sight.NOTHING || (sight == Sight.BROWSE && !Boolean.TRUE.equals(browse))) {
      Wanting wanting = wantingAbove(securable);
      throw wanting != null
          ? refusal(wanting.privilege().words(), wanting.on())
          : refusal(
              switch (securable.type()) {
                case CATALOG -> Privilege.USE_CATALOG.words();
                case SCHEMA -> Privilege.USE_SCHEMA.words();
                case TABLE -> Privilege.SELECT.words();
                case FUNCTION -> Privilege.EXECUTE.words();
                case VOLUME -> Privilege.READ_VOLUME.words();
                default -> "any privilege";
              },
              securable);
    }
  }

  /** Whether {@link #page} of what is in it would answer. */
  public boolean seesInto(Securable parent) {
    return parent.type() == SecurableType.METASTORE
        || subject.isEngine()
        || wantingIn(parent) == null
        || manages(parent)
        || holds(Privilege.BROWSE, parent);
  }

  private PermissionDenied unusable(Securable parent) {
    Wanting wanting = wantingIn(parent);
    return refusal(wanting.privilege().words(), wanting.on());
  }

  /**
   * A page of what the caller sees below a securable. Whether everything is seen is decided once,
   * by what is held on the parent; else what is asked for is what the caller has anything on.
   *
   * @param kind only those; "" for all of the type
   * @param browse whether also what is seen by BROWSE alone
   * @throws PermissionDenied the caller may not look into the parent
   */
  public Page<Securable> page(
      Securable parent, SecurableType type, String kind, Boolean browse, String after, int size) {
    if (!seesInto(parent)) {
      throw unusable(parent);
    }
    boolean atTop = parent.type() == SecurableType.METASTORE;
    boolean usable = atTop || wantingIn(parent) == null;
    boolean browses = Boolean.TRUE.equals(browse);
    boolean all =
        subject.isEngine()
            || (atTop ? isMetastoreAdmin() : manages(parent))
            || (!atTop
                && ((usable && holdsAnyGranted(Privilege.showing(type), parent))
                    || (browses && holds(Privilege.BROWSE, parent))));
    if (!all && !usable) {
      return new Page<>(List.of(), null);
    }
    List<Securable> found =
        Securables.page(
            handle,
            parent,
            type,
            kind,
            subject.workspaceId(),
            all ? null : subject.all(),
            browses,
            after,
            size + 1);
    Page<Securable> page = Page.of(found, size, Securable::name);
    if (browses) {
      load(page.items());
    }
    return page;
  }

  /** As {@link #holds}, but owning the parent is not having what is in it. */
  private boolean holdsAnyGranted(Set<Privilege> privileges, Securable parent) {
    for (Securable at : parent.chain()) {
      if (grants(at).stream().anyMatch(privileges::contains)) {
        return true;
      }
    }
    return false;
  }
}
