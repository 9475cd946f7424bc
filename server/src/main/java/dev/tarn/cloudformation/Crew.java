package dev.tarn.cloudformation;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

/** The steps of one stack that this process works on, each in a thread of its own. */
final class Crew {
  private final String stackId;
  private final BooleanSupplier stopping;
  private final Map<String, Thread> working = new HashMap<>();
  private final BlockingQueue<String> finished = new LinkedBlockingQueue<>();

  /** Why a step ended without writing how; there is no going on without the database. */
  private final AtomicReference<Throwable> broken = new AtomicReference<>();

  Crew(String stackId, BooleanSupplier stopping) {
    this.stackId = stackId;
    this.stopping = stopping;
  }

  boolean works(String key) {
    return working.containsKey(key);
  }

  boolean idle() {
    return working.isEmpty();
  }

  void start(String key, Runnable step) {
    working.put(
        key,
        Thread.ofVirtual()
            .name("stack-" + key)
            .start(
                () -> {
                  try {
                    step.run();
                  } catch (RuntimeException e) {
                    broken.set(e);
                  } finally {
                    finished.add(key);
                  }
                }));
  }

  /**
   * Returns when one step has ended.
   *
   * @throws IllegalStateException it could not say how it ended; to be run again
   */
  void await() throws InterruptedException {
    working.remove(finished.take()).join();
    if (broken.get() != null) {
      awaitAll();
      throw new IllegalStateException("a step of " + stackId + " broke off", broken.get());
    }
  }

  /** Whether the server stops; if so, nothing is under way any more. */
  boolean stopped() throws InterruptedException {
    if (!stopping.getAsBoolean()) {
      return false;
    }
    awaitAll();
    return true;
  }

  private void awaitAll() throws InterruptedException {
    while (!working.isEmpty()) {
      working.remove(finished.take()).join();
    }
  }
}
