package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The rows of one-time links. */
final class InvitationDao {
  private InvitationDao() {}

  /** What a link is for. */
  public enum Kind {
    /** Makes the installation's first administrator a person. */
    FIRST_ADMIN,
    INVITATION,
    /** Sets a new password in the place of a forgotten one. */
    RECOVERY
  }

  /**
   * @param redeemedAt epoch milliseconds, null as long as nobody used it
   */
  record Row(
      String id,
      Kind kind,
      long principalId,
      String createdBy,
      long createdAt,
      long expiresAt,
      Long redeemedAt) {
    static Row of(ResultSet row) throws SQLException {
      long redeemed = row.getLong("redeemed_at");
      return new Row(
          row.getString("invitation_id"),
          Kind.valueOf(row.getString("kind")),
          row.getLong("principal_id"),
          row.getString("created_by"),
          row.getLong("created_at"),
          row.getLong("expires_at"),
          redeemed == 0 ? null : redeemed);
    }
  }

  /** Makes a link in the place of those of that kind that the principal has. */
  static void insert(Handle handle, Row made, String token) {
    handle
        .createUpdate(
            """
            DELETE FROM invitation
            WHERE principal_id = :principal AND kind = :kind AND redeemed_at IS NULL
            """)
        .bind("principal", made.principalId())
        .bind("kind", made.kind().name())
        .execute();
    handle
        .createUpdate(
            """
            INSERT INTO invitation (invitation_id, hash, kind, principal_id, created_by, created_at,
              expires_at)
            VALUES (:id, :hash, :kind, :principal, :by, :createdAt, :expiresAt)
            """)
        .bind("id", made.id())
        .bind("hash", Tokens.hash(token))
        .bind("kind", made.kind().name())
        .bind("principal", made.principalId())
        .bind("by", made.createdBy())
        .bind("createdAt", made.createdAt())
        .bind("expiresAt", made.expiresAt())
        .execute();
  }

  /**
   * The link of a token, if it can still be used.
   *
   * @throws ResourceDoesNotExist there is none
   * @throws InvalidState it was used, or is too old
   */
  static Row usable(Handle handle, String token, long now) {
    Row row =
        handle
            .createQuery("SELECT * FROM invitation WHERE hash = :hash")
            .bind("hash", Tokens.hash(token == null ? "" : token))
            .map((each, context) -> Row.of(each))
            .findOne()
            .orElseThrow(
                () ->
                    new ResourceDoesNotExist(
                        "the link is unknown or was revoked (expected: the newest one)", null));
    if (row.redeemedAt() != null) {
      throw new InvalidState(
          "the link was used at "
              + Instant.ofEpochMilli(row.redeemedAt())
              + " (expected: one that was not)",
          null);
    }
    if (row.expiresAt() <= now) {
      throw new InvalidState(
          "the link expired at "
              + Instant.ofEpochMilli(row.expiresAt())
              + " (expected: a new one from who made it)",
          null);
    }
    return row;
  }

  /**
   * Uses a link up: of all callers one succeeds.
   *
   * @throws InvalidState another one was first
   */
  static Row claim(Handle handle, String token, long now) {
    int claimed =
        handle
            .createUpdate(
                """
                UPDATE invitation SET redeemed_at = :now
                WHERE hash = :hash AND redeemed_at IS NULL AND expires_at > :now
                """)
            .bind("now", now)
            .bind("hash", Tokens.hash(token))
            .execute();
    if (claimed == 0) {
      usable(handle, token, now);
    }
    return handle
        .createQuery("SELECT * FROM invitation WHERE hash = :hash")
        .bind("hash", Tokens.hash(token))
        .map((each, context) -> Row.of(each))
        .one();
  }

  /** Invitations that nobody has used yet, expired ones too. */
  static List<Row> open(Handle handle) {
    return handle
        .createQuery(
            """
            SELECT * FROM invitation WHERE kind = 'INVITATION' AND redeemed_at IS NULL
            ORDER BY created_at, invitation_id
            """)
        .map((each, context) -> Row.of(each))
        .list();
  }

  static boolean revoke(Handle handle, String id) {
    return handle
            .createUpdate(
                """
                DELETE FROM invitation
                WHERE invitation_id = :id AND kind = 'INVITATION' AND redeemed_at IS NULL
                """)
            .bind("id", id)
            .execute()
        > 0;
  }

  /** Whether anybody has signed up yet. */
  static boolean isSignedUp(Handle handle) {
    return handle.createQuery("SELECT count(*) FROM password").mapTo(Integer.class).one() > 0;
  }

  static Optional<Row> find(Handle handle, String token) {
    return handle
        .createQuery("SELECT * FROM invitation WHERE hash = :hash")
        .bind("hash", Tokens.hash(token))
        .map((each, context) -> Row.of(each))
        .findOne();
  }
}
