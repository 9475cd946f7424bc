package dev.tarn.engine;

import java.time.Clock;
import java.util.concurrent.CompletableFuture;

/** An engine that has, or will have, a process: what the control plane keeps of it in memory. */
final class Driver {
  private final String id;
  private final Engines.Spec spec;
  private final SigningKeys.Pair key;
  private final Clock clock;
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final CompletableFuture<Void> gone = new CompletableFuture<>();
  private final CompletableFuture<Void> unused = new CompletableFuture<>();
  private volatile ProcessHandle outer;
  private volatile ProcessHandle jvm;
  private volatile ConnectClient client;
  private volatile Sessions sessions;
  private int users;
  private long usedAt;
  private boolean retired;
  private boolean over;

  /**
   * @param key that signs for it
   */
  Driver(String id, Engines.Spec spec, SigningKeys.Pair key, Clock clock) {
    this.id = id;
    this.spec = spec;
    this.key = key;
    this.clock = clock;
    this.usedAt = clock.millis();
  }

  String id() {
    return id;
  }

  Engines.Spec spec() {
    return spec;
  }

  SigningKeys.Pair key() {
    return key;
  }

  /** Completes when it may be used, or exceptionally when it never will. */
  CompletableFuture<Void> ready() {
    return ready;
  }

  /** Completes when its process has ended and its row says so. */
  CompletableFuture<Void> gone() {
    return gone;
  }

  ProcessHandle outer() {
    return outer;
  }

  ProcessHandle jvm() {
    return jvm;
  }

  ConnectClient client() {
    return client;
  }

  Sessions sessions() {
    return sessions;
  }

  void runsAs(ProcessHandle process) {
    outer = process;
  }

  void serves(ProcessHandle process, ConnectClient connected) {
    jvm = process;
    client = connected;
    sessions = new Sessions(connected, clock);
    synchronized (this) {
      usedAt = clock.millis();
    }
    ready.complete(null);
  }

  /** Whether it may be used; not any more when it is about to be stopped. */
  synchronized boolean take() {
    if (retired) {
      return false;
    }
    users++;
    return true;
  }

  synchronized void giveBack() {
    users--;
    usedAt = clock.millis();
    if (retired && users == 0) {
      unused.complete(null);
    }
  }

  /** Completes when it is for nobody any more, and nobody has it. */
  CompletableFuture<Void> unused() {
    return unused;
  }

  /** From now on it is for nobody. */
  synchronized void retire() {
    retired = true;
    if (users == 0) {
      unused.complete(null);
    }
  }

  /** Retires it when nobody has used it for as long as its owner said; 0 minutes is never. */
  synchronized boolean retireWhenIdle() {
    boolean idle =
        users == 0
            && spec.idleMinutes() > 0
            && clock.millis() - usedAt >= spec.idleMinutes() * 60_000L
            && ready.isDone();
    retired |= idle;
    return idle;
  }

  /** Whether this call is the first to say that it has ended. */
  synchronized boolean end() {
    boolean first = !over;
    over = true;
    retired = true;
    unused.complete(null);
    return first;
  }
}
