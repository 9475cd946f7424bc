package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.delta.storage.CloseableIterator;
import io.delta.storage.LogStore;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Delta commits on a folder, by any number of engines at once.
 *
 * <p>A commit is written whole to a hidden file, made durable, and then given its name by {@code
 * link(2)}, which fails when the name exists: the kernel decides who won, so the writers need not
 * know each other. Delta's own store for {@code s3} keeps its lock in one JVM, and the one for
 * {@code file} asks whether the name exists before it renames over it; both lose acknowledged
 * commits when two engines write.
 */
public final class FolderLogStore extends LogStore {
  private static final Pattern COMMIT = Pattern.compile("\\d{20}\\.json");

  public FolderLogStore(Configuration conf) {
    super(conf);
  }

  @Override
  public CloseableIterator<String> read(Path path, Configuration conf) throws IOException {
    BufferedReader reader;
    try {
      reader = Files.newBufferedReader(LocalFiles.resolve(path, conf), UTF_8);
    } catch (NoSuchFileException e) {
      throw notFound(path, e);
    }
    return new Lines(reader);
  }

  @Override
  public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration conf)
      throws IOException {
    java.nio.file.Path file = LocalFiles.resolve(path, conf);
    java.nio.file.Path folder = file.getParent();
    // A dot in front: Delta and listFrom take it for no part of the log.
    java.nio.file.Path hidden =
        folder.resolve("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
    boolean commit = !overwrite && COMMIT.matcher(path.getName()).matches();
    String metadata = null;
    LocalFiles.requireRoom(folder);
    if (!overwrite && Files.exists(file)) {
      throw new FileAlreadyExistsException(path.toString());
    }
    try {
      try (FileChannel channel =
              FileChannel.open(hidden, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
          BufferedWriter writer =
              new BufferedWriter(
                  new OutputStreamWriter(Channels.newOutputStream(channel), UTF_8))) {
        while (actions.hasNext()) {
          String action = actions.next();
          if (commit && action.startsWith("{\"metaData\"")) {
            metadata = action;
          }
          writer.write(action);
          writer.write('\n');
        }
        writer.flush();
        channel.force(true);
      }
      if (overwrite) {
        Files.move(
            hidden, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } else {
        createLink(file, hidden, path);
      }
      LocalFiles.syncFolder(folder);
    } catch (NoSuchFileException e) {
      throw notFound(path, e);
    } finally {
      Files.deleteIfExists(hidden);
    }
    if (metadata != null) {
      CatalogCopies.committed(path.getParent().getParent(), metadata);
    }
  }

  private static void createLink(
      java.nio.file.Path file, java.nio.file.Path hidden, Path asNamedByDelta) throws IOException {
    try {
      Files.createLink(file, hidden);
    } catch (FileAlreadyExistsException e) {
      FileAlreadyExistsException lost = new FileAlreadyExistsException(asNamedByDelta.toString());
      lost.initCause(e);
      throw lost;
    }
  }

  @Override
  public Iterator<FileStatus> listFrom(Path path, Configuration conf) throws IOException {
    FileSystem fs = path.getFileSystem(conf);
    Path parent = fs.makeQualified(path).getParent();
    String from = path.getName();
    List<FileStatus> found = new ArrayList<>();
    try (Stream<java.nio.file.Path> files = Files.list(LocalFiles.resolve(parent, conf))) {
      for (java.nio.file.Path file : (Iterable<java.nio.file.Path>) files::iterator) {
        String name = file.getFileName().toString();
        if (!name.startsWith(".") && name.compareTo(from) >= 0) {
          status(file, new Path(parent, name), found);
        }
      }
    } catch (NoSuchFileException e) {
      throw notFound(parent, e);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    found.sort(Comparator.comparing(status -> status.getPath().getName()));
    return found.iterator();
  }

  private static void status(java.nio.file.Path file, Path path, List<FileStatus> into)
      throws IOException {
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      into.add(
          new FileStatus(
              attributes.size(),
              attributes.isDirectory(),
              1,
              BucketFileSystem.BLOCK_SIZE,
              attributes.lastModifiedTime().toMillis(),
              path));
    } catch (NoSuchFileException e) {
      // Another engine's log clean-up removed it between the listing and this line.
    }
  }

  @Override
  public Path resolvePathOnPhysicalStorage(Path path, Configuration conf) throws IOException {
    return path.getFileSystem(conf).makeQualified(path);
  }

  /** Delta writes checkpoints through the file system, where a half-written file has its name. */
  @Override
  public Boolean isPartialWriteVisible(Path path, Configuration conf) {
    return true;
  }

  private static FileNotFoundException notFound(Path path, IOException cause) {
    FileNotFoundException e = new FileNotFoundException("No such file or folder: " + path);
    e.initCause(cause);
    return e;
  }

  private static final class Lines implements CloseableIterator<String> {
    private final BufferedReader reader;
    private String next;

    Lines(BufferedReader reader) throws IOException {
      this.reader = reader;
      this.next = reader.readLine();
    }

    @Override
    public boolean hasNext() {
      return next != null;
    }

    @Override
    public String next() {
      if (next == null) {
        throw new java.util.NoSuchElementException();
      }
      String line = next;
      try {
        next = reader.readLine();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return line;
    }

    @Override
    public void close() throws IOException {
      reader.close();
    }
  }
}
