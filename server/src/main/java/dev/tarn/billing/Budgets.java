package dev.tarn.billing;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.billing.ActionConfiguration;
import com.databricks.sdk.service.billing.ActionConfigurationType;
import com.databricks.sdk.service.billing.AlertConfiguration;
import com.databricks.sdk.service.billing.BudgetConfiguration;
import com.databricks.sdk.service.billing.BudgetConfigurationFilter;
import com.databricks.sdk.service.billing.BudgetConfigurationFilterTagClause;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationBudget;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationRequest;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationResponse;
import com.databricks.sdk.service.billing.DeleteBudgetConfigurationRequest;
import com.databricks.sdk.service.billing.GetBudgetConfigurationRequest;
import com.databricks.sdk.service.billing.GetBudgetConfigurationResponse;
import com.databricks.sdk.service.billing.ListBudgetConfigurationsRequest;
import com.databricks.sdk.service.billing.ListBudgetConfigurationsResponse;
import com.databricks.sdk.service.billing.UpdateBudgetConfigurationBudget;
import com.databricks.sdk.service.billing.UpdateBudgetConfigurationRequest;
import com.databricks.sdk.service.billing.UpdateBudgetConfigurationResponse;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Clock;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;

/**
 * Budgets: what a month's usage may come to at list price, and whom to tell when it comes to more.
 * Usage is counted each minute; an alert goes off once a month, and is kept.
 */
public final class Budgets {
  private static final int MOST = 500;
  private static final int MOST_ALERTS = 4;
  private static final int MOST_ACTIONS = 10;

  private final Database database;
  private final Usage usage;
  private final Notifier notifier;
  private final Clock clock;

  /** Tells people of an alert, when there is a way to. */
  interface Notifier {
    /** Those it was handed on for. */
    List<String> budgetExceeded(List<String> addresses, String subject, String text);
  }

  Budgets(Database database, Usage usage, Notifier notifier, Clock clock) {
    this.database = database;
    this.usage = usage;
    this.notifier = notifier;
    this.clock = clock;
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public CreateBudgetConfigurationResponse create(
      Caller caller, CreateBudgetConfigurationRequest request) {
    CreateBudgetConfigurationBudget asked =
        request.getBudget() == null ? new CreateBudgetConfigurationBudget() : request.getBudget();
    account(caller, asked.getAccountId());
    // The types of what is created and what is shown have the same fields but for the ids.
    BudgetConfiguration budget =
        checked(
            Json.read(Json.write(asked), BudgetConfiguration.class)
                .setBudgetConfigurationId(UUID.randomUUID().toString()),
            caller,
            Set.of());
    long now = clock.millis();
    budget.setCreateTime(now).setUpdateTime(now);
    database.inTransaction(
        handle -> {
          if (handle.createQuery("SELECT count(*) FROM budget").mapTo(Integer.class).one()
              >= MOST) {
            throw invalid("budget", "one more", "at most " + MOST + " budgets in an account");
          }
          return handle
              .createUpdate(
                  """
                  INSERT INTO budget (budget_id, document, created_at, updated_at)
                  VALUES (:id, :document, :now, :now)
                  """)
              .bind("id", budget.getBudgetConfigurationId())
              .bind("document", Json.write(budget))
              .bind("now", now)
              .execute();
        });
    return new CreateBudgetConfigurationResponse().setBudget(budget);
  }

  private static void account(Caller caller, String accountId) {
    if (accountId != null && !accountId.isEmpty() && !accountId.equals(caller.accountId())) {
      throw invalid("budget.account_id", accountId, caller.accountId());
    }
  }

  /** With the account, and with ids for what has none. */
  private static BudgetConfiguration checked(
      BudgetConfiguration budget, Caller caller, Set<String> alertIds) {
    String name = budget.getDisplayName();
    if (name != null && (name.length() > 256 || name.chars().anyMatch(Character::isISOControl))) {
      throw invalid("budget.display_name", name, "at most 256 characters");
    }
    Collection<AlertConfiguration> alerts =
        budget.getAlertConfigurations() == null ? List.of() : budget.getAlertConfigurations();
    if (alerts.size() > MOST_ALERTS) {
      throw invalid("budget.alert_configurations", alerts.size(), "at most " + MOST_ALERTS);
    }
    Set<String> seen = new HashSet<>();
    for (AlertConfiguration alert : alerts) {
      checked(alert);
      if (alert.getAlertConfigurationId() == null || alert.getAlertConfigurationId().isEmpty()) {
        alert.setAlertConfigurationId(UUID.randomUUID().toString());
      } else if (!alertIds.contains(alert.getAlertConfigurationId())
          || !seen.add(alert.getAlertConfigurationId())) {
        throw invalid(
            "budget.alert_configurations.alert_configuration_id",
            alert.getAlertConfigurationId(),
            "none, or one of this budget's, once: " + alertIds);
      }
    }
    BudgetConfigurationFilter filter = budget.getFilter();
    if (filter != null && filter.getTags() != null) {
      for (BudgetConfigurationFilterTagClause tag : filter.getTags()) {
        if (tag.getKey() == null
            || tag.getKey().isEmpty()
            || tag.getValue() == null
            || isEmpty(tag.getValue().getValues())) {
          throw invalid("budget.filter.tags", tag.getKey(), "a key and at least one value");
        }
      }
    }
    if (filter != null
        && filter.getWorkspaceId() != null
        && isEmpty(filter.getWorkspaceId().getValues())) {
      throw invalid("budget.filter.workspace_id", "", "at least one id");
    }
    return budget.setAccountId(caller.accountId());
  }

  private static void checked(AlertConfiguration alert) {
    String threshold = alert.getQuantityThreshold();
    if (threshold == null
        || !threshold.matches("\\d{1,15}(\\.\\d{1,9})?")
        || new BigDecimal(threshold).signum() == 0) {
      throw invalid(
          "budget.alert_configurations.quantity_threshold",
          threshold,
          "an amount of dollars above 0, such as 1000");
    }
    if (alert.getQuantityType() == null
        || alert.getTimePeriod() == null
        || alert.getTriggerType() == null) {
      throw invalid(
          "budget.alert_configurations",
          "",
          "quantity_type LIST_PRICE_DOLLARS_USD, time_period MONTH and trigger_type"
              + " CUMULATIVE_SPENDING_EXCEEDED");
    }
    Collection<ActionConfiguration> actions =
        alert.getActionConfigurations() == null ? List.of() : alert.getActionConfigurations();
    if (actions.size() > MOST_ACTIONS) {
      throw invalid(
          "budget.alert_configurations.action_configurations",
          actions.size(),
          "at most " + MOST_ACTIONS);
    }
    for (ActionConfiguration action : actions) {
      if (action.getActionType() != ActionConfigurationType.EMAIL_NOTIFICATION) {
        throw invalid(
            "budget.alert_configurations.action_configurations.action_type",
            action.getActionType(),
            "EMAIL_NOTIFICATION");
      }
      if (action.getTarget() == null
          || !action.getTarget().matches("[^@\\s]{1,64}@[^@\\s]{1,255}")) {
        throw invalid(
            "budget.alert_configurations.action_configurations.target",
            action.getTarget(),
            "an e-mail address");
      }
      if (action.getActionConfigurationId() == null
          || action.getActionConfigurationId().isEmpty()) {
        action.setActionConfigurationId(UUID.randomUUID().toString());
      }
    }
  }

  private static boolean isEmpty(Collection<?> values) {
    return values == null || values.isEmpty();
  }

  private static InvalidParameterValue invalid(String field, Object value, String expected) {
    return new InvalidParameterValue(
        field + ": '" + (value == null ? "" : value) + "' (expected: " + expected + ")", null);
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public GetBudgetConfigurationResponse get(Caller caller, GetBudgetConfigurationRequest request) {
    return new GetBudgetConfigurationResponse()
        .setBudget(
            database.<BudgetConfiguration, RuntimeException>read(
                handle -> find(handle, request.getBudgetId())));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores("page_token: all are on one page")
  public ListBudgetConfigurationsResponse list(
      Caller caller, ListBudgetConfigurationsRequest request) {
    return new ListBudgetConfigurationsResponse().setBudgets(all());
  }

  /** PUT: the budget is what is sent; alerts keep their ids, new ones are given some. */
  @Allow(Role.ACCOUNT_ADMIN)
  public UpdateBudgetConfigurationResponse update(
      Caller caller, UpdateBudgetConfigurationRequest request) {
    UpdateBudgetConfigurationBudget asked =
        request.getBudget() == null ? new UpdateBudgetConfigurationBudget() : request.getBudget();
    account(caller, asked.getAccountId());
    String id = request.getBudgetId();
    if (asked.getBudgetConfigurationId() != null && !asked.getBudgetConfigurationId().equals(id)) {
      throw invalid("budget.budget_configuration_id", asked.getBudgetConfigurationId(), id);
    }
    return database.inTransaction(
        handle -> {
          BudgetConfiguration before = find(handle, id);
          Set<String> alertIds = new HashSet<>();
          if (before.getAlertConfigurations() != null) {
            before
                .getAlertConfigurations()
                .forEach(alert -> alertIds.add(alert.getAlertConfigurationId()));
          }
          BudgetConfiguration after =
              checked(Json.read(Json.write(asked), BudgetConfiguration.class), caller, alertIds)
                  .setBudgetConfigurationId(id)
                  .setCreateTime(before.getCreateTime())
                  .setUpdateTime(clock.millis());
          handle
              .createUpdate(
                  "UPDATE budget SET document = :document, updated_at = :now WHERE budget_id = :id")
              .bind("document", Json.write(after))
              .bind("now", after.getUpdateTime())
              .bind("id", id)
              .execute();
          return new UpdateBudgetConfigurationResponse().setBudget(after);
        });
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public void delete(Caller caller, DeleteBudgetConfigurationRequest request) {
    database.inTransaction(
        handle -> {
          find(handle, request.getBudgetId());
          return handle
              .createUpdate("DELETE FROM budget WHERE budget_id = :id")
              .bind("id", request.getBudgetId())
              .execute();
        });
  }

  private List<BudgetConfiguration> all() {
    return database.read(
        handle ->
            handle
                .createQuery("SELECT document FROM budget ORDER BY created_at, budget_id")
                .mapTo(String.class)
                .map(document -> Json.read(document, BudgetConfiguration.class))
                .list());
  }

  private static BudgetConfiguration find(Handle handle, String id) {
    return handle
        .createQuery("SELECT document FROM budget WHERE budget_id = :id")
        .bind("id", id)
        .mapTo(String.class)
        .findOne()
        .map(document -> Json.read(document, BudgetConfiguration.class))
        .orElseThrow(() -> new ResourceDoesNotExist("budget " + id + " does not exist", null));
  }

  /** Which budget's alerts. */
  public record AlertsRequest(String accountId, String budgetId) {}

  /**
   * An alert that went off.
   *
   * @param spent dollars at list price when it did
   * @param notified who was written to; empty without a mail server
   */
  public record Alert(
      String alertConfigurationId, String month, String spent, String notified, long firedAt) {}

  /** {@code spent} of the current month, and what went off. */
  public record Alerts(String month, String spent, List<Alert> alerts) {}

  /** What a budget came to this month, and its alerts that went off, the newest first. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.1/accounts/{account_id}/budgets/{budget_id}/tarn/alerts")
  public Alerts alerts(Caller caller, AlertsRequest request) {
    usage.meter();
    evaluate();
    BudgetConfiguration budget =
        database.<BudgetConfiguration, RuntimeException>read(
            handle -> find(handle, request.budgetId()));
    YearMonth month = usage.currentMonth();
    return new Alerts(
        month.toString(),
        dollars(usage.spent(month, filter(budget))),
        database.read(
            handle ->
                handle
                    .createQuery(
                        """
                        SELECT alert_configuration_id, usage_month, spent, notified, fired_at
                        FROM budget_alert WHERE budget_id = :id ORDER BY fired_at DESC
                        """)
                    .bind("id", request.budgetId())
                    .map(
                        (row, context) ->
                            new Alert(
                                row.getString(1),
                                row.getString(2),
                                row.getString(3),
                                row.getString(4),
                                row.getLong(5)))
                    .list()));
  }

  private static String dollars(BigDecimal amount) {
    return amount.setScale(2, RoundingMode.HALF_UP).toPlainString();
  }

  private static Predicate<Usage.Row> filter(BudgetConfiguration budget) {
    BudgetConfigurationFilter filter = budget.getFilter();
    Predicate<Usage.Row> all = row -> true;
    if (filter != null && filter.getWorkspaceId() != null) {
      Set<Long> workspaces = Set.copyOf(filter.getWorkspaceId().getValues());
      all = all.and(row -> workspaces.contains(row.workspaceId()));
    }
    if (filter != null && filter.getTags() != null) {
      for (BudgetConfigurationFilterTagClause tag : filter.getTags()) {
        Collection<String> values = tag.getValue().getValues();
        all =
            all.and(
                row -> {
                  String value = row.source().tags().get(tag.getKey());
                  return value != null && values.contains(value);
                });
      }
    }
    return all;
  }

  /** Lets those alerts go off that are due; which of two that find it due says so is a row. */
  void evaluate() {
    YearMonth month = usage.currentMonth();
    for (BudgetConfiguration budget : all()) {
      if (isEmpty(budget.getAlertConfigurations())) {
        continue;
      }
      BigDecimal spent = usage.spent(month, filter(budget));
      for (AlertConfiguration alert : budget.getAlertConfigurations()) {
        if (spent.compareTo(new BigDecimal(alert.getQuantityThreshold())) >= 0) {
          fire(budget, alert, month, spent);
        }
      }
    }
  }

  private void fire(
      BudgetConfiguration budget, AlertConfiguration alert, YearMonth month, BigDecimal spent) {
    int fired =
        database.inTransaction(
            handle ->
                handle
                    .createUpdate(
                        """
                        INSERT INTO budget_alert (alert_configuration_id, usage_month, budget_id,
                          spent, notified, fired_at)
                        SELECT :alert, :month, budget_id, :spent, '', :now FROM budget
                        WHERE budget_id = :budget
                        ON CONFLICT (alert_configuration_id, usage_month) DO NOTHING
                        """)
                    .bind("alert", alert.getAlertConfigurationId())
                    .bind("month", month.toString())
                    .bind("spent", dollars(spent))
                    .bind("now", clock.millis())
                    .bind("budget", budget.getBudgetConfigurationId())
                    .execute());
    if (fired == 0) {
      return;
    }
    List<String> addresses = new ArrayList<>();
    if (alert.getActionConfigurations() != null) {
      alert.getActionConfigurations().forEach(action -> addresses.add(action.getTarget()));
    }
    String name =
        budget.getDisplayName() == null
            ? budget.getBudgetConfigurationId()
            : budget.getDisplayName();
    List<String> notified =
        notifier.budgetExceeded(
            addresses,
            "Budget " + name + " has reached " + alert.getQuantityThreshold() + " USD",
            "Usage of "
                + month
                + " in budget "
                + name
                + " came to "
                + dollars(spent)
                + " USD at list price; its alert is set to "
                + alert.getQuantityThreshold()
                + " USD.");
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    """
                    UPDATE budget_alert SET notified = :notified
                    WHERE alert_configuration_id = :alert AND usage_month = :month
                    """)
                .bind("notified", String.join(", ", notified))
                .bind("alert", alert.getAlertConfigurationId())
                .bind("month", month.toString())
                .execute());
  }
}
