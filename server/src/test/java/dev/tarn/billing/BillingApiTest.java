package dev.tarn.billing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.billing.CreateLogDeliveryConfigurationParams;
import com.databricks.sdk.service.billing.DeliveryStatus;
import com.databricks.sdk.service.billing.DownloadRequest;
import com.databricks.sdk.service.billing.ListLogDeliveryRequest;
import com.databricks.sdk.service.billing.LogDeliveryConfigStatus;
import com.databricks.sdk.service.billing.LogDeliveryConfiguration;
import com.databricks.sdk.service.billing.LogType;
import com.databricks.sdk.service.billing.OutputFormat;
import com.databricks.sdk.service.billing.UpdateLogDeliveryConfigurationStatusRequest;
import com.databricks.sdk.service.billing.WrappedCreateLogDeliveryConfiguration;
import com.databricks.sdk.service.provisioning.CreateCredentialAwsCredentials;
import com.databricks.sdk.service.provisioning.CreateCredentialRequest;
import com.databricks.sdk.service.provisioning.CreateCredentialStsRole;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Log delivery, usage and budgets as the official SDK and Terraform see them. */
class BillingApiTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static CreateLogDeliveryConfigurationParams asked(LogType type) {
    return new CreateLogDeliveryConfigurationParams()
        .setLogType(type)
        .setOutputFormat(type == LogType.AUDIT_LOGS ? OutputFormat.JSON : OutputFormat.CSV)
        .setCredentialsId("test")
        .setStorageConfigurationId("test");
  }

  private static LogDeliveryConfiguration created(CreateLogDeliveryConfigurationParams asked) {
    return server
        .account()
        .logDelivery()
        .create(new WrappedCreateLogDeliveryConfiguration().setLogDeliveryConfiguration(asked))
        .getLogDeliveryConfiguration();
  }

  private static void disable(String id) {
    server
        .account()
        .logDelivery()
        .patchStatus(
            new UpdateLogDeliveryConfigurationStatusRequest()
                .setLogDeliveryConfigurationId(id)
                .setStatus(LogDeliveryConfigStatus.DISABLED));
  }

  private static LogDeliveryConfiguration get(String id) {
    return server.account().logDelivery().get(id).getLogDeliveryConfiguration();
  }

  @Test
  void auditLogsArriveInTheBucketAndWhatIsDisabledUsesNothing() throws Exception {
    String credentials =
        server
            .account()
            .credentials()
            .create(
                new CreateCredentialRequest()
                    .setCredentialsName("log writer")
                    .setAwsCredentials(
                        new CreateCredentialAwsCredentials()
                            .setStsRole(
                                new CreateCredentialStsRole().setRoleArn(TestServer.ROLE_ARN))))
            .getCredentialsId();
    LogDeliveryConfiguration made =
        created(
            asked(LogType.AUDIT_LOGS)
                .setCredentialsId(credentials)
                .setConfigName("audit")
                .setDeliveryPathPrefix("logs/audit"));
    assertThat(get(made.getConfigId())).isEqualTo(made);
    assertThat(made.getStatus()).isEqualTo(LogDeliveryConfigStatus.ENABLED);
    assertThat(made.getLogDeliveryStatus().getStatus()).isEqualTo(DeliveryStatus.CREATED);
    assertThatThrownBy(() -> server.account().credentials().delete(credentials))
        .isInstanceOf(ResourceConflict.class);
    server
        .as("admin")
        .warehouses()
        .list(new com.databricks.sdk.service.sql.ListWarehousesRequest());
    HttpResponse<String> delivered =
        server.send(
            "admin",
            "POST",
            "/api/2.0/accounts/"
                + TestServer.ACCOUNT_ID
                + "/log-delivery/"
                + made.getConfigId()
                + "/tarn/deliver",
            null);
    assertThat(delivered.statusCode()).as(delivered.body()).isEqualTo(200);
    assertThat(get(made.getConfigId()).getLogDeliveryStatus().getStatus())
        .isEqualTo(DeliveryStatus.SUCCEEDED);
    assertThat(get(made.getConfigId()).getLogDeliveryStatus().getLastSuccessfulAttemptTime())
        .matches("20\\d\\d-.*Z");
    Path logs = server.config().storage().resolve(TestServer.ROOT_BUCKET).resolve("logs/audit");
    List<String> actions = new ArrayList<>();
    try (Stream<Path> files = Files.walk(logs)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        for (String line : Files.readAllLines(file)) {
          JsonNode event = Json.tree(line);
          actions.add(event.path("serviceName").asText() + "." + event.path("actionName").asText());
        }
      }
    }
    assertThat(actions)
        .contains("billing.LogDelivery.create", "billing.LogDelivery.get", "sql.Warehouses.list");
    disable(made.getConfigId());
    assertThat(get(made.getConfigId()).getStatus()).isEqualTo(LogDeliveryConfigStatus.DISABLED);
    server.account().credentials().delete(credentials);
    assertThatThrownBy(
            () ->
                server
                    .account()
                    .logDelivery()
                    .patchStatus(
                        new UpdateLogDeliveryConfigurationStatusRequest()
                            .setLogDeliveryConfigurationId(made.getConfigId())
                            .setStatus(LogDeliveryConfigStatus.ENABLED)))
        .isInstanceOf(ResourceConflict.class);
    assertThat(
            server
                .account()
                .logDelivery()
                .list(
                    new ListLogDeliveryRequest()
                        .setCredentialsId(credentials)
                        .setStatus(LogDeliveryConfigStatus.DISABLED)))
        .extracting(LogDeliveryConfiguration::getConfigId)
        .containsExactly(made.getConfigId());
  }

  @Test
  void ofTwentyCallersTwoEnableALogForTheAccountAndTwoForAWorkspace() throws Exception {
    for (List<Long> filter : List.of(List.<Long>of(), List.of(TestServer.WORKSPACE_ID))) {
      List<Future<LogDeliveryConfiguration>> futures = new ArrayList<>();
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < 20; i++) {
          String prefix = "race" + i;
          futures.add(
              threads.submit(
                  () ->
                      created(
                          asked(LogType.BILLABLE_USAGE)
                              .setDeliveryPathPrefix(prefix)
                              .setWorkspaceIdsFilter(filter.isEmpty() ? null : filter))));
        }
      }
      List<String> made = new ArrayList<>();
      for (Future<LogDeliveryConfiguration> future : futures) {
        if (future.state() == Future.State.SUCCESS) {
          made.add(future.resultNow().getConfigId());
        } else {
          assertThat(future.exceptionNow())
              .isInstanceOf(ResourceConflict.class)
              .hasMessageContaining("expected: fewer than 2");
        }
      }
      assertThat(made).hasSize(2);
      made.forEach(BillingApiTest::disable);
    }
  }

  @Test
  void whatCannotBeDeliveredIsRefused() {
    for (CreateLogDeliveryConfigurationParams bad :
        List.of(
            asked(LogType.AUDIT_LOGS).setOutputFormat(OutputFormat.CSV),
            asked(LogType.BILLABLE_USAGE).setOutputFormat(OutputFormat.JSON),
            asked(LogType.AUDIT_LOGS).setLogType(null),
            asked(LogType.AUDIT_LOGS).setCredentialsId("nope"),
            asked(LogType.AUDIT_LOGS).setStorageConfigurationId(null),
            asked(LogType.AUDIT_LOGS).setDeliveryPathPrefix("../other"),
            asked(LogType.AUDIT_LOGS).setDeliveryPathPrefix("/a"),
            asked(LogType.AUDIT_LOGS).setDeliveryPathPrefix("a/"),
            asked(LogType.AUDIT_LOGS).setWorkspaceIdsFilter(List.of(1L)),
            asked(LogType.BILLABLE_USAGE).setDeliveryStartTime("2018-01"),
            asked(LogType.BILLABLE_USAGE).setDeliveryStartTime("soon"))) {
      assertThatThrownBy(() -> created(bad)).isInstanceOf(InvalidParameterValue.class);
    }
    assertThatThrownBy(() -> get("nobody")).isInstanceOf(ResourceDoesNotExist.class);
  }

  @Test
  void usageIsDownloadedAsCsv() throws Exception {
    String csv =
        new String(
            server
                .account()
                .billableUsage()
                .download(new DownloadRequest().setStartMonth("2026-01").setEndMonth("2026-12"))
                .getContents()
                .readAllBytes(),
            StandardCharsets.UTF_8);
    assertThat(csv).startsWith("workspaceId,timestamp,clusterId,clusterName,");
    assertThatThrownBy(
            () ->
                server
                    .account()
                    .billableUsage()
                    .download(
                        new DownloadRequest().setStartMonth("2026-02").setEndMonth("2026-01")))
        .isInstanceOf(InvalidParameterValue.class);
  }

  @Test
  void aBudgetIsReadBackAsItWasWritten() throws Exception {
    String path = "/api/2.1/accounts/" + TestServer.ACCOUNT_ID + "/budgets";
    String body =
        """
        {"budget":{"display_name":"team","filter":{"workspace_id":{"operator":"IN","values":[7]},
          "tags":[{"key":"team","value":{"operator":"IN","values":["a","b"]}}]},
          "alert_configurations":[{"quantity_threshold":"840","quantity_type":"LIST_PRICE_DOLLARS_USD",
            "time_period":"MONTH","trigger_type":"CUMULATIVE_SPENDING_EXCEEDED",
            "action_configurations":[{"action_type":"EMAIL_NOTIFICATION","target":"ann@example.com"}]}]}}
        """;
    JsonNode made = json("POST", path, body, 200).path("budget");
    String one = path + "/" + made.path("budget_configuration_id").asText();
    assertThat(json("GET", one, null, 200).path("budget")).isEqualTo(made);
    ObjectNode stripped = made.deepCopy();
    stripped.remove(List.of("account_id", "budget_configuration_id", "create_time", "update_time"));
    ObjectNode alert = (ObjectNode) stripped.at("/alert_configurations/0");
    alert.remove("alert_configuration_id");
    ((ObjectNode) alert.at("/action_configurations/0")).remove("action_configuration_id");
    assertThat(stripped).isEqualTo(Json.tree(body).path("budget"));
    ObjectNode changed = made.deepCopy();
    changed.remove(List.of("create_time", "update_time"));
    changed.put("display_name", "other");
    JsonNode after = json("PUT", one, "{\"budget\":" + changed + "}", 200).path("budget");
    assertThat(after.at("/alert_configurations/0/alert_configuration_id"))
        .isEqualTo(made.at("/alert_configurations/0/alert_configuration_id"));
    assertThat(json("GET", one, null, 200).at("/budget/display_name").asText()).isEqualTo("other");
    assertThat(json("GET", path, null, 200).path("budgets")).hasSize(1);
    assertThat(json("GET", one + "/tarn/alerts", null, 200).path("spent").asText())
        .isEqualTo("0.00");
    json("POST", path, body.replace("EMAIL_NOTIFICATION", "BLOCK_USAGE"), 400);
    json("POST", path, body.replace("\"840\"", "\"0\""), 400);
    json("POST", path, body.replace("ann@example.com", "nobody"), 400);
    json("DELETE", one, null, 200);
    json("GET", one, null, 404);
    json("DELETE", one, null, 404);
  }

  private static JsonNode json(String verb, String path, String body, int status) throws Exception {
    HttpResponse<String> answer = server.send("admin", verb, path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return Json.tree(answer.body());
  }
}
