package dev.tarn.iam;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.tarn.database.Seal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * OAuth access tokens: JWTs signed with the ES256 key in {@code keys/oauth.json}. They are not
 * stored; who they name is looked up at each use, so a deleted or deactivated principal is out at
 * once.
 */
final class AccessTokens {
  static final Duration LIFETIME = Duration.ofHours(1);

  private final ECKey key;
  private final Clock clock;
  // What a signature proves does not change; checking it costs more than the rest of a request.
  private final Cache<String, Claims> verified = Caffeine.newBuilder().maximumSize(10_000).build();

  private AccessTokens(ECKey key, Clock clock) {
    this.key = key;
    this.clock = clock;
  }

  /**
   * @param id {@code jti}
   * @param workspaceId the only workspace it is good for, or null
   * @param grantId what a person let a program do, which the token ends with; null for a service
   *     principal's own
   * @param scope what it was made for, words with spaces between
   */
  record Claims(
      String id,
      long principalId,
      String accountId,
      Long workspaceId,
      long expiresAt,
      String grantId,
      String scope) {
    boolean isForApis() {
      return List.of(scope.split(" ", -1)).contains(CustomApps.ALL_APIS);
    }
  }

  /** The key in {@code keys/oauth.json}, made on first use with mode 0600. */
  static AccessTokens open(Path keys, Clock clock) {
    Path file = keys.resolve("oauth.json");
    try {
      if (!Files.exists(file)) {
        ECKey made =
            new ECKeyGenerator(Curve.P_256)
                .algorithm(JWSAlgorithm.ES256)
                .keyID(UUID.randomUUID().toString())
                .generate();
        Seal.writeSecret(file, made.toJSONString());
      }
      return new AccessTokens(ECKey.parse(Files.readString(file)), clock);
    } catch (IOException | JOSEException | ParseException e) {
      throw new IllegalStateException("cannot read the key of OAuth tokens " + file, e);
    }
  }

  /** The public half, as clients fetch it. */
  Map<String, Object> published() {
    return new JWKSet(key.toPublicJWK()).toJSONObject();
  }

  /** A service principal's own. */
  String mint(Principal principal, String issuer, String accountId, Long workspaceId) {
    return mint(
        principal,
        issuer,
        accountId,
        workspaceId,
        new For(principal.name(), null, CustomApps.ALL_APIS, LIFETIME));
  }

  /** Whom a token is given to, what for, and for how long. */
  record For(String clientId, String grantId, String scope, Duration lifetime) {}

  String mint(Principal principal, String issuer, String accountId, Long workspaceId, For purpose) {
    Date now = Date.from(clock.instant());
    JWTClaimsSet.Builder claims =
        new JWTClaimsSet.Builder()
            .jwtID(UUID.randomUUID().toString())
            .issuer(issuer)
            .subject(principal.name())
            .audience(accountId)
            .issueTime(now)
            .expirationTime(Date.from(clock.instant().plus(purpose.lifetime())))
            .claim("client_id", purpose.clientId())
            .claim("scope", purpose.scope())
            .claim("grant_id", purpose.grantId())
            .claim("principal_id", Long.toString(principal.id()));
    if (workspaceId != null) {
      claims.claim("workspace_id", Long.toString(workspaceId));
    }
    return signed(claims.build());
  }

  /** Who somebody is, for a program that asked for {@code openid}; it opens nothing. */
  String identity(
      Principal principal, String issuer, String clientId, String nonce, Duration lifetime) {
    return signed(
        new JWTClaimsSet.Builder()
            .issuer(issuer)
            .subject(principal.name())
            .audience(clientId)
            .issueTime(Date.from(clock.instant()))
            .expirationTime(Date.from(clock.instant().plus(lifetime)))
            .claim("nonce", nonce)
            .claim("email", principal.name())
            .claim("name", principal.displayName())
            .build());
  }

  private String signed(JWTClaimsSet claims) {
    SignedJWT jwt =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(key.getKeyID()).build(), claims);
    try {
      jwt.sign(new ECDSASigner(key));
    } catch (JOSEException e) {
      throw new IllegalStateException("cannot sign an access token", e);
    }
    return jwt.serialize();
  }

  /** What a token of ours that has not expired says; empty for any other text. */
  Optional<Claims> verify(String token) {
    String hash = Tokens.hash(token);
    Claims claims = verified.getIfPresent(hash);
    if (claims == null) {
      claims = read(token).orElse(null);
      if (claims == null) {
        return Optional.empty();
      }
      verified.put(hash, claims);
    }
    return claims.expiresAt() > clock.millis() ? Optional.of(claims) : Optional.empty();
  }

  private Optional<Claims> read(String token) {
    try {
      SignedJWT jwt = SignedJWT.parse(token);
      JWSVerifier verifier = new ECDSAVerifier(key.toPublicJWK());
      if (!jwt.getHeader().getAlgorithm().equals(JWSAlgorithm.ES256) || !jwt.verify(verifier)) {
        return Optional.empty();
      }
      JWTClaimsSet claims = jwt.getJWTClaimsSet();
      if (claims.getStringClaim("principal_id") == null) {
        return Optional.empty(); // an id token
      }
      String workspace = claims.getStringClaim("workspace_id");
      return Optional.of(
          new Claims(
              claims.getJWTID(),
              Long.parseLong(claims.getStringClaim("principal_id")),
              claims.getAudience().getFirst(),
              workspace == null ? null : Long.valueOf(workspace),
              claims.getExpirationTime().toInstant().toEpochMilli(),
              claims.getStringClaim("grant_id"),
              claims.getStringClaim("scope")));
    } catch (ParseException | JOSEException e) {
      return Optional.empty();
    }
  }
}
