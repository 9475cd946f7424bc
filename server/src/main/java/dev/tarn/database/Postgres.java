package dev.tarn.database;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.Jdbi;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PostgreSQL server. Transactions are SERIALIZABLE and are run again when the server cannot order
 * them, or when the connection is lost before the commit was sent; after a few tries one waits for
 * a lock that all such losers take, so that twenty that want the same row do not drive each other
 * out for ever. Reads are REPEATABLE READ: one snapshot.
 *
 * <p>Texts are compared byte by byte, as SQLite does, whatever the locale of the database is: a
 * list is in the same order everywhere, and an update of the machine's locales breaks no index.
 */
final class Postgres implements Dialect {
  private static final Logger LOG = LoggerFactory.getLogger(Postgres.class);
  private static final int OLDEST = 15;
  private static final int CONNECTIONS = 8;
  private static final int TRIES = 40;
  private static final int TRIES_AT_WILL = 4;
  private static final int LONGEST_PAUSE_MILLIS = 40;

  /** How long a call waits for a connection; and after that, nobody for a while. */
  private static final long PATIENCE_MILLIS = 3_000;

  private static final long REFUSING_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** Advisory locks are numbers that all users of the database share; these are "Tarn". */
  private static final long LOSERS = 0x5461726eL << 8;

  private static final long MIGRATION = LOSERS + 1;

  private final DatabaseUrl url;
  private final HikariDataSource writers;
  private final HikariDataSource readers;
  private final Notices notices;
  private final Jdbi writes;
  private final Jdbi reads;
  private final ExecutorService writing = threads("database-writer-");
  private final ExecutorService reading = threads("database-reader-");
  private volatile long refusedUntil = System.nanoTime();
  private long answeredAt = System.nanoTime();
  private boolean gone;

  private Postgres(DatabaseUrl url, String init) {
    this.url = url;
    HikariConfig writing = pool(url, "writers", init);
    writing.setTransactionIsolation("TRANSACTION_SERIALIZABLE");
    writers = new HikariDataSource(writing);
    HikariConfig reading = pool(url, "readers", init);
    reading.setTransactionIsolation("TRANSACTION_REPEATABLE_READ");
    reading.setReadOnly(true);
    reading.setAutoCommit(false);
    readers = new HikariDataSource(reading);
    notices = new Notices(url);
    writes = Jdbi.create(writers);
    reads = Jdbi.create(readers);
  }

  private static ExecutorService threads(String name) {
    return Executors.newFixedThreadPool(
        CONNECTIONS, Thread.ofPlatform().name(name, 0).daemon().factory());
  }

  /**
   * @throws IllegalStateException it cannot be reached, or will not do
   */
  static Postgres open(DatabaseUrl url) throws SQLException {
    String init =
        // A call that waits in vain, for a row or for a server that hangs, is told so in the end.
        "SET lock_timeout = '10s'; SET statement_timeout = '15s';"
            + " SET idle_in_transaction_session_timeout = '60s'";
    try (Connection connection = connect(url)) {
      check(url, connection);
      if (setting(connection, "synchronous_commit").equals("off")) {
        init += "; SET synchronous_commit = on";
      }
      // One at a time: two control planes may start at once.
      run(connection, "SELECT pg_advisory_lock(" + MIGRATION + ")");
      Properties credentials = url.credentials();
      Database.migrate(
          Flyway.configure()
              .dataSource(
                  url.jdbc(),
                  credentials.getProperty("user"),
                  credentials.getProperty("password")));
      compareBytes(connection);
    }
    return new Postgres(url, init);
  }

  static String describe(DatabaseUrl url) throws SQLException {
    try (Connection connection = connect(url)) {
      check(url, connection);
      return "PostgreSQL %s at %s, database %s"
          .formatted(connection.getMetaData().getDatabaseProductVersion(), url.place(), url.name());
    }
  }

  static Connection connect(DatabaseUrl url) throws SQLException {
    Properties properties = url.credentials();
    properties.setProperty("connectTimeout", "5");
    properties.setProperty("ApplicationName", "tarn");
    try {
      return DriverManager.getConnection(url.jdbc(), properties);
    } catch (SQLException e) {
      throw new IllegalStateException(
          switch (String.valueOf(e.getSQLState())) {
            case "28P01", "28000", "08004" ->
                "PostgreSQL at %s does not let user '%s' in: %s (expected: a user and password it knows; set them in the setting database, database.password_file or PGPASSFILE)"
                    .formatted(url.place(), url.user(), e.getMessage());
            case "3D000" ->
                "PostgreSQL at %s has no database '%s' (expected: one that user '%s' owns; make it with: CREATE DATABASE %s OWNER %s)"
                    .formatted(url.place(), url.name(), url.user(), url.name(), url.user());
            default ->
                "PostgreSQL at %s cannot be reached: %s (expected: a server that runs there; see the setting database)"
                    .formatted(url.place(), e.getMessage());
          },
          e);
    }
  }

  private static void check(DatabaseUrl url, Connection connection) throws SQLException {
    String where = "PostgreSQL at " + url.place();
    int major = connection.getMetaData().getDatabaseMajorVersion();
    if (major < OLDEST) {
      throw new IllegalStateException(
          "%s is version %s (expected: %d or newer)"
              .formatted(where, connection.getMetaData().getDatabaseProductVersion(), OLDEST));
    }
    if (first(connection, "SELECT pg_is_in_recovery()").equals("t")) {
      throw new IllegalStateException(
          where + " is a standby, which cannot be written (expected: the primary)");
    }
    if (!"t"
        .equals(
            first(
                connection,
                "SELECT has_schema_privilege(current_schema(), 'USAGE, CREATE')"
                    + " AND has_schema_privilege(current_schema(), 'CREATE')"))) {
      throw new IllegalStateException(
          "%s: user '%s' may not make tables in database '%s' (expected: its owner, or GRANT CREATE ON SCHEMA public TO %s)"
              .formatted(where, url.user(), url.name(), url.user()));
    }
    String encoding = setting(connection, "server_encoding");
    if (!encoding.equals("UTF8")) {
      throw new IllegalStateException(
          "%s: database '%s' has encoding %s (expected: UTF8)"
              .formatted(where, url.name(), encoding));
    }
    if (!setting(connection, "fsync").equals("on")) {
      throw new IllegalStateException(
          where + " runs with fsync=off and would lose what was acknowledged (expected: on)");
    }
  }

  private static String setting(Connection connection, String name) throws SQLException {
    return first(connection, "SHOW " + name);
  }

  private static String first(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? String.valueOf(rows.getString(1)) : "";
    }
  }

  private static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Columns that a migration just made compare by the database's locale until this is done. */
  private static void compareBytes(Connection connection) throws SQLException {
    List<String> changes = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                SELECT 'ALTER TABLE ' || quote_ident(c.relname) || string_agg(
                  ' ALTER ' || quote_ident(a.attname) || ' TYPE text COLLATE "C"', ',')
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attnum > 0
                  AND NOT a.attisdropped AND a.atttypid = 'text'::regtype
                  AND a.attcollation <> '"C"'::regcollation
                GROUP BY c.relname ORDER BY c.relname
                """)) {
      while (rows.next()) {
        changes.add(rows.getString(1));
      }
    }
    for (String change : changes) {
      run(connection, change);
    }
  }

  private static HikariConfig pool(DatabaseUrl url, String name, String init) {
    HikariConfig config = new HikariConfig();
    config.setPoolName("database-" + name);
    config.setJdbcUrl(url.jdbc());
    config.setDataSourceProperties(url.credentials());
    config.addDataSourceProperty("ApplicationName", "tarn");
    config.addDataSourceProperty("connectTimeout", "3");
    config.addDataSourceProperty("socketTimeout", "20");
    config.addDataSourceProperty("tcpKeepAlive", "true");
    config.setConnectionInitSql(init);
    config.setMaximumPoolSize(CONNECTIONS);
    config.setMinimumIdle(1);
    config.setConnectionTimeout(PATIENCE_MILLIS);
    config.setValidationTimeout(1_000);
    config.setInitializationFailTimeout(-1);
    return config;
  }

  @Override
  public <T, X extends Exception> Future<T> begin(HandleCallback<T, X> work) {
    return writing.submit(
        () -> {
          boolean violated = false;
          for (int attempt = 1; ; attempt++) {
            try {
              return attempt <= TRIES_AT_WILL ? once(work) : onceAfterOthers(work);
            } catch (Exception e) {
              boolean violates = isKeyViolation(e);
              if (attempt >= TRIES
                  || !(isConflict(e) || isBrokenOff(e) || (violates && !violated))) {
                throw e;
              }
              violated |= violates; // the second is no longer one that was not seen
              LOG.debug("try {} of a transaction is repeated", attempt, e);
            }
            Thread.sleep(
                ThreadLocalRandom.current()
                    .nextLong(Math.min(LONGEST_PAUSE_MILLIS, 1L << Math.min(attempt, 10)) + 1));
          }
        });
  }

  private <T, X extends Exception> T once(HandleCallback<T, X> work) throws Exception {
    try (Handle handle = handle(writes)) {
      return transaction(handle, work);
    }
  }

  /** The lock is taken before the transaction, for a snapshot that was taken first is outdated. */
  private <T, X extends Exception> T onceAfterOthers(HandleCallback<T, X> work) throws Exception {
    try (Handle handle = handle(writes)) {
      handle.execute("SELECT pg_advisory_lock(" + LOSERS + ")");
      try {
        return transaction(handle, work);
      } finally {
        if (!handle.getConnection().isClosed()) {
          handle.execute("SELECT pg_advisory_unlock(" + LOSERS + ")");
        }
      }
    }
  }

  private <T, X extends Exception> T transaction(Handle handle, HandleCallback<T, X> work)
      throws Exception {
    T result;
    handle.begin();
    try {
      result = work.withHandle(handle);
    } catch (Throwable e) {
      try {
        handle.rollback();
      } catch (RuntimeException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
    try {
      handle.commit();
    } catch (RuntimeException e) {
      if (isConnectionLost(e)) {
        throw new Unreachable(
            "The connection to the database was lost while a change was being saved: it is not"
                + " known whether it was. Look before you repeat it.",
            e);
      }
      throw e;
    }
    return result;
  }

  @Override
  public <T, X extends Exception> Future<T> read(HandleCallback<T, X> work) {
    return reading.submit(
        () -> {
          for (int attempt = 1; ; attempt++) {
            try (Handle handle = handle(reads)) {
              return work.withHandle(handle);
            } catch (Exception e) {
              if (attempt == TRIES_AT_WILL || !isBrokenOff(e)) {
                throw e;
              }
            }
          }
        });
  }

  /** Who comes while nobody gets a connection is not kept waiting for one, again and again. */
  private Handle handle(Jdbi jdbi) {
    long asked = System.nanoTime();
    if (asked - refusedUntil < 0) {
      throw unreachable(null);
    }
    try {
      Handle handle = jdbi.open();
      answered(asked);
      return handle;
    } catch (RuntimeException e) {
      if (isConnectionLost(e)) {
        refused(asked, e);
        throw unreachable(e);
      }
      throw e;
    }
  }

  private synchronized void answered(long asked) {
    answeredAt = Math.max(answeredAt, asked);
    if (gone) {
      gone = false;
      refusedUntil = System.nanoTime();
      LOG.info("PostgreSQL at {} answers again", url.place());
    }
  }

  /** Unless another was answered who asked later: this one waited for what is over. */
  private synchronized void refused(long asked, RuntimeException e) {
    if (answeredAt - asked > 0) {
      return;
    }
    refusedUntil = System.nanoTime() + REFUSING_NANOS;
    if (!gone) {
      gone = true;
      LOG.error("PostgreSQL at {} does not answer", url.place(), e);
    }
  }

  private Unreachable unreachable(Throwable cause) {
    return new Unreachable(
        "The database of this server, PostgreSQL at "
            + url.place()
            + ", does not answer; nothing was changed. Repeat the call when it is back.",
        cause);
  }

  @Override
  public void copyTo(Path file) {
    try (Connection connection = connect(url)) {
      Transfer.toSqlite(connection, file);
    } catch (SQLException e) {
      throw new IllegalStateException("cannot copy the database " + url + ": " + e.getMessage(), e);
    }
  }

  @Override
  public boolean isShared() {
    return true;
  }

  @Override
  public String now() {
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
  }

  @Override
  public void announce(Handle handle, String topic, String text) {
    notices.announce(handle, topic, text);
  }

  @Override
  public void onAnnounced(String topic, Consumer<String> listener) {
    notices.onAnnounced(topic, listener);
  }

  static boolean isUniqueViolation(Throwable e) {
    return hasState(e, "23505");
  }

  /**
   * Work that looks before it writes would have seen the row, had it not been written meanwhile;
   * the second time it does.
   */
  private static boolean isKeyViolation(Throwable e) {
    return isUniqueViolation(e) || isForeignKeyViolation(e);
  }

  static boolean isForeignKeyViolation(Throwable e) {
    return hasState(e, "23503") || hasState(e, "23001");
  }

  static boolean isDiskFull(Throwable e) {
    return hasState(e, "53100");
  }

  /** Serialization failure, deadlock, a lock that was waited for in vain. */
  static boolean isConflict(Throwable e) {
    return hasState(e, "40001") || hasState(e, "40P01") || hasState(e, "55P03");
  }

  /** Lost in the middle of the work, so that nothing of it is left. */
  private static boolean isBrokenOff(Throwable e) {
    return !(e instanceof Unreachable) && isConnectionLost(e);
  }

  private static boolean isConnectionLost(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLTransientConnectionException) {
        return true;
      }
    }
    return hasState(e, "08") || hasState(e, "57P") || hasState(e, "53300");
  }

  private static boolean hasState(Throwable e, String prefix) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql
          && sql.getSQLState() != null
          && sql.getSQLState().startsWith(prefix)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    notices.close();
    writing.close();
    reading.close();
    writers.close();
    readers.close();
  }
}
