package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.Unauthenticated;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.time.Clock;
import java.time.Duration;

/**
 * The capability of one quickstart stack: it may make account objects for an hour, read and delete
 * what it made (also later, so that a slow rollback leaves nothing), and nothing once the stack is
 * done. It acts for who started it: if that principal is deactivated, so is the stack.
 */
public final class StackSessions {
  private static final Duration LIFETIME = Duration.ofHours(1);

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
