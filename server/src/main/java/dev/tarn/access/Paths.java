package dev.tarn.access;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import dev.tarn.storage.Uploads;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Paths {@code s3://bucket/key} as they are stored and compared. */
public final class Paths {
  public static final String SCHEME = "s3://";
  private static final int LONGEST_KEY = 1024;

  /** Characters by which Hadoop would read a path as a pattern, or cut it. */
  private static final String FORBIDDEN = "*?[]{}\\#%";

  /** The folder below a storage root in which managed data lies, as the real service names it. */
  public static final String MANAGED_FOLDER = "__unitystorage";

  /** Folders of a root bucket in which the platform itself keeps things. */
  private static final Set<String> PLATFORMS =
      Set.of("unity-catalog", "tarn-results", Uploads.FOLDER);

  private Paths() {}

  /** The path without a trailing slash, its scheme spelled {@code s3}. */
  public static String canonical(String field, String location) {
    String path = location == null ? "" : location.replaceFirst("^s3[an]?://", SCHEME);
    path = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    String[] parts =
        path.startsWith(SCHEME) ? path.substring(SCHEME.length()).split("/", -1) : new String[0];
    boolean well = parts.length > 0 && path.length() <= LONGEST_KEY;
    for (String part : parts) {
      well &=
          !part.isEmpty()
              && !part.equals(".")
              && !part.equals("..")
              && part.codePoints()
                  .noneMatch(c -> c < ' ' || c == 0x7f || FORBIDDEN.indexOf(c) >= 0);
    }
    if (!well) {
      throw new InvalidParameterValue(
          field
              + ": "
              + Names.shown(location)
              + " (expected: s3://bucket/folder, at most 1024 characters, without . .. or any of "
              + FORBIDDEN
              + ")",
          null);
    }
    return path;
  }

  /** The path and every folder above it: few, so an index finds them. */
  public static List<String> above(String location) {
    List<String> folders = new ArrayList<>();
    for (int end = location.length();
        end > SCHEME.length();
        end = location.lastIndexOf('/', end - 1)) {
      folders.add(location.substring(0, end));
    }
    return folders;
  }

  /** Whether the platform keeps things of its own there, as in every workspace's root bucket. */
  public static boolean isPlatforms(String path) {
    int key = path.indexOf('/', SCHEME.length());
    if (key < 0) {
      return true;
    }
    List<String> folders = List.of(path.substring(key + 1).split("/"));
    return PLATFORMS.contains(folders.getFirst()) || folders.contains(MANAGED_FOLDER);
  }

  /** Whether {@code path} is {@code folder} or in it. */
  public static boolean isIn(String path, String folder) {
    return path.equals(folder) || path.startsWith(folder + "/");
  }
}
