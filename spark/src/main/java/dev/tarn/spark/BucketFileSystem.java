package dev.tarn.spark;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathIsNotEmptyDirectoryException;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * {@code s3://bucket/key} as the folder {@code storage_root/bucket/key}: the embedded object store.
 *
 * <p>Closing a written file syncs it and the folder that names it. Delta commits only after its
 * data files are closed, so a commit never outlives the data it names.
 */
public class BucketFileSystem extends FileSystem {
  static final long BLOCK_SIZE = 32L << 20;
  private static final int BUFFER = 64 << 10;

  private URI uri;
  private java.nio.file.Path storageRoot;
  private Path workingDirectory;

  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    super.initialize(name, conf);
    setConf(conf);
    storageRoot = LocalFiles.storageRoot(conf);
    String bucket = name.getAuthority() == null ? "/" : name.getAuthority();
    uri = URI.create(name.getScheme() + "://" + bucket);
    workingDirectory = makeRoot();
  }

  @Override
  public URI getUri() {
    return uri;
  }

  @Override
  public String getScheme() {
    return uri.getScheme();
  }

  private Path makeRoot() {
    return new Path(uri.getScheme(), uri.getAuthority(), "/");
  }

  java.nio.file.Path local(Path path) throws IOException {
    checkPath(path);
    Path absolute = makeQualified(path);
    return LocalFiles.inBucket(
        storageRoot, absolute.toUri().getAuthority(), absolute.toUri().getPath());
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    java.nio.file.Path file = local(path);
    if (Files.isDirectory(file)) {
      throw new FileNotFoundException("Is a folder, not a file: " + path);
    }
    try {
      return new FSDataInputStream(new Input(FileChannel.open(file, StandardOpenOption.READ)));
    } catch (NoSuchFileException e) {
      throw notFound(path, e);
    }
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    java.nio.file.Path file = local(path);
    LocalFiles.createFolders(file.getParent());
    LocalFiles.requireRoom(file.getParent());
    return write(
        path,
        file,
        StandardOpenOption.WRITE,
        overwrite ? StandardOpenOption.CREATE : StandardOpenOption.CREATE_NEW,
        StandardOpenOption.TRUNCATE_EXISTING);
  }

  @Override
  public FSDataOutputStream append(Path path, int bufferSize, Progressable progress)
      throws IOException {
    return write(path, local(path), StandardOpenOption.WRITE, StandardOpenOption.APPEND);
  }

  private FSDataOutputStream write(Path path, java.nio.file.Path file, OpenOption... options)
      throws IOException {
    try {
      return new FSDataOutputStream(
          new Output(FileChannel.open(file, options), file.getParent()), statistics);
    } catch (java.nio.file.FileAlreadyExistsException e) {
      FileAlreadyExistsException exists = new FileAlreadyExistsException("File exists: " + path);
      exists.initCause(e);
      throw exists;
    } catch (NoSuchFileException e) {
      throw notFound(path, e);
    }
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    java.nio.file.Path source = local(from);
    java.nio.file.Path target = local(to);
    if (!Files.exists(source)) {
      return false;
    }
    if (Files.isDirectory(target)) {
      target = target.resolve(source.getFileName());
    }
    // Hadoop's contract: renaming onto something that exists is refused, not an overwrite.
    if (Files.exists(target) || target.startsWith(source)) {
      return false;
    }
    if (!Files.isDirectory(target.getParent())) {
      return false;
    }
    Files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
    LocalFiles.syncFolder(target.getParent());
    if (!source.getParent().equals(target.getParent())) {
      LocalFiles.syncFolder(source.getParent());
    }
    return true;
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    java.nio.file.Path file = local(path);
    try {
      if (recursive && Files.isDirectory(file, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
        Files.walkFileTree(file, new DeleteAll());
      } else {
        Files.delete(file);
      }
      return true;
    } catch (NoSuchFileException e) {
      return false;
    } catch (DirectoryNotEmptyException e) {
      PathIsNotEmptyDirectoryException full = new PathIsNotEmptyDirectoryException(path.toString());
      full.initCause(e);
      throw full;
    }
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    java.nio.file.Path file = local(path);
    Path qualified = makeQualified(path);
    List<FileStatus> found = new ArrayList<>();
    try (Stream<java.nio.file.Path> files = Files.list(file)) {
      for (java.nio.file.Path each : (Iterable<java.nio.file.Path>) files::iterator) {
        try {
          found.add(status(each, new Path(qualified, new Path(null, null, name(each)))));
        } catch (NoSuchFileException e) {
          // Deleted since it was listed; a listing of now would not have it.
        }
      }
    } catch (NotDirectoryException e) {
      return new FileStatus[] {status(file, qualified)};
    } catch (NoSuchFileException e) {
      throw notFound(path, e);
    }
    found.sort(Comparator.comparing(FileStatus::getPath));
    return found.toArray(new FileStatus[0]);
  }

  private static String name(java.nio.file.Path file) {
    return file.getFileName().toString();
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    LocalFiles.createFolders(local(path));
    return true;
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    try {
      return status(local(path), makeQualified(path));
    } catch (NoSuchFileException e) {
      throw notFound(path, e);
    }
  }

  private static FileStatus status(java.nio.file.Path file, Path path) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    return new FileStatus(
        attributes.isDirectory() ? 0 : attributes.size(),
        attributes.isDirectory(),
        1,
        BLOCK_SIZE,
        attributes.lastModifiedTime().toMillis(),
        path);
  }

  @Override
  public void setWorkingDirectory(Path path) {
    workingDirectory = makeQualified(path);
  }

  @Override
  public Path getWorkingDirectory() {
    return workingDirectory;
  }

  private static FileNotFoundException notFound(Path path, IOException cause) {
    FileNotFoundException e = new FileNotFoundException("No such file or folder: " + path);
    e.initCause(cause);
    return e;
  }

  private static final class DeleteAll extends SimpleFileVisitor<java.nio.file.Path> {
    @Override
    public FileVisitResult visitFile(java.nio.file.Path file, BasicFileAttributes attributes)
        throws IOException {
      Files.deleteIfExists(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(java.nio.file.Path folder, IOException failure)
        throws IOException {
      if (failure != null) {
        throw failure;
      }
      Files.deleteIfExists(folder);
      return FileVisitResult.CONTINUE;
    }
  }

  private static final class Input extends FSInputStream {
    private final FileChannel channel;

    Input(FileChannel channel) {
      this.channel = channel;
    }

    @Override
    public void seek(long position) throws IOException {
      if (position < 0) {
        throw new EOFException("position: " + position + " (expected: 0 or more)");
      }
      channel.position(position);
    }

    @Override
    public long getPos() throws IOException {
      return channel.position();
    }

    @Override
    public boolean seekToNewSource(long position) {
      return false;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      return length == 0 ? 0 : channel.read(ByteBuffer.wrap(bytes, offset, length));
    }

    @Override
    public int read(long position, byte[] bytes, int offset, int length) throws IOException {
      return length == 0 ? 0 : channel.read(ByteBuffer.wrap(bytes, offset, length), position);
    }

    @Override
    public int available() throws IOException {
      return (int) Math.min(Integer.MAX_VALUE, Math.max(0, channel.size() - channel.position()));
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private static final class Output extends OutputStream {
    private final FileChannel channel;
    private final java.nio.file.Path folder;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);

    Output(FileChannel channel, java.nio.file.Path folder) {
      this.channel = channel;
      this.folder = folder;
    }

    @Override
    public void write(int value) throws IOException {
      if (!buffer.hasRemaining()) {
        flush();
      }
      buffer.put((byte) value);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (length > buffer.remaining()) {
        flush();
      }
      if (length > buffer.remaining()) {
        drain(ByteBuffer.wrap(bytes, offset, length));
      } else {
        buffer.put(bytes, offset, length);
      }
    }

    @Override
    public void flush() throws IOException {
      buffer.flip();
      drain(buffer);
      buffer.clear();
    }

    private void drain(ByteBuffer bytes) throws IOException {
      while (bytes.hasRemaining()) {
        int unused = channel.write(bytes);
      }
    }

    @Override
    public void close() throws IOException {
      if (!channel.isOpen()) {
        return;
      }
      try (channel) {
        flush();
        channel.force(true);
      }
      LocalFiles.syncFolder(folder);
    }
  }
}
