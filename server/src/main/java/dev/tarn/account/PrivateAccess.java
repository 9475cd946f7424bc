package dev.tarn.account;

import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.service.provisioning.CreatePrivateAccessSettingsRequest;
import com.databricks.sdk.service.provisioning.DeletePrivateAccesRequest;
import com.databricks.sdk.service.provisioning.GetPrivateAccesRequest;
import com.databricks.sdk.service.provisioning.PrivateAccessLevel;
import com.databricks.sdk.service.provisioning.PrivateAccessSettings;
import com.databricks.sdk.service.provisioning.ReplacePrivateAccessSettingsRequest;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.Slice;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Recorded;
import dev.tarn.http.Role;
import dev.tarn.iam.StackSessions;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Update;

/**
 * Private access settings: from which VPC endpoints a workspace is to be entered. All connections
 * come over one port here, so they are recorded; region, names and references are enforced.
 */
public final class PrivateAccess {
  private static final Pattern ANY_ID = Pattern.compile(".+");

  private final Configurations<Row> rows;
  private final StackSessions sessions;
  private final Clock clock;

  PrivateAccess(Database database, StackSessions sessions, Clock clock) {
    this.rows =
        new Configurations<>(
            database,
            "private access settings",
            "private_access_settings",
            "private_access_settings_id",
            "private_access_settings_name",
            """
            INSERT INTO private_access_settings (private_access_settings_id,
              private_access_settings_name, region, document, stack_id, created_by, created_at)
            VALUES (:id, :name, :region, :document, :stackId, :createdBy, :createdAt)
            """,
            (row, context) -> Row.of(row));
    this.sessions = sessions;
    this.clock = clock;
  }

  /**
   * @param asked region, level, public access and endpoints
   */
  record Row(String id, String name, PrivateAccessSettings asked, Configurations.Made made)
      implements Configurations.Row {

    static Row of(ResultSet row) throws SQLException {
      return new Row(
          row.getString("private_access_settings_id"),
          row.getString("private_access_settings_name"),
          Json.read(row.getString("document"), PrivateAccessSettings.class),
          Configurations.Made.of(row));
    }

    PrivateAccessSettings shown(String accountId) {
      return Json.read(Json.write(asked), PrivateAccessSettings.class)
          .setAccountId(accountId)
          .setPrivateAccessSettingsId(id)
          .setPrivateAccessSettingsName(name);
    }

    @Override
    public Update bind(Update insert) {
      return made.bind(
          insert
              .bind("id", id)
              .bind("name", name)
              .bind("region", asked.getRegion())
              .bind("document", Json.write(asked)));
    }

    @Override
    public void insertParts(Handle handle) {
      Collection<String> endpoints = asked.getAllowedVpcEndpointIds();
      for (String endpoint : endpoints == null ? List.<String>of() : endpoints) {
        String region =
            handle
                .createQuery("SELECT region FROM vpc_endpoint WHERE vpc_endpoint_id = :endpoint")
                .bind("endpoint", endpoint)
                .mapTo(String.class)
                .findOne()
                .orElse(null);
        if (!asked.getRegion().equals(region)) {
          throw Checks.invalid(
              "allowed_vpc_endpoint_ids",
              endpoint,
              "the vpc_endpoint_id of an endpoint of this account in " + asked.getRegion());
        }
        handle
            .createUpdate(
                """
                INSERT INTO private_access_endpoint (private_access_settings_id, vpc_endpoint_id)
                VALUES (:id, :endpoint)
                """)
            .bind("id", id)
            .bind("endpoint", endpoint)
            .execute();
      }
    }

    @Override
    public List<?> content() {
      return List.of(Json.write(asked));
    }
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  @Recorded({
    "public_access_enabled: there is one way in, the port of this installation",
    "private_access_level: there is no PrivateLink to admit or refuse",
    "allowed_vpc_endpoint_ids: there is no PrivateLink; checked for being registered"
  })
  public Answer create(Caller caller, CreatePrivateAccessSettingsRequest request) {
    sessions.requireUnexpired(caller);
    Row made =
        new Row(
            UUID.randomUUID().toString(),
            name(request.getPrivateAccessSettingsName()),
            settings(
                request.getRegion(),
                request.getPublicAccessEnabled(),
                request.getPrivateAccessLevel(),
                request.getAllowedVpcEndpointIds()),
            Configurations.Made.by(caller, clock));
    return Answer.json(201, rows.insertOrFind(made).shown(caller.accountId()));
  }

  private static String name(String name) {
    return Checks.name("private_access_settings_name", name, 4, 256);
  }

  /** With the defaults that the API documents. */
  private static PrivateAccessSettings settings(
      String region, Boolean open, PrivateAccessLevel level, Collection<String> endpoints) {
    return new PrivateAccessSettings()
        .setRegion(Checks.region("region", region))
        .setPublicAccessEnabled(open != null && open)
        .setPrivateAccessLevel(level == null ? PrivateAccessLevel.ACCOUNT : level)
        .setAllowedVpcEndpointIds(
            endpoints == null
                ? null
                : Checks.ids(
                    "allowed_vpc_endpoint_ids", endpoints, ANY_ID, 0, 100, "vpc_endpoint_ids"));
  }

  /** PUT: what is not given is at its default again. */
  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  @Recorded({
    "customer_facing_private_access_settings.public_access_enabled: as in create",
    "customer_facing_private_access_settings.private_access_level: as in create",
    "customer_facing_private_access_settings.allowed_vpc_endpoint_ids: as in create"
  })
  public PrivateAccessSettings replace(Caller caller, ReplacePrivateAccessSettingsRequest request) {
    sessions.requireUnexpired(caller);
    PrivateAccessSettings asked =
        request.getCustomerFacingPrivateAccessSettings() == null
            ? new PrivateAccessSettings()
            : request.getCustomerFacingPrivateAccessSettings();
    String id = request.getPrivateAccessSettingsId();
    String name = name(asked.getPrivateAccessSettingsName());
    PrivateAccessSettings settings =
        settings(
            asked.getRegion(),
            asked.getPublicAccessEnabled(),
            asked.getPrivateAccessLevel(),
            asked.getAllowedVpcEndpointIds());
    return rows.replace(
            caller,
            id,
            """
            UPDATE private_access_settings SET private_access_settings_name = :name,
              region = :region, document = :document, stack_id = :stackId,
              created_by = :createdBy, created_at = :createdAt
            WHERE private_access_settings_id = :id
            """,
            (handle, before) -> replaced(handle, before, name, settings))
        .shown(caller.accountId());
  }

  private static Row replaced(
      Handle handle, Row before, String name, PrivateAccessSettings settings) {
    if (!before.asked().getRegion().equals(settings.getRegion())
        && handle
                .createQuery(
                    """
                    SELECT count(*) FROM workspace_reference
                    WHERE private_access_settings_id = :id
                    """)
                .bind("id", before.id())
                .mapTo(Integer.class)
                .one()
            > 0) {
      throw new ResourceConflict(
          "region: '"
              + settings.getRegion()
              + "' (expected: '"
              + before.asked().getRegion()
              + "', for a workspace of that region uses these settings)",
          null);
    }
    handle
        .createUpdate("DELETE FROM private_access_endpoint WHERE private_access_settings_id = :id")
        .bind("id", before.id())
        .execute();
    Row after = new Row(before.id(), name, settings, before.made());
    after.insertParts(handle);
    return after;
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public PrivateAccessSettings get(Caller caller, GetPrivateAccesRequest request) {
    return rows.get(caller, request.getPrivateAccessSettingsId()).shown(caller.accountId());
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public List<PrivateAccessSettings> list(Caller caller) {
    return rows.list(caller).stream().map(row -> row.shown(caller.accountId())).toList();
  }

  Slice<?> page(Caller caller, Slice.Wanted wanted) {
    return rows.page(wanted).map(row -> row.shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public PrivateAccessSettings delete(Caller caller, DeletePrivateAccesRequest request) {
    return rows.delete(caller, request.getPrivateAccessSettingsId()).shown(caller.accountId());
  }
}
