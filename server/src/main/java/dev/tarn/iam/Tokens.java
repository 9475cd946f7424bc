package dev.tarn.iam;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.database.Database;
import dev.tarn.iam.Identities.Token.Kind;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import org.jdbi.v3.core.Handle;

/**
 * Opaque bearer tokens. A value is 128 or more random bits and is shown once; stored and looked up
 * is its SHA-256, so neither the database nor the time a lookup takes says anything about a value.
 */
public final class Tokens {
  static final long NEVER = -1;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Principals principals;
  private final Clock clock;

  Tokens(Principals principals, Clock clock) {
    this.principals = principals;
    this.clock = clock;
  }

  /**
   * A token just made.
   *
   * @param value the secret, not kept anywhere
   * @param expiresAt epoch milliseconds, -1 for never
   */
  record Issued(String value, String id, long createdAt, long expiresAt) {}

  /** What a list shows of a token. */
  record Shown(String id, String comment, long createdAt, long expiresAt) {}

  static String random(String prefix, int bytes) {
    byte[] random = new byte[bytes];
    RANDOM.nextBytes(random);
    return prefix + HexFormat.of().formatHex(random);
  }

  static String hash(String value) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(value.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A personal access token, of one workspace or, when that is null, of the account. */
  Issued personal(
      long principalId, Long workspaceId, String comment, Duration lifetime, String createdBy) {
    return principals.write(
        handle -> personal(handle, principalId, workspaceId, comment, lifetime, createdBy));
  }

  Issued personal(
      Handle handle,
      long principalId,
      Long workspaceId,
      String comment,
      Duration lifetime,
      String createdBy) {
    return insert(
        handle,
        new New("dapi", 16, Kind.PERSONAL, principalId, workspaceId, null),
        comment,
        lifetime,
        createdBy);
  }

  Issued stack(Handle handle, String stackId, long principalId, String createdBy) {
    // The session row says until when it may do what; the token itself ends with the session.
    return insert(
        handle, new New("dstk", 32, Kind.STACK, principalId, null, stackId), null, null, createdBy);
  }

  /**
   * A token for the driver of an engine: it may ask the catalog, in the name of principals that
   * have a session on that engine, and nothing else.
   */
  public String mintForEngine(String engineId, long workspaceId) {
    return principals
        .write(
            handle ->
                insert(
                    handle,
                    new New("deng", 32, Kind.ENGINE, null, workspaceId, engineId),
                    null,
                    null,
                    "engine " + engineId))
        .value();
  }

  /** The engine is gone: its token opens nothing from now on. */
  public void revokeOfEngine(String engineId) {
    principals.write(
        handle ->
            handle
                .createUpdate("DELETE FROM token WHERE kind = 'ENGINE' AND holder = :holder")
                .bind("holder", engineId)
                .execute());
  }

  private record New(
      String prefix, int bytes, Kind kind, Long principalId, Long workspaceId, String holder) {}

  private Issued insert(
      Handle handle, New made, String comment, Duration lifetime, String createdBy) {
    long now = clock.millis();
    Issued issued =
        new Issued(
            random(made.prefix(), made.bytes()),
            random("", 32),
            now,
            lifetime == null ? NEVER : now + lifetime.toMillis());
    try {
      handle
          .createUpdate(
              """
              INSERT INTO token (token_id, hash, kind, principal_id, workspace_id, holder, comment,
                created_by, created_at, expires_at)
              VALUES (:id, :hash, :kind, :principal, :workspace, :holder, :comment, :createdBy,
                :createdAt, :expiresAt)
              """)
          // One by one: a failed statement shows what was bound to it, and that must not be the
          // value.
          .bind("id", issued.id())
          .bind("createdAt", issued.createdAt())
          .bind("expiresAt", issued.expiresAt())
          .bind("hash", hash(issued.value()))
          .bind("kind", made.kind().name())
          .bind("principal", made.principalId())
          .bind("workspace", made.workspaceId())
          .bind("holder", made.holder())
          .bind("comment", comment)
          .bind("createdBy", createdBy)
          .execute();
    } catch (RuntimeException e) {
      if (Database.isForeignKeyViolation(e)) {
        throw new ResourceDoesNotExist(
            "Principal "
                + made.principalId()
                + " or workspace "
                + made.workspaceId()
                + " does not exist",
            null);
      }
      throw e;
    }
    return issued;
  }

  /** The tokens a principal has in a workspace, or of the account. */
  List<Shown> list(long principalId, Long workspaceId) {
    return principals.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT token_id, comment, created_at, expires_at FROM token
                    WHERE kind = 'PERSONAL' AND principal_id = :principal
                      AND (workspace_id = :workspace OR (workspace_id IS NULL AND CAST(:workspace AS BIGINT) IS NULL))
                    ORDER BY created_at, token_id
                    """)
                .bind("principal", principalId)
                .bind("workspace", workspaceId)
                .map(
                    (row, context) ->
                        new Shown(
                            row.getString(1), row.getString(2), row.getLong(3), row.getLong(4)))
                .list());
  }

  /** Whether there was one; it is refused as soon as this returns. */
  boolean revoke(long principalId, Long workspaceId, String tokenId) {
    return principals.write(
            handle ->
                handle
                    .createUpdate(
                        """
                        DELETE FROM token WHERE token_id = :id AND principal_id = :principal
                          AND kind = 'PERSONAL'
                          AND (workspace_id = :workspace OR (workspace_id IS NULL AND CAST(:workspace AS BIGINT) IS NULL))
                        """)
                    .bind("id", tokenId)
                    .bind("principal", principalId)
                    .bind("workspace", workspaceId)
                    .execute())
        > 0;
  }
}
