package dev.tarn.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * JDK 25's AOT cache for engines: classes loaded, linked and profiled by a run before. It is a file
 * beside the jars; the JVM itself checks that JDK, jars and flags are those it was made with, and
 * runs without it when not.
 */
final class AotCache {
  private static final String FILE = "engine.aot";

  private AotCache() {}

  /**
   * @param runtime the folder with {@code jars}
   * @param inside the same as the engine sees it
   */
  static List<String> flags(Path runtime, Path inside) {
    return Files.exists(runtime.resolve(FILE))
        ? List.of("-XX:AOTCache=" + inside.resolve(FILE), "-Xlog:aot=off", "-Xlog:cds=off")
        : List.of();
  }
}
