import com.databricks.sdk.AccountClient;
import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.DatabricksConfig;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.iam.ServicePrincipal;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretRequest;
import com.databricks.sdk.service.sql.CancelExecutionRequest;
import com.databricks.sdk.service.sql.CreateWarehouseRequest;
import com.databricks.sdk.service.sql.Disposition;
import com.databricks.sdk.service.sql.EditWarehouseRequest;
import com.databricks.sdk.service.sql.ExecuteStatementRequest;
import com.databricks.sdk.service.sql.Format;
import com.databricks.sdk.service.sql.GetWarehouseResponse;
import com.databricks.sdk.service.sql.StatementResponse;
import com.databricks.sdk.service.sql.StatementState;
import java.io.InputStream;
import java.net.URI;
import java.util.List;
import java.util.Objects;

/** Every check prints `ok <name>`; a failing one prints its exception and the others go on. */
public class JavaSdk {
  interface Check {
    void run() throws Exception;
  }

  static final String HOST = System.getenv("TARN_HOST");
  static final String WAREHOUSE = System.getenv("TARN_WAREHOUSE");

  public static void main(String[] arguments) {
    WorkspaceClient workspace =
        new WorkspaceClient(
            new DatabricksConfig().setHost(HOST).setToken(System.getenv("TARN_WORKSPACE_TOKEN")));
    AccountClient account =
        new AccountClient(
            new DatabricksConfig()
                .setHost(HOST)
                .setAccountId(System.getenv("TARN_ACCOUNT_ID"))
                .setToken(System.getenv("TARN_ACCOUNT_TOKEN")));
    check("workspace with a PAT", () -> expect(workspace.currentUser().me(new MeRequest()).getUserName() != null));
    check(
        "account with a PAT",
        () -> expect(account.workspaces().list().iterator().next().getWorkspaceName().equals("dev")));
    String[] machine = new String[2];
    check(
        "workspace with OAuth M2M",
        () -> {
          ServicePrincipal principal =
              account
                  .servicePrincipals()
                  .create(
                      new ServicePrincipal()
                          .setDisplayName("java acceptance")
                          .setActive(true)
                          .setRoles(List.of(new ComplexValue().setValue("account_admin"))));
          long workspaceId = account.workspaces().list().iterator().next().getWorkspaceId();
          account
              .workspaceAssignment()
              .update(
                  new UpdateWorkspaceAssignments()
                      .setWorkspaceId(workspaceId)
                      .setPrincipalId(Long.parseLong(principal.getId()))
                      .setPermissions(List.of(WorkspacePermission.ADMIN)));
          machine[0] = principal.getApplicationId();
          machine[1] =
              account
                  .servicePrincipalSecrets()
                  .create(new CreateServicePrincipalSecretRequest().setServicePrincipalId(principal.getId()))
                  .getSecret();
          WorkspaceClient client =
              new WorkspaceClient(
                  new DatabricksConfig()
                      .setHost(HOST)
                      .setClientId(machine[0])
                      .setClientSecret(machine[1])
                      .setAuthType("oauth-m2m"));
          expect(Objects.equals(client.currentUser().me(new MeRequest()).getUserName(), machine[0]));
        });
    check(
        "account with OAuth M2M",
        () -> {
          AccountClient client =
              new AccountClient(
                  new DatabricksConfig()
                      .setHost(HOST)
                      .setAccountId(System.getenv("TARN_ACCOUNT_ID"))
                      .setClientId(machine[0])
                      .setClientSecret(machine[1])
                      .setAuthType("oauth-m2m"));
          expect(client.credentials().list().iterator().hasNext());
        });
    check(
        "a statement inline",
        () -> {
          StatementResponse answer =
              workspace
                  .statementExecution()
                  .executeStatement(statement("SELECT count(*) FROM samples.tpch.nation"));
          expect(answer.getResult().getDataArray().iterator().next().iterator().next().equals("25"));
        });
    check(
        "a statement as Arrow links",
        () -> {
          StatementResponse answer =
              workspace
                  .statementExecution()
                  .executeStatement(
                      statement("SELECT id FROM range(1000)")
                          .setDisposition(Disposition.EXTERNAL_LINKS)
                          .setFormat(Format.ARROW_STREAM));
          var link = answer.getResult().getExternalLinks().iterator().next();
          try (InputStream bytes = URI.create(link.getExternalLink()).toURL().openStream()) {
            expect(bytes.readAllBytes().length > 8000);
          }
        });
    check(
        "cancel",
        () -> {
          StatementResponse answer =
              workspace
                  .statementExecution()
                  .executeStatement(
                      statement("SELECT count(*) FROM range(100000000000) WHERE sqrt(id) + sin(id) > 3")
                          .setWaitTimeout("0s"));
          workspace
              .statementExecution()
              .cancelExecution(new CancelExecutionRequest().setStatementId(answer.getStatementId()));
          StatementState state = null;
          for (int i = 0; i < 100 && state != StatementState.CANCELED; i++) {
            state = workspace.statementExecution().getStatement(answer.getStatementId()).getStatus().getState();
            Thread.sleep(200);
          }
          expect(state == StatementState.CANCELED);
        });
    check(
        "a missing table",
        () -> {
          try {
            workspace.tables().get("dev.default.nowhere");
            expect(false);
          } catch (NotFound e) {
            expect(e.getMessage().contains("does not exist"));
          }
        });
    check(
        "an unbuilt operation",
        () -> {
          try {
            workspace.vectorSearchIndexes().getIndex("a.b.c");
            expect(false);
          } catch (NotFound e) {
            expect(e.getErrorCode().equals("ENDPOINT_NOT_FOUND"));
          }
        });
    check(
        "an unknown warehouse",
        () -> {
          try {
            workspace.warehouses().get("0123456789abcdef");
            expect(false);
          } catch (NotFound e) {
            expect(e.getMessage().contains("0123456789abcdef"));
          }
        });
    check(
        "a warehouse is made, changed and removed",
        () -> {
          String id =
              workspace
                  .warehouses()
                  .create(
                      new CreateWarehouseRequest()
                          .setName("java acceptance")
                          .setClusterSize("2X-Small")
                          .setMaxNumClusters(1L)
                          .setAutoStopMins(10L))
                  .getResponse()
                  .getId();
          GetWarehouseResponse made = workspace.warehouses().get(id);
          expect(made.getName().equals("java acceptance") && made.getAutoStopMins() == 10);
          workspace
              .warehouses()
              .edit(
                  new EditWarehouseRequest()
                      .setId(id)
                      .setName("java renamed")
                      .setClusterSize("Small")
                      .setAutoStopMins(0L));
          GetWarehouseResponse changed = workspace.warehouses().get(id);
          expect(changed.getName().equals("java renamed") && changed.getClusterSize().equals("Small"));
          expect(changed.getAutoStopMins() == 0);
          workspace.warehouses().delete(id);
          try {
            workspace.warehouses().get(id);
            expect(false);
          } catch (NotFound e) {
            expect(e.getMessage().contains(id));
          }
        });
    System.exit(0);
  }

  static ExecuteStatementRequest statement(String sql) {
    return new ExecuteStatementRequest().setWarehouseId(WAREHOUSE).setStatement(sql).setWaitTimeout("50s");
  }

  static void expect(boolean holds) {
    if (!holds) {
      throw new AssertionError("does not hold");
    }
  }

  static void check(String name, Check check) {
    try {
      check.run();
      System.out.println("ok " + name);
    } catch (Throwable e) {
      System.out.println("not ok " + name + ": " + e);
      e.printStackTrace(System.out);
    }
  }
}
