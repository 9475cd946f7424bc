package dev.tarn.spark;

import dev.tarn.spark.sql.SqlExtension;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the decisions on plans, filters and masks add to a statement: the same engine, with them and
 * without. Not a test: it prints. Run it by name with {@code -Dtest=GovernanceBench}.
 */
class GovernanceBench {
  private static final String TOKEN = "engine-token-of-the-test";
  private static final Map<String, String> UNGOVERNED =
      Map.of(
          "spark.sql.extensions",
          ParametersPastDelta.EXTENSIONS + "," + SqlExtension.class.getName());
  private static final int TURNS = 8;
  private static final int ROUNDS = 50;

  @TempDir Path folder;

  private record Side(InMemoryCatalog catalog, TestEngine engine, ConnectSession session) {}

  @Test
  void aSmallTable() throws Exception {
    Side governed = side("governed", Map.of());
    Side bare = side("bare", UNGOVERNED);
    double[] mine = new double[TURNS];
    double[] theirs = new double[TURNS];
    for (int turn = 0; turn < 2 * TURNS; turn++) { // the first half is for the compilers
      mine[turn % TURNS] = medianMillis(governed);
      theirs[turn % TURNS] = medianMillis(bare);
    }
    System.out.printf(
        "SELECT of a small table, one raw ExecutePlan: governed %.1f ms - the same engine without"
            + " governance %.1f ms = %.1f ms%n",
        median(mine), median(theirs), median(mine) - median(theirs));
    for (Side side : List.of(governed, bare)) {
      side.engine.stop();
      side.catalog.close();
    }
  }

  private Side side(String name, Map<String, String> sparkConf) throws Exception {
    Path home = folder.resolve(name);
    Files.createDirectories(home.resolve("storage/root"));
    InMemoryCatalog catalog = new InMemoryCatalog(TOKEN);
    catalog.createCatalog("main");
    TestEngine engine =
        new TestEngine(Engine.class, home, catalog, TOKEN, 600, sparkConf, List.of());
    ConnectSession session = engine.session("42", "alice@example.com");
    session.sql("CREATE TABLE small AS SELECT id, concat('n', id) AS name FROM range(25)");
    return new Side(catalog, engine, session);
  }

  private static double medianMillis(Side side) {
    double[] millis = new double[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
      long start = System.nanoTime();
      var unused = side.session.sql("SELECT * FROM small");
      millis[i] = (System.nanoTime() - start) / 1e6;
    }
    return median(millis);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
