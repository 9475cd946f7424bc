package dev.tarn.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.tarn.Config;
import dev.tarn.Server;
import dev.tarn.database.Database;
import dev.tarn.database.Seal;
import dev.tarn.database.TestDatabase;
import dev.tarn.storage.Buckets;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackupTest {
  private static final PrintStream SILENT = new PrintStream(OutputStream.nullOutputStream());

  @TempDir Path folder;
  private Config config;
  private Path data;
  private Path keys;

  private Config config(String home) {
    Path path = folder.resolve(home);
    return Config.load(
        path, path, Map.of("TARN_PORT", "0", "TARN_DATABASE", TestDatabase.setting(path)));
  }

  @BeforeEach
  void anInstance() throws Exception {
    config = config("from");
    for (Path each : List.of(config.keys(), config.storage(), config.audit())) {
      Files.createDirectories(each);
    }
    Server.init(config, Clock.systemUTC());
    try (Database database = Database.open(config.database())) {
      new Buckets(database, config.storage(), Clock.systemUTC()).create("one", "us-east-1", "test");
    }
    Files.writeString(config.home().resolve("sealed"), Seal.open(config.keys()).seal("word", "x"));
    Files.writeString(config.storage().resolve("one/größe.txt"), "kept");
    Files.writeString(config.home().resolve("tarn.properties"), "account.name=before\n");
    data = folder.resolve("data.zip");
    keys = folder.resolve("keys.zip");
  }

  private void backUp() {
    new Backup(config, "test", SILENT).write(data, keys, false);
  }

  private void restore(Config to) {
    new Restore(to, SILENT).run(data, keys);
  }

  private static List<Path> files(Path home) throws Exception {
    try (Stream<Path> all = Files.walk(home)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  @Test
  void whatWasBackedUpIsThereAgainElsewhereAndItsKeysAreForTheirOwnerOnly() throws Exception {
    backUp();
    Config to = config("to");
    restore(to);
    assertThat(to.storage().resolve("one/größe.txt")).hasContent("kept");
    assertThat(to.home().resolve("tarn.properties")).hasContent("account.name=before\n");
    assertThat(Seal.open(to.keys()).open(Files.readString(config.home().resolve("sealed")), "x"))
        .isEqualTo("word");
    assertThat(to.keys().resolve("admin-token"))
        .hasSameBinaryContentAs(config.keys().resolve("admin-token"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(to.home())))
        .isEqualTo("rwx------");
    for (Path file : files(to.keys())) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .isEqualTo("rw-------");
    }
    try (Database database = Database.open(to.database())) {
      assertThat(new Buckets(database, to.storage(), Clock.systemUTC()).list())
          .extracting(Buckets.Bucket::name)
          .contains("one");
    }
    assertThat(config.storage()).isDirectoryNotContaining("glob:**/.backup-*");
  }

  @Test
  void theDataFileHoldsNoKeyAndNeitherFileOverwritesAnother() throws Exception {
    backUp();
    String token = Files.readString(config.keys().resolve("admin-token")).trim();
    try (Archive archive = Archive.verified(data, "data")) {
      archive.names().forEachRemaining(name -> assertThat(name).doesNotContain("keys"));
      archive.unpack("tarn.db", folder.resolve("look"));
    }
    assertThat(
            Files.readString(
                folder.resolve("look/tarn.db"), java.nio.charset.StandardCharsets.ISO_8859_1))
        .doesNotContain(token);
    assertThatThrownBy(this::backUp).hasMessageContaining("is there already");
  }

  @Test
  void aDataDirectoryWithAnythingInItIsLeftAlone() throws Exception {
    backUp();
    Config to = config("to");
    Files.createDirectories(to.home());
    Files.writeString(to.home().resolve("notes.txt"), "mine");
    assertThatThrownBy(() -> restore(to))
        .hasMessageContaining("is not empty")
        .hasMessageContaining("notes.txt");
    assertThatThrownBy(() -> restore(config)).hasMessageContaining("is not empty");
    assertThat(files(to.home())).hasSize(1);
  }

  @Test
  void aDamagedFileIsRefusedBeforeAnythingIsWritten() throws Exception {
    backUp();
    Config to = config("to");
    byte[] good = Files.readAllBytes(data);
    ByteBuffer zip = ByteBuffer.wrap(good).order(ByteOrder.LITTLE_ENDIAN);
    int content = 30 + zip.getShort(26) + zip.getShort(28); // behind the header of the first file
    int list = zip.getInt(good.length - 6); // of all files, behind the manifest and its checksum
    for (int at : new int[] {content, content + 9, list - 120, list - 60, list - 20, list + 42}) {
      Files.write(data, good);
      try (RandomAccessFile file = new RandomAccessFile(data.toFile(), "rw")) {
        file.seek(at);
        int was = file.read();
        file.seek(at);
        file.write(was ^ 0x55);
      }
      assertThatThrownBy(() -> restore(to), "byte %s", at).hasMessageContaining("data.zip");
      assertThat(to.home()).doesNotExist();
    }
    Files.write(data, java.util.Arrays.copyOf(good, good.length / 2));
    assertThatThrownBy(() -> restore(to)).hasMessageContaining("is damaged");
    assertThat(to.home()).doesNotExist();
  }

  @Test
  void dataWithTheKeysOfAnotherInstanceIsRefused() throws Exception {
    backUp();
    Config other = config("other");
    for (Path each : List.of(other.keys(), other.storage(), other.audit())) {
      Files.createDirectories(each);
    }
    Server.init(other, Clock.systemUTC());
    Seal.open(other.keys());
    Path otherKeys = folder.resolve("other-keys.zip");
    new Backup(other, "test", SILENT).write(folder.resolve("other.zip"), otherKeys, false);
    Config to = config("to");
    assertThatThrownBy(() -> new Restore(to, SILENT).run(data, otherKeys))
        .hasMessageContaining("does not hold the keys of this backup");
    assertThatThrownBy(() -> new Restore(to, SILENT).run(keys, data))
        .hasMessageContaining("holds keys (expected: data)");
    assertThat(files(folder.resolve("to"))).isEmpty();
  }

  @Test
  void aBackupDuringWhichTheKeysAreRotatedIsNotMade() throws Exception {
    // As a server that is asked for its snapshot, and by somebody else for new keys.
    HttpServer rotating =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    rotating.createContext(
        "/",
        exchange -> {
          String answer = "{\"account_id\": \"a\"}";
          if (exchange.getRequestMethod().equals("POST")) {
            Path taken =
                Snapshot.take(
                        config,
                        "00000000-0000-0000-0000-000000000000",
                        ProcessHandle.current().pid(),
                        file -> Database.copy(config.database(), file))
                    .folder();
            Seal.open(config.keys()).rotate(Instant.now());
            answer = "{\"path\": \"" + taken + "\"}";
          }
          exchange.sendResponseHeaders(200, answer.length());
          exchange.getResponseBody().write(answer.getBytes(StandardCharsets.UTF_8));
          exchange.close();
        });
    rotating.start();
    try {
      Path announced = Files.createDirectories(config.home().resolve("run"));
      Files.writeString(
          announced.resolve("server.json"),
          "{\"own_url\": \"http://127.0.0.1:" + rotating.getAddress().getPort() + "\"}");
      assertThatThrownBy(() -> new Backup(config, "test", SILENT).write(data, keys, true))
          .hasMessageContaining("the keys were changed while the backup was made");
    } finally {
      rotating.stop(0);
    }
    assertThat(data).doesNotExist();
    assertThat(keys).doesNotExist();
    assertThat(config.storage()).isDirectoryNotContaining("glob:**/.backup-*");
    backUp();
    restore(config("to"));
  }

  @Test
  void aBackupOfANewerVersionIsRefusedAndLeavesNothing() throws Exception {
    try (Database database = Database.open(config.database())) {
      database.inTransaction(
          handle ->
              handle.execute(
                  """
                  INSERT INTO flyway_schema_history
                  SELECT max(installed_rank) + 1, '9999', 'future', 'SQL', 'V9999__future.sql', 1,
                    'x', CURRENT_TIMESTAMP, 1, TRUE FROM flyway_schema_history
                  """));
    }
    if (TestDatabase.isPostgres()) { // A file is copied as it is, rows by who knows the tables.
      assertThatThrownBy(this::backUp).hasMessageContaining("does not fit this version of Tarn");
      return;
    }
    backUp();
    Config to = config("to");
    assertThatThrownBy(() -> restore(to))
        .hasMessageContaining("data.zip, written by Tarn test, cannot be restored by this version")
        .hasMessageContaining("does not fit this version of Tarn");
    assertThat(files(to.home())).isEmpty();
  }

  @Test
  void aRestoreThatWasKilledIsBegunAnewAndNoServerStartsOnItsRemains() throws Exception {
    backUp();
    Config to = config("to");
    Files.createDirectories(to.home().resolve(".restoring/storage"));
    Files.writeString(to.home().resolve(".restoring/storage/half"), "half");
    Files.writeString(to.home().resolve("tarn.properties"), "account.name=half\n");
    assertThatThrownBy(() -> dev.tarn.HomeTest.lock(to))
        .hasMessageContaining("was not restored to the end");
    restore(to);
    assertThat(to.home().resolve(".restoring")).doesNotExist();
    assertThat(to.home().resolve("tarn.properties")).hasContent("account.name=before\n");
  }

  @Test
  void aTableThatIsWrittenMeanwhileIsWholeAtOneVersion() throws Exception {
    Path table = Files.createDirectories(config.storage().resolve("one/t"));
    Path log = Files.createDirectories(table.resolve("_delta_log"));
    AtomicBoolean going = new AtomicBoolean(true);
    java.util.concurrent.atomic.AtomicInteger committed =
        new java.util.concurrent.atomic.AtomicInteger();
    Thread writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    for (int version = 0; going.get() && version < 2000; version++) {
                      Files.writeString(table.resolve("part-" + version + ".parquet"), "rows");
                      Path hidden = log.resolve("." + version + ".tmp");
                      Files.writeString(hidden, "part-" + version + ".parquet");
                      Files.createLink(log.resolve("%020d.json".formatted(version)), hidden);
                      Files.delete(hidden);
                      committed.set(version);
                    }
                  } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                  }
                });
    try {
      for (int round = 0; round < 10; round++) {
        int before = committed.get();
        Snapshot snapshot =
            Snapshot.take(
                config,
                "00000000-0000-0000-0000-0000000000%02d".formatted(round),
                ProcessHandle.current().pid(),
                file -> Database.copy(config.database(), file));
        Path copy = snapshot.folder().resolve("storage/one/t");
        try (Stream<Path> commits = Files.list(copy.resolve("_delta_log"))) {
          List<String> versions =
              commits.map(file -> file.getFileName().toString()).sorted().toList();
          assertThat(versions).hasSizeGreaterThanOrEqualTo(before);
          for (int version = 0; version < versions.size(); version++) {
            assertThat(versions.get(version)).isEqualTo("%020d.json".formatted(version));
            assertThat(copy.resolve("part-" + version + ".parquet")).hasContent("rows");
          }
        }
        snapshot.discard();
      }
    } finally {
      going.set(false);
      writer.join();
    }
  }
}
