package dev.tarn.database;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jdbi.v3.core.Handle;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What control planes tell each other through PostgreSQL: a notice goes out with the commit of the
 * transaction that it is about. Who could not listen for a while may have missed some, and as long
 * as it cannot listen every listener is told so each second: what is remembered of others' rows is
 * never older than that.
 */
final class Notices implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Notices.class);
  private static final String CHANNEL = "tarn";
  private static final int LOOK_MILLIS = 1_000;

  private final DatabaseUrl url;
  private final String self = UUID.randomUUID().toString();
  private final Map<String, List<Consumer<String>>> listeners = new ConcurrentHashMap<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;

  Notices(DatabaseUrl url) {
    this.url = url;
    thread = Thread.ofPlatform().name("database-notices").daemon().start(this::listen);
  }

  void announce(Handle handle, String topic, String text) {
    handle
        .createQuery("SELECT 1 FROM (SELECT pg_notify(:channel, :notice)) AS told")
        .bind("channel", CHANNEL)
        .bind("notice", self + " " + topic + " " + text)
        .mapTo(int.class)
        .one();
  }

  void onAnnounced(String topic, Consumer<String> listener) {
    listeners.computeIfAbsent(topic, ignored -> new CopyOnWriteArrayList<>()).add(listener);
  }

  private void listen() {
    boolean heard = true;
    while (!isClosing()) {
      try (Connection connection = connect();
          Statement statement = connection.createStatement()) {
        statement.execute("LISTEN " + CHANNEL);
        tellAll();
        heard = true;
        PGConnection notified = connection.unwrap(PGConnection.class);
        while (!isClosing()) {
          PGNotification[] some = notified.getNotifications(LOOK_MILLIS);
          if (some == null || some.length == 0) {
            statement.execute("SELECT 1"); // whether it is there at all
            continue;
          }
          for (PGNotification notice : some) {
            String[] parts = notice.getParameter().split(" ", 3);
            if (!parts[0].equals(self)) {
              tell(parts[1], parts[2]);
            }
          }
        }
      } catch (SQLException e) {
        if (heard && !isClosing()) {
          LOG.warn("cannot hear what other control planes do; nothing is remembered meanwhile", e);
        }
        heard = false;
        tellAll();
        pause();
      }
    }
  }

  private Connection connect() throws SQLException {
    Properties properties = url.credentials();
    properties.setProperty("ApplicationName", "tarn-notices");
    properties.setProperty("connectTimeout", "2");
    properties.setProperty("socketTimeout", "2");
    properties.setProperty("tcpKeepAlive", "true");
    return DriverManager.getConnection(url.jdbc(), properties);
  }

  private void tellAll() {
    listeners.keySet().forEach(topic -> tell(topic, null));
  }

  private void tell(String topic, String text) {
    for (Consumer<String> listener : listeners.getOrDefault(topic, List.of())) {
      try {
        listener.accept(text);
      } catch (RuntimeException e) {
        LOG.error("a notice of {} was not heeded", topic, e);
      }
    }
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  private void pause() {
    try {
      closing.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closing.countDown();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
