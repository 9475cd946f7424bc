package dev.tarn.account;

import com.databricks.sdk.core.error.platform.InvalidState;
import java.net.URI;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.Credentials;

/**
 * An AWS, or what answers like one, as the control plane sees it from outside: for stacks that its
 * CloudFormation carries out. A role is one that can be assumed with the account's id as external
 * id, a bucket one in which that role can write, read, list and delete. Who we are there is in the
 * environment, as for any program of AWS.
 *
 * <p>That is all: data is not kept there. What a workspace writes lies in the storage of this
 * machine, under the bucket's name.
 */
public final class AwsAccount {
  private static final Logger LOG = LoggerFactory.getLogger(AwsAccount.class);

  private final URI endpoint;
  private final Supplier<String> region;
  private final Supplier<String> externalId;

  /**
   * @param externalId what the trust of the roles asks for: the account's id
   */
  public AwsAccount(URI endpoint, Supplier<String> region, Supplier<String> externalId) {
    this.endpoint = endpoint;
    this.region = region;
    this.externalId = externalId;
  }

  /** Whether there is a role of this ARN that trusts us. */
  public boolean isRole(String arn) {
    return assume(arn).isPresent();
  }

  /**
   * @throws InvalidState there is no such bucket, or the role cannot use it
   */
  public void tryOut(String roleArn, String bucket) {
    Credentials credentials =
        assume(roleArn)
            .orElseThrow(
                () ->
                    new InvalidState(
                        "Failed credentials validation checks: the role "
                            + roleArn
                            + " cannot be assumed at "
                            + endpoint,
                        null));
    AwsCredentialsProvider role =
        StaticCredentialsProvider.create(
            AwsSessionCredentials.create(
                credentials.accessKeyId(),
                credentials.secretAccessKey(),
                credentials.sessionToken()));
    String key = ".tarn-trial-" + UUID.randomUUID();
    String doing = "write";
    try (S3Client s3 =
        S3Client.builder()
            .endpointOverride(endpoint)
            .forcePathStyle(true)
            .region(Region.of(region.get()))
            .credentialsProvider(role)
            .httpClientBuilder(UrlConnectionHttpClient.builder())
            .build()) {
      s3.putObject(put -> put.bucket(bucket).key(key), RequestBody.fromString(key));
      doing = "read";
      boolean same =
          s3.getObjectAsBytes(get -> get.bucket(bucket).key(key)).asUtf8String().equals(key);
      doing = "list";
      boolean listed =
          s3.listObjectsV2(list -> list.bucket(bucket).prefix(key)).contents().size() == 1;
      doing = "delete";
      s3.deleteObject(delete -> delete.bucket(bucket).key(key));
      if (!same || !listed) {
        throw failed(same ? "list" : "read", bucket, "another answer than what was written");
      }
    } catch (SdkException e) {
      throw failed(doing, bucket, e.getMessage());
    }
  }

  private InvalidState failed(String doing, String bucket, String reason) {
    return new InvalidState(
        "Failed storage configuration validation checks: cannot "
            + doing
            + " an object in the root bucket "
            + bucket
            + " at "
            + endpoint
            + ": "
            + reason,
        null);
  }

  private Optional<Credentials> assume(String arn) {
    try (StsClient sts =
        StsClient.builder()
            .endpointOverride(endpoint)
            .region(Region.of(region.get()))
            .httpClientBuilder(UrlConnectionHttpClient.builder())
            .build()) {
      return Optional.of(
          sts.assumeRole(
                  role -> role.roleArn(arn).roleSessionName("tarn").externalId(externalId.get()))
              .credentials());
    } catch (SdkException e) {
      LOG.warn("the role {} cannot be assumed at {}: {}", arn, endpoint, e.getMessage());
      return Optional.empty();
    }
  }
}
