package dev.tarn.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * JDK 25's AOT cache for engines: classes loaded, linked and profiled by a run before, so that the
 * next start does not do it again. A file beside the jars, named after the JDK, the jars and the
 * flags it was made with; a start that finds none of its name goes without. It is made by the
 * product itself with {@code engine.training=on}, at the end of a build.
 */
final class AotCache {
  private AotCache() {}

  /**
   * @param runtime the folder with {@code jars}
   * @param inside the same as the engine sees it
   * @param flags the others of the engine
   */
  static List<String> flags(Path runtime, Path inside, List<String> flags) throws IOException {
    String name = name(runtime, flags);
    return Files.exists(runtime.resolve(name))
        ? List.of("-XX:AOTCache=" + inside.resolve(name), "-Xlog:aot=off", "-Xlog:cds=off")
        : List.of();
  }

  static boolean isMade(Path runtime, List<String> flags) throws IOException {
    return Files.exists(runtime.resolve(name(runtime, flags)));
  }

  /** Sizes of heap and machine do not matter to it. */
  private static boolean matters(String flag) {
    return !flag.startsWith("-Xmx") && !flag.startsWith("-XX:ActiveProcessorCount=");
  }

  /** Of the JDK, the jars and the flags. */
  static String name(Path runtime, List<String> flags) throws IOException {
    StringBuilder made = new StringBuilder(Runtime.version() + "\n");
    flags.stream().filter(AotCache::matters).forEach(flag -> made.append(flag).append('\n'));
    try (Stream<Path> jars = Files.list(runtime.resolve("jars"))) {
      for (Path jar : jars.sorted().toList()) {
        made.append(jar.getFileName())
            .append(' ')
            .append(Files.size(jar))
            .append(' ')
            .append(Files.getLastModifiedTime(jar).toMillis())
            .append('\n');
      }
    }
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(made.toString().getBytes(UTF_8));
      return "engine-" + HexFormat.of().formatHex(hash, 0, 8) + ".aot";
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whole or not there, and the only one. */
  static void publish(Path made, Path runtime, List<String> flags) throws IOException {
    if (!Files.exists(made)) {
      throw new IOException("the engine ended without writing " + made);
    }
    Path cache = runtime.resolve(name(runtime, flags));
    Path near = cache.resolveSibling("." + cache.getFileName());
    Files.copy(made, near, StandardCopyOption.REPLACE_EXISTING);
    try (Stream<Path> files = Files.list(runtime)) {
      for (Path old : files.filter(file -> file.toString().endsWith(".aot")).toList()) {
        if (!old.equals(near)) {
          Files.delete(old);
        }
      }
    }
    Files.move(near, cache, StandardCopyOption.ATOMIC_MOVE);
  }
}
