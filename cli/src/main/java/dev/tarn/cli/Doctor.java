package dev.tarn.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Looks for what would go wrong, and says what to do about it. */
@Command(name = "doctor", description = "Check this machine and this instance.")
final class Doctor implements java.util.concurrent.Callable<Integer> {
  private static final long GIB = 1L << 30;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  private final ArrayNode checks = Home.JSON.createArrayNode();

  @Override
  public Integer call() {
    Home home = Home.ofEnvironment();
    check(
        "java",
        Runtime.version().feature() == 25,
        Runtime.version().toString(),
        "install a JDK 25 or set JAVA_HOME to one");
    check(
        "sandbox",
        sandboxWorks(),
        "bubblewrap",
        "apt-get install bubblewrap; without it engines do not start (or set sandbox=off in tarn.properties where one person uses the machine)");
    long memory = totalMemory();
    check(
        "memory",
        memory >= 4 * GIB,
        "%.1f GiB".formatted(memory / (double) GIB),
        "an engine wants about 2.5 GiB beside the server's 0.6; lower engine.memory in tarn.properties");
    long free = usableSpace(home.folder());
    check(
        "disk",
        free >= 2 * GIB,
        "%.1f GiB free for %s".formatted(free / (double) GIB, home.folder()),
        "make room, or put TARN_HOME on a larger disk");
    Home.Said database = home.ask("database");
    check(
        "database",
        database.ok(),
        database.text().lines().reduce((before, last) -> last).orElse("it says nothing"),
        "see docs/admin/postgresql.md; the settings are database and database.password_file");
    try {
      String sizes = Support.sizes(home.folder()).strip().replaceAll("\\s*\n\\s*", ", ");
      check("data", true, sizes.isEmpty() ? "none yet" : sizes, "");
    } catch (IOException e) {
      check("data", false, e.toString(), "the data directory cannot be read");
    }
    int port = port();
    check(
        "port",
        home.running().isPresent() || isFree(port),
        home.running().map(running -> "in use by this instance").orElse("port " + port),
        "something else listens on " + port + "; set TARN_PORT to a free one");
    check(
        "engine jars",
        Files.isDirectory(home.distribution().resolve("spark/target/runtime/jars")),
        "spark/target/runtime/jars",
        "delete "
            + home.distribution().resolve("target/built")
            + " and run any command to build again");
    check(
        "server",
        true,
        home.running().map(running -> "runs at " + running.url()).orElse("does not run"),
        "");
    boolean healthy = true;
    for (var check : checks) {
      healthy &= check.get("ok").asBoolean();
      if (!json) {
        System.out.printf(
            "%-4s %-12s %s%n",
            check.get("ok").asBoolean() ? "ok" : "FAIL",
            check.get("check").asText(),
            check.get("found").asText());
        if (!check.get("ok").asBoolean()) {
          System.out.println("     → " + check.get("advice").asText());
        }
      }
    }
    if (json) {
      ObjectNode answer = Home.JSON.createObjectNode().put("ok", healthy);
      answer.set("checks", checks);
      System.out.println(answer.toPrettyString());
    }
    return healthy ? 0 : 1;
  }

  private void check(String name, boolean ok, String found, String advice) {
    ObjectNode check = checks.addObject().put("check", name).put("ok", ok).put("found", found);
    if (!ok) {
      check.put("advice", advice);
    }
  }

  private static boolean sandboxWorks() {
    try {
      return new ProcessBuilder(
                  List.of(
                      "bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "true"))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static long totalMemory() {
    try {
      return Files.readAllLines(Path.of("/proc/meminfo")).stream()
          .filter(line -> line.startsWith("MemTotal:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      return 0;
    }
  }

  private static long usableSpace(Path folder) {
    for (Path path = folder; path != null; path = path.getParent()) {
      if (Files.exists(path)) {
        return path.toFile().getUsableSpace();
      }
    }
    return 0;
  }

  private static int port() {
    String port = System.getenv("TARN_PORT");
    return port != null && port.matches("\\d{1,5}") ? Integer.parseInt(port) : 8484;
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
