package dev.tarn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;

/**
 * Makes the AOT caches of server and engines: a throw-away instance with {@code engine.training=on}
 * is used as people use one, and its engine writes down what the next ones need not load, link and
 * profile. The launcher runs this at the end of a build, in an empty home.
 */
@Command(name = "train", hidden = true, description = "Make the AOT caches.")
final class Train implements Runnable {
  private static final String WORKSPACE = "training";
  private static final int ROUNDS = 5;
  private static final long PATIENCE_MINUTES = 12;

  private static final List<String> FIRST =
      List.of(
          "CREATE TABLE training.default.t (id BIGINT, name STRING, amount DECIMAL(12, 2), day DATE)",
          "INSERT INTO training.default.t SELECT id, concat('n', id), id / 3,"
              + " date_add(DATE'2020-01-01', CAST(id % 90 AS INT)) FROM range(5000)",
          "UPDATE training.default.t SET name = 'even' WHERE id % 2 = 0",
          "MERGE INTO training.default.t AS t USING (SELECT id FROM range(4990, 5010)) AS s"
              + " ON t.id = s.id WHEN MATCHED THEN DELETE"
              + " WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)",
          "DESCRIBE TABLE EXTENDED training.default.t",
          "SHOW TABLES IN training.default");

  private static final List<String> AGAIN =
      List.of(
          "SELECT 1",
          "SELECT * FROM training.default.t WHERE id = 77",
          "SELECT day, count(*), sum(amount), min(name) FROM training.default.t GROUP BY day",
          "SELECT l_returnflag, count(*), sum(l_quantity), avg(l_extendedprice)"
              + " FROM samples.tpch.lineitem GROUP BY l_returnflag ORDER BY 1",
          "SELECT o_orderpriority, count(*) FROM samples.tpch.orders JOIN samples.tpch.lineitem"
              + " ON o_orderkey = l_orderkey WHERE l_quantity > 49 GROUP BY 1 ORDER BY 2 LIMIT 3");

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    boolean engine = !isTrained(home);
    if (!engine && Files.exists(home.serverCache())) {
      return;
    }
    Progress progress = new Progress();
    try {
      Up.start(home, progress);
      Quickstart.workspace(home, WORKSPACE, what -> {});
      if (engine) {
        train(home, progress);
      }
    } finally {
      Down.stop(home, TimeUnit.MINUTES.toSeconds(PATIENCE_MINUTES));
    }
    if (!Files.exists(home.serverCache()) || !isTrained(home)) {
      throw new Tarn.Failure(
          "the server or the engine wrote no cache; they said:\n" + Logs.tail(home.serverLog(), 8));
    }
    progress.stage("training: servers and engines will start faster");
  }

  private static void train(Home home, Progress progress) {
    FIRST.forEach(statement -> Sql.run(home, WORKSPACE, statement));
    progress.stage("training: an engine is up, its tables are made");
    for (int i = 0; i < ROUNDS; i++) {
      AGAIN.forEach(statement -> Sql.run(home, WORKSPACE, statement));
    }
    progress.stage("training: statements ran, the engine writes what it learned");
    stopWarehouse(home);
  }

  private static void stopWarehouse(Home home) {
    ObjectNode environment = Env.ofWorkspace(home, WORKSPACE, null);
    Api api = new Api(home.account().url(), environment.get("DATABRICKS_TOKEN").asText());
    String warehouse =
        "/api/2.0/sql/warehouses/" + environment.get("DATABRICKS_WAREHOUSE_ID").asText();
    api.post(warehouse + "/stop", Home.JSON.createObjectNode());
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(PATIENCE_MINUTES);
    try {
      while (isUp(Status.of(home)) && System.nanoTime() < deadline) {
        Thread.sleep(1000);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Tarn.Failure("interrupted while the engine wrote its cache");
    }
  }

  private static boolean isUp(JsonNode status) {
    for (JsonNode engine : status.get("engines")) {
      if (!engine.get("state").asText().equals("STOPPED")) {
        return true;
      }
    }
    return false;
  }

  private static boolean isTrained(Home home) {
    try {
      return home.launch("trained").waitFor() == 0;
    } catch (IOException e) {
      throw new Tarn.Failure("cannot ask for the cache of engines: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Tarn.Failure("interrupted");
    }
  }
}
