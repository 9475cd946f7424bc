package dev.tarn.spark;

import java.io.File;
import java.io.UncheckedIOException;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.security.AccessControlException;

/**
 * {@code file:} in an engine: the folder it works in and its temporary files, nothing else of the
 * machine. Tables are in buckets. It stands behind the gate of paths, for what reads a file without
 * being asked to, such as the schema an XML reader is told to check with.
 */
public final class EngineFiles extends LocalFileSystem {
  public EngineFiles() {
    super(new Guarded());
  }

  private static final class Guarded extends RawLocalFileSystem {
    private final java.nio.file.Path work = real(System.getProperty("user.dir"));
    private final java.nio.file.Path temporary = real(System.getProperty("java.io.tmpdir"));

    private static java.nio.file.Path real(String folder) {
      return java.nio.file.Path.of(folder).toAbsolutePath().normalize();
    }

    @Override
    public File pathToFile(Path path) {
      File file = super.pathToFile(path);
      java.nio.file.Path asked = file.toPath().toAbsolutePath().normalize();
      if (!asked.startsWith(work) && !asked.startsWith(temporary)) {
        throw new UncheckedIOException(
            new AccessControlException("'" + path + "' is not a file of this engine"));
      }
      return file;
    }
  }
}
