package dev.tarn.database;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.Jdbi;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * The embedded database: a file in WAL mode with {@code synchronous=FULL}. SQLite has one writer
 * whatever we do, and its native calls pin a virtual thread's carrier; so there is one platform
 * thread that writes and a few that read.
 */
final class Sqlite implements Dialect {
  private static final int READERS = 4;

  private final ExecutorService writing =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("database-writer").daemon().factory());
  private final ExecutorService reading =
      Executors.newFixedThreadPool(
          READERS, Thread.ofPlatform().name("database-reader-", 0).daemon().factory());
  private final Connection writer;
  private final Handle writeHandle;
  private final BlockingQueue<Handle> readHandles = new ArrayBlockingQueue<>(READERS);

  private Sqlite(String url) throws SQLException {
    // A transaction that reads first would be refused at its write when another process, such as a
    // verb of the command line, wrote in between; one that has the lock from its start waits for
    // it.
    writer = connect(url + "?transaction_mode=IMMEDIATE");
    Jdbi jdbi = Jdbi.create(() -> writer);
    writeHandle = jdbi.open();
    for (int i = 0; i < READERS; i++) {
      Connection reader = connect(url);
      Jdbi reads = Jdbi.create(() -> reader);
      reads.setStatementBuilderFactory(connection -> new KeptStatements());
      readHandles.add(reads.open());
    }
  }

  static Sqlite open(Path file) throws SQLException {
    String url = "jdbc:sqlite:" + file;
    Database.migrate(
        Flyway.configure()
            .dataSource(url, null, null)
            .initSql("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"));
    return new Sqlite(url);
  }

  static Connection connect(String url) throws SQLException {
    Properties properties = new Properties();
    // Nobody asks for them, and finding out whether there are any took a tenth of each statement.
    properties.setProperty(SQLiteConfig.Pragma.JDBC_GET_GENERATED_KEYS.getPragmaName(), "false");
    Connection connection = DriverManager.getConnection(url, properties);
    try (var statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("PRAGMA synchronous=FULL");
      statement.execute("PRAGMA foreign_keys=ON");
      statement.execute("PRAGMA busy_timeout=10000");
    }
    return connection;
  }

  @Override
  public <T, X extends Exception> Future<T> begin(HandleCallback<T, X> work) {
    return writing.submit(() -> writeHandle.inTransaction(work));
  }

  @Override
  public <T, X extends Exception> Future<T> read(HandleCallback<T, X> work) {
    return reading.submit(
        () -> {
          Handle handle = readHandles.take();
          try {
            return work.withHandle(handle);
          } finally {
            readHandles.add(handle);
          }
        });
  }

  @Override
  public void copyTo(Path file) {
    Handle handle = null;
    try {
      handle = readHandles.take();
      handle.execute("VACUUM INTO ?", file.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the database was copied", e);
    } finally {
      if (handle != null) {
        readHandles.add(handle);
      }
    }
  }

  static void copy(Path database, Path file) throws SQLException {
    try (Connection connection = connect("jdbc:sqlite:" + database);
        var statement = connection.prepareStatement("VACUUM INTO ?")) {
      statement.setString(1, file.toString());
      statement.execute();
    }
  }

  @Override
  public boolean isShared() {
    return false;
  }

  @Override
  public String now() {
    return "CAST(unixepoch('subsec') * 1000 AS BIGINT)";
  }

  /** There is one control plane, and nobody to tell. */
  @Override
  public void announce(Handle handle, String topic, String text) {}

  @Override
  public void onAnnounced(String topic, Consumer<String> listener) {}

  static boolean isUniqueViolation(Throwable e) {
    return is(
        e, SQLiteErrorCode.SQLITE_CONSTRAINT_UNIQUE, SQLiteErrorCode.SQLITE_CONSTRAINT_PRIMARYKEY);
  }

  static boolean isForeignKeyViolation(Throwable e) {
    return is(e, SQLiteErrorCode.SQLITE_CONSTRAINT_FOREIGNKEY);
  }

  static boolean isDiskFull(Throwable e) {
    return is(e, SQLiteErrorCode.SQLITE_FULL);
  }

  private static boolean is(Throwable e, SQLiteErrorCode... codes) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLiteException sqlite) {
        for (SQLiteErrorCode code : codes) {
          if (sqlite.getResultCode() == code) {
            return true;
          }
        }
      }
    }
    return false;
  }

  @Override
  public void close() {
    writing.close();
    reading.close();
    readHandles.forEach(Handle::close);
    writeHandle.close();
  }
}
