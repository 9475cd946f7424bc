package dev.tarn.database;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;

/**
 * A file of keys, in memory as long as it does not change: another control plane may have the same
 * folder of keys, and rotate them. It is replaced whole, never written in place.
 */
public final class KeyFile<T> {
  private final Path file;
  private final Parser<T> parser;
  private volatile Seen<T> seen;

  /** Reads what is in the file; any exception says that it cannot be used. */
  public interface Parser<T> {
    T parse(String text) throws Exception;
  }

  private record Seen<T>(Object inode, FileTime time, T value) {}

  /**
   * @throws IllegalStateException the file cannot be read
   */
  public KeyFile(Path file, Parser<T> parser) {
    this.file = file;
    this.parser = parser;
    this.seen = read();
  }

  /** As it was read last. */
  public T get() {
    return seen.value();
  }

  /** As it is now. */
  public T fresh() {
    Seen<T> now = seen;
    try {
      BasicFileAttributes there = Files.readAttributes(file, BasicFileAttributes.class);
      if (!there.fileKey().equals(now.inode()) || !there.lastModifiedTime().equals(now.time())) {
        now = read();
        seen = now;
      }
      return now.value();
    } catch (IOException e) {
      throw new IllegalStateException("cannot read the keys in " + file, e);
    }
  }

  /** Replaces the file; after return it is on disk. */
  public void write(String text) {
    try {
      Seal.writeSecret(file, text);
    } catch (IOException e) {
      throw new IllegalStateException("cannot write the keys to " + file, e);
    }
    seen = read();
  }

  private Seen<T> read() {
    try {
      // Looked at before: what is written in between is read once more, not missed.
      BasicFileAttributes there = Files.readAttributes(file, BasicFileAttributes.class);
      return new Seen<>(
          there.fileKey(), there.lastModifiedTime(), parser.parse(Files.readString(file)));
    } catch (Exception e) {
      throw new IllegalStateException("cannot read the keys in " + file, e);
    }
  }
}
