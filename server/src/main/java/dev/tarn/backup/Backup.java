package dev.tarn.backup;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.Config;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * {@code tarn backup}: one file with the database, buckets, audit log and settings, and, apart from
 * it, one with the keys. The instance may run meanwhile: it is asked for a {@link Snapshot}.
 */
public final class Backup {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final Config config;
  private final String version;
  private final PrintStream out;

  /**
   * @param version of the Tarn that writes it
   */
  public Backup(Config config, String version, PrintStream out) {
    this.config = config;
    this.version = version;
    this.out = out;
  }

  /**
   * Writes the files; each is whole or not there.
   *
   * @param to a file that is not there yet, or a folder to make one in
   * @param keysTo the same for the keys, or null to leave them out
   * @param running whether a server has the data directory; else the caller has its lock
   * @throws IllegalStateException says what is wrong
   */
  public void write(Path to, Path keysTo, boolean running) {
    if (!Files.exists(config.keys().resolve("seal.json"))) {
      throw new IllegalStateException(
          config.home() + " holds no instance (expected: the data directory of one)");
    }
    String now = TIME.format(Instant.now());
    Path file = target(to, "tarn-" + now + ".zip");
    Path keys = keysTo == null ? null : target(keysTo, "tarn-" + now + "-keys.zip");
    if (file.equals(keys)) {
      throw new IllegalStateException(
          "the keys are to be kept apart from the data (expected: another file than " + file + ")");
    }
    try {
      String id = UUID.randomUUID().toString();
      Set<Long> sealing = SealKeys.all(config.keys());
      Snapshot snapshot = running ? asked() : taken(id);
      try {
        if (keys != null) {
          writeKeys(keys, id);
        }
        requireSame(sealing, keys);
        writeData(file, id, snapshot);
      } finally {
        snapshot.discard();
      }
    } catch (IOException e) {
      throw new IllegalStateException("no backup was made: " + e, e);
    }
    if (keys == null) {
      out.println(
          "without the keys: secrets at rest cannot be read from it, and `tarn restore` wants"
              + " them; --with-keys-to OTHER writes them to a place of their own");
    }
  }

  /** A key that came or went meanwhile may be of rows in the one file and not be in the other. */
  private void requireSame(Set<Long> sealing, Path keys) throws IOException {
    if (!SealKeys.all(config.keys()).equals(sealing)) {
      if (keys != null) {
        Files.delete(keys);
      }
      throw new IllegalStateException(
          "the keys were changed while the backup was made, nothing was written (expected: run it"
              + " again)");
    }
  }

  private Path target(Path to, String name) {
    Path file = (Files.isDirectory(to) ? to.resolve(name) : to).toAbsolutePath().normalize();
    if (Files.exists(file)) {
      throw new IllegalStateException(file + " is there already (expected: a new name)");
    }
    if (!Files.isDirectory(file.getParent())) {
      throw new IllegalStateException(file.getParent() + " is no folder");
    }
    if (file.startsWith(config.home().toAbsolutePath().normalize())) {
      throw new IllegalStateException(
          file + " is inside of the data directory it would be a backup of");
    }
    return file;
  }

  private Snapshot taken(String id) throws IOException {
    return Snapshot.take(
        config, id, System.currentTimeMillis(), file -> Database.copy(config.database(), file));
  }

  private Snapshot asked() throws IOException {
    try (HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build()) {
      String url =
          Json.tree(Files.readString(config.home().resolve("run/server.json")))
              .path("own_url")
              .asText();
      String token = Files.readString(config.keys().resolve("admin-token")).trim();
      String account =
          ask(http, token, "GET", url + "/.well-known/databricks-config", null)
              .path("account_id")
              .asText();
      return Snapshot.at(
          Path.of(
              ask(
                      http,
                      token,
                      "POST",
                      url + "/api/2.0/accounts/" + account + "/tarn/snapshots",
                      "{\"process_id\": " + ProcessHandle.current().pid() + "}")
                  .path("path")
                  .asText()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static JsonNode ask(
      HttpClient http, String token, String verb, String url, String content)
      throws IOException, InterruptedException {
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(URI.create(url))
                .method(
                    verb,
                    content == null
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofString(content))
                .header("Authorization", "Bearer " + token)
                .header("User-Agent", "tarn-backup")
                .timeout(Duration.ofMinutes(30))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    JsonNode body = Json.tree(answer.body());
    if (answer.statusCode() != 200) {
      throw new IOException("the server said: " + body.path("message").asText(answer.body()));
    }
    return body;
  }

  private ObjectNode facts(String kind, String id) {
    return Json.MAPPER
        .createObjectNode()
        .put("format", Archive.FORMAT)
        .put("kind", kind)
        .put("backup_id", id)
        .put("version", version)
        .put("created_at", Instant.now().toString());
  }

  private void writeData(Path file, String id, Snapshot snapshot) throws IOException {
    ObjectNode facts = facts("data", id).put("seal_key_id", SealKeys.primary(config.keys()));
    ObjectNode sizes = snapshot.sizes();
    try (Archive.Writer archive = new Archive.Writer(file, facts)) {
      for (Path each : files(snapshot.folder())) {
        String name = snapshot.folder().relativize(each).toString();
        if (name.equals("sizes.json") || name.equals("reader")) {
          continue;
        }
        archive.add(name, each, sizes.path(name).asLong(Long.MAX_VALUE));
      }
      archive.finish();
      out.printf(
          Locale.ROOT,
          "%s  %d files, %.1f MB of data, %.1f MB%n",
          file,
          archive.files(),
          archive.bytes() / 1e6,
          Files.size(file) / 1e6);
    }
  }

  private void writeKeys(Path file, String id) throws IOException {
    try (Archive.Writer archive = new Archive.Writer(file, facts("keys", id))) {
      for (Path folder : List.of(config.keys(), config.tls())) {
        for (Path each : files(folder)) {
          if (!each.getFileName().toString().startsWith(".")) { // half written
            archive.add(config.home().relativize(each).toString(), each, Long.MAX_VALUE);
          }
        }
      }
      archive.finish();
      out.println(file + "  the keys: whoever has both files has everything");
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(folder)) {
      // The database first: a restore finds out early that it does not fit.
      return all.filter(Files::isRegularFile)
          .sorted(
              java.util.Comparator.comparing((Path file) -> !file.endsWith("tarn.db"))
                  .thenComparing(file -> file))
          .toList();
    }
  }
}
