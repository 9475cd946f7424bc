package dev.tarn.account;

import com.databricks.sdk.service.provisioning.AwsKeyInfo;
import com.databricks.sdk.service.provisioning.CreateAwsKeyInfo;
import com.databricks.sdk.service.provisioning.CreateCustomerManagedKeyRequest;
import com.databricks.sdk.service.provisioning.CustomerManagedKey;
import com.databricks.sdk.service.provisioning.DeleteEncryptionKeyRequest;
import com.databricks.sdk.service.provisioning.GetEncryptionKeyRequest;
import com.databricks.sdk.service.provisioning.KeyUseCase;
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
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jdbi.v3.core.statement.Update;

/**
 * Customer-managed keys. The key is in AWS, and nothing here can ask for it: what it is to be used
 * for is recorded. Two admins may register one key twice, as the API has no name for it.
 */
public final class EncryptionKeys {
  private static final Pattern ARN =
      Pattern.compile(
          "arn:aws(?:-us-gov|-cn)?:kms:([a-z]{2}(?:-[a-z]+)+-\\d):\\d{12}:key/[A-Za-z0-9-]{1,128}");
  private static final Pattern ALIAS = Pattern.compile("alias/[A-Za-z0-9/_-]{1,250}");

  private final Configurations<Row> rows;
  private final StackSessions sessions;
  private final Clock clock;

  EncryptionKeys(Database database, StackSessions sessions, Clock clock) {
    this.rows =
        new Configurations<>(
            database,
            "customer-managed key",
            "customer_managed_key",
            "customer_managed_key",
            "customer_managed_key_id",
            "key_arn",
            "aws_key_info.key_arn",
            """
            INSERT INTO customer_managed_key (customer_managed_key_id, key_arn, use_cases, document,
              stack_id, created_by, created_at)
            VALUES (:id, :name, :useCases, :document, :stackId, :createdBy, :createdAt)
            """,
            (row, context) -> Row.of(row));
    this.sessions = sessions;
    this.clock = clock;
  }

  /**
   * @param name the ARN
   * @param asked key and use cases as they were sent
   */
  record Row(String id, String name, CustomerManagedKey asked, Configurations.Made made)
      implements Configurations.Row {

    static Row of(ResultSet row) throws SQLException {
      return new Row(
          row.getString("customer_managed_key_id"),
          row.getString("key_arn"),
          Json.read(row.getString("document"), CustomerManagedKey.class),
          Configurations.Made.of(row));
    }

    CustomerManagedKey shown(String accountId) {
      return Json.read(Json.write(asked), CustomerManagedKey.class)
          .setAccountId(accountId)
          .setCustomerManagedKeyId(id)
          .setCreationTime(made.createdAt());
    }

    @Override
    public Update bind(Update insert) {
      return made.bind(
          insert
              .bind("id", id)
              .bind("name", name)
              .bind(
                  "useCases",
                  new TreeSet<>(asked.getUseCases())
                      .stream().map(Enum::name).collect(Collectors.joining(",")))
              .bind("document", Json.write(asked)));
    }

    @Override
    public List<?> content() {
      return List.of(Json.write(asked));
    }
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  @Recorded({
    "aws_key_info: the key is in AWS and is not asked for; secrets at rest are under this"
        + " installation's own key",
    "use_cases: checked where a workspace refers to the key"
  })
  public Answer create(Caller caller, CreateCustomerManagedKeyRequest request) {
    sessions.requireUnexpired(caller);
    Checks.none("gcp_key_info", request.getGcpKeyInfo());
    Checks.none("azure_key_info", request.getAzureKeyInfo());
    Collection<KeyUseCase> useCases = request.getUseCases();
    if (useCases == null
        || useCases.isEmpty()
        || useCases.size() != new TreeSet<>(useCases).size()) {
      throw Checks.invalid(
          "use_cases",
          String.valueOf(useCases),
          "MANAGED_SERVICES, STORAGE, or both, each at most once");
    }
    CreateAwsKeyInfo asked =
        request.getAwsKeyInfo() == null ? new CreateAwsKeyInfo() : request.getAwsKeyInfo();
    String arn = asked.getKeyArn();
    Matcher matcher = ARN.matcher(arn == null ? "" : arn);
    if (!matcher.matches()) {
      throw Checks.invalid(
          "aws_key_info.key_arn",
          arn,
          "the ARN of a key, arn:aws:kms:<region>:<12 digits>:key/<key id>");
    }
    if (asked.getKeyAlias() != null) {
      Checks.matching("aws_key_info.key_alias", asked.getKeyAlias(), ALIAS, "alias/<name>");
    }
    if (asked.getKeyRegion() != null && !asked.getKeyRegion().equals(matcher.group(1))) {
      throw Checks.invalid(
          "aws_key_info.key_region", asked.getKeyRegion(), matcher.group(1) + ", as in key_arn");
    }
    if (asked.getReuseKeyForClusterVolumes() != null && !useCases.contains(KeyUseCase.STORAGE)) {
      throw Checks.invalid(
          "aws_key_info.reuse_key_for_cluster_volumes",
          asked.getReuseKeyForClusterVolumes().toString(),
          "none, unless use_cases has STORAGE");
    }
    Row made =
        new Row(
            UUID.randomUUID().toString(),
            arn,
            new CustomerManagedKey()
                .setUseCases(useCases)
                .setAwsKeyInfo(
                    new AwsKeyInfo()
                        .setKeyArn(arn)
                        .setKeyAlias(asked.getKeyAlias())
                        .setKeyRegion(matcher.group(1))
                        .setReuseKeyForClusterVolumes(asked.getReuseKeyForClusterVolumes())),
            Configurations.Made.by(caller, clock));
    return Answer.json(201, rows.insertOrFind(made).shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public CustomerManagedKey get(Caller caller, GetEncryptionKeyRequest request) {
    return rows.get(caller, request.getCustomerManagedKeyId()).shown(caller.accountId());
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public List<CustomerManagedKey> list(Caller caller) {
    return rows.list(caller).stream().map(row -> row.shown(caller.accountId())).toList();
  }

  Slice<?> page(Caller caller, Slice.Wanted wanted) {
    return rows.page(wanted).map(row -> row.shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public CustomerManagedKey delete(Caller caller, DeleteEncryptionKeyRequest request) {
    return rows.delete(caller, request.getCustomerManagedKeyId()).shown(caller.accountId());
  }
}
