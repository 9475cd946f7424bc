package dev.tarn.stack;

import java.time.Duration;

/** How waiting is done, so that a test of a minute's retries does not take a minute. */
interface Patience {
  /** Milliseconds since some moment. */
  long now();

  void pause(Duration time) throws InterruptedException;

  /** The wall clock. */
  static Patience real() {
    return new Patience() {
      @Override
      public long now() {
        return System.nanoTime() / 1_000_000;
      }

      @Override
      public void pause(Duration time) throws InterruptedException {
        Thread.sleep(time);
      }
    };
  }
}
