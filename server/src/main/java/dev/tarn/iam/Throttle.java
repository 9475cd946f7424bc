package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.TooManyRequests;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Clock;
import java.time.Duration;

/**
 * How often a secret may be guessed. Counted for an address, and for an account from one address;
 * never for an account as a whole, for then anybody could lock anybody out. A guess that was right
 * is not counted.
 *
 * <p>For each key one number is kept, the instant at which all of its guesses are forgotten (GCRA),
 * in memory: a restart forgives, which is no way in for who cannot restart the server.
 */
final class Throttle {
  private record Limit(int atOnce, Duration each) {
    long most() {
      return atOnce * each.toMillis();
    }
  }

  private static final Limit OF_ACCOUNT = new Limit(10, Duration.ofSeconds(30));

  /** An address may be that of a whole office. */
  private static final Limit OF_ADDRESS = new Limit(100, Duration.ofSeconds(2));

  private final Clock clock;
  private final Cache<String, Long> forgottenAt =
      Caffeine.newBuilder().maximumSize(100_000).build();

  /** Networks from which somebody has signed in. */
  private final Cache<String, Boolean> known =
      Caffeine.newBuilder().maximumSize(100_000).expireAfterAccess(Duration.ofDays(30)).build();

  Throttle(Clock clock) {
    this.clock = clock;
  }

  /** Somebody has signed in from there, before this process began. */
  void know(String address) {
    known.put(network(address), true);
  }

  /** Whether somebody has signed in from there, or from near there. */
  boolean isKnown(String address) {
    return known.getIfPresent(network(address)) != null;
  }

  /**
   * Counts a guess, before it is looked at.
   *
   * @throws TooManyRequests there were too many; this one is not looked at and not counted
   */
  void guess(String account, String address) {
    String from = network(address);
    take("account " + from + " " + account, OF_ACCOUNT, "for this account from this address");
    try {
      take("address " + from, OF_ADDRESS, "from this address");
    } catch (TooManyRequests e) {
      give("account " + from + " " + account, OF_ACCOUNT);
      throw e;
    }
  }

  /** The guess was right. */
  void right(String account, String address) {
    String from = network(address);
    forgottenAt.invalidate("account " + from + " " + account);
    give("address " + from, OF_ADDRESS);
    known.put(from, true);
  }

  /** Who has an IPv6 address has all that begin with the same half. */
  private static String network(String address) {
    if (address == null || !address.contains(":")) {
      return String.valueOf(address);
    }
    String[] groups = address.split(":", -1);
    return String.join(":", java.util.Arrays.copyOf(groups, Math.min(4, groups.length)));
  }

  private void take(String key, Limit limit, String what) {
    long now = clock.millis();
    long[] wait = {0};
    forgottenAt
        .asMap()
        .compute(
            key,
            (ignored, before) -> {
              long next = Math.max(before == null ? 0 : before, now) + limit.each().toMillis();
              wait[0] = next - now - limit.most();
              return wait[0] > 0 ? before : next;
            });
    if (wait[0] > 0) {
      throw Passwords.later(
          "too many wrong passwords " + what, Duration.ofSeconds((wait[0] + 999) / 1000));
    }
  }

  private void give(String key, Limit limit) {
    forgottenAt.asMap().computeIfPresent(key, (ignored, at) -> at - limit.each().toMillis());
  }
}
