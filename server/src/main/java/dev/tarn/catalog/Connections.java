package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.service.catalog.ConnectionInfo;
import com.databricks.sdk.service.catalog.ConnectionType;
import com.databricks.sdk.service.catalog.CreateConnection;
import com.databricks.sdk.service.catalog.CredentialType;
import com.databricks.sdk.service.catalog.DeleteConnectionRequest;
import com.databricks.sdk.service.catalog.GetConnectionRequest;
import com.databricks.sdk.service.catalog.ListConnectionsRequest;
import com.databricks.sdk.service.catalog.ListConnectionsResponse;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UpdateConnection;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Privilege;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.Seal;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Recorded;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * {@code /api/2.1/unity-catalog/connections}: where another system is, and by what one gets in. The
 * latter is sealed, and in no answer. Each option must be one that is known, as it must be known
 * whether it is a secret.
 */
public final class Connections {
  private static final int PAGE = 1000;
  private static final String NOT_OPENED =
      "options: kept, and the secret ones sealed; no engine here opens connections yet";

  /** What of the options is shown. */
  private static final Set<String> PUBLIC =
      Set.of(
          "applicationIntent",
          "authorization_endpoint",
          "base_path",
          "catalog",
          "client_id",
          "database",
          "encryption_protocol",
          "host",
          "httpPath",
          "is_mcp_connection",
          "oauth_credential_exchange_method",
          "oauth_scope",
          "port",
          "role",
          "service_name",
          "sfRole",
          "sfWarehouse",
          "ssl_certificate_validation",
          "tenant_id",
          "token_endpoint",
          "trustServerCertificate",
          "user");

  /** What is sealed, and the kind of credential that it is. */
  private static final Map<String, CredentialType> SECRET =
      Map.of(
          "password", CredentialType.USERNAME_PASSWORD,
          "bearer_token", CredentialType.BEARER_TOKEN,
          "personalAccessToken", CredentialType.BEARER_TOKEN,
          "client_secret", CredentialType.OAUTH_M2M,
          "access_token", CredentialType.OAUTH_ACCESS_TOKEN,
          "refresh_token", CredentialType.OAUTH_REFRESH_TOKEN,
          "pem_private_key", CredentialType.PEM_PRIVATE_KEY,
          "pem_private_key_passphrase_secret", CredentialType.PEM_PRIVATE_KEY,
          "GoogleServiceAccountKeyJson", CredentialType.ANY_STATIC_CREDENTIAL);

  /** Those that are reached at a host. */
  private static final Set<ConnectionType> HOSTED =
      EnumSet.of(
          ConnectionType.DATABRICKS,
          ConnectionType.HTTP,
          ConnectionType.MYSQL,
          ConnectionType.ORACLE,
          ConnectionType.POSTGRESQL,
          ConnectionType.REDSHIFT,
          ConnectionType.SNOWFLAKE,
          ConnectionType.SQLDW,
          ConnectionType.SQLSERVER,
          ConnectionType.TERADATA);

  private static final Set<ConnectionType> TYPES = EnumSet.copyOf(HOSTED);

  static {
    TYPES.add(ConnectionType.BIGQUERY);
  }

  private final Database database;
  private final Access access;
  private final Seal seal;
  private final Clock clock;

  Connections(Database database, Access access, Seal seal, Clock clock) {
    this.database = database;
    this.access = access;
    this.seal = seal;
    this.clock = clock;
  }

  /** The options as they are kept. */
  private record Options(Map<String, String> shown, Map<String, String> secret) {
    static Options of(ConnectionType type, Map<String, String> given) {
      Options options = new Options(new TreeMap<>(), new TreeMap<>());
      for (Map.Entry<String, String> option :
          (given == null ? Map.<String, String>of() : given).entrySet()) {
        boolean secret = SECRET.containsKey(option.getKey());
        if (!secret && !PUBLIC.contains(option.getKey())) {
          Set<String> known = new TreeSet<>(PUBLIC);
          known.addAll(SECRET.keySet());
          throw new InvalidParameterValue(
              "options: " + Names.shown(option.getKey()) + " (expected: some of " + known + ")",
              null);
        }
        if (option.getValue() == null) {
          throw new InvalidParameterValue(
              "options." + option.getKey() + ": null (expected: a text)", null);
        }
        (secret ? options.secret : options.shown).put(option.getKey(), option.getValue());
      }
      if (HOSTED.contains(type) && options.shown.getOrDefault("host", "").isBlank()) {
        throw new InvalidParameterValue(
            "options.host: missing (expected: the host of the " + type + ")", null);
      }
      if (options.secret.isEmpty()) {
        throw new InvalidParameterValue(
            "options: without a credential (expected: one of "
                + new TreeSet<>(SECRET.keySet())
                + ")",
            null);
      }
      return options;
    }

    CredentialType credential() {
      return SECRET.get(secret.keySet().iterator().next());
    }
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Recorded(NOT_OPENED)
  public ConnectionInfo create(Caller caller, CreateConnection request) {
    Catalogs.refuse("parent", request.getParent());
    Catalogs.refuse("environment_settings", request.getEnvironmentSettings());
    String name = Names.valid("name", request.getName());
    if (request.getConnectionType() == null || !TYPES.contains(request.getConnectionType())) {
      throw new InvalidParameterValue(
          "connection_type: " + request.getConnectionType() + " (expected: one of " + TYPES + ")",
          null);
    }
    Options options = Options.of(request.getConnectionType(), request.getOptions());
    String id = UUID.randomUUID().toString();
    String sealed = seal.seal(Json.write(options.secret()), id);
    long now = clock.millis();
    ConnectionInfo document =
        new ConnectionInfo()
            .setConnectionType(request.getConnectionType())
            .setCredentialType(options.credential())
            .setOptions(options.shown())
            .setProperties(request.getProperties())
            .setReadOnly(Boolean.TRUE.equals(request.getReadOnly()))
            .setComment(request.getComment())
            .setCreatedAt(now)
            .setCreatedBy(caller.name())
            .setUpdatedAt(now)
            .setUpdatedBy(caller.name());
    return access.write(
        caller,
        rights -> {
          rights.require(Privilege.CREATE_CONNECTION, rights.metastore());
          Securable made =
              rights.insert(
                  Securable.of(
                      id,
                      SecurableType.CONNECTION,
                      "",
                      rights.metastore(),
                      name,
                      rights.principalId(),
                      null,
                      Json.write(document)));
          keep(rights.handle(), id, sealed);
          return info(made);
        });
  }

  private static void keep(Handle handle, String id, String sealed) {
    handle
        .createUpdate(
            """
            INSERT INTO connection_secret VALUES (:id, :sealed)
            ON CONFLICT (securable_id) DO UPDATE SET sealed = :sealed
            """)
        .bind("id", id)
        .bind("sealed", sealed)
        .execute();
  }

  private static ConnectionInfo document(Securable connection) {
    return Json.read(connection.document(), ConnectionInfo.class);
  }

  private static ConnectionInfo info(Securable connection) {
    return document(connection)
        .setConnectionId(connection.id())
        .setName(connection.name())
        .setFullName(connection.fullName())
        .setOwner(connection.owner())
        .setMetastoreId(connection.metastoreId())
        .setSecurableType(SecurableType.CONNECTION);
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ConnectionInfo get(Caller caller, GetConnectionRequest request) {
    return access.read(
        caller, rights -> info(rights.seen(SecurableType.CONNECTION, request.getName(), false)));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ListConnectionsResponse list(Caller caller, ListConnectionsRequest request) {
    Catalogs.refuse("parent", request.getParent());
    int size = Page.size(request.getMaxResults(), PAGE, Page.ALL);
    return access.read(
        caller,
        rights -> {
          Page<Securable> page =
              rights.page(
                  rights.metastore(),
                  SecurableType.CONNECTION,
                  "",
                  false,
                  Page.after(request.getPageToken()),
                  size);
          return new ListConnectionsResponse()
              .setConnections(page.items().stream().map(Connections::info).toList())
              .setNextPageToken(page.next());
        });
  }

  /** Options are replaced as a whole: what was sealed is not mixed with what is new. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Recorded(NOT_OPENED)
  public ConnectionInfo update(Caller caller, UpdateConnection request) {
    Catalogs.refuse("environment_settings", request.getEnvironmentSettings());
    String newName = Names.validOrNull("new_name", request.getNewName());
    Long owner = access.principal(request.getOwner());
    return access.write(
        caller,
        rights -> {
          Securable before = rights.get(SecurableType.CONNECTION, request.getName());
          rights.requireManages(before);
          ConnectionInfo document =
              document(before).setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          if (request.getOptions() != null) {
            Options options = Options.of(document.getConnectionType(), request.getOptions());
            document.setOptions(options.shown()).setCredentialType(options.credential());
            keep(
                rights.handle(), before.id(), seal.seal(Json.write(options.secret()), before.id()));
          }
          return info(
              rights.update(
                  before, before.named(newName).ownedBy(owner).with(Json.write(document))));
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteConnectionRequest request) {
    access.write(
        caller,
        rights -> {
          Securable connection = rights.get(SecurableType.CONNECTION, request.getName());
          rights.requireManages(connection);
          int users = Securables.users(rights.handle(), connection).size();
          if (users > 0) {
            throw new InvalidState(
                connection.shown() + " is used by " + users + " catalog(s) (expected: none)", null);
          }
          Securables.delete(rights.handle(), connection);
          return null;
        });
  }

  private record Sealed(String id, String text) {}

  /** Brings what is sealed to the current key; how many were not. */
  int reseal() {
    List<Sealed> all =
        database.read(
            handle ->
                handle
                    .createQuery("SELECT securable_id, sealed FROM connection_secret")
                    .map((row, context) -> new Sealed(row.getString(1), row.getString(2)))
                    .list());
    int old = 0;
    for (Sealed each : all) {
      if (!seal.isCurrent(each.text())) {
        String fresh = seal.reseal(each.text(), each.id());
        database.inTransaction(
            handle ->
                handle
                    .createUpdate(
                        """
                        UPDATE connection_secret SET sealed = :fresh
                        WHERE securable_id = :id AND sealed = :old
                        """)
                    .bind("fresh", fresh)
                    .bind("id", each.id())
                    .bind("old", each.text())
                    .execute());
        old++;
      }
    }
    return old;
  }
}
