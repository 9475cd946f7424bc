package dev.tarn.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * What somebody who is to help needs to know, in one file: versions, settings, states, ends of
 * logs, metrics. Secrets are taken out twice: every secret that this instance keeps, wherever it
 * stands, and everything that has the shape of one. No data, no statement texts.
 */
@Command(
    name = "support",
    description = "Write versions, settings, states, metrics and logs to a file, without secrets.")
final class Support implements Runnable {
  private static final int LOG_LINES = 5000;
  private static final int ENGINE_LINES = 500;
  private static final int SHORTEST_SECRET = 12;
  private static final String GONE = "[removed]";

  private static final List<Pattern> SHAPES =
      List.of(
          Pattern.compile("dapi[0-9a-f]{32}[-0-9]*"),
          Pattern.compile("dose[0-9a-f]{32}"),
          Pattern.compile("eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*"),
          Pattern.compile(
              "-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*?-----END [A-Z ]*PRIVATE KEY-----"),
          Pattern.compile("(?<=://)[^/\\s:@]+:[^/\\s@]+(?=@)"),
          Pattern.compile("(?<=#)[A-Za-z0-9_-]{32,}"),
          Pattern.compile("(?i)(?<=(bearer|basic) )[A-Za-z0-9._~+/=-]{8,}"),
          Pattern.compile("(?im)(?<=^[^=\\n]{0,80}(password|secret|token|key)[^=\\n]{0,40}=).+$"));

  @Parameters(arity = "0..1", description = "The file (default: tarn-support-TIME.zip here).")
  private Path file;

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    Path to =
        file == null
            ? Path.of("tarn-support-" + Instant.now().getEpochSecond() + ".zip").toAbsolutePath()
            : file;
    Set<String> secrets = secrets(home);
    try (OutputStream out =
            Files.newOutputStream(
                Files.createFile(
                    to,
                    PosixFilePermissions.asFileAttribute(
                        PosixFilePermissions.fromString("rw-------"))));
        ZipOutputStream zip = new ZipOutputStream(out)) {
      add(zip, secrets, "machine.txt", machine());
      add(zip, secrets, "sizes.txt", sizes(home.folder()));
      add(zip, secrets, "tarn.properties", text(home.folder().resolve("tarn.properties")));
      add(zip, secrets, "status.json", status(home));
      add(zip, secrets, "metrics.txt", metrics(home));
      add(zip, secrets, "logs/server.log", Logs.tail(home.serverLog(), LOG_LINES));
      add(zip, secrets, "logs/server.out", Logs.tail(home.serverOutput(), LOG_LINES));
      Path engines = home.folder().resolve("engines");
      if (Files.isDirectory(engines)) {
        try (Stream<Path> all = Files.list(engines)) {
          for (Path engine : all.toList()) {
            Path log = engine.resolve("driver.log");
            if (Files.exists(log)) {
              add(
                  zip,
                  secrets,
                  "engines/" + engine.getFileName() + ".log",
                  Logs.tail(log, ENGINE_LINES));
            }
          }
        }
      }
    } catch (IOException e) {
      throw new Tarn.Failure("cannot write " + to + ": " + e);
    }
    System.out.println(to + "  (look at it before you hand it on)");
  }

  private static void add(ZipOutputStream zip, Set<String> secrets, String name, String content)
      throws IOException {
    String clean = content;
    for (String secret : secrets) {
      clean = clean.replace(secret, GONE);
    }
    for (Pattern shape : SHAPES) {
      clean = shape.matcher(clean).replaceAll(GONE);
    }
    zip.putNextEntry(new ZipEntry(name));
    zip.write(clean.getBytes(StandardCharsets.UTF_8));
    zip.closeEntry();
  }

  /** Every word of every file in {@code keys/}, longest first. */
  private static Set<String> secrets(Home home) {
    Path keys = home.folder().resolve("keys");
    Set<String> found = new HashSet<>();
    if (!Files.isDirectory(keys)) {
      return found;
    }
    try (Stream<Path> all = Files.walk(keys)) {
      for (Path each : all.filter(Files::isRegularFile).toList()) {
        for (String word : Files.readString(each).split("[\\s\"',:{}\\[\\]]+", -1)) {
          if (word.length() >= SHORTEST_SECRET) {
            found.add(word);
          }
        }
      }
    } catch (IOException e) {
      throw new Tarn.Failure(
          "cannot read " + keys + ", so its secrets could not be taken out: " + e);
    }
    return found;
  }

  private static String machine() {
    return "java "
        + Runtime.version()
        + "\nos "
        + System.getProperty("os.name")
        + " "
        + System.getProperty("os.version")
        + " "
        + System.getProperty("os.arch")
        + "\nprocessors "
        + Runtime.getRuntime().availableProcessors()
        + "\ntime "
        + Instant.now()
        + "\n";
  }

  private static String text(Path path) throws IOException {
    return Files.exists(path) ? Files.readString(path) : "";
  }

  private static String status(Home home) {
    try {
      return Status.of(home).toPrettyString();
    } catch (Tarn.Failure | Api.Refused e) {
      return e.getMessage() + "\n";
    }
  }

  private static String metrics(Home home) {
    try {
      return home.running().isPresent() ? home.account().text("/metrics") : "does not run\n";
    } catch (Tarn.Failure | Api.Refused e) {
      return e.getMessage() + "\n";
    }
  }

  /** Bytes below each part of a data directory, one line each. */
  static String sizes(Path home) throws IOException {
    TreeMap<String, Long> sizes = new TreeMap<>();
    if (!Files.isDirectory(home)) {
      return "";
    }
    Files.walkFileTree(
        home,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path each, BasicFileAttributes attributes) {
            sizes.merge(home.relativize(each).getName(0).toString(), attributes.size(), Long::sum);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path each, IOException failure) {
            return FileVisitResult.CONTINUE; // It was deleted meanwhile.
          }
        });
    List<String> lines = new ArrayList<>();
    sizes.forEach((part, bytes) -> lines.add("%12.1f MB  %s".formatted(bytes / 1e6, part)));
    return String.join("\n", lines) + "\n";
  }
}
