package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.Identities.Token;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;

/**
 * The capability of one quickstart stack: it may make account objects for an hour, read and delete
 * what it made (also later, so that a slow rollback leaves nothing), and nothing once the stack is
 * done. It acts for who started it: if that principal is deactivated, so is the stack.
 */
public final class StackSessions {
  private static final Duration LIFETIME = Duration.ofHours(1);

  private static final String UNBOUND = "unbound:";
  private static final String STACK_ARN =
      "arn:aws[\\w-]*:cloudformation:[a-z0-9-]+:\\d{12}:stack/[A-Za-z][A-Za-z0-9-]*/[0-9a-f-]+";

  private final Principals principals;
  private final Tokens tokens;
  private final Clock clock;

  StackSessions(Principals principals, Tokens tokens, Clock clock) {
    this.principals = principals;
    this.tokens = tokens;
    this.clock = clock;
  }

  /**
   * A token for one run (creation or deletion) of a stack; a token of an earlier run of that stack
   * is void.
   *
   * @param startedBy an account admin
   * @return the value, to be kept sealed
   */
  public String mint(Caller startedBy, String stackId) {
    startedBy.require(Role.ACCOUNT_ADMIN);
    long principal = Long.parseLong(startedBy.principalId());
    long now = clock.millis();
    return principals.write(
        handle -> {
          revoke(handle, stackId);
          handle
              .createUpdate(
                  """
                  INSERT INTO stack_session (stack_id, principal_id, created_at, expires_at)
                  VALUES (:stack, :principal, :now, :expires)
                  ON CONFLICT (stack_id) DO UPDATE SET principal_id = :principal,
                    created_at = :now, expires_at = :expires, closed_at = NULL
                  """)
              .bind("stack", stackId)
              .bind("principal", principal)
              .bind("now", now)
              .bind("expires", now + LIFETIME.toMillis())
              .execute();
          return tokens.stack(handle, stackId, principal, startedBy.name()).value();
        });
  }

  /**
   * @param id under which it is known until a stack uses it
   */
  public record Unbound(String id, String token, long expiresAt) {}

  /**
   * A token for a stack that is not there yet, and that another CloudFormation than ours makes: it
   * becomes the token of the first stack that uses it. A later token for the same stack, as an
   * update needs one, leaves the earlier valid: a rollback comes with the properties of before.
   *
   * @param startedBy an account admin
   */
  public Unbound mintUnbound(Caller startedBy) {
    startedBy.require(Role.ACCOUNT_ADMIN);
    String id = UNBOUND + UUID.randomUUID();
    long now = clock.millis();
    return new Unbound(id, mint(startedBy, id), now + LIFETIME.toMillis());
  }

  /**
   * The stack that a token belongs to, which is {@code stackId} if it belonged to none.
   *
   * @throws Unauthenticated its hour was over before any stack used it
   */
  String bind(Token token, String stackId) {
    if (!token.holder().startsWith(UNBOUND)) {
      return token.holder();
    }
    if (stackId == null || !stackId.matches(STACK_ARN)) {
      throw new PermissionDenied(
          "X-Tarn-Stack-Id: '"
              + (stackId == null ? "" : stackId)
              + "' (expected: the ARN of the stack that this session token is for)",
          null);
    }
    return principals.write(
        handle -> {
          // Another function of the same stack may have come first.
          String holder =
              handle
                  .createQuery("SELECT holder FROM token WHERE token_id = :id")
                  .bind("id", token.id())
                  .mapTo(String.class)
                  .one();
          if (!holder.startsWith(UNBOUND)) {
            return holder;
          }
          int bound =
              handle
                  .createUpdate(
                      """
                      INSERT INTO stack_session (stack_id, principal_id, created_at, expires_at)
                      SELECT :stack, principal_id, created_at, expires_at FROM stack_session
                      WHERE stack_id = :holder AND closed_at IS NULL AND expires_at > :now
                      ON CONFLICT (stack_id) DO UPDATE SET principal_id = excluded.principal_id,
                        created_at = excluded.created_at, expires_at = excluded.expires_at,
                        closed_at = NULL
                      """)
                  .bind("stack", stackId)
                  .bind("holder", holder)
                  .bind("now", clock.millis())
                  .execute();
          if (bound == 0) {
            throw new Unauthenticated(
                "the session token has expired (expected: first use within "
                    + LIFETIME.toMinutes()
                    + " minutes)",
                null);
          }
          handle
              .createUpdate("UPDATE token SET holder = :stack WHERE token_id = :id")
              .bind("stack", stackId)
              .bind("id", token.id())
              .execute();
          handle
              .createUpdate("DELETE FROM stack_session WHERE stack_id = :holder")
              .bind("holder", holder)
              .execute();
          return stackId;
        });
  }

  /**
   * The first line of every operation that lets a stack make something.
   *
   * @throws Unauthenticated the caller is a stack whose hour is over
   */
  public void requireUnexpired(Caller caller) {
    if (caller.kind() != Caller.Kind.STACK) {
      return;
    }
    boolean unexpired =
        principals.read(
            handle ->
                handle
                        .createQuery(
                            """
                        SELECT count(*) FROM stack_session
                        WHERE stack_id = :stack AND closed_at IS NULL AND expires_at > :now
                        """)
                        .bind("stack", caller.stackId())
                        .bind("now", clock.millis())
                        .mapTo(Integer.class)
                        .one()
                    == 1);
    if (!unexpired) {
      throw new Unauthenticated(
          "the session token of stack "
              + caller.stackId()
              + " has expired: it makes nothing new (expected: use within "
              + LIFETIME.toMinutes()
              + " minutes)",
          null);
    }
  }

  /** The stack says it is done: its token opens nothing from now on. */
  public void close(String stackId) {
    principals.write(
        handle -> {
          revoke(handle, stackId);
          return handle
              .createUpdate(
                  """
                  UPDATE stack_session SET closed_at = :now
                  WHERE stack_id = :stack AND closed_at IS NULL
                  """)
              .bind("stack", stackId)
              .bind("now", clock.millis())
              .execute();
        });
  }

  private static void revoke(org.jdbi.v3.core.Handle handle, String stackId) {
    handle
        .createUpdate("DELETE FROM token WHERE kind = 'STACK' AND holder = :stack")
        .bind("stack", stackId)
        .execute();
  }
}
