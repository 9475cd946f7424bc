package dev.tarn.cloudformation;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * {@code AWS::IAM::Role}: a row with a unique name. Its policies are recorded, not enforced; there
 * is no IAM here that would.
 */
final class IamRoles implements ResourceType {
  private final Database database;
  private final Arns arns;

  IamRoles(Database database, Arns arns) {
    this.database = database;
    this.arns = arns;
  }

  @Override
  public Set<String> properties() {
    return Set.of(
        "RoleName",
        "AssumeRolePolicyDocument",
        "Policies",
        "ManagedPolicyArns",
        "Description",
        "MaxSessionDuration",
        "Path",
        "Tags");
  }

  @Override
  public Set<String> replacedBy() {
    return Set.of("RoleName", "Path");
  }

  @Override
  public Done update(Work work, Map<String, Object> oldProperties) throws Failed {
    document(work);
    int changed =
        database.inTransaction(
            handle ->
                handle
                    .createUpdate(
                        """
                        UPDATE iam_role SET document = :document
                        WHERE role_name = :name AND stack_id = :stackId
                        """)
                    .bind("document", Json.write(work.properties()))
                    .bind("name", work.physicalId())
                    .bind("stackId", work.stackId())
                    .execute());
    if (changed == 0) {
      throw new Failed("The role with name " + work.physicalId() + " cannot be found.");
    }
    return new Done(work.physicalId(), Map.of("Arn", arns.role(work.physicalId())));
  }

  private static void document(Work work) throws Failed {
    if (!(work.properties().get("AssumeRolePolicyDocument") instanceof Map)) {
      throw new Failed("AssumeRolePolicyDocument: missing (expected: a policy document)");
    }
  }

  @Override
  public Done create(Work work) throws Failed {
    String name = work.text("RoleName").isEmpty() ? Arns.name(work) : work.text("RoleName");
    if (!name.matches("[\\w+=,.@-]{1,64}")) {
      throw new Failed("RoleName: '" + name + "' (expected: 1 to 64 letters, digits and _+=,.@-)");
    }
    document(work);
    String owner =
        database.inTransaction(
            handle -> {
              handle
                  .createUpdate(
                      """
                      INSERT INTO iam_role (role_name, arn, stack_id, document)
                      VALUES (:name, :arn, :stackId, :document) ON CONFLICT (role_name) DO NOTHING
                      """)
                  .bind("name", name)
                  .bind("arn", arns.role(name))
                  .bind("stackId", work.stackId())
                  .bind("document", Json.write(work.properties()))
                  .execute();
              return handle
                  .createQuery("SELECT stack_id FROM iam_role WHERE role_name = :name")
                  .bind("name", name)
                  .mapTo(String.class)
                  .one();
            });
    if (!owner.equals(work.stackId())) {
      throw new Failed(name + " already exists in stack " + owner);
    }
    return new Done(name, Map.of("Arn", arns.role(name)));
  }

  @Override
  public Optional<Map<String, Object>> actual(Work work) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT document FROM iam_role
                    WHERE role_name = :name AND stack_id = :stackId
                    """)
                .bind("name", work.physicalId())
                .bind("stackId", work.stackId())
                .mapTo(String.class)
                .findOne()
                .map(
                    json ->
                        Json.MAPPER.convertValue(
                            Json.tree(json), new TypeReference<Map<String, Object>>() {})));
  }

  @Override
  public void delete(Work work) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    "DELETE FROM iam_role WHERE role_name = :name AND stack_id = :stackId")
                .bind("name", work.physicalId())
                .bind("stackId", work.stackId())
                .execute());
  }

  /** There is no IAM to ask: a role gets at the buckets of the stack that it is in. */
  static boolean reaches(Handle handle, String arn, String bucket) {
    return handle
        .createQuery(
            """
            SELECT 1 FROM iam_role r JOIN bucket b ON b.owner = r.stack_id
            WHERE r.arn = :arn AND b.bucket_name = :bucket AND b.state = 'AVAILABLE'
            """)
        .bind("arn", arn)
        .bind("bucket", bucket)
        .mapTo(Integer.class)
        .findOne()
        .isPresent();
  }

  Optional<String> stackOf(String arn) {
    return database.read(
        handle ->
            handle
                .createQuery("SELECT stack_id FROM iam_role WHERE arn = :arn")
                .bind("arn", arn)
                .mapTo(String.class)
                .findOne());
  }
}
