package dev.tarn.keys;

import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tarn.database.Database;
import dev.tarn.database.KeyRing;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code tarn keys}: new keys for what is made from now on, while the former still read what they
 * made; then everything sealed is sealed again, and former keys go when nothing needs them.
 *
 * <p>Each step is one file that is replaced, or one row, and each leaves all that is there
 * readable: a rotation that was killed is as good as one that stopped there. What it had not sealed
 * again is by the next sweep, before any key may go.
 */
public final class Keys implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Keys.class);
  private static final String WORK = "keys";
  private static final Duration SOON = Duration.ofSeconds(61);

  private final Map<String, KeyRing> rings;
  private final List<IntSupplier> resealing;
  private final Database database;
  private final Clock clock;
  private final BiConsumer<String, Map<String, Object>> audit;
  private final ScheduledExecutorService later =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("keys").daemon().factory());

  /**
   * @param rings by what they are for
   * @param resealing each brings what it keeps sealed to the current key, and says how much was not
   * @param audit notes what nobody called for: why, and what
   */
  public Keys(
      Map<String, KeyRing> rings,
      List<IntSupplier> resealing,
      Database database,
      Clock clock,
      BiConsumer<String, Map<String, Object>> audit) {
    this.rings = new TreeMap<>(rings);
    this.resealing = resealing;
    this.database = database;
    this.clock = clock;
    this.audit = audit;
    database.onAnnounced(
        WORK, text -> later.execute(() -> this.rings.values().forEach(KeyRing::reload)));
  }

  public void routes(Routes routes) {
    routes.mountOwn(this);
  }

  /**
   * @param until epoch milliseconds at which a former one goes; null for the current one, and for
   *     one that goes with the last engine that was told of it
   */
  public record Shown(
      String purpose, @JsonProperty("key_id") String keyId, boolean current, Long until) {}

  /**
   * @param resealed how many secrets were sealed again
   * @param removed keys that are gone
   */
  public record Listed(List<Shown> keys, int resealed, List<Shown> removed) {}

  public record ListRequest(String accountId) {}

  public record RotateRequest(String accountId, Boolean retire) {}

  public record RetireRequest(String accountId) {}

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/tarn/keys")
  public Listed list(Caller caller, ListRequest request) {
    return new Listed(shown(), 0, List.of());
  }

  /** {@code retire} also ends the former keys, as {@link #retire} does: for keys that leaked. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("POST /api/2.0/accounts/{account_id}/tarn/keys/rotate")
  public Listed rotate(Caller caller, RotateRequest request) {
    return alone(
        () -> {
          rings.values().forEach(ring -> ring.rotate(clock.instant()));
          int resealed = reseal();
          List<Shown> removed = Boolean.TRUE.equals(request.retire()) ? removed(true) : List.of();
          return new Listed(shown(), resealed, removed);
        });
  }

  /**
   * Ends the former keys: tokens that they signed are not believed any more, engines that were told
   * of them finish their statements and take no more, and the sealing key goes within a minute.
   */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("POST /api/2.0/accounts/{account_id}/tarn/keys/retire")
  public Listed retire(Caller caller, RetireRequest request) {
    return alone(
        () -> {
          int resealed = reseal();
          List<Shown> removed = removed(true);
          return new Listed(shown(), resealed, removed);
        });
  }

  /** Removes the keys whose time has come. */
  public synchronized void sweep() {
    if (!database.leases().take(WORK)) {
      return; // Another control plane does it.
    }
    try {
      reseal();
      List<Shown> removed = removed(false);
      if (!removed.isEmpty()) {
        audit.accept("their time has come", Map.of("removed", names(removed)));
      }
    } finally {
      database.leases().give(WORK);
    }
  }

  private synchronized <T> T alone(Supplier<T> work) {
    if (!database.leases().take(WORK)) {
      throw new ResourceConflict(
          "another control plane is changing the keys (expected: one at a time)", null);
    }
    try {
      return work.get();
    } finally {
      database.leases().give(WORK);
      tellOthers();
    }
  }

  private void tellOthers() {
    database.inTransaction(
        handle -> {
          database.announce(handle, WORK, "");
          return null;
        });
  }

  /** Until a round finds nothing: what was sealed before a rotation may come to its row after. */
  private int reseal() {
    int all = 0;
    for (IntSupplier each : resealing) {
      int old;
      do {
        old = each.getAsInt();
        all += old;
      } while (old > 0);
    }
    return all;
  }

  private List<Shown> removed(boolean all) {
    List<Shown> removed = new ArrayList<>();
    Instant now = clock.instant();
    rings.forEach(
        (purpose, ring) -> {
          ring.retire(now, all).forEach(id -> removed.add(new Shown(purpose, id, false, null)));
          if (ring.keys().stream()
              .anyMatch(key -> key.until() != null && key.until().isBefore(now.plus(SOON)))) {
            var unused = later.schedule(this::sweepSoon, SOON.toMillis(), TimeUnit.MILLISECONDS);
          }
        });
    removed.forEach(
        key -> LOG.info("the former key {} for {} is gone", key.keyId(), key.purpose()));
    return removed;
  }

  private void sweepSoon() {
    try {
      sweep();
    } catch (RuntimeException e) {
      LOG.warn("former keys could not be removed; tried again within the hour", e);
    }
  }

  private static List<String> names(List<Shown> keys) {
    return keys.stream().map(key -> key.purpose() + " " + key.keyId()).toList();
  }

  private List<Shown> shown() {
    List<Shown> all = new ArrayList<>();
    rings.forEach(
        (purpose, ring) ->
            ring.keys()
                .forEach(
                    key ->
                        all.add(
                            new Shown(
                                purpose,
                                key.id(),
                                key.current(),
                                key.until() == null ? null : key.until().toEpochMilli()))));
    return all;
  }

  @Override
  public void close() {
    later.shutdownNow();
  }
}
