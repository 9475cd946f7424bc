package dev.tarn.engine;

import dev.tarn.http.Caller;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;

/**
 * The sessions of one engine. Statements of one principal with the same current catalog and schema
 * share a warm one: it is set up once, so a statement is one call. What is not used for a while is
 * released, well before Spark would do it by itself.
 */
final class Sessions {
  private static final Duration WARM = Duration.ofMinutes(30);

  /** As long as Spark itself keeps a session that nobody calls, and a little longer. */
  private static final Duration JOINED = Duration.ofMinutes(65);

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

  /** All that the driver may speak for; filled before the first call. */
  private final Set<Session> open = ConcurrentHashMap.newKeySet();

  /** Those whose id their client chose, and when they were last used. */
  private final Map<Session, Long> joined = new ConcurrentHashMap<>();

  Sessions(ConnectClient client, Clock clock) {
    this.client = client;
    this.clock = clock;
  }

  boolean isOpenFor(String principalId) {
    return open.stream().anyMatch(session -> session.principalId().equals(principalId));
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

  /**
   * The session that a client of Spark Connect calls by this id; another principal's of the same id
   * is another one. Spark makes it with the first call.
   */
  Session joined(Caller caller, long workspaceId, String sessionId) {
    Session session =
        new Session(sessionId, caller.principalId(), caller.name(), workspaceId, null, null);
    open.add(session);
    joined.put(session, clock.millis());
    return session;
  }

  /** Ends those of people who may not be there any more, and what they run. */
  void releaseUnless(BiPredicate<String, Long> mayEnter) {
    for (Session session : joined.keySet()) {
      if (!mayEnter.test(session.principalId(), session.workspaceId())) {
        release(session, "session-of-removed");
      }
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
    open.add(session);
    try {
      String place = place(catalog, schema);
      if (place != null) {
        client.run(session, caller.requestId(), "USE " + place);
      }
      return session;
    } catch (RuntimeException e) {
      open.remove(session);
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

  /** Its client has ended it. */
  void forget(Session session) {
    joined.remove(session);
    open.remove(session);
  }

  void release(Session session, String requestId) {
    try {
      client.release(session, requestId);
    } finally {
      forget(session);
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
    long limit = clock.millis() - JOINED.toMillis();
    joined.forEach(
        (session, usedAt) -> {
          if (usedAt < limit) {
            release(session, "idle-session");
          }
        });
  }
}
