package dev.tarn.backup;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * A ZIP file whose last entry, {@code manifest.json}, says what is in it: format, kind, version,
 * and size and SHA-256 of every other entry. It has its name only once it is whole and on disk.
 */
final class Archive implements AutoCloseable {
  static final int FORMAT = 1;
  private static final String MANIFEST = "manifest.json";

  private final ZipFile zip;
  private final JsonNode manifest;

  private Archive(ZipFile zip, JsonNode manifest) {
    this.zip = zip;
    this.manifest = manifest;
  }

  /** Writes one. */
  static final class Writer implements AutoCloseable {
    private final Path file;
    private final Path part;
    private final FileChannel channel;
    private final ZipOutputStream zip;
    private final ObjectNode manifest;
    private final ObjectNode entries = Json.MAPPER.createObjectNode();
    private long bytes;

    /**
     * @param facts what its manifest says beside the entries
     */
    Writer(Path file, ObjectNode facts) throws IOException {
      this.file = file;
      this.manifest = facts;
      part = file.resolveSibling("." + file.getFileName() + ".part");
      channel =
          FileChannel.open(
              part,
              java.util.Set.of(
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE,
                  StandardOpenOption.TRUNCATE_EXISTING),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      zip =
          new ZipOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 18));
    }

    /** Adds the first {@code limit} bytes of {@code from}. */
    void add(String name, Path from, long limit) throws IOException {
      zip.setLevel(
          name.endsWith(".parquet") || name.endsWith(".jar")
              ? Deflater.NO_COMPRESSION // It is compressed already.
              : Deflater.BEST_SPEED);
      zip.putNextEntry(new ZipEntry(name));
      MessageDigest digest = sha256();
      long size = 0;
      try (InputStream in = Files.newInputStream(from)) {
        byte[] buffer = new byte[1 << 16];
        int read;
        while (size < limit
            && (read = in.read(buffer, 0, (int) Math.min(buffer.length, limit - size))) > 0) {
          zip.write(buffer, 0, read);
          digest.update(buffer, 0, read);
          size += read;
        }
      }
      zip.closeEntry();
      bytes += size;
      entries
          .putObject(name)
          .put("bytes", size)
          .put("sha256", HexFormat.of().formatHex(digest.digest()));
    }

    int files() {
      return entries.size();
    }

    long bytes() {
      return bytes;
    }

    /** Ends it, syncs it, gives it its name. */
    void finish() throws IOException {
      manifest.set("entries", entries);
      zip.setLevel(Deflater.BEST_SPEED);
      zip.putNextEntry(new ZipEntry(MANIFEST));
      Json.MAPPER.writeValue(
          new FilterOutputStream(zip) {
            @Override
            public void write(byte[] some, int from, int length) throws IOException {
              out.write(some, from, length);
            }

            @Override
            public void close() {
              // The archive goes on.
            }
          },
          manifest);
      zip.closeEntry();
      zip.finish();
      zip.flush();
      channel.force(true);
      zip.close();
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      sync(file.toAbsolutePath().getParent());
    }

    /** One that was not finished leaves nothing. */
    @Override
    public void close() throws IOException {
      channel.close();
      Files.deleteIfExists(part);
    }
  }

  static void sync(Path folder) throws IOException {
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  /**
   * Opens {@code file} and compares every byte with what its manifest says.
   *
   * @param kind {@code data} or {@code keys}
   * @throws IllegalStateException it is damaged, of another kind or of a format this version does
   *     not know
   */
  static Archive verified(Path file, String kind) {
    if (!Files.isRegularFile(file)) {
      throw new IllegalStateException(file + " is not there (expected: a file of `tarn backup`)");
    }
    Archive archive = null;
    try {
      ZipFile zip = new ZipFile(file.toFile());
      ZipEntry entry = zip.getEntry(MANIFEST);
      if (entry == null) {
        zip.close();
        throw new ZipException("it has no manifest.json");
      }
      byte[] manifest;
      try (InputStream in = zip.getInputStream(entry)) {
        manifest = in.readAllBytes();
      }
      CRC32 sum = new CRC32(); // ZipFile looks at none
      sum.update(manifest);
      if (sum.getValue() != entry.getCrc()) {
        zip.close();
        throw new ZipException("its manifest.json does not have the checksum it was written with");
      }
      archive = new Archive(zip, Json.MAPPER.readTree(manifest));
      archive.check(kind);
      return archive;
    } catch (IOException e) {
      closeQuietly(archive);
      throw new IllegalStateException(
          file + " is damaged, nothing was restored: " + e.getMessage(), e);
    } catch (IllegalStateException e) {
      closeQuietly(archive);
      throw new IllegalStateException(file + " " + e.getMessage(), e);
    }
  }

  private static void closeQuietly(Archive archive) {
    try {
      if (archive != null) {
        archive.close();
      }
    } catch (IOException e) {
      // It was only read.
    }
  }

  private void check(String kind) throws IOException {
    if (manifest.path("format").asInt() != FORMAT) {
      throw new IllegalStateException(
          "has format "
              + manifest.path("format").asText()
              + ", written by Tarn "
              + manifest.path("version").asText()
              + " (expected: format "
              + FORMAT
              + "; restore it with the version that wrote it)");
    }
    if (!manifest.path("kind").asText().equals(kind)) {
      throw new IllegalStateException(
          "holds " + manifest.path("kind").asText() + " (expected: " + kind + ")");
    }
    Map<String, JsonNode> expected = new LinkedHashMap<>();
    manifest
        .path("entries")
        .properties()
        .forEach(entry -> expected.put(entry.getKey(), entry.getValue()));
    if (zip.size() != expected.size() + 1) {
      throw new ZipException(
          "it has " + zip.size() + " entries (expected: " + (expected.size() + 1) + ")");
    }
    for (Map.Entry<String, JsonNode> entry : expected.entrySet()) {
      copy(entry.getKey(), entry.getValue(), OutputStream.nullOutputStream());
    }
  }

  private void copy(String name, JsonNode expected, OutputStream out) throws IOException {
    ZipEntry entry = zip.getEntry(name);
    if (entry == null
        || Path.of(name).isAbsolute()
        || !Path.of(name).normalize().equals(Path.of(name))
        || name.startsWith("..")) {
      throw new ZipException(name + " is missing or not a name of ours");
    }
    MessageDigest digest = sha256();
    try (InputStream in = zip.getInputStream(entry)) {
      byte[] buffer = new byte[1 << 16];
      int read;
      while ((read = in.read(buffer)) > 0) {
        digest.update(buffer, 0, read);
        out.write(buffer, 0, read);
      }
    }
    String sum = HexFormat.of().formatHex(digest.digest());
    if (!sum.equals(expected.path("sha256").asText())) {
      throw new ZipException(
          name
              + " has the checksum "
              + sum
              + " (expected: "
              + expected.path("sha256").asText()
              + ")");
    }
  }

  /** Writes one entry below {@code folder}, synced, readable by its owner only. */
  void unpack(String name, Path folder) throws IOException {
    Path to = folder.resolve(name);
    Files.createDirectories(to.getParent());
    try (FileChannel channel =
            FileChannel.open(
                to,
                java.util.Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(
                    PosixFilePermissions.fromString("rw-------")));
        OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 18)) {
      copy(name, manifest.path("entries").path(name), out);
      out.flush();
      channel.force(true);
    }
  }

  Iterator<String> names() {
    return manifest.path("entries").fieldNames();
  }

  JsonNode manifest() {
    return manifest;
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
