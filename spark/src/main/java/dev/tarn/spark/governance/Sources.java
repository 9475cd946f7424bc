package dev.tarn.spark.governance;

import dev.tarn.spark.VolumePath;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Formats of files that may be read and written by path, and the options that may go with them. */
final class Sources {
  private static final Set<String> FORMATS =
      Set.of("delta", "parquet", "orc", "csv", "json", "text", "binaryfile", "xml");

  /**
   * Options reach the configuration of Hadoop's file systems, where {@code fs.s3.impl} would change
   * what an address means; all names with periods are of that kind but Delta's table properties.
   */
  private static final Pattern OPTION = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*|delta\\.[\\w.]+");

  /** Names of files that a format would read beside the path that is checked. */
  private static final Set<String> FILE_OPTIONS = Set.of("rowvalidationxsdpath", "avroschemaurl");

  /**
   * A condition Delta reads from a text and runs by itself, where nobody is asked about the tables
   * of a subquery.
   */
  private static final Pattern SUBQUERY = Pattern.compile("\\bselect\\b", Pattern.CASE_INSENSITIVE);

  private Sources() {}

  static boolean hasSubquery(String condition) {
    return SUBQUERY.matcher(condition).find();
  }

  /** Whether {@code name} is a format by which a path may be read. */
  static boolean isFormat(String name) {
    return FORMATS.contains(name.toLowerCase(Locale.ROOT));
  }

  static void requireFormat(String name) {
    if (!isFormat(name)) {
      throw Refused.because(
          "data source '"
              + name
              + "' cannot be used here (expected: a table, or one of "
              + new java.util.TreeSet<>(FORMATS)
              + ")");
    }
  }

  /** A path as the server is asked about it: who may is the same in all of a volume. */
  static String asked(String path) {
    VolumePath volume = volume(path);
    return volume == null ? path : volume.root();
  }

  /** Null for a path that is not of a volume. */
  static VolumePath volume(String path) {
    try {
      return VolumePath.of(path);
    } catch (IllegalArgumentException e) {
      throw Refused.because(e.getMessage());
    }
  }

  static boolean isOption(String name) {
    return OPTION.matcher(name).matches() && !FILE_OPTIONS.contains(name.toLowerCase(Locale.ROOT));
  }

  static void requireOption(String name) {
    if (!isOption(name)) {
      throw Refused.because("option '" + name + "' cannot be used here");
    }
  }

  /** Properties of tables may have any name, but those that become options of their files. */
  static void requireProperty(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    if (lower.startsWith("option.")) {
      requireOption(name.substring("option.".length()));
    } else if (lower.startsWith("fs.")
        || lower.startsWith("hadoop.")
        || lower.startsWith("tarn.")
        || lower.startsWith("delta.constraints.")) {
      throw Refused.because("property '" + name + "' cannot be used here");
    }
  }
}
