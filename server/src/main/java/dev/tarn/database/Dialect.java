package dev.tarn.database;

import java.nio.file.Path;
import java.util.concurrent.Future;
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

  @Override
  void close();
}
