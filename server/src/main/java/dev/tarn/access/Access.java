package dev.tarn.access;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.WorkspaceBindingsService;
import dev.tarn.database.Database;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
import java.time.Clock;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * Who may do what in Unity Catalog. A noun of the catalog does its work within {@link #read} or
 * {@link #write}, and finds what the caller names by the {@link Rights} it is given there.
 */
public final class Access {
  private final Database database;
  private final People people;
  private final Grants grants;
  private final Bindings bindings;
  private final Authorization authorization;
  private final InformationSchema informationSchema;

  public Access(Database database, Clock clock, People people) {
    this.database = database;
    this.people = people;
    grants = new Grants(this, clock);
    bindings = new Bindings(this);
    authorization = new Authorization(this);
    informationSchema = new InformationSchema(this);
  }

  /** What is done with rights, within one transaction or read. */
  @FunctionalInterface
  public interface Work<T> {
    T with(Rights rights);
  }

  public <T> T read(Caller caller, Work<T> work) {
    Subject subject = subject(caller);
    return database.read(handle -> work.with(rights(handle, subject)));
  }

  /** One transaction; its work may run twice. */
  public <T> T write(Caller caller, Work<T> work) {
    Subject subject = subject(caller);
    return database.inTransaction(handle -> work.with(rights(handle, subject)));
  }

  public People people() {
    return people;
  }

  private Subject subject(Caller caller) {
    long workspace = workspace(caller);
    if (caller.is(Role.ENGINE) && caller.kind() == Caller.Kind.SYSTEM) {
      return new Subject(null, Set.of(), workspace, true, false);
    }
    // Also one that an engine speaks for: who has left the workspace has nothing in it.
    if (!caller.is(Role.WORKSPACE_USER)) {
      throw new PermissionDenied(
          caller.name() + " is not assigned to a workspace " + workspace, null);
    }
    long id = Long.parseLong(caller.principalId());
    return new Subject(id, people.standsFor(id), workspace, false, caller.is(Role.ACCOUNT_ADMIN));
  }

  /** The owner of something, as the one whose rights count. */
  Subject owner(Long ownerId, long workspaceId) {
    return new Subject(
        ownerId, ownerId == null ? Set.of() : people.standsFor(ownerId), workspaceId, false, false);
  }

  private static Rights rights(Handle handle, Subject subject) {
    return new Rights(
        handle,
        subject,
        Securables.metastoreOf(handle, subject.workspaceId())
            .orElseThrow(
                () ->
                    new NotFound(
                        "METASTORE_DOES_NOT_EXIST",
                        "No metastore assigned for the current workspace.",
                        null)));
  }

  /**
   * @throws BadRequest the call is of no workspace
   */
  public static long workspace(Caller caller) {
    if (caller.workspaceId() == null) {
      throw new BadRequest(
          "No workspace: call this on a workspace's host, with its token, or with the header"
              + " X-Databricks-Workspace-Id",
          null);
    }
    return caller.workspaceId();
  }

  /**
   * The id of a principal that a request names; ask before the transaction begins.
   *
   * @param name null: null
   * @throws NotFound nobody has that name
   */
  public Long principal(String name) {
    return name == null
        ? null
        : people
            .named(name)
            .orElseThrow(
                () ->
                    new NotFound(
                        "PRINCIPAL_DOES_NOT_EXIST",
                        "Could not find principal with name " + Names.shown(name),
                        null));
  }

  /**
   * A type as paths spell it, in any case.
   *
   * @throws InvalidParameterValue there is no such type
   */
  static SecurableType type(String text) {
    String name = String.valueOf(text).toUpperCase(Locale.ROOT).replace('-', '_');
    return switch (name) {
      case "STORAGE_CREDENTIAL", "SERVICE_CREDENTIAL" -> SecurableType.CREDENTIAL;
      case "REGISTERED_MODEL" -> SecurableType.FUNCTION;
      case "VIEW" -> SecurableType.TABLE;
      default ->
          Arrays.stream(SecurableType.values())
              .filter(type -> type.name().equals(name))
              .findFirst()
              .orElseThrow(
                  () ->
                      new InvalidParameterValue(
                          "securable_type: "
                              + Names.shown(text)
                              + " (expected: one of "
                              + Arrays.toString(SecurableType.values())
                              + ")",
                          null));
    };
  }

  /**
   * Another text whenever something might be decided otherwise than before, or the workspace would
   * see another set of catalogs; "" without a metastore.
   */
  public String version(long workspaceId) {
    String identities = people.version();
    return database
        .<Optional<String>, RuntimeException>read(
            handle -> version(handle, workspaceId, identities))
        .orElse("");
  }

  static Optional<String> version(Handle handle, long workspaceId, String identities) {
    return handle
        .createQuery(
            """
            SELECT m.metastore_id || ':' || m.catalogs_version FROM metastore m
            JOIN metastore_assignment a ON a.metastore_id = m.metastore_id
            WHERE a.workspace_id = :workspace
            """)
        .bind("workspace", workspaceId)
        .mapTo(String.class)
        .findOne()
        .map(version -> version + ":" + identities);
  }

  public void routes(Routes routes) {
    routes.mountOwn(grants);
    routes.mountOwn(new Why(this));
    routes.mount(WorkspaceBindingsService.class, bindings);
    routes.mountOwn(authorization);
    routes.mountOwn(informationSchema);
  }
}
