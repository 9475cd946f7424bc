package dev.tarn.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is PostgreSQL's alone; that all else is as on SQLite, the other tests say. */
class PostgresTest {
  @TempDir Path folder;

  @Test
  void textsAreOrderedByTheirBytesWhateverTheLocale() {
    try (Database database = Database.open(TestDatabase.empty())) {
      List<String> names = List.of("a", "B", "ä", "b", "A", "_");
      database.inTransaction(
          handle -> {
            names.forEach(name -> handle.execute("INSERT INTO bucket VALUES (?,'','','',0)", name));
            return null;
          });
      List<String> ordered =
          database.read(
              handle ->
                  handle
                      .createQuery("SELECT bucket_name FROM bucket ORDER BY bucket_name")
                      .mapTo(String.class)
                      .list());
      assertThat(ordered).isEqualTo(names.stream().sorted().toList());
    }
  }

  @Test
  void ofTwentyThatCountWhatIsThereBeforeTheyAddNoneMissesAnother() throws Exception {
    try (Database database = Database.open(TestDatabase.empty());
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      database.inTransaction(handle -> handle.execute("CREATE TABLE seat (number INTEGER)"));
      List<Callable<Integer>> all = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        all.add(
            () ->
                database.inTransaction(
                    handle -> {
                      int taken =
                          handle.createQuery("SELECT count(*) FROM seat").mapTo(int.class).one();
                      handle.execute("INSERT INTO seat VALUES (?)", taken);
                      return taken;
                    }));
      }
      List<Integer> seats = new ArrayList<>();
      for (Future<Integer> seat : callers.invokeAll(all)) {
        seats.add(seat.get());
      }
      assertThat(seats).doesNotHaveDuplicates().hasSize(20).contains(0, 19);
    }
  }

  @Test
  void aReadSeesOneMomentWhateverIsWrittenMeanwhile() throws Exception {
    try (Database database = Database.open(TestDatabase.empty())) {
      database.inTransaction(handle -> handle.execute("CREATE TABLE thing (name TEXT)"));
      int late =
          database.read(
              handle -> {
                handle.createQuery("SELECT count(*) FROM thing").mapTo(int.class).one();
                database.begin(other -> other.execute("INSERT INTO thing VALUES ('a')")).get();
                return handle.createQuery("SELECT count(*) FROM thing").mapTo(int.class).one();
              });
      assertThat(late).isZero();
    }
  }

  @Test
  void aConnectionThatIsLostBetweenTwoCallsIsNotNoticedByThem() {
    try (Database database = Database.open(TestDatabase.empty())) {
      database.inTransaction(handle -> handle.execute("CREATE TABLE thing (name TEXT)"));
      TestDatabase.sql(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
              + " WHERE application_name = 'tarn' AND datname LIKE 'empty%'");
      database.inTransaction(handle -> handle.execute("INSERT INTO thing VALUES ('a')"));
      int count =
          database.read(
              handle -> handle.createQuery("SELECT count(*) FROM thing").mapTo(int.class).one());
      assertThat(count).isEqualTo(1);
    }
  }

  @Test
  void whatWillNotDoIsRefusedAndSaysWhatWouldDo() {
    String there = TestDatabase.empty().toString();
    assertThat(there).startsWith("postgresql://postgres@localhost:");
    assertThatThrownBy(() -> open(there + "_not"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has no database")
        .hasMessageContaining("CREATE DATABASE");
    assertThatThrownBy(() -> open("postgresql://me:hush@127.0.0.1:1/tarn"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("PostgreSQL at 127.0.0.1:1 cannot be reached")
        .hasMessageNotContaining("hush");
    TestDatabase.sql("CREATE ROLE guest LOGIN");
    assertThatThrownBy(() -> open(there.replace("postgres@", "guest@")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("'guest' may not make tables");
  }

  private static void open(String url) {
    Database.open(DatabaseUrl.parse(url, null, null)).close();
  }

  @Test
  void aPasswordIsNeverShown() throws Exception {
    Path file = folder.resolve("password");
    Files.writeString(file, "hush\n");
    for (DatabaseUrl url :
        List.of(
            DatabaseUrl.parse("postgresql://me:hush@db.test/tarn?sslmode=require", null, null),
            DatabaseUrl.parse("postgresql://me@db.test/tarn?sslmode=require", null, file))) {
      assertThat(url.credentials().getProperty("password")).isEqualTo("hush");
      assertThat(url.toString()).isEqualTo("postgresql://me@db.test/tarn");
      assertThat(url.jdbc()).isEqualTo("jdbc:postgresql://db.test:5432/tarn?sslmode=require");
    }
    for (String wrong :
        List.of(
            "mysql://me:hush@db.test/tarn",
            "postgresql://db.test/tarn?user=me&password=hush",
            "postgresql://:hush@db.test/tarn",
            "postgresql://me:hu sh@db.test/tarn",
            "postgresql://me:hush@db.test")) {
      assertThatThrownBy(() -> DatabaseUrl.parse(wrong, null, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected: sqlite, or postgresql://")
          .hasMessageNotContaining("hush")
          .hasMessageNotContaining("hu sh");
    }
  }
}
