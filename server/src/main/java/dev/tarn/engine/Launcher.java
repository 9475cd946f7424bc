package dev.tarn.engine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;

import dev.tarn.Config;
import dev.tarn.database.Json;
import dev.tarn.engine.Sandbox.Mount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Starts the process of an engine, as module {@code spark} wants it started, in the sandbox. */
final class Launcher {
  private static final String MAIN = "dev.tarn.spark.Engine";
  private static final String STORAGE = "/storage";
  private static final String SCRATCH = "/scratch";
  private static final String RUNTIME = "/runtime";
  private static final String LEARNED = "engine.aot";
  private static final String ENVIRONMENT = "environment";
  private static final long READY_SECONDS = 300;
  private static final Set<PosixFilePermission> OWNER_ONLY =
      Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

  /** Those that an engine does not work without, whatever its owner says. */
  private static final Set<String> OWN_VARIABLES =
      Set.of("LC_ALL", "HOME", "SPARK_LOCAL_IP", "SPARK_LOCAL_DIRS");

  /** {@code $0} is the file; it is gone before any code of its owner's runs. */
  private static final String WITH_ENVIRONMENT =
      "set -a; . \"$0\"; set +a; /bin/rm -f \"$0\"; exec \"$@\"";

  /** Spark's list for JDK 17 and later (JavaModuleOptions), and what JDK 25 needs besides. */
  private static final List<String> OPENED =
      List.of(
          "java.lang",
          "java.lang.invoke",
          "java.lang.reflect",
          "java.io",
          "java.net",
          "java.nio",
          "java.util",
          "java.util.concurrent",
          "java.util.concurrent.atomic",
          "jdk.internal.ref",
          "sun.nio.ch",
          "sun.nio.cs",
          "sun.util.calendar");

  private final Config config;
  private final Sandbox sandbox;

  Launcher(Config config, Sandbox sandbox) {
    this.config = config;
    this.sandbox = sandbox;
  }

  /** A process that was started, before it is ready. */
  record Started(Process process, Path ready, WatchService watch) {}

  Path folder(String engineId) {
    return config.engines().resolve(engineId);
  }

  DriverLog log(String engineId) {
    return new DriverLog(folder(engineId).resolve("driver.log"));
  }

  /** How it ended, for who was not its parent. */
  Path exitCode(String engineId) {
    return folder(engineId).resolve("exit");
  }

  /** What the build made for engines: {@code jars/}, and beside it the AOT cache. */
  Path runtime() {
    return config.distribution().resolve("spark/target/runtime");
  }

  /** Changes when engines would run other code, on another JDK or with other flags. */
  String build() {
    try {
      return AotCache.name(runtime(), flags());
    } catch (NoSuchFileException e) {
      return "none"; // and so no engine starts either
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at " + runtime(), e);
    }
  }

  /** Whether engines in the sandbox have an AOT cache that fits. */
  boolean isTrained() throws IOException {
    return AotCache.isMade(runtime(), flags());
  }

  /**
   * Keeps what an engine learned.
   *
   * @throws IOException it ended without having written it
   */
  void learned(String engineId) throws IOException {
    AotCache.publish(folder(engineId).resolve("scratch").resolve(LEARNED), runtime(), flags());
  }

  /** Arguments that only engines of this instance have. */
  static String homeMark(Path home) {
    return "-Dtarn.home=" + home.toAbsolutePath().normalize();
  }

  static String engineMark(String engineId) {
    return "-Dtarn.engine=" + engineId;
  }

  /**
   * @param told what goes to its standard input, completed here by what only the launcher knows
   */
  Started start(String engineId, Map<String, Object> told, Engines.Spec spec) throws IOException {
    Path jars = runtime().resolve("jars");
    if (!Files.isDirectory(jars)) {
      throw new IOException(
          "no Spark in " + jars + " (expected: the jars that the build put there)");
    }
    Path scratch = Files.createDirectories(folder(engineId).resolve("scratch"));
    Files.createDirectories(scratch.resolve("tmp"));
    Mount runtime = Mount.read(runtime(), RUNTIME);
    Mount work = Mount.write(scratch, SCRATCH);
    List<Mount> mounts = new ArrayList<>(List.of(runtime, work));
    spec.buckets()
        .forEach(
            (bucket, writable) ->
                mounts.add(
                    new Mount(
                        config.storage().resolve(bucket), Path.of(STORAGE, bucket), writable)));
    Path inside = sandbox.path(work);

    Map<String, Object> all = new TreeMap<>(told);
    all.put(
        "storage_root", (sandbox.isolating() ? STORAGE : config.storage().toAbsolutePath()) + "");
    all.put("ready_file", inside.resolve("ready.json") + "");
    all.put("max_result_bytes", heapBytes(memory(spec)) / 4);
    all.put("disk_watermark", config.upkeep().diskWatermark());
    Map<String, String> conf = new TreeMap<>(config.engineConf());
    conf.putAll(spec.sparkConf());
    all.put("spark_conf", conf);

    List<String> flags = flags(memory(spec), cores(spec), inside);
    List<String> command = new ArrayList<>();
    if (!spec.environment().isEmpty()) {
      Path file = scratch.resolve(ENVIRONMENT);
      Files.writeString(
          Files.createFile(file, PosixFilePermissions.asFileAttribute(OWNER_ONLY)),
          assignments(spec.environment()));
      command.addAll(List.of("/bin/sh", "-c", WITH_ENVIRONMENT, inside.resolve(ENVIRONMENT) + ""));
    }
    command.add(System.getProperty("java.home") + "/bin/java");
    command.add(homeMark(config.home()));
    command.add(engineMark(engineId));
    command.addAll(flags);
    command.addAll(
        config.engineTraining()
            ? List.of("-XX:AOTCacheOutput=" + inside.resolve(LEARNED))
            : AotCache.flags(runtime(), sandbox.path(runtime), flags));
    command.addAll(config.engineJvmOptions());
    command.addAll(List.of("-cp", sandbox.path(runtime).resolve("jars") + "/*", MAIN));
    Map<String, String> environment =
        Map.of(
            "LC_ALL",
            "C.UTF-8",
            "HOME",
            inside + "",
            "SPARK_LOCAL_IP",
            "127.0.0.1",
            "SPARK_LOCAL_DIRS",
            inside.resolve("tmp") + "");

    WatchService watch = scratch.getFileSystem().newWatchService();
    scratch.register(watch, ENTRY_CREATE);
    Process process =
        sandbox.start(
            sandbox
                .survivor(command, environment, mounts, exitCode(engineId))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log(engineId).file().toFile())));
    var unused =
        process
            .onExit()
            .thenRun(
                () -> {
                  try {
                    watch.close();
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                });
    try (var stdin = process.getOutputStream()) {
      stdin.write(Json.write(all).getBytes(UTF_8));
    } catch (IOException e) {
      // It ended before it read; how it ended says more.
    }
    return new Started(process, scratch.resolve("ready.json"), watch);
  }

  /** Waits until it may be used; its port, or null when it ended before. */
  Integer awaitPort(Started started) throws IOException, InterruptedException {
    try (WatchService watch = started.watch()) {
      long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
      while (!Files.exists(started.ready())) {
        WatchKey key = watch.poll(until - System.nanoTime(), TimeUnit.NANOSECONDS);
        if (key == null) {
          throw new IOException("it was not ready after " + READY_SECONDS + " seconds");
        }
        key.pollEvents();
        if (!key.reset()) {
          throw new IOException("its folder " + started.ready().getParent() + " is gone");
        }
      }
      return Json.tree(Files.readString(started.ready())).path("port").intValue();
    } catch (ClosedWatchServiceException e) {
      return null;
    }
  }

  /** The JVM among the processes that were started, as this machine sees it. */
  static ProcessHandle jvm(ProcessHandle outer) {
    try (Stream<ProcessHandle> all = outer.descendants()) {
      return all.filter(one -> one.info().command().orElse("").endsWith("/java"))
          .findFirst()
          .orElse(outer);
    }
  }

  /** The shell reads them within the walls: outside, they would reach what puts the walls up. */
  private static String assignments(Map<String, String> environment) throws IOException {
    StringBuilder text = new StringBuilder();
    for (var variable : new TreeMap<>(environment).entrySet()) {
      if (!variable.getKey().matches("[A-Za-z_][A-Za-z0-9_]*")
          || variable.getValue().indexOf('\0') >= 0) {
        throw new IOException(
            "environment: '"
                + variable.getKey()
                + "' (expected: a name of letters, digits and _, and a value without NUL)");
      }
      if (!OWN_VARIABLES.contains(variable.getKey())) {
        text.append(variable.getKey())
            .append("='")
            .append(variable.getValue().replace("'", "'\\''"))
            .append("'\n");
      }
    }
    return text.toString();
  }

  /** The heap of an engine, as Java spells it. */
  String memory(Engines.Spec spec) {
    return Objects.requireNonNullElse(spec.memory(), config.engineMemory());
  }

  private int cores(Engines.Spec spec) {
    return Objects.requireNonNullElse(spec.cores(), config.engineCores());
  }

  /** Those of an engine in the sandbox that has the size of {@link Config}. */
  private List<String> flags() {
    return flags(config.engineMemory(), config.engineCores(), Path.of(SCRATCH));
  }

  private List<String> flags(String memory, int cores, Path scratch) {
    List<String> flags = new ArrayList<>();
    flags.add("-Xmx" + memory);
    flags.add("-XX:MaxMetaspaceSize=512m");
    flags.add("-XX:MaxDirectMemorySize=512m");
    flags.add("-XX:ReservedCodeCacheSize=160m");
    // A driver that ran out of memory is not to be trusted with the next statement.
    flags.add("-XX:+ExitOnOutOfMemoryError");
    if (cores > 0) {
      flags.add("-XX:ActiveProcessorCount=" + cores);
    }
    flags.add("-Djava.io.tmpdir=" + scratch.resolve("tmp"));
    flags.add("-XX:ErrorFile=" + scratch.resolve("hs_err.log"));
    for (String opened : OPENED) {
      flags.add("--add-opens=java.base/" + opened + "=ALL-UNNAMED");
    }
    flags.add("--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED");
    flags.add("-Dio.netty.tryReflectionSetAccessible=true");
    flags.add("-Dio.netty.allocator.type=pooled");
    flags.add("--sun-misc-unsafe-memory-access=allow");
    flags.add("--enable-native-access=ALL-UNNAMED");
    return flags;
  }

  private static long heapBytes(String memory) {
    long number = Long.parseLong(memory.substring(0, memory.length() - 1));
    return number << (memory.endsWith("g") ? 30 : 20);
  }
}
