package dev.tarn.database;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.flywaydb.core.api.pattern.ValidatePattern;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;

/**
 * The one place where state is kept: the file of {@link Sqlite}, or a {@link Postgres} that several
 * control planes may share. When {@link #inTransaction} returns, what was written survives the loss
 * of the process and of the machine; transactions behave as if one ran after the other.
 *
 * <p>Transactions and reads run on platform threads of the database, and callers on virtual threads
 * wait for them. A transaction holds no HTTP call, no process start, no waiting; and as PostgreSQL
 * may refuse to order it among others, its work may run more than once, so it changes nothing but
 * rows.
 */
public final class Database implements AutoCloseable {
  private static final ThreadLocal<Read> inRead = new ThreadLocal<>();

  private final Dialect dialect;
  private final Leases leases;
  private final ThreadLocal<Boolean> inTransaction = new ThreadLocal<>();

  /** What this thread reads, and where. */
  private record Read(Database database, Handle handle) {}

  private Database(Dialect dialect) {
    this.dialect = dialect;
    this.leases = new Leases(this);
  }

  /** Who does what, where several control planes share this database. */
  public Leases leases() {
    return leases;
  }

  /**
   * Opens, and brings to the newest schema, the database at {@code url}.
   *
   * @throws IllegalStateException it was written by a newer version, is damaged, cannot be written,
   *     cannot be reached, or is a PostgreSQL that will not do; says which
   */
  public static Database open(DatabaseUrl url) {
    try {
      return new Database(url.isPostgres() ? Postgres.open(url) : Sqlite.open(url.file()));
    } catch (FlywayException e) {
      throw new IllegalStateException(
          "the database "
              + url
              + " does not fit this version of Tarn (expected: a database of this or an older version): "
              + e.getMessage(),
          e);
    } catch (SQLException e) {
      throw new IllegalStateException("cannot open the database " + url + ": " + e.getMessage(), e);
    }
  }

  /**
   * Looks whether there is a database that will do, and changes nothing.
   *
   * @return what it is
   * @throws IllegalStateException there is none; says why
   */
  public static String describe(DatabaseUrl url) {
    try {
      return url.isPostgres() ? Postgres.describe(url) : "SQLite, " + url;
    } catch (SQLException e) {
      throw new IllegalStateException("cannot look at " + url + ": " + e.getMessage(), e);
    }
  }

  /** Parts of the product number their migrations apart, so a lower number may come later. */
  static void migrate(FluentConfiguration flyway) {
    flyway
        .locations("classpath:db/migration")
        .outOfOrder(true)
        .ignoreMigrationPatterns(new ValidatePattern[0])
        .load()
        .migrate();
  }

  /**
   * Runs {@code work} as if alone, in one transaction, and returns after it is on disk. An
   * exception rolls it back and is thrown on as it is.
   *
   * <p>Interrupting the caller ends its waiting, not the work: what was begun, or waits its turn,
   * is carried out, as an answer lost on the wire does not undo a commit. Who is told that it was
   * interrupted must look what became of it.
   *
   * @throws IllegalStateException called by the work of another transaction, which would wait for
   *     itself: pass the handle on; or the caller was interrupted
   * @throws Unreachable the database does not answer
   */
  public <T, X extends Exception> T inTransaction(HandleCallback<T, X> work) throws X {
    if (inTransaction.get() != null) {
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
    return dialect.begin(
        handle -> {
          inTransaction.set(true);
          try {
            return work.withHandle(handle);
          } finally {
            inTransaction.remove();
          }
        });
  }

  /**
   * Runs a read on a snapshot of its own; does not wait for writers. A read inside a read is part
   * of it: readers that each waited for one more would wait for ever.
   *
   * @throws Unreachable the database does not answer
   */
  public <T, X extends Exception> T read(HandleCallback<T, X> work) throws X {
    Read outer = inRead.get();
    if (outer != null && outer.database == this) {
      return work.withHandle(outer.handle);
    }
    return waitFor(
        dialect.<T, X>read(
            handle -> {
              inRead.set(new Read(this, handle));
              try {
                return work.withHandle(handle);
              } finally {
                inRead.remove();
              }
            }));
  }

  /**
   * Writes all that is committed now into an SQLite database of its own, a file that is not there
   * yet.
   */
  public void copyTo(Path file) {
    dialect.copyTo(file);
  }

  /** The same, of a database that nobody has opened; its schema stays as it is. */
  public static void copy(DatabaseUrl url, Path file) {
    if (url.isPostgres()) {
      try (Database database = open(url)) {
        database.copyTo(file);
      }
      return;
    }
    try {
      Sqlite.copy(url.file(), file);
    } catch (SQLException e) {
      throw new IllegalStateException("cannot copy the database " + url + ": " + e.getMessage(), e);
    }
  }

  /**
   * Opens the SQLite database in {@code file} as a start would, which migrates it, and moves what
   * is in it to {@code url} where that is a PostgreSQL.
   *
   * @param by who does it: may do it over, where the first time was cut off after the last row
   * @throws IllegalStateException it is of a newer version, or that PostgreSQL is not empty
   */
  public static void adopt(Path file, DatabaseUrl url, String by) {
    open(DatabaseUrl.ofFile(file)).close();
    if (url.isPostgres()) {
      open(url).close();
      try {
        Transfer.toPostgres(file, url, by);
      } catch (SQLException e) {
        throw new IllegalStateException("cannot fill " + url + ": " + e.getMessage(), e);
      }
    }
  }

  boolean isShared() {
    return dialect.isShared();
  }

  /** The database's clock in milliseconds, as an SQL expression: one for all control planes. */
  String now() {
    return dialect.now();
  }

  /**
   * Tells the other control planes on this database, when the transaction of {@code handle} is
   * through.
   *
   * @param topic one word
   */
  public void announce(Handle handle, String topic, String text) {
    dialect.announce(handle, topic, text);
  }

  /**
   * @param listener told of what others announce, not of what this control plane does; null when
   *     some may have been missed. It must not wait.
   */
  public void onAnnounced(String topic, Consumer<String> listener) {
    dialect.onAnnounced(topic, listener);
  }

  /** Whether {@code e} says that a unique key or primary key was already taken. */
  public static boolean isUniqueViolation(Throwable e) {
    return Sqlite.isUniqueViolation(e) || Postgres.isUniqueViolation(e);
  }

  /** Whether {@code e} says that a row is still referred to, or refers to one that is not there. */
  public static boolean isForeignKeyViolation(Throwable e) {
    return Sqlite.isForeignKeyViolation(e) || Postgres.isForeignKeyViolation(e);
  }

  /** Whether {@code e} says that the disk of the database is full. */
  public static boolean isDiskFull(Throwable e) {
    return Sqlite.isDiskFull(e) || Postgres.isDiskFull(e);
  }

  /**
   * Whether {@code e} says that so many changed the same rows at the same time that none of this
   * transaction's tries came through; nothing was changed.
   */
  public static boolean isConflict(Throwable e) {
    return Postgres.isConflict(e);
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
    leases.close();
    dialect.close();
  }
}
