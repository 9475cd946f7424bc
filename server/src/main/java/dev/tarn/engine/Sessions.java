package dev.tarn.engine;

import dev.tarn.http.Caller;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The sessions of one engine. Statements of one principal with the same current catalog and schema
 * share a warm one: it is set up once, so a statement is one call. What is not used for a while is
 * released, well before Spark would do it by itself.
 */
final class Sessions {
  private static final Duration WARM = Duration.ofMinutes(30);

  private record Key(String principalId, String catalog, String schema) {}

  /** Guarded by {@link #warm}, but for the session, which is guarded by the object itself. */
  static final class Warm {
    private Session session;
    private int users;
    private long usedAt;

    Session session() {
      return session;
    }
  }

  private final ConnectClient client;
  private final Clock clock;
  private final Map<Key, Warm> warm = new HashMap<>();

  /** All that the driver may speak for, by session id; filled before the first call. */
  private final Map<String, Session> open = new ConcurrentHashMap<>();

  Sessions(ConnectClient client, Clock clock) {
    this.client = client;
    this.clock = clock;
  }

  boolean isOpenFor(String principalId) {
    return open.values().stream().anyMatch(session -> session.principalId().equals(principalId));
  }

  /**
   * The warm session of these three, until it is given {@link #back}; the first caller sets it up
   * and others wait for that one.
   */
  Warm shared(Caller caller, long workspaceId, String catalog, String schema) {
    Key key = new Key(caller.principalId(), catalog, schema);
    Warm entry;
    synchronized (warm) {
      entry = warm.computeIfAbsent(key, unused -> new Warm());
      entry.users++;
    }
    try {
      synchronized (entry) {
        if (entry.session == null) {
          entry.session = opened(caller, workspaceId, catalog, schema);
        }
      }
      return entry;
    } catch (RuntimeException e) {
      back(entry);
      throw e;
    }
  }

  void back(Warm entry) {
    synchronized (warm) {
      entry.users--;
      entry.usedAt = clock.millis();
    }
  }

  /** A session of its own, for a statement that changes its session. */
  Session opened(Caller caller, long workspaceId, String catalog, String schema) {
    Session session =
        new Session(
            UUID.randomUUID().toString(),
            caller.principalId(),
            caller.name(),
            workspaceId,
            catalog,
            schema);
    open.put(session.id(), session);
    try {
      String place = place(catalog, schema);
      if (place != null) {
        client.run(session, caller.requestId(), "USE " + place);
      }
      return session;
    } catch (RuntimeException e) {
      open.remove(session.id());
      throw e;
    }
  }

  private static String place(String catalog, String schema) {
    if (catalog == null) {
      return schema == null ? null : "SCHEMA " + quoted(schema);
    }
    return quoted(catalog) + "." + quoted(Objects.requireNonNullElse(schema, "default"));
  }

  private static String quoted(String name) {
    return "`" + name.replace("`", "``") + "`";
  }

  void release(Session session, String requestId) {
    try {
      client.release(session, requestId);
    } finally {
      open.remove(session.id());
    }
  }

  /** Releases what was not used for a while. */
  void releaseIdle() {
    List<Warm> idle = new ArrayList<>();
    synchronized (warm) {
      long limit = clock.millis() - WARM.toMillis();
      warm.values().removeIf(entry -> entry.users == 0 && entry.usedAt < limit && idle.add(entry));
    }
    for (Warm entry : idle) {
      if (entry.session != null) {
        release(entry.session, "idle-session");
      }
    }
  }
}
