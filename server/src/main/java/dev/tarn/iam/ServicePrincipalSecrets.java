package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretRequest;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretResponse;
import com.databricks.sdk.service.oauth2.DeleteServicePrincipalSecretRequest;
import com.databricks.sdk.service.oauth2.ListServicePrincipalSecretsRequest;
import com.databricks.sdk.service.oauth2.SecretInfo;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** OAuth secrets of service principals; a value is shown once and only its hash is kept. */
public final class ServicePrincipalSecrets {
  private static final Duration LONGEST = Duration.ofDays(730);

  /** The one in use, and the one that takes its place. */
  private static final int MOST = 2;

  private static final Duration USES_APART = Duration.ofMinutes(1);

  private final Principals principals;
  private final Roles roles;
  private final Clock clock;

  ServicePrincipalSecrets(Principals principals, Roles roles, Clock clock) {
    this.principals = principals;
    this.roles = roles;
    this.clock = clock;
  }

  private record Row(String id, String hash, long createdAt, long expiresAt) {}

  @Allow({Role.ACCOUNT_ADMIN, Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  public CreateServicePrincipalSecretResponse create(
      Caller caller, CreateServicePrincipalSecretRequest request) {
    requireManager(caller, request.getServicePrincipalId());
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
                      """
                      SELECT count(*) FROM service_principal_secret
                      WHERE principal_id = :id AND expires_at > :now
                      """)
                  .bind("id", owner.id())
                  .bind("now", now)
                  .mapTo(Integer.class)
                  .one();
          if (many >= MOST) {
            throw new BadRequest(
                "QUOTA_EXCEEDED",
                "service principal "
                    + owner.name()
                    + " has "
                    + many
                    + " secrets that have not expired (expected: at most "
                    + MOST
                    + " at a time; delete one first)",
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

  @Allow({Role.ACCOUNT_ADMIN, Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  @Ignores({
    "page_size: all are answered, a principal has few",
    "page_token: all are answered, a principal has few"
  })
  public Answer list(Caller caller, ListServicePrincipalSecretsRequest request) {
    requireManager(caller, request.getServicePrincipalId());
    List<ObjectNode> secrets =
        principals.read(
            handle ->
                handle
                    .createQuery(
                        """
                            SELECT secret_id, hash, created_at, expires_at, last_used_at
                            FROM service_principal_secret WHERE principal_id = :id
                            ORDER BY created_at, secret_id
                            """)
                    .bind("id", owner(handle, request.getServicePrincipalId()).id())
                    .map(
                        (row, context) ->
                            shown(
                                new SecretInfo()
                                    .setId(row.getString(1))
                                    .setSecretHash(row.getString(2))
                                    .setStatus(
                                        row.getLong(4) > clock.millis() ? "ACTIVE" : "EXPIRED")
                                    .setCreateTime(time(row.getLong(3)))
                                    .setUpdateTime(time(row.getLong(3)))
                                    .setExpireTime(time(row.getLong(4))),
                                row.getLong(5)))
                    .list());
    return Answer.json(200, Map.of("secrets", secrets));
  }

  /** The SDK's type has no place for the last use, which is told beside it. */
  private static ObjectNode shown(SecretInfo secret, long lastUsedAt) {
    ObjectNode shown = Json.MAPPER.valueToTree(secret);
    return lastUsedAt == 0 ? shown : shown.put("last_used_time", time(lastUsedAt));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  public void delete(Caller caller, DeleteServicePrincipalSecretRequest request) {
    requireManager(caller, request.getServicePrincipalId());
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

  /** Nobody else is told whether there is such a service principal. */
  private void requireManager(Caller caller, String id) {
    if (!caller.is(Role.ACCOUNT_ADMIN)
        && (!id.matches("\\d{1,18}") || !roles.has(caller, Long.parseLong(id), Roles.MANAGER))) {
      throw new PermissionDenied(
          caller.name()
              + " may not see or change the secrets of service principal "
              + Scim.shortened(id)
              + " (expected: an account admin, or one with "
              + Roles.MANAGER
              + ")",
          null);
    }
  }

  private static Principal owner(Handle handle, String id) {
    return Principals.get(handle, Caller.Kind.SERVICE_PRINCIPAL, id);
  }

  private record Match(String secretId, Long lastUsedAt, Principal principal) {}

  /** The active service principal whose id and unexpired secret these are; its use is noted. */
  Optional<Principal> authenticate(String applicationId, String secret) {
    long now = clock.millis();
    Optional<Match> match =
        principals.read(
            handle ->
                handle
                    .createQuery(
                        """
                        SELECT s.secret_id, s.last_used_at, p.* FROM service_principal_secret s
                        JOIN principal p ON p.principal_id = s.principal_id
                        WHERE s.hash = :hash AND s.expires_at > :now AND p.active
                          AND p.name = :name
                        """)
                    .bind("hash", Tokens.hash(secret))
                    .bind("now", now)
                    .bind("name", applicationId)
                    .map(
                        (row, context) ->
                            new Match(
                                row.getString("secret_id"),
                                row.getLong("last_used_at"),
                                Principal.of(row)))
                    .findOne());
    match
        .filter(found -> now - found.lastUsedAt() >= USES_APART.toMillis())
        .ifPresent(found -> principals.note(handle -> used(handle, found.secretId(), now)));
    return match.map(Match::principal);
  }

  private static int used(Handle handle, String secretId, long now) {
    return handle
        .createUpdate(
            "UPDATE service_principal_secret SET last_used_at = :now WHERE secret_id = :id")
        .bind("now", now)
        .bind("id", secretId)
        .execute();
  }

  private static String time(long millis) {
    return Instant.ofEpochMilli(millis).toString();
  }
}
