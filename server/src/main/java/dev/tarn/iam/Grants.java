package dev.tarn.iam;

import com.nimbusds.oauth2.sdk.pkce.CodeChallenge;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import dev.tarn.iam.CustomApps.App;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * What people let programs do, as rows: a code that is exchanged once for a grant, and the grant's
 * refresh tokens. Whoever comes with a code or refresh token that was used before has stolen it or
 * was stolen from; which of the two cannot be told, so the grant ends.
 */
final class Grants {
  private static final Duration CODE = Duration.ofMinutes(1);

  private final Principals principals;
  private final Clock clock;

  Grants(Principals principals, Clock clock) {
    this.principals = principals;
    this.clock = clock;
  }

  /**
   * A grant, and what the program gets for it this time.
   *
   * @param refresh the refresh token to be told, or null
   * @param nonce for an id token, or null
   */
  record Granted(
      String id,
      Principal principal,
      Long workspaceId,
      String scope,
      String refresh,
      String nonce) {}

  private record Code(
      String sessionId,
      long principalId,
      Long workspaceId,
      String clientId,
      String redirect,
      String challenge,
      String scope,
      String nonce,
      long expiresAt,
      String grantId) {
    static Code of(ResultSet row) throws SQLException {
      return new Code(
          row.getString("session_id"),
          row.getLong("principal_id"),
          number(row, "workspace_id"),
          row.getString("client_id"),
          row.getString("redirect_uri"),
          row.getString("challenge"),
          row.getString("scope"),
          row.getString("nonce"),
          row.getLong("expires_at"),
          row.getString("grant_id"));
    }
  }

  private static Long number(ResultSet row, String column) throws SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? null : value;
  }

  /** A code for the program that a signed-in person allowed; it ends with that session. */
  String code(
      String sessionId,
      String clientId,
      String redirect,
      String challenge,
      String scope,
      String nonce) {
    String code = Tokens.random("doco", 32);
    long now = clock.millis();
    principals.write(
        handle -> {
          // A used one is kept for a while: who brings it again is to be noticed.
          handle.execute(
              "DELETE FROM oauth_code WHERE expires_at < ?", now - Duration.ofDays(1).toMillis());
          return handle
              .createUpdate(
                  """
                  INSERT INTO oauth_code (hash, session_id, client_id, redirect_uri, challenge,
                    scope, nonce, expires_at)
                  VALUES (:hash, :session, :client, :redirect, :challenge, :scope, :nonce, :expires)
                  """)
              .bind("hash", Tokens.hash(code))
              .bind("session", sessionId)
              .bind("client", clientId)
              .bind("redirect", redirect)
              .bind("challenge", challenge)
              .bind("scope", scope)
              .bind("nonce", nonce)
              .bind("expires", now + CODE.toMillis())
              .execute();
        });
    return code;
  }

  /**
   * Exchanges a code. One that comes a second time, too late, or from somebody else is used up all
   * the same.
   */
  Optional<Granted> exchange(App app, String code, String redirect, String verifier) {
    String id = UUID.randomUUID().toString();
    String refresh = Tokens.random("dort", 32);
    return principals.write(handle -> exchange(handle, app, code, redirect, verifier, id, refresh));
  }

  private Optional<Granted> exchange(
      Handle handle,
      App app,
      String value,
      String redirect,
      String verifier,
      String id,
      String refresh) {
    long now = clock.millis();
    Optional<Code> found =
        handle
            .createQuery(
                """
                SELECT c.*, s.principal_id, s.workspace_id FROM oauth_code c
                JOIN browser_session s ON s.session_id = c.session_id WHERE c.hash = :hash
                """)
            .bind("hash", Tokens.hash(value))
            .map((row, context) -> Code.of(row))
            .findOne();
    if (found.isEmpty()) {
      return Optional.empty();
    }
    Code code = found.get();
    int claimed =
        handle
            .createUpdate(
                "UPDATE oauth_code SET grant_id = :grant WHERE hash = :hash AND grant_id IS NULL")
            .bind("grant", id)
            .bind("hash", Tokens.hash(value))
            .execute();
    if (claimed == 0) {
      end(handle, code.grantId());
      return Optional.empty();
    }
    Optional<Principal> user =
        Principals.find(handle, code.principalId()).filter(Principal::active);
    if (user.isEmpty()
        || code.expiresAt() <= now
        || !code.clientId().equals(app.clientId())
        || !code.redirect().equals(redirect)
        || !proves(verifier, code.challenge())) {
      return Optional.empty();
    }
    handle.execute("DELETE FROM oauth_grant WHERE expires_at <= ?", now);
    handle
        .createUpdate(
            """
            INSERT INTO oauth_grant (grant_id, client_id, principal_id, workspace_id, scope,
              created_at, expires_at)
            VALUES (:id, :client, :principal, :workspace, :scope, :now, :expires)
            """)
        .bind("id", id)
        .bind("client", app.clientId())
        .bind("principal", code.principalId())
        .bind("workspace", code.workspaceId())
        .bind("scope", code.scope())
        .bind("now", now)
        .bind("expires", now + app.longest().toMillis())
        .execute();
    boolean goesOn = (" " + code.scope() + " ").contains(" " + CustomApps.OFFLINE + " ");
    if (goesOn) {
      insert(handle, refresh, id, now + app.refresh().toMillis());
    }
    return Optional.of(
        new Granted(
            id,
            user.get(),
            code.workspaceId(),
            code.scope(),
            goesOn ? refresh : null,
            code.nonce()));
  }

  private static boolean proves(String verifier, String challenge) {
    if (challenge == null) {
      return verifier == null;
    }
    if (verifier == null || !verifier.matches("[A-Za-z0-9._~-]{43,128}")) {
      return false;
    }
    return CodeChallenge.compute(CodeChallengeMethod.S256, new CodeVerifier(verifier))
        .getValue()
        .equals(challenge);
  }

  private static void insert(Handle handle, String refresh, String grant, long expiresAt) {
    handle
        .createUpdate(
            """
            INSERT INTO refresh_token (hash, grant_id, expires_at) VALUES (:hash, :grant, :expires)
            """)
        .bind("hash", Tokens.hash(refresh))
        .bind("grant", grant)
        .bind("expires", expiresAt)
        .execute();
  }

  private record Refresh(
      String grantId,
      String clientId,
      long principalId,
      Long workspaceId,
      String scope,
      long grantExpiresAt,
      long expiresAt) {
    static Refresh of(ResultSet row) throws SQLException {
      return new Refresh(
          row.getString("grant_id"),
          row.getString("client_id"),
          row.getLong("principal_id"),
          number(row, "workspace_id"),
          row.getString("scope"),
          row.getLong("grant_expires_at"),
          row.getLong("expires_at"));
    }
  }

  /** Uses a refresh token; where they count once, the answer has the next. */
  Optional<Granted> refresh(App app, String value) {
    String next = Tokens.random("dort", 32);
    return principals.write(handle -> refresh(handle, app, value, next));
  }

  private Optional<Granted> refresh(Handle handle, App app, String value, String next) {
    long now = clock.millis();
    Optional<Refresh> found =
        ofRefresh(handle, value).filter(token -> token.clientId().equals(app.clientId()));
    if (found.isEmpty()) {
      return Optional.empty();
    }
    Refresh token = found.get();
    if (app.rotates()) {
      int claimed =
          handle
              .createUpdate(
                  "UPDATE refresh_token SET used_at = :now WHERE hash = :hash AND used_at IS NULL")
              .bind("now", now)
              .bind("hash", Tokens.hash(value))
              .execute();
      if (claimed == 0) {
        end(handle, token.grantId());
        return Optional.empty();
      }
    }
    Optional<Principal> user =
        Principals.find(handle, token.principalId()).filter(Principal::active);
    if (user.isEmpty() || token.expiresAt() <= now || token.grantExpiresAt() <= now) {
      return Optional.empty();
    }
    if (app.rotates()) {
      insert(handle, next, token.grantId(), now + app.refresh().toMillis());
    }
    return Optional.of(
        new Granted(
            token.grantId(),
            user.get(),
            token.workspaceId(),
            token.scope(),
            app.rotates() ? next : value,
            null));
  }

  private static Optional<Refresh> ofRefresh(Handle handle, String value) {
    return handle
        .createQuery(
            """
            SELECT r.grant_id, r.expires_at, g.client_id, g.principal_id, g.workspace_id, g.scope,
              g.expires_at AS grant_expires_at
            FROM refresh_token r JOIN oauth_grant g ON g.grant_id = r.grant_id
            WHERE r.hash = :hash
            """)
        .bind("hash", Tokens.hash(value))
        .map((row, context) -> Refresh.of(row))
        .findOne();
  }

  /** Ends the grant of a refresh token, if it is that program's. */
  void revokeRefresh(App app, String value) {
    principals.write(
        handle -> {
          ofRefresh(handle, value)
              .filter(token -> token.clientId().equals(app.clientId()))
              .ifPresent(token -> end(handle, token.grantId()));
          return null;
        });
  }

  /** Ends a grant, if it is that program's. */
  void revoke(App app, String grantId) {
    principals.write(
        handle ->
            handle.execute(
                "DELETE FROM oauth_grant WHERE grant_id = ? AND client_id = ?",
                grantId,
                app.clientId()));
  }

  private static void end(Handle handle, String grantId) {
    handle.execute("DELETE FROM oauth_grant WHERE grant_id = ?", grantId);
  }

  /**
   * Ends those of a person.
   *
   * @param workspaceId only those of this workspace, or null for all
   */
  static void endAll(Handle handle, long principalId, Long workspaceId) {
    handle
        .createUpdate(
            """
            DELETE FROM oauth_grant WHERE principal_id = :principal
              AND (CAST(:workspace AS BIGINT) IS NULL OR workspace_id = :workspace)
            """)
        .bind("principal", principalId)
        .bind("workspace", workspaceId)
        .execute();
  }
}
