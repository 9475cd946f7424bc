package dev.tarn.billing;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.service.billing.ActionConfigurationType;
import com.databricks.sdk.service.billing.AlertConfigurationQuantityType;
import com.databricks.sdk.service.billing.AlertConfigurationTimePeriod;
import com.databricks.sdk.service.billing.AlertConfigurationTriggerType;
import com.databricks.sdk.service.billing.BudgetConfigurationFilter;
import com.databricks.sdk.service.billing.BudgetConfigurationFilterClause;
import com.databricks.sdk.service.billing.BudgetConfigurationFilterOperator;
import com.databricks.sdk.service.billing.BudgetConfigurationFilterTagClause;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationBudget;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationBudgetActionConfigurations;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationBudgetAlertConfigurations;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationRequest;
import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Caller;
import dev.tarn.iam.TestClock;
import java.nio.file.Path;
import java.time.Duration;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Usage, from the uptime of engines to lines of the billable usage log, and budgets over it. */
class UsageTest {
  private static final YearMonth JANUARY = YearMonth.of(2026, 1);

  @TempDir Path folder;
  private final TestClock clock = new TestClock(); // begins with 2026
  private final List<Usage.Running> engines = new ArrayList<>();
  private Usage.Source source =
      new Usage.Source(
          "w1",
          "Shared, \"big\"",
          "Small",
          "PRO",
          false,
          "PREMIUM",
          "ann@example.com",
          Map.of("team", "a"));
  private Database database;
  private Usage usage;

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    usage = usage();
  }

  @AfterEach
  void close() {
    database.close();
  }

  private Usage usage() {
    return new Usage(
        database,
        clock,
        () -> List.copyOf(engines),
        (workspace, warehouse) -> Optional.ofNullable(source));
  }

  private static Usage.Running engine(String id, boolean running, Long endedAt) {
    return new Usage.Running(id, "w1", 7, running, endedAt);
  }

  @Test
  void anEngineCountsFromWhenItRunsUntilItEndsInClockHours() {
    engines.add(engine("e1", false, null));
    usage.meter();
    clock.advance(Duration.ofMinutes(30));
    assertThat(usage.rows(JANUARY, JANUARY)).isEmpty(); // it was starting
    engines.set(0, engine("e1", true, null));
    usage.meter();
    clock.advance(Duration.ofMinutes(50)); // from 00:30 to 01:20
    usage.meter();
    usage.meter();
    assertThat(usage.rows(JANUARY, JANUARY))
        .extracting(Usage.Row::uptime)
        .containsExactly(minutes(30), minutes(20));

    // The process is killed; the engine goes on, and ends while nobody looks.
    usage = usage();
    clock.advance(Duration.ofMinutes(20));
    engines.set(0, engine("e1", false, clock.millis()));
    clock.advance(Duration.ofHours(5));
    usage.meter();
    usage.meter();
    assertThat(usage.rows(JANUARY, JANUARY))
        .extracting(Usage.Row::uptime)
        .containsExactly(minutes(30), minutes(40));
    assertThat(usage.rows(JANUARY, JANUARY).getFirst().sku()).isEqualTo("PREMIUM_SQL_PRO_COMPUTE");
    // 70 minutes at 12 DBU an hour and 0.55 dollars
    assertThat(usage.spent(JANUARY, row -> true)).isEqualByComparingTo("7.7");
  }

  private static long minutes(long minutes) {
    return Duration.ofMinutes(minutes).toMillis();
  }

  @Test
  void aChangeOfSizeCountsFromThenAndADeletedWarehouseKeepsItsName() {
    engines.add(engine("e1", true, null));
    usage.meter();
    clock.advance(Duration.ofMinutes(10));
    usage.meter();
    source = new Usage.Source("w1", "Renamed", "Large", "PRO", false, "PREMIUM", "ann", Map.of());
    clock.advance(Duration.ofMinutes(10));
    usage.meter();
    source = null;
    clock.advance(Duration.ofMinutes(10));
    usage.meter();
    assertThat(usage.rows(JANUARY, JANUARY))
        .extracting(Usage.Row::rate, Usage.Row::uptime, row -> row.source().name())
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple(12L, minutes(10), "Shared, \"big\""),
            org.assertj.core.groups.Tuple.tuple(40L, minutes(20), "Renamed"));
  }

  @Test
  void manyThatMeterAtOnceCountOnce() throws Exception {
    engines.add(engine("e1", true, null));
    usage.meter();
    clock.advance(Duration.ofMinutes(30));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 20; i++) {
        var unused = threads.submit(() -> usage().meter());
      }
    }
    assertThat(usage.rows(JANUARY, JANUARY))
        .extracting(Usage.Row::uptime)
        .containsExactly(minutes(30));
  }

  @Test
  void theLogHasALineForAWarehouseAndHourAndNamesNobodyUnlessAsked() {
    engines.add(engine("e1", true, null));
    usage.meter();
    clock.advance(Duration.ofMinutes(90));
    usage.meter();
    List<Usage.Row> rows = usage.rows(JANUARY, JANUARY);
    String[] lines = Usage.csv(rows, true).split("\n", -1);
    assertThat(lines).hasSize(4);
    assertThat(lines[0]).startsWith("workspaceId,timestamp,clusterId,");
    assertThat(lines[1])
        .isEqualTo(
            "7,2026-01-01T01:00:00Z,w1,\"Shared, \"\"big\"\"\",Small,,\"{\"\"team\"\":\"\"a\"\"}\","
                + "PREMIUM_SQL_PRO_COMPUTE,12.000000000,1.000000000,ann@example.com,"
                + "\"{\"\"SqlEndpointId\"\":\"\"w1\"\",\"\"team\"\":\"\"a\"\"}\"");
    assertThat(lines[2]).contains("2026-01-01T02:00:00Z").contains(",6.000000000,0.500000000,");
    assertThat(Usage.csv(rows, false)).doesNotContain("ann@example.com");
    assertThat(usage.rows(JANUARY.minusMonths(1), JANUARY.minusMonths(1))).isEmpty();
  }

  @Test
  void anAlertGoesOffOnceAMonthForWhatItsFilterCounts() {
    List<String> mails = new ArrayList<>();
    Budgets budgets =
        new Budgets(
            database,
            usage,
            (addresses, subject, text) -> {
              mails.add(addresses + " " + subject);
              return addresses;
            },
            clock);
    Caller admin = Caller.system("account", "test");
    String mine = budget(budgets, admin, "team", "a");
    budget(budgets, admin, "team", "b");
    engines.add(engine("e1", true, null));
    usage.meter();
    clock.advance(Duration.ofMinutes(30)); // 3.30 dollars
    usage.meter();
    budgets.evaluate();
    assertThat(mails).isEmpty();
    clock.advance(Duration.ofMinutes(30)); // 6.60 dollars
    usage.meter();
    budgets.evaluate();
    usage();
    budgets.evaluate();
    assertThat(mails).containsExactly("[ann@example.com] Budget of a has reached 5 USD");
    var alerts = budgets.alerts(admin, new Budgets.AlertsRequest("account", mine));
    assertThat(alerts.spent()).isEqualTo("6.60");
    assertThat(alerts.alerts())
        .extracting(Budgets.Alert::month, Budgets.Alert::spent, Budgets.Alert::notified)
        .containsExactly(org.assertj.core.groups.Tuple.tuple("2026-01", "6.60", "ann@example.com"));
    clock.advance(Duration.ofDays(31));
    budgets.alerts(admin, new Budgets.AlertsRequest("account", mine));
    assertThat(mails).hasSize(2);
  }

  private static String budget(Budgets budgets, Caller admin, String tag, String value) {
    return budgets
        .create(
            admin,
            new CreateBudgetConfigurationRequest()
                .setBudget(
                    new CreateBudgetConfigurationBudget()
                        .setDisplayName("of " + value)
                        .setFilter(
                            new BudgetConfigurationFilter()
                                .setTags(
                                    List.of(
                                        new BudgetConfigurationFilterTagClause()
                                            .setKey(tag)
                                            .setValue(
                                                new BudgetConfigurationFilterClause()
                                                    .setOperator(
                                                        BudgetConfigurationFilterOperator.IN)
                                                    .setValues(List.of(value))))))
                        .setAlertConfigurations(
                            List.of(
                                new CreateBudgetConfigurationBudgetAlertConfigurations()
                                    .setQuantityThreshold("5")
                                    .setQuantityType(
                                        AlertConfigurationQuantityType.LIST_PRICE_DOLLARS_USD)
                                    .setTimePeriod(AlertConfigurationTimePeriod.MONTH)
                                    .setTriggerType(
                                        AlertConfigurationTriggerType.CUMULATIVE_SPENDING_EXCEEDED)
                                    .setActionConfigurations(
                                        List.of(
                                            new CreateBudgetConfigurationBudgetActionConfigurations()
                                                .setActionType(
                                                    ActionConfigurationType.EMAIL_NOTIFICATION)
                                                .setTarget("ann@example.com")))))))
        .getBudget()
        .getBudgetConfigurationId();
  }
}
