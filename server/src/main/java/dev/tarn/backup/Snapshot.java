package dev.tarn.backup;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.Config;
import dev.tarn.database.Json;
import dev.tarn.storage.Folders;
import dev.tarn.telemetry.Audit;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * An instance at one point, in a folder beside its buckets: a copy of the database, and hard links
 * to everything else, which take seconds whatever the size.
 *
 * <p>Writers go on meanwhile, so the order is what makes it whole. The database comes first: what
 * it speaks of exists from then on, because the caller keeps the control plane from deleting
 * folders until the links are made. Then the Delta logs, each up to the newest version that was
 * there when it was listed. Then the data: a file that a log speaks of was written before its
 * commit, and is never written again. A commit that comes later is not in the snapshot, its files
 * at most as bytes that no log mentions; exactly what a killed writer leaves.
 */
final class Snapshot {
  private static final String PREFIX = ".backup-";
  private static final String LOG = "_delta_log";
  private static final Pattern COMMIT = Pattern.compile("(\\d{20})\\..+");

  private final Path folder;

  private Snapshot(Path folder) {
    this.folder = folder;
  }

  /** Copies the database to a file that is not there yet. */
  interface DatabaseCopy {
    void to(Path file) throws IOException;
  }

  /**
   * Takes one; the caller sees to it that nothing is deleted meanwhile.
   *
   * @param reader the process that will read it; once it has ended, the next one takes its place
   * @throws IllegalStateException another one is being read
   */
  static Snapshot take(Config config, String id, long reader, DatabaseCopy database)
      throws IOException {
    discardOthers(config);
    Path folder =
        Files.createDirectory(
            config.storage().resolve(PREFIX + id),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Snapshot snapshot = new Snapshot(folder);
    try {
      Files.writeString(folder.resolve("reader"), Long.toString(reader));
      snapshot.fill(config, database);
      return snapshot;
    } catch (IOException | RuntimeException e) {
      Folders.delete(folder);
      throw e;
    }
  }

  static Snapshot at(Path folder) {
    return new Snapshot(folder);
  }

  Path folder() {
    return folder;
  }

  private void fill(Config config, DatabaseCopy database) throws IOException {
    database.to(folder.resolve("tarn.db"));
    Path properties = config.home().resolve("tarn.properties");
    if (Files.exists(properties)) {
      Files.copy(properties, folder.resolve("tarn.properties"));
    }
    ObjectNode sizes = Json.MAPPER.createObjectNode();
    for (Path segment : Audit.segments(config.audit())) {
      sizes.put("audit/" + segment.getFileName(), Files.size(segment));
      link(segment, folder.resolve("audit").resolve(segment.getFileName()));
    }
    Path storage = Files.createDirectory(folder.resolve("storage"));
    List<Path> buckets = new ArrayList<>();
    try (DirectoryStream<Path> entries =
        Files.newDirectoryStream(config.storage(), entry -> !isHidden(entry))) {
      entries.forEach(buckets::add);
    }
    for (Path bucket : buckets) {
      for (Path log : logs(bucket)) {
        linkLog(log, storage.resolve(config.storage().relativize(log).toString()));
      }
    }
    for (Path bucket : buckets) {
      linkData(bucket, storage.resolve(bucket.getFileName().toString()));
    }
    // Last: a folder without it was not finished.
    Files.writeString(folder.resolve("sizes.json"), sizes.toString());
  }

  /** How much of each growing file belongs to it. */
  ObjectNode sizes() throws IOException {
    return (ObjectNode) Json.tree(Files.readString(folder.resolve("sizes.json")));
  }

  private static boolean isHidden(Path entry) {
    return entry.getFileName().toString().startsWith(".");
  }

  private static List<Path> logs(Path bucket) throws IOException {
    List<Path> found = new ArrayList<>();
    Files.walkFileTree(
        bucket,
        new Visitor() {
          @Override
          public FileVisitResult preVisitDirectory(Path each, BasicFileAttributes attributes) {
            if (each.getFileName().toString().equals(LOG)) {
              found.add(each);
              return FileVisitResult.SKIP_SUBTREE;
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return found;
  }

  /**
   * A listing that runs beside commits may have one and lack the one before it. All up to the
   * newest of a first listing were there when the second began.
   */
  private static void linkLog(Path log, Path to) throws IOException {
    Files.createDirectories(to);
    // It points to a checkpoint: first, or it might speak of one that the listing lacks.
    linkIfThere(log.resolve("_last_checkpoint"), to.resolve("_last_checkpoint"));
    long newest = -1;
    for (Path file : list(log)) {
      newest = Math.max(newest, version(file));
    }
    long last = newest;
    Files.walkFileTree(
        log,
        new Visitor() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            boolean later = file.getParent().equals(log) && version(file) > last;
            if (!later
                && !isHidden(file)
                && attributes.isRegularFile()
                && !file.getFileName().toString().equals("_last_checkpoint")) {
              linkIfThere(file, to.resolve(log.relativize(file).toString()));
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static long version(Path file) {
    var commit = COMMIT.matcher(file.getFileName().toString());
    return commit.matches() ? Long.parseLong(commit.group(1)) : -1;
  }

  private static List<Path> list(Path directory) throws IOException {
    List<Path> all = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(all::add);
    } catch (NoSuchFileException e) {
      // The table's writer removed it; what it held is no table any more.
    }
    return all;
  }

  private static void linkData(Path bucket, Path to) throws IOException {
    Files.createDirectories(to);
    Files.walkFileTree(
        bucket,
        new Visitor() {
          @Override
          public FileVisitResult preVisitDirectory(Path each, BasicFileAttributes attributes) {
            boolean log = each.getFileName().toString().equals(LOG);
            // A table that began after the logs were linked is not in the database's copy either.
            return log ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (attributes.isRegularFile()) {
              linkIfThere(file, to.resolve(bucket.relativize(file).toString()));
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static void linkIfThere(Path file, Path to) throws IOException {
    try {
      link(file, to);
    } catch (NoSuchFileException e) {
      if (Files.exists(file)) {
        throw e;
      }
    }
  }

  private static void link(Path file, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    try {
      Files.createLink(to, file);
    } catch (NoSuchFileException e) {
      throw e;
    } catch (IOException | UnsupportedOperationException e) {
      Files.copy(file, to, StandardCopyOption.COPY_ATTRIBUTES); // another file system
    }
  }

  /** What is gone when it is looked at was deleted by its writer, and is no error. */
  private abstract static class Visitor extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
      if (failure instanceof NoSuchFileException) {
        return FileVisitResult.CONTINUE;
      }
      throw failure;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path each, IOException failure) throws IOException {
      if (failure == null || failure instanceof NoSuchFileException) {
        return FileVisitResult.CONTINUE;
      }
      throw failure;
    }
  }

  /** Deletes what killed backups left; nobody may be reading. */
  static void discardAll(Path storage) throws IOException {
    for (Path each : all(storage)) {
      Folders.delete(each);
    }
  }

  private static void discardOthers(Config config) throws IOException {
    for (Path other : all(config.storage())) {
      Path reader = other.resolve("reader");
      if (Files.exists(reader)
          && ProcessHandle.of(Long.parseLong(Files.readString(reader))).isPresent()) {
        throw new IllegalStateException(
            "another backup is running (process " + Files.readString(reader) + ")");
      }
      Folders.delete(other);
    }
  }

  private static List<Path> all(Path storage) throws IOException {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(storage, PREFIX + "*")) {
      entries.forEach(found::add);
    } catch (NoSuchFileException e) {
      // An instance that was never started.
    }
    return found;
  }

  void discard() throws IOException {
    Folders.delete(folder);
  }
}
