package dev.tarn.iam;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.tarn.database.Database;
import dev.tarn.http.Visit;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.jdbi.v3.core.Handle;

/**
 * The rows of who is signed in with which browser. A session ends when its person ends it, changes
 * the password or is taken out, when it was not used for a while, and at the latest when its time
 * is up.
 */
final class BrowserSessions {
  private static final Duration PRECISION = Duration.ofMinutes(1);

  /** More than a person has browsers. */
  private static final int MOST = 50;

  private final Principals principals;
  private final Database database;
  private final Clock clock;
  private final Lifetime lifetime;

  /** When this process last wrote that a session is in use. */
  private final Cache<String, Long> written = Caffeine.newBuilder().maximumSize(10_000).build();

  BrowserSessions(Principals principals, Database database, Clock clock, Lifetime lifetime) {
    this.principals = principals;
    this.database = database;
    this.clock = clock;
    this.lifetime = lifetime;
  }

  /**
   * @param idle until a session that nobody uses ends
   * @param longest until any ends
   */
  public record Lifetime(Duration idle, Duration longest) {}

  /** What its person sees of a session; instants in epoch milliseconds. */
  public record Session(
      String sessionId,
      Long workspaceId,
      String host,
      String address,
      String userAgent,
      long createdAt,
      long lastUsedAt,
      long expiresAt,
      boolean current) {}

  /**
   * Makes a session and ends the one the browser had.
   *
   * @param workspaceId the workspace whose host the visit is to, or null
   * @return the cookie's value, which is not kept
   */
  String begin(Handle handle, long principalId, Long workspaceId, Visit visit) {
    long now = clock.millis();
    String value = Tokens.random("", 32);
    if (visit.session() != null) {
      handle
          .createUpdate("DELETE FROM browser_session WHERE hash = :hash")
          .bind("hash", Tokens.hash(visit.session()))
          .execute();
    }
    forget(handle, principalId, now);
    handle
        .createUpdate(
            """
            INSERT INTO browser_session (session_id, hash, principal_id, workspace_id, host, address,
              user_agent, created_at, last_used_at, expires_at)
            VALUES (:id, :hash, :principal, :workspace, :host, :address, :agent, :now, :now,
              :expires)
            """)
        .bind("id", Tokens.random("", 16))
        .bind("hash", Tokens.hash(value))
        .bind("principal", principalId)
        .bind("workspace", workspaceId)
        .bind("host", visit.host())
        .bind("address", visit.address())
        .bind("agent", visit.userAgent() == null ? null : Scim.shortened(visit.userAgent()))
        .bind("now", now)
        .bind("expires", now + lifetime.longest().toMillis())
        .execute();
    return value;
  }

  /** Sessions whose time is up, and those of one person that are too many. */
  private void forget(Handle handle, long principalId, long now) {
    handle
        .createUpdate(
            "DELETE FROM browser_session WHERE expires_at <= :now OR last_used_at <= :idle")
        .bind("now", now)
        .bind("idle", now - lifetime.idle().toMillis())
        .execute();
    handle
        .createUpdate(
            """
            DELETE FROM browser_session WHERE session_id IN (
              SELECT session_id FROM browser_session WHERE principal_id = :principal
              ORDER BY last_used_at DESC, session_id LIMIT 1000 OFFSET :most)
            """)
        .bind("principal", principalId)
        .bind("most", MOST - 1)
        .execute();
  }

  /** Whether the session still counts, which this use of it prolongs. */
  boolean use(Identities.Token session) {
    long now = clock.millis();
    if (session.expiresAt() <= now) {
      return false;
    }
    Long last = written.getIfPresent(session.id());
    if (last != null && now - last < PRECISION.toMillis()) {
      return true;
    }
    // The row decides, as another process may have seen the last use.
    if (!prolonged(session.id(), now)) {
      return false;
    }
    written.put(session.id(), now);
    return true;
  }

  private boolean prolonged(String id, long now) {
    long idle = now - lifetime.idle().toMillis();
    try {
      return database.inTransaction(
              handle ->
                  handle
                      .createUpdate(
                          """
                          UPDATE browser_session SET last_used_at = :now
                          WHERE session_id = :id AND last_used_at > :idle
                          """)
                      .bind("now", now)
                      .bind("id", id)
                      .bind("idle", idle)
                      .execute())
          > 0;
    } catch (RuntimeException e) {
      if (!Database.isDiskFull(e)) {
        throw e;
      }
      // Who looks may go on looking.
      return database.read(
          handle ->
              handle
                      .createQuery(
                          """
                      SELECT count(*) FROM browser_session
                      WHERE session_id = :id AND last_used_at > :idle
                      """)
                      .bind("id", id)
                      .bind("idle", idle)
                      .mapTo(Integer.class)
                      .one()
                  > 0);
    }
  }

  List<Session> list(long principalId, String current) {
    long now = clock.millis();
    return principals.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT session_id, workspace_id, host, address, user_agent, created_at,
                      last_used_at, expires_at
                    FROM browser_session
                    WHERE principal_id = :principal AND expires_at > :now AND last_used_at > :idle
                    ORDER BY last_used_at DESC, session_id
                    """)
                .bind("principal", principalId)
                .bind("now", now)
                .bind("idle", now - lifetime.idle().toMillis())
                .map(
                    (row, context) ->
                        new Session(
                            row.getString("session_id"),
                            row.getObject("workspace_id") == null
                                ? null
                                : row.getLong("workspace_id"),
                            row.getString("host"),
                            row.getString("address"),
                            row.getString("user_agent"),
                            row.getLong("created_at"),
                            row.getLong("last_used_at"),
                            row.getLong("expires_at"),
                            row.getString("session_id").equals(current)))
                .list());
  }

  /** Whether a cookie's value is that of a session. */
  boolean isOf(String value, String sessionId) {
    return principals.read(
        handle ->
            handle
                    .createQuery(
                        """
                        SELECT count(*) FROM browser_session
                        WHERE hash = :hash AND session_id = :id
                        """)
                    .bind("hash", Tokens.hash(value))
                    .bind("id", sessionId)
                    .mapTo(Integer.class)
                    .one()
                > 0);
  }

  /** Whether the person had that session; it is refused as soon as this returns. */
  boolean end(long principalId, String sessionId) {
    return principals.write(
            handle ->
                handle
                    .createUpdate(
                        """
                        DELETE FROM browser_session
                        WHERE session_id = :id AND principal_id = :principal
                        """)
                    .bind("id", sessionId)
                    .bind("principal", principalId)
                    .execute())
        > 0;
  }

  /**
   * Ends those of a person.
   *
   * @param but the id of one that goes on, or null
   */
  static void endAll(Handle handle, long principalId, String but) {
    handle
        .createUpdate(
            """
            DELETE FROM browser_session
            WHERE principal_id = :principal AND session_id <> COALESCE(CAST(:but AS TEXT), '')
            """)
        .bind("principal", principalId)
        .bind("but", but)
        .execute();
  }

  /**
   * Ends those of a person who was taken out.
   *
   * @param workspaceId only those of this workspace's host, or null for all
   */
  static void endOf(Handle handle, long principalId, Long workspaceId) {
    handle
        .createUpdate(
            """
            DELETE FROM browser_session WHERE principal_id = :principal
              AND (CAST(:workspace AS BIGINT) IS NULL OR workspace_id = :workspace)
            """)
        .bind("principal", principalId)
        .bind("workspace", workspaceId)
        .execute();
  }
}
