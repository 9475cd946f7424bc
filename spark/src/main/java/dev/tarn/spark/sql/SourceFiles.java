package dev.tarn.spark.sql;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.classic.SparkSession;

/** The files that a statement loads, as a reader of the path would find them. */
final class SourceFiles {
  private SourceFiles() {}

  static boolean isPattern(String path) {
    return path.matches(".*[*?\\[{].*");
  }

  /**
   * @param names below the path, or null
   * @param pattern of names below the path, or null
   */
  static List<Path> of(
      SparkSession spark, String path, List<String> names, String pattern, boolean recursive)
      throws IOException {
    Path source = new Path(path);
    FileSystem fs = source.getFileSystem(spark.sessionState().newHadoopConf());
    List<Path> found = new ArrayList<>();
    if (names != null) {
      for (String name : names) {
        if (name.startsWith("/")
            || name.indexOf(':') >= 0
            || Arrays.stream(name.split("/", -1)).anyMatch(SourceFiles::isHidden)) {
          throw new IllegalArgumentException(
              "FILES: '" + name + "' (expected: a file below '" + path + "')");
        }
        Path file = fs.makeQualified(new Path(source, name));
        if (!fs.getFileStatus(file).isFile()) {
          throw new FileNotFoundException("Is a folder, not a file: " + file);
        }
        found.add(file);
      }
      return found;
    }
    FileStatus[] roots = fs.globStatus(source);
    if (roots == null || roots.length == 0) {
      throw new FileNotFoundException("Path does not exist: " + fs.makeQualified(source));
    }
    PathMatcher matcher =
        pattern == null ? null : FileSystems.getDefault().getPathMatcher("glob:" + pattern);
    for (FileStatus root : roots) {
      if (root.isFile()) {
        found.add(root.getPath());
      } else {
        list(fs, root.getPath(), "", recursive, matcher, found);
      }
    }
    return found;
  }

  private static void list(
      FileSystem fs,
      Path folder,
      String below,
      boolean recursive,
      PathMatcher matcher,
      List<Path> found)
      throws IOException {
    for (FileStatus each : fs.listStatus(folder)) {
      String name = each.getPath().getName();
      if (isHidden(name)) {
        continue;
      }
      if (each.isDirectory()) {
        if (recursive || matcher != null || name.indexOf('=') > 0) {
          list(fs, each.getPath(), below + name + "/", recursive, matcher, found);
        }
      } else if (matcher == null || matcher.matches(java.nio.file.Path.of(below + name))) {
        found.add(each.getPath());
      }
    }
  }

  /** What readers of files pass over; {@code _a=1} is a column. */
  private static boolean isHidden(String name) {
    return name.isEmpty()
        || name.startsWith(".")
        || (name.startsWith("_") && name.indexOf('=') < 0)
        || name.endsWith("._COPYING_");
  }
}
