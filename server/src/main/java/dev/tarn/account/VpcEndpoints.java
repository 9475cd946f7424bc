package dev.tarn.account;

import com.databricks.sdk.service.provisioning.CreateVpcEndpointRequest;
import com.databricks.sdk.service.provisioning.DeleteVpcEndpointRequest;
import com.databricks.sdk.service.provisioning.EndpointUseCase;
import com.databricks.sdk.service.provisioning.GetVpcEndpointRequest;
import com.databricks.sdk.service.provisioning.VpcEndpoint;
import dev.tarn.database.Database;
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
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jdbi.v3.core.statement.Update;

/**
 * VPC endpoints registered with the account. There is no PrivateLink here, so nobody is kept out:
 * they are recorded, may be named by networks and private access settings, and cannot be deleted
 * while they are. What one is used for is known once a network says so.
 */
public final class VpcEndpoints {
  private static final int LONGEST_NAME = 256;
  private static final Pattern AWS_ID = Pattern.compile("vpce-[0-9a-f]{8,32}");

  private final Configurations<Row> rows;
  private final StackSessions sessions;
  private final Clock clock;

  VpcEndpoints(Database database, StackSessions sessions, Clock clock) {
    this.rows =
        new Configurations<>(
            database,
            "VPC endpoint",
            "vpc_endpoint",
            """
            (SELECT e.*, CASE
                WHEN EXISTS (SELECT 1 FROM network n WHERE n.rest_endpoint_id = e.vpc_endpoint_id)
                  THEN 'WORKSPACE_ACCESS'
                WHEN EXISTS (SELECT 1 FROM network n WHERE n.relay_endpoint_id = e.vpc_endpoint_id)
                  THEN 'DATAPLANE_RELAY_ACCESS' END AS use_case
              FROM vpc_endpoint e) AS used
            """,
            "vpc_endpoint_id",
            "vpc_endpoint_name",
            "vpc_endpoint_name or aws_vpc_endpoint_id",
            """
            INSERT INTO vpc_endpoint (vpc_endpoint_id, vpc_endpoint_name, aws_vpc_endpoint_id,
              region, stack_id, created_by, created_at)
            VALUES (:id, :name, :awsId, :region, :stackId, :createdBy, :createdAt)
            """,
            (row, context) -> Row.of(row));
    this.sessions = sessions;
    this.clock = clock;
  }

  record Row(
      String id, String name, String awsId, String region, String useCase, Configurations.Made made)
      implements Configurations.Row {

    static Row of(ResultSet row) throws SQLException {
      return new Row(
          row.getString("vpc_endpoint_id"),
          row.getString("vpc_endpoint_name"),
          row.getString("aws_vpc_endpoint_id"),
          row.getString("region"),
          row.getString("use_case"),
          Configurations.Made.of(row));
    }

    VpcEndpoint shown(String accountId) {
      return new VpcEndpoint()
          .setAccountId(accountId)
          .setVpcEndpointId(id)
          .setVpcEndpointName(name)
          .setAwsVpcEndpointId(awsId)
          .setRegion(region)
          .setState("available")
          .setUseCase(useCase == null ? null : EndpointUseCase.valueOf(useCase));
    }

    @Override
    public Update bind(Update insert) {
      return made.bind(
          insert.bind("id", id).bind("name", name).bind("awsId", awsId).bind("region", region));
    }

    @Override
    public List<?> content() {
      return List.of(awsId, region);
    }
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  @Recorded("aws_vpc_endpoint_id: there is no PrivateLink; the endpoint is not looked at in AWS")
  public Answer create(Caller caller, CreateVpcEndpointRequest request) {
    sessions.requireUnexpired(caller);
    Checks.none("gcp_vpc_endpoint_info", request.getGcpVpcEndpointInfo());
    Row made =
        new Row(
            UUID.randomUUID().toString(),
            Checks.name("vpc_endpoint_name", request.getVpcEndpointName(), LONGEST_NAME),
            Checks.matching(
                "aws_vpc_endpoint_id",
                request.getAwsVpcEndpointId(),
                AWS_ID,
                "the id of a VPC endpoint in AWS, vpce-<8 to 32 hexadecimal digits>"),
            Checks.region("region", request.getRegion()),
            null,
            Configurations.Made.by(caller, clock));
    return Answer.json(201, rows.insertOrFind(made).shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public VpcEndpoint get(Caller caller, GetVpcEndpointRequest request) {
    return rows.get(caller, request.getVpcEndpointId()).shown(caller.accountId());
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public List<VpcEndpoint> list(Caller caller) {
    return rows.list(caller).stream().map(row -> row.shown(caller.accountId())).toList();
  }

  Slice<?> page(Caller caller, Slice.Wanted wanted) {
    return rows.page(wanted).map(row -> row.shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public VpcEndpoint delete(Caller caller, DeleteVpcEndpointRequest request) {
    return rows.delete(caller, request.getVpcEndpointId()).shown(caller.accountId());
  }
}
