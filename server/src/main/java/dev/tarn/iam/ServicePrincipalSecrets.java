package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretRequest;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretResponse;
import com.databricks.sdk.service.oauth2.DeleteServicePrincipalSecretRequest;
import com.databricks.sdk.service.oauth2.ListServicePrincipalSecretsRequest;
import com.databricks.sdk.service.oauth2.ListServicePrincipalSecretsResponse;
import com.databricks.sdk.service.oauth2.SecretInfo;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/** OAuth secrets of service principals; a value is shown once and only its hash is kept. */
public final class ServicePrincipalSecrets {
  private static final Duration LONGEST = Duration.ofDays(730);
  private static final int MOST = 5;

  private final Principals principals;
  private final Clock clock;

  ServicePrincipalSecrets(Principals principals, Clock clock) {
    this.principals = principals;
    this.clock = clock;
  }

  private record Row(String id, String hash, long createdAt, long expiresAt) {}

  @Allow(Role.ACCOUNT_ADMIN)
  public CreateServicePrincipalSecretResponse create(
      Caller caller, CreateServicePrincipalSecretRequest request) {
    Duration lifetime = lifetime(request.getLifetime());
    String value = Tokens.random("dose", 16);
    long now = clock.millis();
    Row made =
        new Row(UUID.randomUUID().toString(), Tokens.hash(value), now, now + lifetime.toMillis());
    principals.write(
        handle -> {
          Principal owner = owner(handle, request.getServicePrincipalId());
          int many =
              handle
                  .createQuery(
                      "SELECT count(*) FROM service_principal_secret WHERE principal_id = :id")
                  .bind("id", owner.id())
                  .mapTo(Integer.class)
                  .one();
          if (many >= MOST) {
            throw new BadRequest(
                "QUOTA_EXCEEDED",
                "service principal "
                    + owner.name()
                    + " has "
                    + many
                    + " secrets (expected: at most "
                    + MOST
                    + "; delete one first)",
                null);
          }
          return handle
              .createUpdate(
                  """
                  INSERT INTO service_principal_secret (secret_id, principal_id, hash, created_at,
                    expires_at)
                  VALUES (:id, :principal, :hash, :createdAt, :expiresAt)
                  """)
              .bind("id", made.id())
              .bind("hash", made.hash())
              .bind("createdAt", made.createdAt())
              .bind("expiresAt", made.expiresAt())
              .bind("principal", owner.id())
              .execute();
        });
    return new CreateServicePrincipalSecretResponse()
        .setId(made.id())
        .setSecret(value)
        .setSecretHash(made.hash())
        .setStatus("ACTIVE")
        .setCreateTime(time(made.createdAt()))
        .setUpdateTime(time(made.createdAt()))
        .setExpireTime(time(made.expiresAt()));
  }

  private static Duration lifetime(String asked) {
    if (asked == null) {
      return LONGEST;
    }
    if (asked.matches("\\d{1,9}s")) {
      Duration lifetime =
          Duration.ofSeconds(Long.parseLong(asked.substring(0, asked.length() - 1)));
      if (lifetime.isPositive() && lifetime.compareTo(LONGEST) <= 0) {
        return lifetime;
      }
    }
    throw new InvalidParameterValue(
        "lifetime: '" + Scim.shortened(asked) + "' (expected: 1s to " + LONGEST.toSeconds() + "s)",
        null);
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores({
    "page_size: all are answered, a principal has few",
    "page_token: all are answered, a principal has few"
  })
  public ListServicePrincipalSecretsResponse list(
      Caller caller, ListServicePrincipalSecretsRequest request) {
    return principals.read(
        handle ->
            new ListServicePrincipalSecretsResponse()
                .setSecrets(
                    handle
                        .createQuery(
                            """
                            SELECT secret_id, hash, created_at, expires_at
                            FROM service_principal_secret WHERE principal_id = :id
                            ORDER BY created_at, secret_id
                            """)
                        .bind("id", owner(handle, request.getServicePrincipalId()).id())
                        .map(
                            (row, context) ->
                                new SecretInfo()
                                    .setId(row.getString(1))
                                    .setSecretHash(row.getString(2))
                                    .setStatus(
                                        row.getLong(4) > clock.millis() ? "ACTIVE" : "EXPIRED")
                                    .setCreateTime(time(row.getLong(3)))
                                    .setUpdateTime(time(row.getLong(3)))
                                    .setExpireTime(time(row.getLong(4))))
                        .list()));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public void delete(Caller caller, DeleteServicePrincipalSecretRequest request) {
    int deleted =
        principals.write(
            handle ->
                handle
                    .createUpdate(
                        """
                        DELETE FROM service_principal_secret
                        WHERE secret_id = :id AND principal_id = :principal
                        """)
                    .bind("id", request.getSecretId())
                    .bind("principal", owner(handle, request.getServicePrincipalId()).id())
                    .execute());
    if (deleted == 0) {
      throw new ResourceDoesNotExist(
          "Secret " + Scim.shortened(request.getSecretId()) + " does not exist", null);
    }
  }

  private static Principal owner(org.jdbi.v3.core.Handle handle, String id) {
    return Principals.get(handle, Caller.Kind.SERVICE_PRINCIPAL, id);
  }

  /** The active service principal whose id and unexpired secret these are. */
  Optional<Principal> authenticate(String applicationId, String secret) {
    return principals.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT p.* FROM service_principal_secret s
                    JOIN principal p ON p.principal_id = s.principal_id
                    WHERE s.hash = :hash AND s.expires_at > :now AND p.active AND p.name = :name
                    """)
                .bind("hash", Tokens.hash(secret))
                .bind("now", clock.millis())
                .bind("name", applicationId)
                .map((row, context) -> Principal.of(row))
                .findOne());
  }

  private static String time(long millis) {
    return Instant.ofEpochMilli(millis).toString();
  }
}
