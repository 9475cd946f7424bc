package dev.tarn.billing;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.billing.CreateLogDeliveryConfigurationParams;
import com.databricks.sdk.service.billing.DeliveryStatus;
import com.databricks.sdk.service.billing.GetLogDeliveryConfigurationResponse;
import com.databricks.sdk.service.billing.GetLogDeliveryRequest;
import com.databricks.sdk.service.billing.ListLogDeliveryRequest;
import com.databricks.sdk.service.billing.LogDeliveryConfigStatus;
import com.databricks.sdk.service.billing.LogDeliveryConfiguration;
import com.databricks.sdk.service.billing.LogType;
import com.databricks.sdk.service.billing.OutputFormat;
import com.databricks.sdk.service.billing.UpdateLogDeliveryConfigurationStatusRequest;
import com.databricks.sdk.service.billing.WrappedCreateLogDeliveryConfiguration;
import com.databricks.sdk.service.billing.WrappedLogDeliveryConfiguration;
import com.databricks.sdk.service.billing.WrappedLogDeliveryConfigurations;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.time.Clock;
import java.time.YearMonth;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;

/**
 * Log delivery configurations: which log goes into which bucket. {@link Delivery} brings it there.
 * There is no DELETE: one that is no longer wanted is disabled, and then uses neither credentials
 * nor storage.
 */
public final class LogDelivery {
  private static final int MOST_ENABLED = 2;
  private static final YearMonth FIRST_MONTH = YearMonth.of(2019, 3);

  /** Keys below it are paths below the bucket's folder: no empty, hidden or upward steps. */
  private static final Pattern PREFIX =
      Pattern.compile("(?!.{513})[A-Za-z0-9_=-][A-Za-z0-9_=.-]*(/[A-Za-z0-9_=-][A-Za-z0-9_=.-]*)*");

  private final Database database;
  private final Delivery delivery;
  private final Usage usage;
  private final Clock clock;

  LogDelivery(Database database, Delivery delivery, Usage usage, Clock clock) {
    this.database = database;
    this.delivery = delivery;
    this.usage = usage;
    this.clock = clock;
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public WrappedLogDeliveryConfiguration create(
      Caller caller, WrappedCreateLogDeliveryConfiguration request) {
    CreateLogDeliveryConfigurationParams asked =
        request.getLogDeliveryConfiguration() == null
            ? new CreateLogDeliveryConfigurationParams()
            : request.getLogDeliveryConfiguration();
    long now = clock.millis();
    LogDeliveryConfiguration made =
        new LogDeliveryConfiguration()
            .setConfigId(UUID.randomUUID().toString())
            .setConfigName(name(asked.getConfigName()))
            .setLogType(logType(asked.getLogType()))
            .setOutputFormat(format(asked.getLogType(), asked.getOutputFormat()))
            .setCredentialsId(asked.getCredentialsId())
            .setStorageConfigurationId(asked.getStorageConfigurationId())
            .setDeliveryPathPrefix(prefix(asked.getDeliveryPathPrefix()))
            .setDeliveryStartTime(start(asked))
            .setWorkspaceIdsFilter(filter(asked.getWorkspaceIdsFilter()))
            .setStatus(
                asked.getStatus() == null ? LogDeliveryConfigStatus.ENABLED : asked.getStatus());
    String end = delivery.auditEnd();
    LogDeliveryDao.Row row =
        database.inTransaction(
            handle -> {
              require(
                  handle,
                  "SELECT count(*) FROM credential WHERE credentials_id = :id",
                  "credentials_id",
                  made.getCredentialsId(),
                  "the id of a credentials configuration of this account");
              require(
                  handle,
                  """
                  SELECT count(*) FROM storage_configuration WHERE storage_configuration_id = :id
                  """,
                  "storage_configuration_id",
                  made.getStorageConfigurationId(),
                  "the id of a storage configuration of this account");
              Collection<Long> workspaces = made.getWorkspaceIdsFilter();
              for (Long workspace : workspaces == null ? List.<Long>of() : workspaces) {
                require(
                    handle,
                    "SELECT count(*) FROM workspace WHERE workspace_id = :id",
                    "workspace_ids_filter",
                    workspace,
                    "ids of workspaces of this account");
              }
              if (made.getStatus() == LogDeliveryConfigStatus.ENABLED) {
                requireRoom(handle, made);
              }
              LogDeliveryDao.insert(handle, made, now);
              if (made.getLogType() == LogType.AUDIT_LOGS) {
                LogDeliveryDao.startAt(handle, made.getConfigId(), delivery.auditId(), end);
              }
              return LogDeliveryDao.find(handle, made.getConfigId()).orElseThrow();
            });
    return new WrappedLogDeliveryConfiguration()
        .setLogDeliveryConfiguration(row.shown(caller.accountId()));
  }

  private static void require(
      Handle handle, String count, String field, Object id, String expected) {
    if (id == null || handle.createQuery(count).bind("id", id).mapTo(Integer.class).one() == 0) {
      throw invalid(field, id, expected);
    }
  }

  /** Two of a log type for the account, two for each workspace; and no two alike. */
  private static void requireRoom(Handle handle, LogDeliveryConfiguration wanted) {
    List<LogDeliveryConfiguration> others =
        LogDeliveryDao.list(handle).stream()
            .map(LogDeliveryDao.Row::asked)
            .filter(
                other ->
                    other.getStatus() == LogDeliveryConfigStatus.ENABLED
                        && other.getLogType() == wanted.getLogType()
                        && !other.getConfigId().equals(wanted.getConfigId()))
            .toList();
    for (LogDeliveryConfiguration other : others) {
      if (other.getCredentialsId().equals(wanted.getCredentialsId())
          && other.getStorageConfigurationId().equals(wanted.getStorageConfigurationId())
          && java.util.Objects.equals(other.getDeliveryPathPrefix(), wanted.getDeliveryPathPrefix())
          && workspaces(other).equals(workspaces(wanted))) {
        throw new ResourceAlreadyExists(
            "log delivery configuration "
                + other.getConfigId()
                + " is enabled and delivers the same to the same place",
            null);
      }
    }
    if (workspaces(wanted).isEmpty()) {
      long enabled = others.stream().filter(other -> workspaces(other).isEmpty()).count();
      requireRoom(enabled, wanted, "without workspace_ids_filter");
    }
    for (Long workspace : workspaces(wanted)) {
      long enabled = others.stream().filter(other -> workspaces(other).contains(workspace)).count();
      requireRoom(enabled, wanted, "for workspace " + workspace);
    }
  }

  private static void requireRoom(long enabled, LogDeliveryConfiguration wanted, String which) {
    if (enabled >= MOST_ENABLED) {
      throw new ResourceConflict(
          enabled
              + " enabled configurations of "
              + wanted.getLogType()
              + " "
              + which
              + " (expected: fewer than "
              + MOST_ENABLED
              + "; disable one first)",
          null);
    }
  }

  private static Set<Long> workspaces(LogDeliveryConfiguration configuration) {
    return configuration.getWorkspaceIdsFilter() == null
        ? Set.of()
        : Set.copyOf(configuration.getWorkspaceIdsFilter());
  }

  private static String name(String name) {
    if (name != null && (name.length() > 255 || name.chars().anyMatch(Character::isISOControl))) {
      throw invalid("config_name", name, "at most 255 characters");
    }
    return name;
  }

  private static LogType logType(LogType type) {
    if (type == null) {
      throw invalid("log_type", null, "BILLABLE_USAGE or AUDIT_LOGS");
    }
    return type;
  }

  private static OutputFormat format(LogType type, OutputFormat format) {
    OutputFormat only = type == LogType.AUDIT_LOGS ? OutputFormat.JSON : OutputFormat.CSV;
    if (format != only) {
      throw invalid("output_format", format, only + " for " + type);
    }
    return format;
  }

  private static String prefix(String prefix) {
    if (prefix != null && !prefix.isEmpty() && !PREFIX.matcher(prefix).matches()) {
      throw invalid(
          "delivery_path_prefix",
          prefix,
          "names of letters, digits and _=.- with a slash between, none at the ends");
    }
    return prefix;
  }

  private String start(CreateLogDeliveryConfigurationParams asked) {
    String given = asked.getDeliveryStartTime();
    if (asked.getLogType() == LogType.AUDIT_LOGS) {
      if (given != null) {
        throw invalid(
            "delivery_start_time", given, "none, audit logs begin with the configuration");
      }
      return null;
    }
    YearMonth now = usage.currentMonth();
    YearMonth start = given == null ? now : BillableUsage.month("delivery_start_time", given);
    if (start.isBefore(FIRST_MONTH) || start.isAfter(now)) {
      throw invalid("delivery_start_time", given, FIRST_MONTH + " to " + now);
    }
    return start.toString();
  }

  private static Collection<Long> filter(Collection<Long> workspaces) {
    if (workspaces != null && new HashSet<>(workspaces).size() != workspaces.size()) {
      throw invalid("workspace_ids_filter", workspaces, "each id once");
    }
    return workspaces;
  }

  private static InvalidParameterValue invalid(String field, Object value, String expected) {
    return new InvalidParameterValue(
        field + ": '" + (value == null ? "" : value) + "' (expected: " + expected + ")", null);
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public GetLogDeliveryConfigurationResponse get(Caller caller, GetLogDeliveryRequest request) {
    return new GetLogDeliveryConfigurationResponse()
        .setLogDeliveryConfiguration(
            find(request.getLogDeliveryConfigurationId()).shown(caller.accountId()));
  }

  private LogDeliveryDao.Row find(String id) {
    return database.<LogDeliveryDao.Row, RuntimeException>read(handle -> find(handle, id));
  }

  private static LogDeliveryDao.Row find(Handle handle, String id) {
    return LogDeliveryDao.find(handle, id)
        .orElseThrow(
            () ->
                new ResourceDoesNotExist(
                    "log delivery configuration " + id + " does not exist", null));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores("page_token: all are on one page")
  public WrappedLogDeliveryConfigurations list(Caller caller, ListLogDeliveryRequest request) {
    return new WrappedLogDeliveryConfigurations()
        .setLogDeliveryConfigurations(
            database.<List<LogDeliveryDao.Row>, RuntimeException>read(LogDeliveryDao::list).stream()
                .map(row -> row.shown(caller.accountId()))
                .filter(
                    row ->
                        isIn(request.getCredentialsId(), row.getCredentialsId())
                            && isIn(
                                request.getStorageConfigurationId(),
                                row.getStorageConfigurationId())
                            && isIn(request.getStatus(), row.getStatus()))
                .toList());
  }

  private static boolean isIn(Object asked, Object value) {
    return asked == null || asked.equals(value);
  }

  /**
   * One that is enabled again begins with what comes from then on; limits hold as for a new one.
   */
  @Allow(Role.ACCOUNT_ADMIN)
  public void patchStatus(Caller caller, UpdateLogDeliveryConfigurationStatusRequest request) {
    if (request.getStatus() == null) {
      throw invalid("status", null, "ENABLED or DISABLED");
    }
    try {
      database.inTransaction(
          handle -> {
            LogDeliveryDao.Row row = find(handle, request.getLogDeliveryConfigurationId());
            if (row.asked().getStatus() == request.getStatus()) {
              return null;
            }
            LogDeliveryConfiguration changed = row.asked().setStatus(request.getStatus());
            boolean enabled = request.getStatus() == LogDeliveryConfigStatus.ENABLED;
            if (enabled) {
              requireRoom(handle, changed);
              LogDeliveryDao.restart(handle, changed.getConfigId());
            }
            LogDeliveryDao.update(
                handle,
                changed,
                enabled ? DeliveryStatus.CREATED : DeliveryStatus.NOT_FOUND,
                enabled
                    ? "Nothing was delivered yet since it was enabled."
                    : "The configuration is disabled.",
                clock.millis());
            return null;
          });
    } catch (RuntimeException e) {
      if (Database.isForeignKeyViolation(e)) {
        throw new ResourceConflict(
            "the credentials or storage configuration of log delivery configuration "
                + request.getLogDeliveryConfigurationId()
                + " is gone (expected: a new configuration)",
            null);
      }
      throw e;
    }
  }

  /** Which one. */
  public record DeliverRequest(String accountId, String logDeliveryConfigurationId) {}

  /**
   * Delivers what this control plane has now, as the schedule would; answers with what became of
   * it.
   */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation(
      "POST /api/2.0/accounts/{account_id}/log-delivery/{log_delivery_configuration_id}/tarn/deliver")
  public GetLogDeliveryConfigurationResponse deliver(Caller caller, DeliverRequest request) {
    LogDeliveryDao.Row row = find(request.logDeliveryConfigurationId());
    delivery.deliver(row.asked().getConfigId(), caller.accountId());
    return new GetLogDeliveryConfigurationResponse()
        .setLogDeliveryConfiguration(
            find(request.logDeliveryConfigurationId()).shown(caller.accountId()));
  }
}
