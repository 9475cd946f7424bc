package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.OAuth2Error;
import com.nimbusds.oauth2.sdk.ParseException;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.PlainClientSecret;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.FromHeader;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.iam.CustomApps.App;
import dev.tarn.iam.Grants.Granted;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What clients ask before they have a token: what this host is, where tokens are made, and the
 * token itself: of a service principal for its secret, of a person for a code or refresh token (RFC
 * 6749 §4.4, §4.1 and §6).
 *
 * <p>One listener serves the account and all workspaces, so an address such as {@code
 * http://127.0.0.1:8484} says that it is no workspace in particular: clients then take the
 * account's token endpoint, and the workspace is found from the token or a header. A host {@code
 * <deployment>.localhost} is that workspace, and a token made there is good for that one only.
 */
public final class Oidc {
  private static final String SCOPE = CustomApps.ALL_APIS;

  private final ServicePrincipalSecrets secrets;
  private final Principals principals;
  private final AccessTokens accessTokens;
  private final WorkspaceHosts hosts;
  private final Supplier<String> accountId;
  private final Grants grants;

  Oidc(
      Principals principals,
      ServicePrincipalSecrets secrets,
      AccessTokens accessTokens,
      WorkspaceHosts hosts,
      Supplier<String> accountId,
      Grants grants) {
    this.principals = principals;
    this.secrets = secrets;
    this.accessTokens = accessTokens;
    this.hosts = hosts;
    this.accountId = accountId;
    this.grants = grants;
  }

  /**
   * Host and port as the client spelt them; what it is told is spelt the same.
   *
   * @param http1 where HTTP/1 says it
   * @param http2 where HTTP/2 says it
   */
  public record Asked(
      @FromHeader("host") String http1,
      @FromHeader(":authority") String http2,
      @FromHeader(":scheme") String scheme,
      String accountId) {
    String authority() {
      return http2 == null ? http1 : http2;
    }

    String base() {
      return Oidc.base(scheme, authority());
    }
  }

  @Allow(Role.ANYONE)
  @Operation("GET /.well-known/databricks-config")
  public Answer config(Caller caller, Asked asked) {
    Map<String, Object> config = new LinkedHashMap<>();
    Optional<Long> workspace = hosts.workspace(host(asked.authority()));
    config.put("account_id", accountId.get());
    config.put("cloud", "AWS");
    if (workspace.isPresent()) {
      config.put("host_type", "WORKSPACE_HOST");
      config.put("workspace_id", Long.toString(workspace.get()));
      config.put("oidc_endpoint", asked.base() + "/oidc");
    } else {
      config.put("host_type", "UNIFIED_HOST");
      // Clients put the account id in the place of the braces.
      config.put("oidc_endpoint", asked.base() + "/oidc/accounts/{account_id}");
    }
    return Answer.json(200, config);
  }

  @Allow(Role.ANYONE)
  @Operation("GET /oidc/.well-known/oauth-authorization-server")
  public Answer server(Caller caller, Asked asked) {
    return metadata(asked, "/oidc");
  }

  @Allow(Role.ANYONE)
  @Operation("GET /oidc/.well-known/openid-configuration")
  public Answer openid(Caller caller, Asked asked) {
    return metadata(asked, "/oidc");
  }

  @Allow(Role.ANYONE)
  @Operation("GET /oidc/accounts/{account_id}/.well-known/oauth-authorization-server")
  public Answer accountServer(Caller caller, Asked asked) {
    return accountMetadata(asked);
  }

  @Allow(Role.ANYONE)
  @Operation("GET /oidc/accounts/{account_id}/.well-known/openid-configuration")
  public Answer accountOpenid(Caller caller, Asked asked) {
    return accountMetadata(asked);
  }

  private Answer accountMetadata(Asked asked) {
    requireThisAccount(asked.accountId());
    return metadata(asked, "/oidc/accounts/" + asked.accountId());
  }

  private Answer metadata(Asked asked, String path) {
    String endpoint = asked.base() + path;
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("issuer", endpoint);
    metadata.put("token_endpoint", endpoint + "/v1/token");
    metadata.put("authorization_endpoint", endpoint + "/v1/authorize");
    metadata.put("jwks_uri", asked.base() + "/oidc/jwks.json");
    metadata.put("revocation_endpoint", endpoint + "/v1/revoke");
    metadata.put("userinfo_endpoint", endpoint + "/v1/userinfo");
    metadata.put(
        "grant_types_supported",
        List.of("client_credentials", "authorization_code", "refresh_token"));
    metadata.put("response_types_supported", List.of("code"));
    metadata.put("response_modes_supported", List.of("query"));
    metadata.put("code_challenge_methods_supported", List.of("S256"));
    metadata.put("scopes_supported", CustomApps.SCOPES.stream().sorted().toList());
    metadata.put("claims_supported", List.of("iss", "sub", "aud", "exp", "iat", "email", "name"));
    List<String> methods = List.of("client_secret_basic", "client_secret_post", "none");
    metadata.put("token_endpoint_auth_methods_supported", methods);
    metadata.put("revocation_endpoint_auth_methods_supported", methods);
    metadata.put("subject_types_supported", List.of("public"));
    metadata.put("id_token_signing_alg_values_supported", List.of("ES256"));
    return Answer.json(200, metadata);
  }

  @Allow(Role.ANYONE)
  @Operation("GET /oidc/jwks.json")
  public Answer keys(Caller caller) {
    return Answer.json(200, accessTokens.published());
  }

  /** The form of RFC 6749, and the header with the client's id and secret instead of the fields. */
  public record TokenRequest(
      @FromHeader("host") String http1,
      @FromHeader(":authority") String http2,
      @FromHeader(":scheme") String scheme,
      @FromHeader("authorization") String authorization,
      String accountId,
      String grantType,
      String scope,
      String clientId,
      String clientSecret,
      String code,
      String redirectUri,
      String codeVerifier,
      String refreshToken,
      String token,
      String tokenTypeHint) {
    String authority() {
      return http2 == null ? http1 : http2;
    }

    String base() {
      return Oidc.base(scheme, authority());
    }
  }

  @Allow(Role.ANYONE)
  @Operation("POST /oidc/v1/token")
  public Answer token(Caller caller, TokenRequest request) {
    return issue(request, "/oidc");
  }

  @Allow(Role.ANYONE)
  @Operation("POST /oidc/accounts/{account_id}/v1/token")
  public Answer accountToken(Caller caller, TokenRequest request) {
    requireThisAccount(request.accountId());
    return issue(request, "/oidc/accounts/" + request.accountId());
  }

  private Answer issue(TokenRequest request, String path) {
    if (request.grantType() == null) {
      return refused(OAuth2Error.INVALID_REQUEST.setDescription("grant_type is missing"));
    }
    return switch (request.grantType()) {
      case "client_credentials" -> ofServicePrincipal(request, path);
      case "authorization_code", "refresh_token" -> ofPerson(request, path);
      default ->
          refused(
              OAuth2Error.UNSUPPORTED_GRANT_TYPE.setDescription(
                  "grant_type: '"
                      + Scim.shortened(request.grantType())
                      + "' (expected: client_credentials, authorization_code or refresh_token)"));
    };
  }

  private Answer ofServicePrincipal(TokenRequest request, String path) {
    if (request.scope() != null && !request.scope().isBlank() && !request.scope().equals(SCOPE)) {
      return refused(
          OAuth2Error.INVALID_SCOPE.setDescription(
              "scope: '" + Scim.shortened(request.scope()) + "' (expected: " + SCOPE + ")"));
    }
    Optional<PlainClientSecret> client = client(request);
    Optional<Principal> principal =
        client.flatMap(
            c ->
                secrets.authenticate(
                    c.getClientID().getValue().toLowerCase(Locale.ROOT),
                    c.getClientSecret().getValue()));
    if (principal.isEmpty()) {
      return unknownClient();
    }
    Long workspace = hosts.workspace(host(request.authority())).orElse(null);
    if (workspace != null
        && principals.read(
            handle -> Principals.permission(handle, workspace, principal.get().id()).isEmpty())) {
      return refused(
          OAuth2Error.UNAUTHORIZED_CLIENT.setDescription(
              "service principal "
                  + principal.get().name()
                  + " is not assigned to the workspace of this host"));
    }
    Map<String, Object> issued = new LinkedHashMap<>();
    issued.put(
        "access_token",
        accessTokens.mint(principal.get(), request.base() + path, accountId.get(), workspace));
    issued.put("token_type", "Bearer");
    issued.put("expires_in", AccessTokens.LIFETIME.toSeconds());
    issued.put("scope", SCOPE);
    return Answer.json(200, issued);
  }

  private static Answer unknownClient() {
    return refused(
            OAuth2Error.INVALID_CLIENT.setDescription(
                "Client authentication failed: the client is unknown or deactivated, or its"
                    + " secret is wrong or has expired"))
        .withHeader("www-authenticate", "Basic realm=\"tarn\"");
  }

  /** For a program that a person let act. */
  private Answer ofPerson(TokenRequest request, String path) {
    Optional<App> app = app(request);
    if (app.isEmpty()) {
      return unknownClient();
    }
    boolean byCode = request.grantType().equals("authorization_code");
    if ((byCode ? request.code() : request.refreshToken()) == null) {
      return refused(
          OAuth2Error.INVALID_REQUEST.setDescription(
              (byCode ? "code" : "refresh_token") + " is missing"));
    }
    Optional<Granted> granted =
        byCode
            ? grants.exchange(
                app.get(), request.code(), request.redirectUri(), request.codeVerifier())
            : grants.refresh(app.get(), request.refreshToken());
    if (granted.isEmpty()) {
      return refused(
          OAuth2Error.INVALID_GRANT.setDescription(
              byCode
                  ? "the code is unknown, was used, is too old, or is not this client's, or"
                      + " redirect_uri or code_verifier do not fit it"
                  : "the refresh token is unknown, was used, revoked, or has expired"));
    }
    return Answer.json(200, issued(app.get(), granted.get(), request.base() + path));
  }

  private Map<String, Object> issued(App app, Granted grant, String issuer) {
    Map<String, Object> issued = new LinkedHashMap<>();
    issued.put(
        "access_token",
        accessTokens.mint(
            grant.principal(),
            issuer,
            accountId.get(),
            grant.workspaceId(),
            new AccessTokens.For(app.clientId(), grant.id(), grant.scope(), app.access())));
    issued.put("token_type", "Bearer");
    issued.put("expires_in", app.access().toSeconds());
    issued.put("scope", grant.scope());
    if (grant.refresh() != null) {
      issued.put("refresh_token", grant.refresh());
    }
    if (List.of(grant.scope().split(" ", -1)).contains("openid")) {
      issued.put(
          "id_token",
          accessTokens.identity(
              grant.principal(), issuer, app.clientId(), grant.nonce(), app.access()));
    }
    return issued;
  }

  /** The program that asks, if it is known and proves to be it where it can. */
  private Optional<App> app(TokenRequest request) {
    Optional<PlainClientSecret> proof = client(request);
    String id = proof.map(p -> p.getClientID().getValue()).orElse(request.clientId());
    return principals
        .read(handle -> CustomApps.find(handle, id))
        .filter(
            app ->
                !app.isConfidential()
                    || app.isSecret(proof.map(p -> p.getClientSecret().getValue()).orElse(null)));
  }

  @Allow(Role.ANYONE)
  @Operation("POST /oidc/v1/revoke")
  public Answer revoke(Caller caller, TokenRequest request) {
    return revoked(request);
  }

  @Allow(Role.ANYONE)
  @Operation("POST /oidc/accounts/{account_id}/v1/revoke")
  public Answer accountRevoke(Caller caller, TokenRequest request) {
    requireThisAccount(request.accountId());
    return revoked(request);
  }

  /** Either token of a grant ends it (RFC 7009); an unknown one is as good as ended. */
  private Answer revoked(TokenRequest request) {
    Optional<App> app = app(request);
    if (app.isEmpty()) {
      return unknownClient();
    }
    if (request.token() == null) {
      return refused(OAuth2Error.INVALID_REQUEST.setDescription("token is missing"));
    }
    accessTokens
        .verify(request.token())
        .ifPresentOrElse(
            claims -> {
              if (claims.grantId() != null) {
                grants.revoke(app.get(), claims.grantId());
              }
            },
            () -> grants.revokeRefresh(app.get(), request.token()));
    return Answer.json(200, Map.of());
  }

  @Allow(Role.ANYONE)
  @Operation("GET /oidc/v1/userinfo")
  public Answer userinfo(Caller caller) {
    return about(caller);
  }

  public record OfAccount(String accountId) {}

  @Allow(Role.ANYONE)
  @Operation("GET /oidc/accounts/{account_id}/v1/userinfo")
  public Answer accountUserinfo(Caller caller, OfAccount request) {
    requireThisAccount(request.accountId());
    return about(caller);
  }

  /** For any token of a person or service principal, also one that opens nothing else. */
  private Answer about(Caller caller) {
    if (caller.kind() != Caller.Kind.USER && caller.kind() != Caller.Kind.SERVICE_PRINCIPAL) {
      throw new Unauthenticated("no valid access token was sent", null);
    }
    Principal principal = principals.get(caller.kind(), caller.principalId());
    Map<String, Object> about = new LinkedHashMap<>();
    about.put("sub", principal.name());
    about.put("name", principal.displayName());
    if (caller.kind() == Caller.Kind.USER) {
      about.put("email", principal.name());
      about.put("preferred_username", principal.name());
    }
    return Answer.json(200, about);
  }

  private static Optional<PlainClientSecret> client(TokenRequest request) {
    try {
      if (request.authorization() != null) {
        return Optional.of(ClientSecretBasic.parse(request.authorization()));
      }
    } catch (ParseException e) {
      return Optional.empty();
    }
    return request.clientId() == null || request.clientSecret() == null
        ? Optional.empty()
        : Optional.of(
            new ClientSecretPost(
                new ClientID(request.clientId()), new Secret(request.clientSecret())));
  }

  private static Answer refused(ErrorObject error) {
    return Answer.json(error.getHTTPStatusCode(), error.toJSONObject());
  }

  void requireThisAccount(String asked) {
    if (!accountId.get().equals(asked)) {
      throw new NotFound(
          "RESOURCE_DOES_NOT_EXIST",
          "account " + Scim.shortened(asked) + " does not exist here",
          null);
    }
  }

  private static String base(String scheme, String authority) {
    return (scheme == null ? "http" : scheme) + "://" + authority;
  }

  private static String host(String authority) {
    return authority.replaceFirst(":\\d*$", "").toLowerCase(Locale.ROOT);
  }
}
