package dev.tarn.storage;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.database.Database;
import dev.tarn.database.Leases;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.regex.Pattern;

/**
 * The embedded object store: {@code s3://bucket/key} is the file {@code storage/bucket/key}. A row
 * says that a bucket exists, the folder holds what is in it; a row without a folder is mended at
 * the next start, a bucket being deleted when the process died is deleted then.
 */
public final class Buckets {
  private static final Pattern NAME =
      Pattern.compile("(?=^.{3,63}$)(?!xn--)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$");

  private final Database database;
  private final Leases leases;
  private final Path root;
  private final Clock clock;

  /** Deleting of folders shares it; who must find every folder that a row speaks of holds it. */
  private final ReadWriteLock deleting = new ReentrantReadWriteLock(true);

  public Buckets(Database database, Path root, Clock clock) {
    this.database = database;
    this.leases = database.leases();
    this.root = root;
    this.clock = clock;
  }

  /** What exists, and who made it. */
  public record Bucket(String name, String region, String owner, long createdAt) {}

  /** Finishes what a killed process left half done. */
  public void recover() {
    for (String name :
        database.<List<String>, RuntimeException>read(
            handle ->
                handle
                    .createQuery("SELECT bucket_name FROM bucket WHERE state = 'DELETING'")
                    .mapTo(String.class)
                    .list())) {
      remove(name);
    }
    for (Bucket bucket : list()) {
      makeFolder(bucket.name());
      Uploads.sweep(root.resolve(bucket.name()), clock.millis());
    }
  }

  /**
   * Makes an empty bucket.
   *
   * @param owner what makes it, shown to people and asked by whoever may delete it
   * @throws InvalidParameterValue the name breaks the rules of S3
   * @throws ResourceAlreadyExists there is one of that name, or a folder with files in its place
   */
  public Bucket create(String name, String region, String owner) {
    if (name == null || !NAME.matcher(name).matches() || name.contains("..")) {
      throw new InvalidParameterValue(
          "bucket name: '"
              + shortened(name)
              + "' (expected: 3 to 63 lower-case letters, digits, dots and hyphens)",
          null);
    }
    if (!isEmptyOrMissing(root.resolve(name))) {
      throw new ResourceAlreadyExists(name + " already exists", null);
    }
    Bucket bucket = new Bucket(name, region, owner, clock.millis());
    try {
      database.inTransaction(
          handle ->
              handle
                  .createUpdate(
                      """
                      INSERT INTO bucket (bucket_name, region, owner, state, created_at)
                      VALUES (:name, :region, :owner, 'AVAILABLE', :createdAt)
                      """)
                  .bindMethods(bucket)
                  .execute());
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw new ResourceAlreadyExists(name + " already exists", null);
      }
      throw e;
    }
    makeFolder(name);
    return bucket;
  }

  public List<Bucket> list() {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT bucket_name, region, owner, created_at FROM bucket
                    WHERE state = 'AVAILABLE' ORDER BY bucket_name
                    """)
                .map(
                    (row, context) ->
                        new Bucket(
                            row.getString(1), row.getString(2), row.getString(3), row.getLong(4)))
                .list());
  }

  public boolean exists(String name) {
    return list().stream().anyMatch(bucket -> bucket.name().equals(name));
  }

  /**
   * The folder of a bucket.
   *
   * @throws ResourceDoesNotExist there is no such bucket
   */
  public Path folder(String name) {
    if (!exists(name)) {
      throw new ResourceDoesNotExist(
          "The specified bucket does not exist: " + shortened(name), null);
    }
    return root.resolve(name);
  }

  /**
   * Deletes a bucket; one that is gone already is no error.
   *
   * @param withContent also when there are objects in it
   * @throws InvalidState it holds objects and {@code withContent} is false
   */
  public void delete(String name, boolean withContent) {
    if (!withContent && !isEmptyOrMissing(root.resolve(name))) {
      throw new InvalidState("The bucket you tried to delete is not empty: " + name, null);
    }
    int marked =
        database.inTransaction(
            handle ->
                handle
                    .createUpdate("UPDATE bucket SET state = 'DELETING' WHERE bucket_name = :name")
                    .bind("name", name)
                    .execute());
    if (marked > 0) {
      remove(name);
    }
  }

  /** What may go wrong while nothing is deleted. */
  public interface Work<T> {
    T run() throws IOException;
  }

  /** Runs {@code work} while this server deletes no bucket and no table's folder. */
  public <T> T whileNothingIsDeleted(Work<T> work) throws IOException {
    deleting.writeLock().lock();
    try {
      return work.run();
    } finally {
      deleting.writeLock().unlock();
    }
  }

  /** Runs what deletes folders of this store. */
  public void deleting(Runnable work) {
    deleting.readLock().lock();
    try {
      work.run();
    } finally {
      deleting.readLock().unlock();
    }
  }

  private void remove(String name) {
    deleting(() -> removeNow(name));
  }

  /** One at a time: when the row is gone, the name may be another's bucket. */
  private void removeNow(String name) {
    String work = "bucket/" + name;
    if (!leases.take(work)) {
      return;
    }
    Folders.delete(root.resolve(name));
    database.inTransaction(
        handle -> {
          leases.require(handle, work);
          return handle
              .createUpdate("DELETE FROM bucket WHERE bucket_name = :name AND state = 'DELETING'")
              .bind("name", name)
              .execute();
        });
    leases.give(work);
  }

  private void makeFolder(String name) {
    try {
      Files.createDirectories(root.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make the folder of bucket " + name, e);
    }
  }

  private static boolean isEmptyOrMissing(Path folder) {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      return !entries.iterator().hasNext();
    } catch (NoSuchFileException e) {
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look into " + folder, e);
    }
  }

  private static String shortened(String name) {
    return name == null || name.length() <= 80 ? name : name.substring(0, 80) + "…";
  }
}
