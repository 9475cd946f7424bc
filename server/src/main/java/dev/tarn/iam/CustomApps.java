package dev.tarn.iam;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.oauth2.CreateCustomAppIntegration;
import com.databricks.sdk.service.oauth2.CreateCustomAppIntegrationOutput;
import com.databricks.sdk.service.oauth2.DeleteCustomAppIntegrationRequest;
import com.databricks.sdk.service.oauth2.GetCustomAppIntegrationOutput;
import com.databricks.sdk.service.oauth2.GetCustomAppIntegrationRequest;
import com.databricks.sdk.service.oauth2.GetCustomAppIntegrationsOutput;
import com.databricks.sdk.service.oauth2.ListCustomAppIntegrationsRequest;
import com.databricks.sdk.service.oauth2.TokenAccessPolicy;
import com.databricks.sdk.service.oauth2.UpdateCustomAppIntegration;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.net.URI;
import java.net.URISyntaxException;
import java.security.MessageDigest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** Programs that people may let act for them, as an administrator registers them. */
public final class CustomApps {
  /** What the SDKs are when nobody registered anything: programs on the person's own machine. */
  static final String BUILT_IN = "databricks-cli";

  /** The longest life of an access token that an app may ask for. */
  static final Duration LONGEST_ACCESS = Duration.ofDays(1);

  static final String ALL_APIS = "all-apis";
  static final String OFFLINE = "offline_access";
  static final Set<String> SCOPES = Set.of(ALL_APIS, OFFLINE, "openid", "profile", "email");
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
  private static final int MOST_REDIRECTS = 50;
  private static final int LONGEST = 2000;
  private static final int PAGE = 100;
  private static final int LONGEST_PAGE = 1000;

  private final Principals principals;
  private final Clock clock;

  CustomApps(Principals principals, Clock clock) {
    this.principals = principals;
    this.clock = clock;
  }

  /**
   * A program, registered or built in.
   *
   * @param secretHash null for one that can keep no secret
   * @param rotates whether a refresh token counts once
   */
  record App(
      String clientId,
      String secretHash,
      Collection<String> redirects,
      Set<String> scopes,
      Duration access,
      Duration refresh,
      Duration longest,
      boolean rotates) {

    boolean isConfidential() {
      return secretHash != null;
    }

    boolean isBuiltIn() {
      return clientId.equals(BUILT_IN);
    }

    boolean isSecret(String value) {
      return value != null
          && MessageDigest.isEqual(Tokens.hash(value).getBytes(UTF_8), secretHash.getBytes(UTF_8));
    }

    /** A built-in program listens on a port of its machine, whichever is free. */
    boolean allows(String redirect) {
      return isBuiltIn() ? isLoopback(redirect) : redirects.contains(redirect);
    }
  }

  private record Row(
      String id, String clientId, String secretHash, long createdBy, long createdAt, String json) {
    static Row of(ResultSet row) throws SQLException {
      return new Row(
          row.getString("integration_id"),
          row.getString("client_id"),
          row.getString("secret_hash"),
          row.getLong("created_by"),
          row.getLong("created_at"),
          row.getString("document"));
    }

    GetCustomAppIntegrationOutput shown() {
      return Json.read(json, GetCustomAppIntegrationOutput.class)
          .setIntegrationId(id)
          .setClientId(clientId)
          .setConfidential(secretHash != null)
          .setCreatedBy(createdBy)
          .setCreateTime(Instant.ofEpochMilli(createdAt).toString());
    }
  }

  static Optional<App> find(Handle handle, String clientId) {
    if (BUILT_IN.equals(clientId)) {
      return Optional.of(app(BUILT_IN, null, List.of(), SCOPES, new TokenAccessPolicy(), true));
    }
    return handle
        .createQuery("SELECT * FROM custom_app WHERE client_id = :client")
        .bind("client", clientId)
        .map((row, context) -> Row.of(row))
        .findOne()
        .map(
            row -> {
              GetCustomAppIntegrationOutput app = row.shown();
              TokenAccessPolicy policy = app.getTokenAccessPolicy();
              return app(
                  clientId,
                  row.secretHash(),
                  app.getRedirectUrls(),
                  app.getScopes() == null ? SCOPES : Set.copyOf(app.getScopes()),
                  policy == null ? new TokenAccessPolicy() : policy,
                  policy != null && Boolean.TRUE.equals(policy.getEnableSingleUseRefreshTokens()));
            });
  }

  private static App app(
      String clientId,
      String secretHash,
      Collection<String> redirects,
      Set<String> scopes,
      TokenAccessPolicy policy,
      boolean rotates) {
    return new App(
        clientId,
        secretHash,
        redirects,
        scopes,
        minutes(policy.getAccessTokenTtlInMinutes(), AccessTokens.LIFETIME),
        minutes(policy.getRefreshTokenTtlInMinutes(), Duration.ofDays(7)),
        minutes(policy.getAbsoluteSessionLifetimeInMinutes(), Duration.ofDays(30)),
        rotates);
  }

  private static Duration minutes(Long asked, Duration otherwise) {
    return asked == null ? otherwise : Duration.ofMinutes(asked);
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public CreateCustomAppIntegrationOutput create(
      Caller caller, CreateCustomAppIntegration request) {
    if (request.getName() == null
        || request.getName().isBlank()
        || request.getName().length() > 200) {
      throw invalid("name", request.getName(), "1 to 200 characters");
    }
    GetCustomAppIntegrationOutput app =
        checked(
            new GetCustomAppIntegrationOutput()
                .setName(request.getName())
                .setRedirectUrls(request.getRedirectUrls())
                .setScopes(request.getScopes())
                .setUserAuthorizedScopes(request.getUserAuthorizedScopes())
                .setTokenAccessPolicy(request.getTokenAccessPolicy()));
    String secret =
        Boolean.TRUE.equals(request.getConfidential()) ? Tokens.random("dose", 16) : null;
    String id = UUID.randomUUID().toString();
    String clientId = UUID.randomUUID().toString();
    principals.write(
        handle ->
            handle
                .createUpdate(
                    """
                    INSERT INTO custom_app (integration_id, client_id, secret_hash, created_by,
                      created_at, document)
                    VALUES (:id, :client, :hash, :by, :now, :document)
                    """)
                .bind("id", id)
                .bind("client", clientId)
                .bind("hash", secret == null ? null : Tokens.hash(secret))
                .bind("by", Long.parseLong(caller.principalId()))
                .bind("now", clock.millis())
                .bind("document", Json.write(app))
                .execute());
    return new CreateCustomAppIntegrationOutput()
        .setIntegrationId(id)
        .setClientId(clientId)
        .setClientSecret(secret);
  }

  private static GetCustomAppIntegrationOutput checked(GetCustomAppIntegrationOutput app) {
    Collection<String> redirects = app.getRedirectUrls();
    if (redirects == null || redirects.isEmpty() || redirects.size() > MOST_REDIRECTS) {
      throw invalid("redirect_urls", redirects, "1 to " + MOST_REDIRECTS + " URLs");
    }
    for (String redirect : redirects) {
      if (!isHttps(redirect) && !isLoopback(redirect)) {
        throw invalid(
            "redirect_urls",
            redirect,
            "https://…, or http:// of localhost, 127.0.0.1 or [::1]; without a fragment");
      }
    }
    for (String scope : app.getScopes() == null ? List.<String>of() : app.getScopes()) {
      if (!SCOPES.contains(scope)) {
        throw invalid("scopes", scope, SCOPES + "; narrower ones are not enforced");
      }
    }
    if (app.getUserAuthorizedScopes() != null && !app.getUserAuthorizedScopes().isEmpty()) {
      throw invalid(
          "user_authorized_scopes",
          app.getUserAuthorizedScopes(),
          "none: who registers an app decides for all");
    }
    TokenAccessPolicy policy = app.getTokenAccessPolicy();
    if (policy != null) {
      ttl(
          "access_token_ttl_in_minutes",
          policy.getAccessTokenTtlInMinutes(),
          5,
          LONGEST_ACCESS.toMinutes());
      ttl("refresh_token_ttl_in_minutes", policy.getRefreshTokenTtlInMinutes(), 5, 129_600);
      ttl(
          "absolute_session_lifetime_in_minutes",
          policy.getAbsoluteSessionLifetimeInMinutes(),
          5,
          525_600);
    }
    return app;
  }

  private static void ttl(String field, Long asked, long least, long most) {
    if (asked != null && (asked < least || asked > most)) {
      throw invalid("token_access_policy." + field, asked, least + " to " + most);
    }
  }

  private static InvalidParameterValue invalid(String field, Object value, String expected) {
    return new InvalidParameterValue(
        field + ": '" + Scim.shortened(String.valueOf(value)) + "' (expected: " + expected + ")",
        null);
  }

  private static boolean isHttps(String redirect) {
    return parsed(redirect).filter(uri -> "https".equals(uri.getScheme())).isPresent();
  }

  /** An address of the person's own machine. */
  static boolean isLoopback(String redirect) {
    return parsed(redirect)
        .filter(uri -> "http".equals(uri.getScheme()) && LOOPBACK.contains(uri.getHost()))
        .isPresent();
  }

  private static Optional<URI> parsed(String redirect) {
    if (redirect == null || redirect.length() > LONGEST) {
      return Optional.empty();
    }
    try {
      URI uri = new URI(redirect);
      return uri.getHost() == null || uri.getRawUserInfo() != null || uri.getRawFragment() != null
          ? Optional.empty()
          : Optional.of(uri);
    } catch (URISyntaxException e) {
      return Optional.empty();
    }
  }

  private static ResourceDoesNotExist missing(String id) {
    return new ResourceDoesNotExist(
        "Custom app integration " + Scim.shortened(id) + " does not exist", null);
  }

  private static Row row(Handle handle, String id) {
    return handle
        .createQuery("SELECT * FROM custom_app WHERE integration_id = :id")
        .bind("id", id)
        .map((row, context) -> Row.of(row))
        .findOne()
        .orElseThrow(() -> missing(id));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public GetCustomAppIntegrationOutput get(Caller caller, GetCustomAppIntegrationRequest request) {
    return principals.read(
        handle -> withCreator(handle, row(handle, request.getIntegrationId()).shown()));
  }

  private static GetCustomAppIntegrationOutput withCreator(
      Handle handle, GetCustomAppIntegrationOutput app) {
    return app.setCreatorUsername(
        Principals.find(handle, app.getCreatedBy()).map(Principal::name).orElse(null));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public GetCustomAppIntegrationsOutput list(
      Caller caller, ListCustomAppIntegrationsRequest request) {
    long size = request.getPageSize() == null ? PAGE : request.getPageSize();
    if (size < 1 || size > LONGEST_PAGE) {
      throw invalid("page_size", size, "1 to " + LONGEST_PAGE);
    }
    return principals.read(
        handle -> {
          List<GetCustomAppIntegrationOutput> apps =
              new ArrayList<>(
                  handle
                      .createQuery(
                          """
                          SELECT * FROM custom_app WHERE integration_id > :after
                          ORDER BY integration_id LIMIT :count
                          """)
                      .bind("after", request.getPageToken() == null ? "" : request.getPageToken())
                      .bind("count", size + 1)
                      .map((row, context) -> Row.of(row).shown())
                      .list());
          boolean more = apps.size() > size;
          if (more) {
            apps.removeLast();
          }
          if (Boolean.TRUE.equals(request.getIncludeCreatorUsername())) {
            apps.forEach(app -> withCreator(handle, app));
          }
          return new GetCustomAppIntegrationsOutput()
              .setApps(apps)
              .setNextPageToken(more ? apps.getLast().getIntegrationId() : null);
        });
  }

  /** What is not sent stays. */
  @Allow(Role.ACCOUNT_ADMIN)
  public void update(Caller caller, UpdateCustomAppIntegration request) {
    principals.write(
        handle -> {
          GetCustomAppIntegrationOutput app =
              Json.read(
                  row(handle, request.getIntegrationId()).json(),
                  GetCustomAppIntegrationOutput.class);
          if (request.getRedirectUrls() != null) {
            app.setRedirectUrls(request.getRedirectUrls());
          }
          if (request.getScopes() != null) {
            app.setScopes(request.getScopes());
          }
          if (request.getUserAuthorizedScopes() != null) {
            app.setUserAuthorizedScopes(request.getUserAuthorizedScopes());
          }
          if (request.getTokenAccessPolicy() != null) {
            app.setTokenAccessPolicy(request.getTokenAccessPolicy());
          }
          return handle
              .createUpdate("UPDATE custom_app SET document = :document WHERE integration_id = :id")
              .bind("document", Json.write(checked(app)))
              .bind("id", request.getIntegrationId())
              .execute();
        });
  }

  /** What people let it do ends with it. */
  @Allow(Role.ACCOUNT_ADMIN)
  public void delete(Caller caller, DeleteCustomAppIntegrationRequest request) {
    principals.write(
        handle -> {
          String client = row(handle, request.getIntegrationId()).clientId();
          handle.execute("DELETE FROM oauth_code WHERE client_id = ?", client);
          handle.execute("DELETE FROM oauth_grant WHERE client_id = ?", client);
          return handle.execute(
              "DELETE FROM custom_app WHERE integration_id = ?", request.getIntegrationId());
        });
  }
}
