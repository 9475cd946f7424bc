package dev.tarn.backup;

import dev.tarn.Config;
import dev.tarn.database.Database;
import dev.tarn.database.DatabaseUrl;
import dev.tarn.storage.Folders;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * {@code tarn restore}: makes an empty data directory what it was when the backup was taken. All is
 * unpacked and tried below {@code .restoring}, then moved to its place; while that folder is there
 * no server starts, and the next restore begins from nothing. A PostgreSQL is filled last, in one
 * transaction, and remembers by whom, so that the next attempt may do it over.
 */
public final class Restore {
  /** Marks a data directory that is not whole. */
  public static final String MARK = ".restoring";

  private static final Pattern DATABASE = Pattern.compile("\\s*database\\s*[=: ]\\s*(.*?)\\s*");

  private final Config config;
  private final PrintStream out;

  public Restore(Config config, PrintStream out) {
    this.config = config;
    this.out = out;
  }

  /**
   * @param from what {@code tarn backup} wrote
   * @param keysFrom what it wrote with {@code --with-keys-to}
   * @throws IllegalStateException it cannot be restored here, and nothing was changed
   */
  public void run(Path from, Path keysFrom) {
    requireEmpty();
    try (Archive data = Archive.verified(from, "data");
        Archive keys = Archive.verified(keysFrom, "keys")) {
      out.println("every checksum of " + from + " and " + keysFrom + " is right");
      Path home = config.home();
      Files.createDirectories(
          home, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Path staged = home.resolve(MARK);
      try (FileChannel channel = lock(staged)) {
        clear(home);
        boolean whole = false;
        try {
          unpack(keys, staged);
          requireKeysOf(data, keysFrom, staged);
          data.unpack("tarn.db", staged);
          migrate(staged.resolve("tarn.db"), data, from);
          unpack(data, staged);
          forgetOtherDatabase(staged.resolve("tarn.properties"));
          move(staged, home);
          if (config.database().isPostgres()) {
            Path copy = staged.resolve("tarn.db");
            Database.adopt(copy, config.database(), "restored " + attempt(channel));
            Files.delete(copy);
          }
          whole = true;
          done(staged, home);
        } finally {
          if (!whole) {
            clear(home);
            done(staged, home);
          }
        }
        out.println(
            "restored "
                + home
                + " as it was at "
                + data.manifest().path("created_at").asText()
                + ", with "
                + config.database()
                + " as its database; `tarn up` starts it");
        assert channel.isOpen();
      }
    } catch (IOException | UncheckedIOException e) {
      throw new IllegalStateException("not restored: " + e, e);
    }
  }

  /** One of a newer version is refused, one of an older is brought to this. */
  private static void migrate(Path copy, Archive data, Path from) {
    try {
      Database.open(DatabaseUrl.ofFile(copy)).close();
    } catch (IllegalStateException e) {
      throw new IllegalStateException(
          from
              + ", written by Tarn "
              + data.manifest().path("version").asText()
              + ", cannot be restored by this version, and nothing was changed: "
              + e.getMessage(),
          e);
    }
  }

  /**
   * The settings of the backup may name the database of the instance that it is of, which may be
   * running: where this one's rows go, the caller's settings say.
   */
  private void forgetOtherDatabase(Path properties) throws IOException {
    if (!Files.exists(properties)) {
      return;
    }
    List<String> lines = new ArrayList<>();
    for (String line : Files.readAllLines(properties)) {
      var setting = DATABASE.matcher(line);
      boolean other = setting.matches() && !isHere(setting.group(1));
      lines.add(other ? "# before it was restored: " + line.strip() : line);
      if (other) {
        out.println(
            "its tarn.properties named another database; that line is a comment now (TARN_DATABASE"
                + " says where to restore to)");
      }
    }
    Files.write(properties, lines);
  }

  private boolean isHere(String setting) {
    return DatabaseUrl.parse(setting, config.databaseFile(), null)
        .toString()
        .equals(config.database().toString());
  }

  /** Names this restore, through all its attempts. */
  private static String attempt(FileChannel lock) throws IOException {
    ByteBuffer name = ByteBuffer.allocate(36);
    if (lock.read(name, 0) < 36) {
      name = ByteBuffer.wrap(UUID.randomUUID().toString().getBytes(StandardCharsets.US_ASCII));
      lock.write(name, 0);
      lock.force(true);
    }
    return new String(name.array(), StandardCharsets.US_ASCII);
  }

  /** Empty, or left by a restore that did not finish. */
  private void requireEmpty() {
    Path home = config.home();
    if (Files.exists(home.resolve(MARK))) {
      return;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(home)) {
      Iterator<Path> first = entries.iterator();
      if (first.hasNext()) {
        throw new IllegalStateException(
            home
                + " is not empty ("
                + (Files.exists(home.resolve("run/server.json"))
                    ? "an instance runs on it"
                    : "there is " + first.next().getFileName())
                + "); a backup is restored into a new data directory (expected: TARN_HOME names an"
                + " empty or missing one; `tarn reset` empties this one)");
      }
    } catch (NoSuchFileException e) {
      // It will be made.
    } catch (IOException e) {
      throw new IllegalStateException("cannot look into " + home + ": " + e, e);
    }
  }

  private static FileChannel lock(Path staged) throws IOException {
    Files.createDirectories(
        staged, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    FileChannel channel =
        FileChannel.open(
            staged.resolve("lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      channel.close();
      throw new IllegalStateException("another restore into " + staged.getParent() + " is running");
    }
    return channel;
  }

  /** All but the lock: what is here, an unfinished restore made. */
  private static void clear(Path home) throws IOException {
    for (Path entry : list(home)) {
      if (entry.endsWith(MARK)) {
        for (Path staged : list(entry)) {
          if (!staged.endsWith("lock")) {
            Folders.delete(staged);
          }
        }
      } else {
        Folders.delete(entry);
      }
    }
  }

  private static List<Path> list(Path folder) throws IOException {
    List<Path> all = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      entries.forEach(all::add);
    }
    return all;
  }

  private static void unpack(Archive archive, Path staged) throws IOException {
    for (Iterator<String> names = archive.names(); names.hasNext(); ) {
      String name = names.next();
      if (!name.equals("tarn.db")) { // It was the first.
        archive.unpack(name, staged);
      }
    }
  }

  private static void requireKeysOf(Archive data, Path keysFrom, Path staged) throws IOException {
    long wanted = data.manifest().path("seal_key_id").asLong();
    if (!SealKeys.all(staged.resolve("keys")).contains(wanted)) {
      throw new IllegalStateException(
          keysFrom
              + " does not hold the keys of this backup (expected: those of "
              + data.manifest().path("created_at").asText()
              + " or later, with sealing key "
              + wanted
              + ")");
    }
  }

  private void move(Path staged, Path home) throws IOException {
    for (Path folder : folders(staged)) {
      Archive.sync(folder);
    }
    for (Path entry : list(staged)) {
      boolean stays =
          entry.endsWith("lock") || (entry.endsWith("tarn.db") && config.database().isPostgres());
      if (!stays) {
        Files.move(
            entry, home.resolve(entry.getFileName().toString()), StandardCopyOption.ATOMIC_MOVE);
      }
    }
    Archive.sync(home);
  }

  private static void done(Path staged, Path home) throws IOException {
    Files.deleteIfExists(staged.resolve("lock"));
    Files.deleteIfExists(staged);
    Archive.sync(home);
  }

  private static Set<Path> folders(Path staged) throws IOException {
    try (Stream<Path> all = Files.walk(staged)) {
      return all.filter(Files::isDirectory).collect(java.util.stream.Collectors.toSet());
    }
  }
}
