package dev.tarn.cloudformation;

import dev.tarn.http.Caller;
import dev.tarn.iam.StackSessions.Unbound;

/** Who gives a stack the right to act; the account's side of it. */
public interface Sessions {
  /**
   * A token that makes objects for this stack, for a short time, and deletes what it made, once, at
   * any time.
   */
  String mint(Caller by, String stackId);

  /**
   * A token for a stack that another CloudFormation will make: it is the first stack's that uses
   * it.
   */
  Unbound mintUnbound(Caller by);

  /** The stack is gone: its token opens nothing any more. */
  void close(String stackId);
}
