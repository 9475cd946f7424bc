package dev.tarn.spark;

import java.util.regex.Pattern;

/**
 * A path in a volume, {@code /Volumes/catalog/schema/volume/…}, also written {@code
 * dbfs:/Volumes/…}.
 *
 * @param rest of the path, without a slash in front; may be a pattern
 */
public record VolumePath(String catalog, String schema, String volume, String rest) {
  public static final String SCHEME = "dbfs";
  private static final String FOLDER = "/Volumes/";

  /** By these Hadoop would read a path as many, or as another one. */
  private static final Pattern PATTERN = Pattern.compile("[*?\\[\\]{}]");

  /** Hadoop takes braces apart before it looks for dots, so a name may begin or end with one. */
  private static final Pattern DOTS = Pattern.compile("(^|[/{,])\\.\\.?($|[/},])");

  /**
   * As Hadoop would read the text.
   *
   * @return null when it leads to no volume
   * @throws IllegalArgumentException it begins as a path in a volume and may leave it
   */
  public static VolumePath of(String text) {
    String path = text.startsWith(SCHEME + ":") ? text.substring(SCHEME.length() + 1) : text;
    if (path.startsWith("//") && !path.startsWith("///")) {
      // The name of a machine.
      return null;
    }
    path = path.replaceAll("/+", "/");
    if (!path.startsWith(FOLDER)) {
      return null;
    }
    String inside = path.substring(FOLDER.length());
    String[] parts = inside.split("/", 4);
    boolean well =
        parts.length >= 3
            && !parts[2].isEmpty()
            && inside.indexOf('\\') < 0
            && !DOTS.matcher(inside).find()
            && inside.codePoints().noneMatch(c -> c < ' ' || c == 0x7f);
    for (int i = 0; well && i < 3; i++) {
      well = !PATTERN.matcher(parts[i]).find();
    }
    if (!well) {
      throw new IllegalArgumentException(
          "path '"
              + text
              + "' (expected: /Volumes/catalog/schema/volume/path, no pattern for the names of"
              + " catalog, schema and volume, and no '.', '..', backslash or control character)");
    }
    return new VolumePath(parts[0], parts[1], parts[2], parts.length < 4 ? "" : parts[3]);
  }

  /** The volume as a path: who may is the same for all that is in it. */
  public String root() {
    return FOLDER + catalog + "/" + schema + "/" + volume;
  }
}
