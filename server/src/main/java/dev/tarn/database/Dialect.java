package dev.tarn.database;

import java.nio.file.Path;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;

/**
 * What SQLite and PostgreSQL do differently. The SQL itself is one; see {@link Database} for what
 * its callers are promised.
 */
interface Dialect extends AutoCloseable {
  <T, X extends Exception> Future<T> begin(HandleCallback<T, X> work);

  <T, X extends Exception> Future<T> read(HandleCallback<T, X> work);

  /** Writes what is committed now into an SQLite database of its own. */
  void copyTo(Path file);

  /** Whether other control planes may use it at the same time. */
  boolean isShared();

  /** The database's clock in milliseconds, as an SQL expression. */
  String now();

  void announce(Handle handle, String topic, String text);

  void onAnnounced(String topic, Consumer<String> listener);

  @Override
  void close();
}
