package dev.tarn.account;

import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.service.provisioning.CreateNetworkRequest;
import com.databricks.sdk.service.provisioning.DeleteNetworkRequest;
import com.databricks.sdk.service.provisioning.GetNetworkRequest;
import com.databricks.sdk.service.provisioning.Network;
import com.databricks.sdk.service.provisioning.NetworkVpcEndpoints;
import com.databricks.sdk.service.provisioning.NetworkWarning;
import com.databricks.sdk.service.provisioning.NetworksService;
import com.databricks.sdk.service.provisioning.VpcStatus;
import com.databricks.sdk.service.provisioning.WarningType;
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
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Update;

/**
 * Network configurations ({@link NetworksService}): the VPC, subnets and security groups a
 * workspace is to have its compute in. Who may use which, and once, is enforced; engines here run
 * on this machine, so the VPC itself is recorded and every answer warns of it. That is why one in
 * use is WARNED and never VALID: nobody looked at the VPC.
 */
public final class Networks {
  private static final Pattern VPC = Pattern.compile("vpc-[0-9a-f]{8,32}");
  private static final Pattern SUBNET = Pattern.compile("subnet-[0-9a-f]{8,32}");
  private static final Pattern SECURITY_GROUP = Pattern.compile("sg-[0-9a-f]{8,32}");
  private static final Pattern ANY_ID = Pattern.compile(".+");

  private static final List<NetworkWarning> WARNINGS =
      List.of(
          new NetworkWarning()
              .setWarningType(WarningType.SUBNET)
              .setWarningMessage(
                  "Recorded, not enforced: engines run on this machine, not in the VPC and subnets."),
          new NetworkWarning()
              .setWarningType(WarningType.SECURITY_GROUP)
              .setWarningMessage(
                  "Recorded, not enforced: engines run on this machine, outside the security"
                      + " groups."));

  private final Configurations<Row> rows;
  private final StackSessions sessions;
  private final Clock clock;

  Networks(Database database, StackSessions sessions, Clock clock) {
    this.rows =
        new Configurations<>(
            database,
            "network",
            "network",
            """
            (SELECT n.*, r.workspace_id AS used_by FROM network n
              LEFT JOIN workspace_reference r ON r.network_id = n.network_id) AS used
            """,
            "network_id",
            "network_name",
            "network_name",
            """
            INSERT INTO network (network_id, network_name, vpc_id, document, rest_endpoint_id,
              relay_endpoint_id, stack_id, created_by, created_at)
            VALUES (:id, :name, :vpc, :document, :rest, :relay, :stackId, :createdBy, :createdAt)
            """,
            (row, context) -> Row.of(row));
    this.sessions = sessions;
    this.clock = clock;
  }

  /**
   * @param asked what was asked for, as the API shows it
   * @param usedBy the workspace, or null
   */
  record Row(String id, String name, Network asked, Long usedBy, Configurations.Made made)
      implements Configurations.Row {

    static Row of(ResultSet row) throws SQLException {
      long workspace = row.getLong("used_by");
      Long usedBy = row.wasNull() ? null : workspace;
      return new Row(
          row.getString("network_id"),
          row.getString("network_name"),
          Json.read(row.getString("document"), Network.class),
          usedBy,
          Configurations.Made.of(row));
    }

    Network shown(String accountId) {
      return Json.read(Json.write(asked), Network.class)
          .setAccountId(accountId)
          .setNetworkId(id)
          .setNetworkName(name)
          .setCreationTime(made.createdAt())
          .setWorkspaceId(usedBy)
          .setVpcStatus(usedBy == null ? VpcStatus.UNATTACHED : VpcStatus.WARNED)
          .setWarningMessages(WARNINGS);
    }

    @Override
    public Update bind(Update insert) {
      return made.bind(
          insert
              .bind("id", id)
              .bind("name", name)
              .bind("vpc", asked.getVpcId())
              .bind("document", Json.write(asked))
              .bind("rest", endpoint(true))
              .bind("relay", endpoint(false)));
    }

    private String endpoint(boolean rest) {
      NetworkVpcEndpoints endpoints = asked.getVpcEndpoints();
      return endpoints == null
          ? null
          : (rest ? endpoints.getRestApi() : endpoints.getDataplaneRelay()).iterator().next();
    }

    @Override
    public void insertParts(Handle handle) {
      for (String part :
          Stream.concat(asked.getSubnetIds().stream(), asked.getSecurityGroupIds().stream())
              .toList()) {
        int inserted =
            handle
                .createUpdate(
                    """
                    INSERT INTO network_part (part_id, network_id) VALUES (:part, :network)
                    ON CONFLICT (part_id) DO NOTHING
                    """)
                .bind("part", part)
                .bind("network", id)
                .execute();
        if (inserted == 0) {
          throw new ResourceConflict(
              part
                  + " belongs to another network configuration (expected: subnets and security"
                  + " groups that no other one has)",
              null);
        }
      }
      requireRole(handle, "rest_api", endpoint(true), "relay_endpoint_id");
      requireRole(handle, "dataplane_relay", endpoint(false), "rest_endpoint_id");
    }

    /** An endpoint leads to one service, so it cannot be one thing here and another there. */
    private static void requireRole(Handle handle, String field, String endpoint, String other) {
      if (endpoint != null
          && handle
                  .createQuery("SELECT count(*) FROM network WHERE " + other + " = :endpoint")
                  .bind("endpoint", endpoint)
                  .mapTo(Integer.class)
                  .one()
              > 0) {
        throw Checks.invalid(
            "vpc_endpoints." + field,
            endpoint,
            "an endpoint that is not of the other kind, here or in another network");
      }
    }

    @Override
    public List<?> content() {
      return List.of(Json.write(asked));
    }
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  @Recorded({
    "vpc_id: engines run on this machine; the VPC is not looked at",
    "subnet_ids: engines run on this machine; checked for form and for being used once",
    "security_group_ids: engines run on this machine; checked for form and for being used once",
    "vpc_endpoints: there is no PrivateLink; checked for being registered"
  })
  public Answer create(Caller caller, CreateNetworkRequest request) {
    sessions.requireUnexpired(caller);
    Checks.none("gcp_network_info", request.getGcpNetworkInfo());
    Row made =
        new Row(
            UUID.randomUUID().toString(),
            Checks.name("network_name", request.getNetworkName(), 4, 256),
            new Network()
                .setVpcId(
                    Checks.matching(
                        "vpc_id",
                        request.getVpcId(),
                        VPC,
                        "the id of a VPC, vpc-<8 to 32 hexadecimal digits>"))
                .setSubnetIds(
                    Checks.ids(
                        "subnet_ids",
                        request.getSubnetIds(),
                        SUBNET,
                        2,
                        64,
                        "ids of subnets, subnet-<8 to 32 hexadecimal digits>"))
                .setSecurityGroupIds(
                    Checks.ids(
                        "security_group_ids",
                        request.getSecurityGroupIds(),
                        SECURITY_GROUP,
                        1,
                        5,
                        "ids of security groups, sg-<8 to 32 hexadecimal digits>"))
                .setVpcEndpoints(endpoints(request.getVpcEndpoints())),
            null,
            Configurations.Made.by(caller, clock));
    try {
      return Answer.json(201, rows.insertOrFind(made).shown(caller.accountId()));
    } catch (RuntimeException e) {
      if (Database.isForeignKeyViolation(e)) {
        throw Checks.invalid(
            "vpc_endpoints",
            made.endpoint(true) + ", " + made.endpoint(false),
            "vpc_endpoint_ids that are registered with this account");
      }
      throw e;
    }
  }

  private static NetworkVpcEndpoints endpoints(NetworkVpcEndpoints asked) {
    if (asked == null) {
      return null;
    }
    return new NetworkVpcEndpoints()
        .setRestApi(one("rest_api", asked.getRestApi()))
        .setDataplaneRelay(one("dataplane_relay", asked.getDataplaneRelay()));
  }

  private static Collection<String> one(String field, Collection<String> ids) {
    return Checks.ids("vpc_endpoints." + field, ids, ANY_ID, 1, 1, "vpc_endpoint_id");
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Network get(Caller caller, GetNetworkRequest request) {
    return rows.get(caller, request.getNetworkId()).shown(caller.accountId());
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public List<Network> list(Caller caller) {
    return rows.list(caller).stream().map(row -> row.shown(caller.accountId())).toList();
  }

  Slice<?> page(Caller caller, Slice.Wanted wanted) {
    return rows.page(wanted).map(row -> row.shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Network delete(Caller caller, DeleteNetworkRequest request) {
    return rows.delete(caller, request.getNetworkId()).shown(caller.accountId());
  }
}
