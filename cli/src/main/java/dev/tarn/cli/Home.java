package dev.tarn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** One instance: its data directory, the server process that runs on it, and what was built. */
record Home(Path folder, Path distribution) {
  static final ObjectMapper JSON =
      new ObjectMapper().configure(SerializationFeature.INDENT_OUTPUT, true);

  static Home ofEnvironment() {
    String folder = System.getenv("TARN_HOME");
    String distribution = System.getenv("TARN_DISTRIBUTION");
    if (distribution == null) {
      throw new Tarn.Failure("start me through ./tarn (TARN_DISTRIBUTION is not set)");
    }
    Path home =
        folder == null || folder.isBlank()
            ? Path.of(System.getProperty("user.home"), ".tarn")
            : Path.of(folder);
    return new Home(home.toAbsolutePath().normalize(), Path.of(distribution));
  }

  /**
   * The running server as it announced itself in {@code run/server.json}.
   *
   * @param url what clients use
   * @param ownUrl what the commands of this machine use: loopback, whatever the certificate
   */
  record Running(long pid, String url, String ownUrl, String version) {}

  /** The server that runs on this directory, when there is one. */
  Optional<Running> running() {
    Path file = folder.resolve("run/server.json");
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      JsonNode announced = JSON.readTree(file.toFile());
      long pid = announced.path("pid").asLong();
      boolean alive =
          ProcessHandle.of(pid).filter(ProcessHandle::isAlive).map(Home::isTarn).orElse(false);
      return alive
          ? Optional.of(
              new Running(
                  pid,
                  announced.path("url").asText(),
                  announced.path("own_url").asText(announced.path("url").asText()),
                  announced.path("version").asText()))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** A process id is used again by others; ours says who it is on its command line. */
  private static boolean isTarn(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"))
          .contains("dev.tarn.Main");
    } catch (IOException e) {
      return true;
    }
  }

  Running requireRunning() {
    return running()
        .orElseThrow(
            () ->
                new Tarn.Failure(
                    "nothing runs on "
                        + folder
                        + ": start it with `tarn up` (or `tarn quickstart`)"));
  }

  /** The account API of the running server, as the first administrator. */
  Api account() {
    Running server = requireRunning();
    Path token = folder.resolve("keys/admin-token");
    try {
      return new Api(server.ownUrl(), Files.readString(token).trim());
    } catch (IOException e) {
      throw new Tarn.Failure(
          "cannot read the administrator's token " + token + ": " + e.getMessage());
    }
  }

  /**
   * Starts a verb of the server on this directory; what it says goes to {@link #serverOutput}. One
   * that serves with {@code engine.training} writes its own AOT cache too, when it ends.
   */
  Process launch(String verb) throws IOException {
    Files.createDirectories(serverLog().getParent());
    return quiet(verb).redirectOutput(ProcessBuilder.Redirect.to(serverOutput().toFile())).start();
  }

  /** What a verb of the server says, which ends by itself; nothing when it cannot be started. */
  Said ask(String verb) {
    try {
      Process process = quiet(verb).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Said(process.waitFor() == 0, said.strip());
    } catch (IOException e) {
      return new Said(false, e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Said(false, "interrupted");
    }
  }

  /** The end of a verb, and all it said. */
  record Said(boolean ok, String text) {}

  private ProcessBuilder quiet(String verb) {
    List<String> command = new ArrayList<>();
    if (Files.isExecutable(Path.of("/usr/bin/setsid"))) {
      // A session of its own: Ctrl-C at the terminal is for the command, not for the server.
      command.add("/usr/bin/setsid");
    }
    command.addAll(command(verb));
    return new ProcessBuilder(command)
        .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
        .redirectErrorStream(true);
  }

  /** Runs a verb of the server to its end, here on the terminal; its exit code. */
  int run(String verb, List<String> arguments) {
    List<String> command = new ArrayList<>(command(verb));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    builder.environment().put("LC_ALL", "C.UTF-8"); // names of files are UTF-8
    try {
      return builder.start().waitFor();
    } catch (IOException e) {
      throw new Tarn.Failure("cannot start " + verb + ": " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Tarn.Failure("interrupted");
    }
  }

  private List<String> command(String verb) {
    Path server = distribution.resolve("server/target");
    boolean learns = verb.equals("serve") && "on".equals(System.getenv("TARN_ENGINE_TRAINING"));
    String further =
        Objects.requireNonNullElse(System.getenv("TARN_SERVER_JVM_OPTIONS"), "").strip();
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + "/bin/java");
    Collections.addAll(
        command,
        "-Xmx512m",
        "-XX:+ExitOnOutOfMemoryError",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
        "-Xlog:aot=off", // it tells of classes that it cannot keep, and of a cache of other jars
        "-Xlog:cds=off",
        (learns ? "-XX:AOTCacheOutput=" : "-XX:AOTCache=") + serverCache());
    Collections.addAll(command, further.isEmpty() ? new String[0] : further.split(" +"));
    Collections.addAll(
        command,
        "-cp",
        server.resolve("tarn-server-0.1.0.jar") + File.pathSeparator + server.resolve("lib/*"),
        "dev.tarn.Main",
        verb,
        "--home",
        folder.toString(),
        "--distribution",
        distribution.toString());
    return command;
  }

  /** JDK 25's AOT cache of the server; without one it starts in twice the time. */
  Path serverCache() {
    return distribution.resolve("target/server.aot");
  }

  /** What the process itself says: why it did not start, or how the JVM ended. */
  Path serverOutput() {
    return folder.resolve("logs/server.out");
  }

  Path serverLog() {
    return folder.resolve("logs/server.log");
  }
}
