package dev.tarn.sql;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.service.sql.CancelExecutionRequest;
import com.databricks.sdk.service.sql.CreateWarehouseRequest;
import com.databricks.sdk.service.sql.Disposition;
import com.databricks.sdk.service.sql.ExecuteStatementRequest;
import com.databricks.sdk.service.sql.ExecuteStatementRequestOnWaitTimeout;
import com.databricks.sdk.service.sql.Format;
import com.databricks.sdk.service.sql.GetStatementRequest;
import com.databricks.sdk.service.sql.ListWarehousesRequest;
import com.databricks.sdk.service.sql.StatementResponse;
import com.databricks.sdk.service.sql.StatementState;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Database;
import dev.tarn.database.DatabaseUrl;
import dev.tarn.database.Json;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Warehouses and statements of two control planes on one PostgreSQL. */
@Tag("postgres")
class PeerStatementsTest {
  @TempDir Path folder;
  private Peer one;
  private Peer other;

  @BeforeEach
  void open() {
    one = new Peer("one");
    other = new Peer("other");
  }

  @AfterEach
  void close() {
    one.close();
    other.close();
  }

  @Test
  void whatOneMakesTheOtherKnows() {
    String warehouse = one.warehouse("w");
    assertThat(other.warehouses.list(admin(), new ListWarehousesRequest()).getWarehouses())
        .extracting(info -> info.getId())
        .containsExactly(warehouse);
    StatementResponse there = other.run(warehouse, "range 3", "30s");
    assertThat(there.getStatus().getState()).isEqualTo(StatementState.SUCCEEDED);
    StatementResponse here = one.get(there.getStatementId());
    assertThat(here).isEqualTo(there);
    one.warehouses.delete(
        admin(), new com.databricks.sdk.service.sql.DeleteWarehouseRequest().setId(warehouse));
    assertThat(other.warehouses.list(admin(), new ListWarehousesRequest()).getWarehouses())
        .isEmpty();
  }

  @Test
  void aStatementThatRunsAtOneIsSeenAndCanceledAtTheOther() throws Exception {
    StatementResponse running = one.run(one.warehouse("w"), "wait", "0s");
    String id = running.getStatementId();
    assertThat(other.get(id).getStatus().getState())
        .isIn(StatementState.PENDING, StatementState.RUNNING);
    other.statements.cancelExecution(admin(), new CancelExecutionRequest().setStatementId(id));
    assertThat(other.get(id).getStatus().getState()).isEqualTo(StatementState.CANCELED);
    until(() -> one.get(id).getStatus().getState() == StatementState.CANCELED);
  }

  @Test
  void whatRanWhereNobodyIsAnyMoreHasFailedAndWhatRunsElsewhereIsLeftAlone() {
    String warehouse = one.warehouse("w");
    String lost = one.run(warehouse, "wait", "0s").getStatementId();
    String going = other.run(warehouse, "wait", "0s").getStatementId();
    one.database.leases().close();
    other.statements.seek();
    assertThat(other.get(lost).getStatus().getState()).isEqualTo(StatementState.FAILED);
    assertThat(other.get(going).getStatus().getState())
        .isIn(StatementState.PENDING, StatementState.RUNNING);
    Peer third = new Peer("third");
    assertThat(third.get(going).getStatus().getState())
        .isIn(StatementState.PENDING, StatementState.RUNNING);
    third.close();
  }

  private interface Condition {
    boolean holds();
  }

  private static void until(Condition condition) throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    for (int tries = 0; !condition.holds(); tries++) {
      assertThat(tries).isLessThan(200);
      never.await(50, TimeUnit.MILLISECONDS);
    }
  }

  private static Caller admin() {
    return new Caller(
        "7",
        Caller.Kind.USER,
        "alice",
        Set.of(Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN),
        "account",
        1L,
        null,
        null,
        "token",
        "request");
  }

  private final class Peer {
    final Database database;
    final Warehouses warehouses;
    final Statements statements;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

    Peer(String name) {
      URI self = URI.create("http://" + name + ".test");
      database = Database.open(DatabaseUrl.parse(TestDatabase.shared(folder), null, null));
      database.leases().start(name);
      warehouses =
          new Warehouses(database, new TestCompute(), Clock.systemUTC(), () -> self, 30, timer);
      warehouses.recover();
      statements =
          new Statements(
              database,
              warehouses,
              workspace -> folder.resolve("bucket-" + workspace),
              Clock.systemUTC(),
              () -> self,
              Duration.ofHours(24));
      statements.recover(List.of(folder.resolve("bucket-1")));
    }

    String warehouse(String name) {
      return warehouses
          .create(admin(), new CreateWarehouseRequest().setName(name).setClusterSize("2X-Small"))
          .getId();
    }

    StatementResponse run(String warehouse, String sql, String wait) {
      return response(
          statements.executeStatement(
              admin(),
              new ExecuteStatementRequest()
                  .setStatement(sql)
                  .setWarehouseId(warehouse)
                  .setWaitTimeout(wait)
                  .setOnWaitTimeout(ExecuteStatementRequestOnWaitTimeout.CONTINUE)
                  .setDisposition(Disposition.INLINE)
                  .setFormat(Format.JSON_ARRAY),
              new Presence(Set.of())));
    }

    StatementResponse get(String id) {
      return response(
          statements.getStatement(admin(), new GetStatementRequest().setStatementId(id)));
    }

    private static StatementResponse response(Answer answer) {
      try {
        if (answer.saved() != null) {
          answer.saved().get();
        }
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
      return Json.read(((JsonNode) answer.body()).toString(), StatementResponse.class);
    }

    void close() {
      statements.close();
      timer.shutdownNow();
      database.close();
    }
  }
}
