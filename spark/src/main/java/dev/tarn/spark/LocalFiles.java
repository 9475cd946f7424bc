package dev.tarn.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.conf.Configuration;

/** Where an {@code s3://bucket/key} or {@code file:} path lies on this machine's disk. */
final class LocalFiles {
  /** Hadoop setting with the folder that holds one folder for each bucket. */
  static final String STORAGE_ROOT = "tarn.storage.root";

  private LocalFiles() {}

  private static volatile long watermark;

  /** From now on nothing is written where less than {@code bytes} are free. */
  static void keepFree(long bytes) {
    watermark = bytes;
  }

  /**
   * @throws IOException there is not enough room in {@code folder} to begin a file
   */
  static void requireRoom(Path folder) throws IOException {
    if (watermark > 0) {
      long free = Files.getFileStore(folder).getUsableSpace();
      if (free < watermark) {
        throw new IOException(
            "No space left: the disk that holds Tarn's data has "
                + (free >> 20)
                + " MiB left (expected: at least "
                + (watermark >> 20)
                + " MiB, disk.watermark); reading and deleting go on");
      }
    }
  }

  /** {@code s3}, {@code s3a}, {@code dbfs} and {@code file} paths; anything else is not ours. */
  static Path resolve(org.apache.hadoop.fs.Path path, Configuration conf) throws IOException {
    String scheme = path.toUri().getScheme();
    if (scheme == null || scheme.equals("file")) {
      return Path.of(path.toUri().getPath());
    }
    if (scheme.equals(VolumePath.SCHEME)) {
      return VolumeFileSystem.local(path, conf);
    }
    if (!scheme.equals("s3") && !scheme.equals("s3a")) {
      throw new IOException(
          "path: '" + path + "' (expected: a path of scheme s3, s3a, dbfs or file)");
    }
    return inBucket(storageRoot(conf), path.toUri().getAuthority(), path.toUri().getPath());
  }

  static Path storageRoot(Configuration conf) throws IOException {
    String root = conf.get(STORAGE_ROOT);
    if (root == null) {
      throw new IOException(STORAGE_ROOT + " is not set (expected: an absolute folder)");
    }
    return Path.of(root);
  }

  /**
   * The file of a key, which need not exist.
   *
   * @throws FileNotFoundException the bucket does not exist, or the key leads out of it
   */
  static Path inBucket(Path storageRoot, String bucket, String key) throws IOException {
    if (bucket == null || bucket.isEmpty() || bucket.indexOf('/') >= 0 || bucket.startsWith(".")) {
      throw new FileNotFoundException("bucket does not exist: '" + bucket + "'");
    }
    Path folder = storageRoot.resolve(bucket);
    if (!Files.isDirectory(folder)) {
      throw new FileNotFoundException("bucket does not exist: '" + bucket + "'");
    }
    Path file = folder;
    for (String segment : key.split("/", -1)) {
      if (segment.equals("..") || segment.equals(".")) {
        throw new FileNotFoundException(
            "key: '" + key + "' of bucket '" + bucket + "' (expected: no '.' or '..' segment)");
      }
      if (!segment.isEmpty()) {
        file = file.resolve(segment);
      }
    }
    // A link inside a bucket could lead to keys/, the database or another bucket.
    Path existing = file;
    while (!Files.exists(existing, LinkOption.NOFOLLOW_LINKS)) {
      existing = existing.getParent();
    }
    if (!existing.toRealPath().startsWith(folder.toRealPath())) {
      throw new FileNotFoundException(
          "key: '" + key + "' leads out of bucket '" + bucket + "' through a symbolic link");
    }
    return file;
  }

  /** Makes names that were created, renamed or linked in a folder survive a power cut. */
  static void syncFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Creates what is missing of a folder and makes the new names durable. */
  static void createFolders(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Path parent = folder.getParent();
    if (parent != null) {
      createFolders(parent);
    }
    try {
      Files.createDirectory(folder);
    } catch (java.nio.file.FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw e;
      }
    }
    if (parent != null) {
      syncFolder(parent);
    }
  }
}
