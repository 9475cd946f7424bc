package dev.tarn.access;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.PermissionsChange;
import com.databricks.sdk.service.catalog.Privilege;
import com.databricks.sdk.service.catalog.UpdatePermissions;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.CreateAccountGroupRequest;
import com.databricks.sdk.service.iam.MeRequest;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the console asks to explain who sees what. */
class WhyTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String BOB = "bob@example.com";

  private static WorkspaceClient admin;

  @BeforeAll
  static void aCatalogAndAGroupOfBobs() {
    admin = server.as("admin");
    WorkspaceClient bob = server.as("bob");
    server.as("carol").currentUser().me(new MeRequest());
    admin.catalogs().create(new CreateCatalog().setName("sales"));
    admin.schemas().create(new CreateSchema().setCatalogName("sales").setName("raw"));
    server
        .account()
        .groupsV2()
        .create(
            new CreateAccountGroupRequest()
                .setDisplayName("analysts")
                .setMembers(
                    List.of(
                        new ComplexValue()
                            .setValue(bob.currentUser().me(new MeRequest()).getId()))));
  }

  private static void grant(String type, String name, String to, Privilege... privileges) {
    admin
        .grants()
        .update(
            new UpdatePermissions()
                .setSecurableType(type)
                .setFullName(name)
                .setChanges(
                    List.of(new PermissionsChange().setPrincipal(to).setAdd(List.of(privileges)))));
  }

  private static HttpResponse<String> ask(String by, String principal) throws Exception {
    return server.send(
        by,
        "GET",
        "/api/2.1/unity-catalog/tarn/effective-access/schema/sales.raw"
            + (principal == null ? "" : "?principal=" + principal),
        null);
  }

  private static JsonNode why(String by, String principal) throws Exception {
    HttpResponse<String> answer = ask(by, principal);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Json.MAPPER.readTree(answer.body());
  }

  /** Each reason as {@code privilege on name: the way}. */
  private static List<String> because(JsonNode explained) {
    List<String> reasons = new ArrayList<>();
    for (JsonNode reason : explained.path("because")) {
      List<String> way = new ArrayList<>();
      reason.path("through").forEach(step -> way.add(step.asText()));
      reasons.add(
          reason.path("privilege").asText()
              + " on "
              + reason.path("full_name").asText()
              + ": "
              + String.join(" > ", way));
    }
    return reasons;
  }

  @Test
  void aGrantIsExplainedByTheGroupItWentToAndByWhatIsStillWanting() throws Exception {
    JsonNode before = why("admin", BOB);
    assertThat(before.path("enters").asBoolean()).isTrue();
    assertThat(before.path("sees").asText()).isEqualTo("NOTHING");
    assertThat(because(before)).isEmpty();
    assertThat(before.path("wanting").asText())
        .isEqualTo("User does not have USE CATALOG on Catalog 'sales'.");
    assertThat(ask("bob", null).statusCode()).isEqualTo(403);

    grant("catalog", "sales", "analysts", Privilege.USE_CATALOG, Privilege.SELECT);
    assertThat(why("admin", BOB).path("wanting").asText())
        .isEqualTo("User does not have USE SCHEMA on Schema 'sales.raw'.");
    grant("schema", "sales.raw", BOB, Privilege.USE_SCHEMA);

    JsonNode now = why("admin", BOB);
    String bob = "bob@example.com";
    assertThat(now.path("wanting").isMissingNode()).isTrue();
    assertThat(now.path("sees").asText()).isEqualTo("METADATA");
    assertThat(now.path("manages").asBoolean()).isFalse();
    assertThat(now.path("may").toString())
        .contains("USE_SCHEMA", "SELECT")
        .doesNotContain("MODIFY");
    assertThat(because(now))
        .containsExactly(
            "USE_SCHEMA on sales.raw: " + bob,
            "SELECT on sales: " + bob + " > analysts",
            "USE_CATALOG on sales: " + bob + " > analysts");
    assertThat(why("bob", null)).isEqualTo(now);

    grant("catalog", "sales", "account users", Privilege.BROWSE);
    assertThat(because(why("bob", null))).contains("BROWSE on sales: " + bob + " > account users");
  }

  @Test
  void whoOwnsSomethingManagesItWithoutAGrant() throws Exception {
    JsonNode own = why("admin", null);
    assertThat(own.path("manages").asBoolean()).isTrue();
    assertThat(own.path("owns").asBoolean()).isTrue();
    assertThat(because(own).toString()).contains("OWNER on sales.raw", "OWNER on sales:");
  }

  @Test
  void onlyWhoManagesItAsksAboutOthers() throws Exception {
    grant("catalog", "sales", "carol@example.com", Privilege.USE_CATALOG, Privilege.USE_SCHEMA);
    HttpResponse<String> refused = ask("carol", BOB);
    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(refused.body()).contains("User does not have MANAGE on Schema 'sales.raw'");
    assertThat(ask("carol", null).statusCode()).isEqualTo(200);
    assertThat(ask("admin", "nobody@example.com").statusCode()).isEqualTo(404);
  }
}
