package dev.tarn.database;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/**
 * Where tests keep their state: a SQLite file, or with {@code -Ddatabase=postgres} a database of
 * its own on one PostgreSQL a JVM, which goes when the data directory is gone. Tables are made once
 * a JVM, and copied.
 */
public final class TestDatabase {
  private static final String TEMPLATE = "migrated";
  private static final Map<Path, String> NAMES = new HashMap<>();
  private static EmbeddedPostgres postgres;
  private static Path file;
  private static boolean migrated;
  private static int made;

  private TestDatabase() {}

  public static boolean isPostgres() {
    return "postgres".equals(System.getProperty("database"));
  }

  /** The database of a data directory: the same one each time it is asked for. */
  public static DatabaseUrl of(Path home) {
    Path own = home.resolve("tarn.db");
    if (!isPostgres() && !Files.exists(own)) {
      copy(own);
    }
    return DatabaseUrl.parse(setting(home), own, null);
  }

  private static synchronized void copy(Path own) {
    try {
      if (file == null) {
        file = Files.createTempFile("tarn-test", ".db");
        file.toFile().deleteOnExit();
        Database.open(DatabaseUrl.parse("sqlite", file, null)).close();
      }
      Files.copy(file, own);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** As the setting {@code database} spells it. */
  public static synchronized String setting(Path home) {
    return isPostgres() ? shared(home) : "sqlite";
  }

  private static String url(String name) {
    return "postgresql://postgres@localhost:" + postgres.getPort() + "/" + name;
  }

  /** On PostgreSQL whatever the tests run on: for what several processes share. */
  public static synchronized String shared(Path home) {
    return url(NAMES.containsKey(home) ? NAMES.get(home) : make(home));
  }

  /** Without tables. */
  static synchronized DatabaseUrl empty() {
    String name = "empty_" + made++;
    sql("CREATE DATABASE " + name);
    return DatabaseUrl.parse(url(name), null, null);
  }

  private static synchronized String make(Path home) {
    if (!migrated) {
      sql("CREATE DATABASE " + TEMPLATE);
      Database.open(DatabaseUrl.parse(url(TEMPLATE), null, null)).close();
      migrated = true;
    }
    for (Iterator<Map.Entry<Path, String>> each = NAMES.entrySet().iterator(); each.hasNext(); ) {
      Map.Entry<Path, String> entry = each.next();
      if (!Files.exists(entry.getKey())) {
        sql("DROP DATABASE " + entry.getValue() + " WITH (FORCE)");
        each.remove();
      }
    }
    String name = "test_" + made++;
    sql("CREATE DATABASE " + name + " TEMPLATE " + TEMPLATE + " STRATEGY file_copy");
    NAMES.put(home, name);
    return name;
  }

  static synchronized void sql(String sql) {
    try {
      if (postgres == null) {
        postgres = start();
      }
      try (Connection connection = postgres.getPostgresDatabase().getConnection();
          Statement statement = connection.createStatement()) {
        statement.execute(sql);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** In memory where there is enough, so that syncs cost nothing; all else is as in earnest. */
  private static EmbeddedPostgres start() throws IOException {
    Path memory = Path.of("/dev/shm");
    boolean roomy =
        Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() > (2L << 30);
    Path data =
        roomy
            ? Files.createTempDirectory(memory, "tarn-test-postgres")
            : Files.createTempDirectory("tarn-test-postgres");
    return EmbeddedPostgres.builder()
        .setDataDirectory(data)
        .setLocaleConfig("locale", "C.UTF-8")
        .setLocaleConfig("locale-provider", "icu")
        .setLocaleConfig("icu-locale", "en") // its order is not that of the bytes
        .setServerConfig("synchronous_commit", "on")
        .setServerConfig("fsync", "on")
        .start();
  }
}
