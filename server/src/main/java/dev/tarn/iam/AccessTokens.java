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
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.tarn.database.Json;
import dev.tarn.database.KeyFile;
import dev.tarn.database.KeyRing;
import dev.tarn.database.Seal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * OAuth access tokens: JWTs signed with the first of the ES256 keys in {@code keys/oauth.json}.
 * They are not stored; who they name is looked up at each use, so a deleted or deactivated
 * principal is out at once. A former key is published, and believed, until the last token it signed
 * has expired.
 */
final class AccessTokens implements KeyRing {
  static final Duration LIFETIME = Duration.ofHours(1);

  /** No token lives longer: the most that an app may ask for, and what clocks differ by. */
  private static final Duration LONGEST = CustomApps.LONGEST_ACCESS.plusMinutes(10);

  private final KeyFile<Map<String, ECKey>> file;
  private final Clock clock;
  // What a signature proves does not change; checking it costs more than the rest of a request.
  private final Cache<String, Claims> verified = Caffeine.newBuilder().maximumSize(10_000).build();

  private AccessTokens(Path file, Clock clock) {
    this.file = new KeyFile<>(file, AccessTokens::parsed);
    this.clock = clock;
  }

  /** By their ids, the current one first. */
  private static Map<String, ECKey> parsed(String text) throws ParseException {
    List<JWK> all =
        Json.tree(text).has("keys")
            ? JWKSet.parse(text).getKeys()
            : List.of(ECKey.parse(text)); // from before there was more than one
    Map<String, ECKey> byId = new LinkedHashMap<>();
    for (JWK key : all) {
      byId.put(key.getKeyID(), key.toECKey());
    }
    return Collections.unmodifiableMap(byId);
  }

  private static ECKey current(Map<String, ECKey> keys) {
    return keys.values().iterator().next();
  }

  /**
   * @param id {@code jti}
   * @param keyId of the key that signed it
   * @param workspaceId the only workspace it is good for, or null
   * @param grantId what a person let a program do, which the token ends with; null for a service
   *     principal's own
   * @param scope what it was made for, words with spaces between
   */
  record Claims(
      String id,
      String keyId,
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

  /** The keys in {@code keys/oauth.json}, one made on first use with mode 0600. */
  static AccessTokens open(Path keys, Clock clock) {
    Path file = keys.resolve("oauth.json");
    try {
      if (!Files.exists(file)) {
        Seal.writeSecret(file, made().toJSONString());
      }
      return new AccessTokens(file, clock);
    } catch (IOException e) {
      throw new IllegalStateException("cannot make the key of OAuth tokens " + file, e);
    }
  }

  private static ECKey made() {
    try {
      return new ECKeyGenerator(Curve.P_256)
          .algorithm(JWSAlgorithm.ES256)
          .keyID(UUID.randomUUID().toString())
          .generate();
    } catch (JOSEException e) {
      throw new IllegalStateException("cannot make a key for OAuth tokens", e);
    }
  }

  /** The public halves, as clients fetch them. */
  Map<String, Object> published() {
    return new JWKSet(List.<JWK>copyOf(file.fresh().values())).toJSONObject(true);
  }

  @Override
  public List<Key> keys() {
    Map<String, ECKey> keys = file.fresh();
    return keys.values().stream()
        .map(
            key ->
                new Key(
                    key.getKeyID(),
                    key.equals(current(keys)),
                    key.getExpirationTime() == null ? null : key.getExpirationTime().toInstant()))
        .toList();
  }

  @Override
  public synchronized void rotate(Instant now) {
    List<ECKey> all = new ArrayList<>(List.of(made()));
    for (ECKey former : file.fresh().values()) {
      all.add(
          former.getExpirationTime() == null
              ? new ECKey.Builder(former).expirationTime(Date.from(now.plus(LONGEST))).build()
              : former);
    }
    write(all);
  }

  @Override
  public synchronized List<String> retire(Instant now, boolean all) {
    Map<String, ECKey> keys = file.fresh();
    List<String> gone =
        keys.values().stream()
            .filter(key -> !key.equals(current(keys)))
            .filter(
                key ->
                    all
                        || (key.getExpirationTime() != null
                            && !key.getExpirationTime().toInstant().isAfter(now)))
            .map(ECKey::getKeyID)
            .toList();
    if (!gone.isEmpty()) {
      write(keys.values().stream().filter(key -> !gone.contains(key.getKeyID())).toList());
    }
    return gone;
  }

  private void write(List<ECKey> keys) {
    file.write(new JWKSet(List.<JWK>copyOf(keys)).toString(false));
  }

  @Override
  public void reload() {
    file.fresh();
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
    ECKey key = current(file.fresh());
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
    if (!file.get().containsKey(claims.keyId())) {
      return Optional.empty(); // retired
    }
    return claims.expiresAt() > clock.millis() ? Optional.of(claims) : Optional.empty();
  }

  /** Another control plane may just have made it. */
  private ECKey key(String id) {
    ECKey known = file.get().get(id);
    return known == null && id != null ? file.fresh().get(id) : known;
  }

  private Optional<Claims> read(String token) {
    try {
      SignedJWT jwt = SignedJWT.parse(token);
      ECKey key = key(jwt.getHeader().getKeyID());
      if (key == null) {
        return Optional.empty();
      }
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
              key.getKeyID(),
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
