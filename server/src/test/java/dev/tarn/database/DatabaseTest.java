package dev.tarn.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatabaseTest {
  @TempDir Path folder;

  @Test
  void whatAFailedTransactionWroteIsNotThere() {
    try (Database database = Database.open(TestDatabase.of(folder))) {
      database.inTransaction(
          handle -> handle.execute("CREATE TABLE thing (name TEXT PRIMARY KEY NOT NULL)"));
      database.inTransaction(handle -> handle.execute("INSERT INTO thing VALUES ('a')"));
      assertThatThrownBy(
              () ->
                  database.inTransaction(
                      handle -> {
                        handle.execute("INSERT INTO thing VALUES ('b')");
                        return handle.execute("INSERT INTO thing VALUES ('a')");
                      }))
          .matches(Database::isUniqueViolation);
      assertThat(
              database.<Integer, RuntimeException>read(
                  handle ->
                      handle.createQuery("SELECT count(*) FROM thing").mapTo(int.class).one()))
          .isEqualTo(1);
    }
  }

  @Test
  void aTextThatIsAskedAgainAnswersAnewAlsoWithinItselfAndHoldsNoSnapshot() throws Exception {
    DatabaseUrl url = TestDatabase.of(folder);
    try (Database database = Database.open(url)) {
      database.inTransaction(handle -> handle.execute("CREATE TABLE thing (n BIGINT NOT NULL)"));
      for (int i = 1; i <= 10; i++) {
        int n = i;
        database.inTransaction(handle -> handle.execute("INSERT INTO thing VALUES (?)", n));
        for (int reader = 0; reader < 8; reader++) {
          assertThat(
                  database.<Integer, RuntimeException>read(
                      handle -> next(handle, n - 1) * 100 + next(handle, 0)))
              .isEqualTo(n * 100 + 1);
        }
        assertThat(
                database.<Boolean, RuntimeException>read(
                    handle ->
                        after(handle, 0)
                            .map((row, context) -> next(handle, row.getInt(1) - 1) == row.getInt(1))
                            .stream()
                            .allMatch(same -> same)))
            .isTrue();
      }
      if (!TestDatabase.isPostgres()) {
        try (var connection = Sqlite.connect("jdbc:sqlite:" + url.file());
            var statement = connection.createStatement();
            var row = statement.executeQuery("PRAGMA wal_checkpoint(TRUNCATE)")) {
          assertThat(row.getInt("busy")).isEqualTo(0);
        }
      }
    }
  }

  private static Query after(Handle handle, int n) {
    return handle.createQuery("SELECT n FROM thing WHERE n > :n ORDER BY n").bind("n", n);
  }

  private static int next(Handle handle, int n) {
    return after(handle, n).mapTo(int.class).findFirst().orElseThrow();
  }

  @Test
  void manyThatReadWithinAReadWaitForNobody() throws Exception {
    try (Database database = Database.open(TestDatabase.of(folder));
        var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> sums = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        sums.add(
            callers.submit(
                () ->
                    database.<Integer, Exception>read(
                        outer ->
                            database.<Integer, RuntimeException>read(
                                inner -> inner.equals(outer) ? 1 : 0))));
      }
      for (Future<Integer> sum : sums) {
        assertThat(sum.get(30, TimeUnit.SECONDS)).isEqualTo(1);
      }
    }
  }

  @Test
  void aTransactionInsideATransactionIsRefusedAtOnceAndUndoesTheOuterOne() {
    try (Database database = Database.open(TestDatabase.of(folder))) {
      database.inTransaction(handle -> handle.execute("CREATE TABLE thing (name TEXT)"));
      assertThatThrownBy(
              () ->
                  database.inTransaction(
                      outer -> {
                        outer.execute("INSERT INTO thing VALUES ('a')");
                        return database.inTransaction(
                            inner -> inner.execute("INSERT INTO thing VALUES ('b')"));
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("inside a transaction");
      assertThat(
              database.<Integer, RuntimeException>inTransaction(
                  handle ->
                      handle.createQuery("SELECT count(*) FROM thing").mapTo(int.class).one()))
          .isZero();
    }
  }

  @Test
  void whatReadsBeforeItWritesWaitsForAnotherProcessAndLosesNothing() throws Exception {
    try (Database one = Database.open(TestDatabase.of(folder));
        Database other = Database.open(TestDatabase.of(folder))) {
      one.inTransaction(handle -> handle.execute("CREATE TABLE counter (n BIGINT)"));
      one.inTransaction(handle -> handle.execute("INSERT INTO counter VALUES (0)"));
      List<CompletableFuture<Void>> callers = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        Database mine = i % 2 == 0 ? one : other;
        callers.add(
            CompletableFuture.runAsync(() -> increment(mine, 20), Thread::startVirtualThread));
      }
      CompletableFuture.allOf(callers.toArray(CompletableFuture[]::new)).get();
      assertThat(
              one.<Long, RuntimeException>read(
                  handle -> handle.createQuery("SELECT n FROM counter").mapTo(Long.class).one()))
          .isEqualTo(400);
    }
  }

  private static void increment(Database database, int times) {
    for (int i = 0; i < times; i++) {
      database.inTransaction(
          handle -> {
            long n = handle.createQuery("SELECT n FROM counter").mapTo(Long.class).one();
            return handle.execute("UPDATE counter SET n = ?", n + 1);
          });
    }
  }

  @Test
  void whatAnInterruptedCallerBeganIsWrittenAllTheSame() throws Exception {
    try (Database database = Database.open(TestDatabase.of(folder))) {
      database.inTransaction(handle -> handle.execute("CREATE TABLE thing (name TEXT)"));
      CountDownLatch begun = new CountDownLatch(1);
      CountDownLatch goOn = new CountDownLatch(1);
      CompletableFuture<Throwable> told = new CompletableFuture<>();
      Thread caller =
          Thread.startVirtualThread(
              () -> {
                try {
                  database.inTransaction(
                      handle -> {
                        begun.countDown();
                        goOn.await();
                        return handle.execute("INSERT INTO thing VALUES ('a')");
                      });
                  told.complete(null);
                } catch (Exception e) {
                  told.complete(e);
                }
              });
      begun.await();
      caller.interrupt();
      assertThat(told.get())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("interrupted");
      goOn.countDown();
      if (TestDatabase.isPostgres()) { // where nothing makes this transaction wait for that one
        assertTimeoutPreemptively(
            Duration.ofSeconds(60),
            () -> {
              while (things(database) == 0) {
                Thread.sleep(10);
              }
            });
      }
      assertThat(things(database)).isEqualTo(1);
    }
  }

  private static int things(Database database) {
    return database.inTransaction(
        handle -> handle.createQuery("SELECT count(*) FROM thing").mapTo(int.class).one());
  }

  @Test
  void aDatabaseOfANewerVersionIsRefused() throws Exception {
    DatabaseUrl url = TestDatabase.of(folder);
    try (Database database = Database.open(url)) {
      database.inTransaction(
          handle ->
              handle.execute(
                  "INSERT INTO flyway_schema_history VALUES"
                      + " (99, '9999', 'from the future', 'SQL', 'V9999__x.sql', 1, 'me', '2030-01-01', 1, true)"));
    }
    assertThatThrownBy(() -> Database.open(url))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("does not fit this version");
  }

  @Test
  void aSealedSecretOpensOnlyWhereItBelongs() throws Exception {
    Seal seal = Seal.open(folder);
    String sealed = seal.seal("dapi123", "stack/1");
    assertThat(sealed).doesNotContain("dapi123");
    assertThat(Seal.open(folder).open(sealed, "stack/1")).isEqualTo("dapi123");
    assertThatThrownBy(() -> seal.open(sealed, "stack/2"))
        .isInstanceOf(IllegalStateException.class);
  }
}
