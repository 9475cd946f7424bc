package dev.tarn;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.backup.Restore;
import dev.tarn.database.Json;
import dev.tarn.database.Seal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;

/**
 * The data directory while this process has it: nobody else may, and {@code run/server.json} tells
 * others where the server is. The lock is the operating system's, so a killed process leaves none.
 */
final class Home implements AutoCloseable {
  private final Path run;
  private final FileChannel channel;
  private final FileChannel starting;

  private Home(Path run, FileChannel channel, FileChannel starting) {
    this.run = run;
    this.channel = channel;
    this.starting = starting;
  }

  /**
   * Makes the folders of {@code config} and takes the lock.
   *
   * @throws IllegalStateException another process has it, or it cannot be written
   */
  static Home lock(Config config) {
    Path run = config.home().resolve("run");
    if (Files.exists(config.home().resolve(Restore.MARK))) {
      throw new IllegalStateException(
          "the data directory "
              + config.home()
              + " was not restored to the end (expected: `tarn restore` again, it begins anew)");
    }
    try {
      for (Path folder :
          List.of(
              config.home(),
              run,
              config.keys(),
              config.logs(),
              config.storage(),
              config.engines(),
              config.audit())) {
        Files.createDirectories(
            folder,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
      FileChannel channel =
          FileChannel.open(
              run.resolve("lock"),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      FileLock lock = lock(channel);
      if (lock == null) {
        String pid = Files.readString(run.resolve("lock")).strip();
        channel.close();
        throw new IllegalStateException(
            "the data directory "
                + config.home()
                + " is in use by process "
                + pid
                + " (expected: one process; stop it, or set TARN_HOME to another directory)");
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)),
          0);
      Files.deleteIfExists(run.resolve("server.json"));
      // Another control plane may have the same keys: one at a time makes those that are missing.
      FileChannel starting =
          FileChannel.open(
              config.keys().resolve("starting"),
              Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      starting.lock();
      return new Home(run, channel, starting);
    } catch (IOException e) {
      throw new IllegalStateException(
          "the data directory " + config.home() + " cannot be used: " + e, e);
    }
  }

  private static FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  /**
   * Tells where the server listens, whole or not at all.
   *
   * @param url what clients use
   * @param own what this machine's own commands use
   */
  void ready(URI url, URI own) {
    ObjectNode facts =
        Json.MAPPER
            .createObjectNode()
            .put("pid", ProcessHandle.current().pid())
            .put("port", own.getPort())
            .put("url", url.toString())
            .put("own_url", own.toString())
            .put("version", Main.version());
    try {
      Seal.writeSecret(run.resolve("server.json"), facts + "\n");
      starting.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + run.resolve("server.json"), e);
    }
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(run.resolve("server.json"));
      starting.close();
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot leave the data directory " + run.getParent(), e);
    }
  }
}
