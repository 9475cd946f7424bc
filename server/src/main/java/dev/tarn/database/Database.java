package dev.tarn.database;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.flywaydb.core.api.pattern.ValidatePattern;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.Jdbi;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * The one place where state is kept. SQLite in WAL mode with {@code synchronous=FULL}: when {@link
 * #inTransaction} returns, what was written survives the loss of the process and of the machine.
 *
 * <p>SQLite has one writer whatever we do, and its native calls pin a virtual thread's carrier; so
 * there is one platform thread that writes and a few that read, and callers on virtual threads wait
 * for them. A transaction holds no HTTP call, no process start, no waiting.
 */
public final class Database implements AutoCloseable {
  private static final int READERS = 4;

  private final ExecutorService writing =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("database-writer").daemon().factory());
  private final ExecutorService reading =
      Executors.newFixedThreadPool(
          READERS, Thread.ofPlatform().name("database-reader-", 0).daemon().factory());
  private volatile Thread inTransaction;
  private final Connection writer;
  private final Handle writeHandle;
  private final BlockingQueue<Handle> readHandles = new ArrayBlockingQueue<>(READERS);

  private Database(String url) throws SQLException {
    writer = connect(url);
    Jdbi jdbi = Jdbi.create(() -> writer);
    writeHandle = jdbi.open();
    for (int i = 0; i < READERS; i++) {
      Connection reader = connect(url);
      readHandles.add(Jdbi.create(() -> reader).open());
    }
  }

  /**
   * Opens, and brings to the newest schema, the database in {@code file}.
   *
   * @throws IllegalStateException the file was written by a newer version, is damaged, or cannot be
   *     written
   */
  public static Database open(Path file) {
    String url = "jdbc:sqlite:" + file;
    try {
      FluentConfiguration flyway =
          Flyway.configure()
              .dataSource(url, null, null)
              .initSql("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
              .locations("classpath:db/migration")
              .ignoreMigrationPatterns(new ValidatePattern[0]);
      flyway.load().migrate();
      return new Database(url);
    } catch (FlywayException e) {
      throw new IllegalStateException(
          "the database "
              + file
              + " does not fit this version of Tarn (expected: a data directory of this or an older version): "
              + e.getMessage(),
          e);
    } catch (SQLException e) {
      throw new IllegalStateException(
          "cannot open the database " + file + ": " + e.getMessage(), e);
    }
  }

  private static Connection connect(String url) throws SQLException {
    Connection connection = DriverManager.getConnection(url);
    try (var statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("PRAGMA synchronous=FULL");
      statement.execute("PRAGMA foreign_keys=ON");
      statement.execute("PRAGMA busy_timeout=10000");
    }
    return connection;
  }

  /**
   * Runs {@code work} alone, in one transaction, and returns after it is on disk. An exception
   * rolls it back and is thrown on as it is.
   *
   * <p>Interrupting the caller ends its waiting, not the work: what was begun, or waits its turn,
   * is carried out, as an answer lost on the wire does not undo a commit. Who is told that it was
   * interrupted must look what became of it.
   *
   * @throws IllegalStateException called by the work of another transaction, which would wait for
   *     itself: pass the handle on; or the caller was interrupted
   */
  public <T, X extends Exception> T inTransaction(HandleCallback<T, X> work) throws X {
    if (Thread.currentThread() == inTransaction) {
      throw new IllegalStateException(
          "a transaction inside a transaction would wait for itself (expected: the use of the"
              + " outer one's handle)");
    }
    return waitFor(begin(work));
  }

  /**
   * {@link #inTransaction} for who has something to do meanwhile; it is on disk when it is done.
   */
  public <T, X extends Exception> Future<T> begin(HandleCallback<T, X> work) {
    return writing.submit(
        () -> {
          inTransaction = Thread.currentThread();
          try {
            return writeHandle.inTransaction(work);
          } finally {
            inTransaction = null;
          }
        });
  }

  /** Runs a read on a snapshot of its own; does not wait for the writer. */
  public <T, X extends Exception> T read(HandleCallback<T, X> work) throws X {
    return waitFor(
        reading.submit(
            () -> {
              Handle handle = readHandles.take();
              try {
                return work.withHandle(handle);
              } finally {
                readHandles.add(handle);
              }
            }));
  }

  /** Whether {@code e} says that a unique key or primary key was already taken. */
  public static boolean isUniqueViolation(Throwable e) {
    return is(
        e, SQLiteErrorCode.SQLITE_CONSTRAINT_UNIQUE, SQLiteErrorCode.SQLITE_CONSTRAINT_PRIMARYKEY);
  }

  /** Whether {@code e} says that a row is still referred to, or refers to one that is not there. */
  public static boolean isForeignKeyViolation(Throwable e) {
    return is(e, SQLiteErrorCode.SQLITE_CONSTRAINT_FOREIGNKEY);
  }

  /** Whether {@code e} says that the disk is full. */
  public static boolean isDiskFull(Throwable e) {
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

  /** The caller's exception comes out of the other thread with the caller's own stack beside it. */
  @SuppressWarnings("unchecked")
  private static <T, X extends Exception> T waitFor(Future<T> future) throws X {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw (X) e.getCause();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the database", e);
    }
  }

  @Override
  public void close() {
    writing.close();
    reading.close();
    readHandles.forEach(Handle::close);
    writeHandle.close();
  }
}
