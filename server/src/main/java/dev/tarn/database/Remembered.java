package dev.tarn.database;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.jdbi.v3.core.Handle;

/**
 * What was read from the database, remembered until anything of its topic changes, here or at
 * another control plane. What was read under an older generation does not count: whoever writes
 * calls {@link #announce} in the transaction and {@link #changed} after the commit, so a read that
 * overlapped the commit is never used once the write was acknowledged.
 */
public final class Remembered<K, V> {
  private static final int MOST = 10_000;

  private final Database database;
  private final String topic;
  private final AtomicLong generation = new AtomicLong();
  private final String life = Long.toString(System.nanoTime(), 36);
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final Cache<K, Known<V>> cache = Caffeine.newBuilder().maximumSize(MOST).build();

  private record Known<V>(long generation, Optional<V> value) {}

  /** One read of the database. */
  public interface Read<V> {
    Optional<V> from(Handle handle);
  }

  public Remembered(Database database, String topic) {
    this.database = database;
    this.topic = topic;
    database.onAnnounced(topic, text -> changed());
  }

  /** Tells the other control planes, in the transaction that changes something. */
  public void announce(Handle handle) {
    database.announce(handle, topic, "");
  }

  /** Something was changed and committed. */
  public void changed() {
    generation.incrementAndGet();
    listeners.forEach(Runnable::run);
  }

  /** To be told after each change, by the thread that made it; must not wait. */
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  /** Another text after each change; that of another process is never the same. */
  public String version() {
    return life + "-" + generation.get();
  }

  /** What is remembered, or else read now. */
  public Optional<V> get(K key, Read<V> read) {
    long now = generation.get();
    Known<V> known = cache.getIfPresent(key);
    if (known != null && known.generation() == now) {
      return known.value();
    }
    Optional<V> value = database.read(read::from);
    // What is not there is not remembered: guesses would push out what is worth remembering.
    if (value.isPresent()) {
      cache.put(key, new Known<>(now, value));
    }
    return value;
  }
}
