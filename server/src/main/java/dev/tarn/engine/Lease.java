package dev.tarn.engine;

import dev.tarn.http.Caller;
import java.util.ArrayList;
import java.util.List;

/** An engine that is up and stays so, as far as idleness goes, until this is closed. */
public final class Lease implements AutoCloseable {
  private final Driver driver;
  private final List<Sessions.Warm> taken = new ArrayList<>();
  private boolean closed;

  Lease(Driver driver) {
    this.driver = driver;
  }

  public String engineId() {
    return driver.id();
  }

  public ConnectClient client() {
    return driver.client();
  }

  /**
   * A session shared by statements of the same principal, catalog and schema.
   *
   * @param catalog the current one, or null for the engine's default
   * @param schema the current one, or null for {@code default}
   * @throws SparkError there is no such catalog or schema, or the caller may not use it
   */
  public Session session(Caller caller, String catalog, String schema) {
    Sessions.Warm entry =
        driver.sessions().shared(caller, driver.spec().workspaceId(), catalog, schema);
    synchronized (this) {
      taken.add(entry);
    }
    return entry.session();
  }

  /**
   * A session of its own, for a statement that changes its session (USE, SET, temporary views,
   * variables). To be {@link #release released}.
   */
  public Session privateSession(Caller caller, String catalog, String schema) {
    return driver.sessions().opened(caller, driver.spec().workspaceId(), catalog, schema);
  }

  /** The session that a client of Spark Connect calls by this id, a UUID of its choice. */
  public Session join(Caller caller, String sessionId) {
    return driver.sessions().joined(caller, driver.spec().workspaceId(), sessionId);
  }

  /** A session that its client has ended itself. */
  public void forget(Session session) {
    driver.sessions().forget(session);
  }

  /** Ends a private session. */
  public void release(Session session, String requestId) {
    driver.sessions().release(session, requestId);
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      taken.forEach(driver.sessions()::back);
      driver.giveBack();
    }
  }
}
