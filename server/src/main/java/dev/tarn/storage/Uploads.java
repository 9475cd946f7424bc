package dev.tarn.storage;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.UUID;

/**
 * Files that are in a bucket whole or not at all: written in a folder that no path of a client
 * leads to, synced, and then put in their place. What a killed process was writing is removed
 * later.
 */
public final class Uploads {
  /** In each bucket, while something is written to it. */
  public static final String FOLDER = "tarn-uploads";

  private static final Duration GIVEN_UP = Duration.ofDays(1);
  private static final int BUFFER = 1 << 18;

  private Uploads() {}

  /**
   * Writes a file; returns when it, and its name, are on disk.
   *
   * @param overwrite whether it may be there already
   * @throws java.nio.file.FileAlreadyExistsException it is there, or above it is a file
   */
  public static void write(Path bucket, Path file, InputStream contents, boolean overwrite)
      throws IOException {
    Path written = bucket.resolve(FOLDER).resolve(UUID.randomUUID().toString());
    try {
      try (FileChannel channel = open(written)) {
        var out = Channels.newOutputStream(channel);
        byte[] buffer = new byte[BUFFER];
        for (int read = contents.read(buffer); read >= 0; read = contents.read(buffer)) {
          out.write(buffer, 0, read);
        }
        channel.force(true);
      }
      Files.createDirectories(file.getParent());
      if (overwrite) {
        Files.move(
            written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } else {
        Files.createLink(file, written); // of two at once, one
      }
      try (FileChannel folder = FileChannel.open(file.getParent())) {
        folder.force(true);
      }
    } finally {
      Files.deleteIfExists(written);
      removeIfEmpty(bucket.resolve(FOLDER));
    }
  }

  private static FileChannel open(Path written) throws IOException {
    while (true) {
      Files.createDirectories(written.getParent());
      try {
        return FileChannel.open(written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      } catch (NoSuchFileException e) {
        // Somebody who was ready removed the folder in between.
      }
    }
  }

  /** A bucket with nothing in it must be empty. */
  private static void removeIfEmpty(Path folder) throws IOException {
    try {
      Files.deleteIfExists(folder);
    } catch (DirectoryNotEmptyException e) {
      // Another upload is under way.
    }
  }

  /** Removes what nobody can be writing any more. */
  public static void sweep(Path bucket, long now) {
    Path folder = bucket.resolve(FOLDER);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (Files.getLastModifiedTime(file).toMillis() < now - GIVEN_UP.toMillis()) {
          Files.deleteIfExists(file);
        }
      }
      removeIfEmpty(folder);
    } catch (NoSuchFileException | NotDirectoryException e) {
      // Nothing was being written, or another server removed it.
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look into " + folder, e);
    }
  }
}
