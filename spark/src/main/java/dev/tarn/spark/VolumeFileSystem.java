package dev.tarn.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;

/**
 * {@code dbfs:/Volumes/catalog/schema/volume/…} as the folder of the volume, and nothing else. It
 * is what a path without a scheme means here, so such a path leads into a volume or nowhere.
 *
 * <p>Who may was decided on the plan; this asks the server only where the volume is.
 */
public final class VolumeFileSystem extends BucketFileSystem {
  private static volatile Known known = new Known("", Map.of());

  /** Where volumes are: a volume that is renamed or made anew comes with another version. */
  private record Known(String version, Map<String, String> locations) {}

  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    if (name.getAuthority() != null) {
      throw new IOException("'" + name + "' (expected: dbfs:/Volumes/catalog/schema/volume/...)");
    }
    super.initialize(name, conf);
  }

  @Override
  Path local(org.apache.hadoop.fs.Path path) throws IOException {
    checkPath(path);
    return local(makeQualified(path), getConf());
  }

  /**
   * The file of a path in a volume, which need not exist. A symbolic link is nothing.
   *
   * @param path of scheme {@code dbfs}
   */
  static Path local(org.apache.hadoop.fs.Path path, Configuration conf) throws IOException {
    VolumePath asked = VolumePath.of(path.toUri().getPath());
    if (asked == null) {
      throw notThere(path);
    }
    URI location = URI.create(location(asked));
    Path file;
    try {
      file =
          LocalFiles.inBucket(
              LocalFiles.storageRoot(conf), location.getAuthority(), location.getPath());
    } catch (FileNotFoundException e) {
      throw notThere(path);
    }
    for (String name : asked.rest().split("/", -1)) {
      file = name.isEmpty() ? file : file.resolve(name);
      if (Files.isSymbolicLink(file)) {
        throw notThere(path);
      }
    }
    return file;
  }

  /** A path as one of a bucket, which of two names for one file is the one. */
  public static String stored(org.apache.hadoop.fs.Path path) throws IOException {
    if (!VolumePath.SCHEME.equals(path.toUri().getScheme())) {
      return path.toString();
    }
    VolumePath asked = VolumePath.of(path.toUri().getPath());
    if (asked == null) {
      throw notThere(path);
    }
    return location(asked) + "/" + asked.rest();
  }

  /** Where a volume is, asked by the engine for itself. */
  private static String location(VolumePath path) throws IOException {
    String version = Sessions.newestVersion();
    Known now = known;
    if (!now.version.equals(version)) {
      now = new Known(version, new ConcurrentHashMap<>());
      known = now;
    }
    String location = now.locations.get(path.root());
    if (location == null) {
      try {
        location =
            Sessions.server()
                .get(
                    new Call(null, "volume"),
                    "volumes/"
                        + CatalogServer.fullName(path.catalog(), path.schema(), path.volume()))
                .path("storage_location")
                .asText();
      } catch (CatalogError e) {
        throw e.isNotFound()
            ? new FileNotFoundException(e.getMessage())
            : new IOException(e.getMessage(), e);
      }
      if (!version.isEmpty()) {
        now.locations.put(path.root(), location);
      }
    }
    return location;
  }

  private static FileNotFoundException notThere(org.apache.hadoop.fs.Path path) {
    return new FileNotFoundException("No such file or folder: " + path);
  }
}
