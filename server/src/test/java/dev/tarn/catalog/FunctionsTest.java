package dev.tarn.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnTypeName;
import com.databricks.sdk.service.catalog.CreateFunction;
import com.databricks.sdk.service.catalog.CreateFunctionRequest;
import com.databricks.sdk.service.catalog.CreateFunctionRoutineBody;
import com.databricks.sdk.service.catalog.CreateFunctionSecurityType;
import com.databricks.sdk.service.catalog.CreateFunctionSqlDataAccess;
import com.databricks.sdk.service.catalog.DeleteFunctionRequest;
import com.databricks.sdk.service.catalog.FunctionInfo;
import com.databricks.sdk.service.catalog.FunctionParameterInfo;
import com.databricks.sdk.service.catalog.FunctionParameterInfos;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.UpdateFunction;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Functions as the official SDK sees them, and tables' filters and masks made of them. */
class FunctionsTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static WorkspaceClient admin;
  private static WorkspaceClient bob;

  @BeforeAll
  static void people() {
    admin = server.as("admin");
    bob = server.as("bob");
    server.token("carol");
  }

  private static FunctionParameterInfo parameter(String name, ColumnTypeName type, String text) {
    return new FunctionParameterInfo()
        .setName(name)
        .setTypeName(type)
        .setTypeText(text)
        .setTypeJson("\"" + text + "\"")
        .setPosition(0L);
  }

  private static CreateFunction function(
      String name, ColumnTypeName type, String text, String body, FunctionParameterInfo... params) {
    return new CreateFunction()
        .setName(name)
        .setCatalogName("test")
        .setSchemaName("default")
        .setInputParams(new FunctionParameterInfos().setParameters(Arrays.asList(params)))
        .setDataType(type)
        .setFullDataType(text)
        .setRoutineBody(CreateFunctionRoutineBody.SQL)
        .setRoutineDefinition(body)
        .setSecurityType(CreateFunctionSecurityType.DEFINER)
        .setSqlDataAccess(CreateFunctionSqlDataAccess.CONTAINS_SQL)
        .setIsDeterministic(true)
        .setIsNullCall(false)
        .setSpecificName(name)
        .setComment("c")
        .setProperties("{\"k\":\"v\"}");
  }

  private static FunctionInfo make(WorkspaceClient by, CreateFunction function) {
    return by.functions().create(new CreateFunctionRequest().setFunctionInfo(function));
  }

  /** A call of a route that the SDK does not know. */
  private static String call(String who, String verb, String path, Object body, int status)
      throws Exception {
    var answer =
        server.send(
            who, verb, "/api/2.1/unity-catalog/" + path, body == null ? null : Json.write(body));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return answer.body();
  }

  private static void grant(String type, String name, String who, String privilege)
      throws Exception {
    call(
        "admin",
        "PATCH",
        "permissions/" + type + "/" + name,
        Map.of("changes", List.of(Map.of("principal", who, "add", List.of(privilege)))),
        200);
  }

  @Test
  void aFunctionIsWhatWasWrittenUntilItIsGone() throws Exception {
    CreateFunction wanted =
        function(
            "plus",
            ColumnTypeName.INT,
            "INT",
            "x + 1",
            parameter("x", ColumnTypeName.INT, "int").setParameterDefault("1").setComment("p"));
    FunctionInfo made = make(admin, wanted);
    FunctionInfo got = admin.functions().get("test.default.plus");
    assertThat(got).isEqualTo(made);
    assertThat(got.getInputParams()).isEqualTo(wanted.getInputParams());
    assertThat(got.getRoutineDefinition()).isEqualTo("x + 1");
    assertThat(got.getFullDataType()).isEqualTo("INT");
    assertThat(got.getProperties()).isEqualTo("{\"k\":\"v\"}");
    assertThat(got.getIsDeterministic()).isTrue();
    assertThat(got.getOwner()).isEqualTo("admin@tarn.local");
    assertThatThrownBy(() -> make(admin, wanted))
        .isInstanceOf(BadRequest.class)
        .hasMessage("Function or model 'plus' already exists");
    grant("function", "test.default.plus", "carol@example.com", "EXECUTE");
    String path = "tarn/functions/test.default.plus";
    call("admin", "PUT", path, Map.of("function_info", wanted.setRoutineDefinition("x + 2")), 200);
    grant("schema", "test.default", "carol@example.com", "USE_SCHEMA");
    FunctionInfo replaced = server.as("carol").functions().get("test.default.plus");
    assertThat(replaced.getRoutineDefinition()).isEqualTo("x + 2");
    assertThat(replaced.getFunctionId()).isEqualTo(made.getFunctionId());
    assertThat(replaced.getCreatedAt()).isEqualTo(made.getCreatedAt());
    assertThat(admin.functions().list("test", "default"))
        .extracting(FunctionInfo::getName)
        .contains("plus");
    admin.functions().delete("test.default.plus");
    assertThatThrownBy(() -> admin.functions().get("test.default.plus"))
        .isInstanceOf(NotFound.class)
        .hasMessage("Function 'test.default.plus' does not exist.");
  }

  @Test
  void otherLanguagesAreRefused() {
    assertThatThrownBy(
            () ->
                make(
                    admin,
                    function("py", ColumnTypeName.INT, "INT", "return 1")
                        .setRoutineBody(CreateFunctionRoutineBody.EXTERNAL)
                        .setExternalLanguage("PYTHON")))
        .isInstanceOf(BadRequest.class)
        .hasMessageStartingWith("function_info.routine_body: EXTERNAL (expected: SQL");
  }

  @Test
  void nobodyChoosesWhoseRightsABodyHas() throws Exception {
    make(bob, function("of_bob", ColumnTypeName.INT, "INT", "(SELECT max(x) FROM main.default.t)"));
    assertThatThrownBy(
            () ->
                bob.functions()
                    .update(
                        new UpdateFunction()
                            .setName("test.default.of_bob")
                            .setOwner("admin@tarn.local")))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("reads with its owner's rights");
    // Who manages it may take it, and so answers for it; but not write what bob's rights do.
    assertThat(
            call(
                "admin",
                "PUT",
                "tarn/functions/test.default.of_bob",
                Map.of("function_info", function("of_bob", ColumnTypeName.INT, "INT", "1")),
                403))
        .contains("User is not the owner of Function 'test.default.of_bob'");
    assertThatThrownBy(() -> server.as("carol").functions().get("test.default.of_bob"))
        .isInstanceOf(PermissionDenied.class);
    assertThat(
            admin
                .functions()
                .update(
                    new UpdateFunction()
                        .setName("test.default.of_bob")
                        .setOwner("admin@tarn.local"))
                .getOwner())
        .isEqualTo("admin@tarn.local");
    assertThatThrownBy(() -> bob.functions().delete("test.default.of_bob"))
        .isInstanceOf(PermissionDenied.class);
    admin.functions().delete("test.default.of_bob");
  }

  private static void table(String name) throws Exception {
    call(
        "admin",
        "POST",
        "tables",
        Map.of(
            "name",
            name,
            "catalog_name",
            "test",
            "schema_name",
            "default",
            "table_type",
            "EXTERNAL",
            "data_source_format",
            "DELTA",
            "storage_location",
            "s3://" + TestServer.ROOT_BUCKET + "/tables/" + name,
            "columns",
            List.of(
                new ColumnInfo()
                    .setName("Ssn")
                    .setTypeName(ColumnTypeName.STRING)
                    .setTypeText("string"),
                new ColumnInfo().setName("n").setTypeName(ColumnTypeName.INT).setTypeText("int"))),
        200);
  }

  @Test
  void filterAndMaskAreShownUntilTheyAreDropped() throws Exception {
    table("people");
    make(
        admin,
        function(
            "hide",
            ColumnTypeName.STRING,
            "STRING",
            "'***'",
            parameter("s", ColumnTypeName.STRING, "string"),
            parameter("n", ColumnTypeName.INT, "int")));
    make(
        admin,
        function(
            "few",
            ColumnTypeName.BOOLEAN,
            "BOOLEAN",
            "n < 3",
            parameter("n", ColumnTypeName.INT, "int")));
    String t = "tarn/tables/test.default.people/";
    Map<String, Object> mask =
        Map.of("function_name", "test.default.hide", "using_column_names", List.of("n"));
    Map<String, Object> filter =
        Map.of("function_name", "test.default.few", "input_column_names", List.of("n"));
    call("admin", "PUT", t + "columns/ssn/mask", mask, 200);
    call("admin", "PUT", t + "row-filter", filter, 200);
    TableInfo shown = admin.tables().get("test.default.people");
    assertThat(shown.getRowFilter().getFunctionName()).isEqualTo("test.default.few");
    assertThat(shown.getRowFilter().getInputColumnNames()).containsExactly("n");
    assertThat(shown.getColumns())
        .filteredOn(column -> column.getMask() != null)
        .singleElement()
        .satisfies(
            column -> {
              assertThat(column.getName()).isEqualTo("Ssn");
              assertThat(column.getMask().getFunctionName()).isEqualTo("test.default.hide");
              assertThat(column.getMask().getUsingColumnNames()).containsExactly("n");
            });
    assertThatThrownBy(() -> admin.functions().delete("test.default.few"))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("is the row filter or a mask of a table");
    call("admin", "DELETE", t + "row-filter", null, 200);
    call("admin", "DELETE", t + "columns/SSN/mask", null, 200);
    shown = admin.tables().get("test.default.people");
    assertThat(shown.getRowFilter()).isNull();
    assertThat(shown.getColumns()).allMatch(column -> column.getMask() == null);
    admin.functions().delete("test.default.few");
    admin.functions().delete(new DeleteFunctionRequest().setName("test.default.hide"));
  }

  @Test
  void aFilterThatCannotBeIsRefused() throws Exception {
    table("refusals");
    make(
        admin,
        function(
            "number", ColumnTypeName.INT, "INT", "n", parameter("n", ColumnTypeName.INT, "int")));
    make(
        admin,
        function(
            "yes",
            ColumnTypeName.BOOLEAN,
            "BOOLEAN",
            "true",
            parameter("n", ColumnTypeName.INT, "int")));
    String t = "tarn/tables/test.default.refusals/";
    Map<String, Object> yes =
        Map.of("function_name", "test.default.yes", "input_column_names", List.of("n"));
    assertThat(
            call(
                "admin",
                "PUT",
                t + "row-filter",
                Map.of("function_name", "test.default.number", "input_column_names", List.of("n")),
                400))
        .contains("returns INT (expected: a function that returns BOOLEAN)");
    assertThat(
            call(
                "admin",
                "PUT",
                t + "row-filter",
                Map.of("function_name", "test.default.yes", "input_column_names", List.of("no")),
                400))
        .contains("input_column_names: 'no' (expected: one of [Ssn, n])");
    assertThat(
            call(
                "admin", "PUT", t + "row-filter", Map.of("function_name", "test.default.yes"), 400))
        .contains("takes 1 arguments, and 0 would be given");
    assertThat(
            call(
                "admin",
                "PUT",
                t + "columns/n/mask",
                Map.of("function_name", "test.default.none"),
                404))
        .contains("Function 'test.default.none' does not exist.");
    assertThat(
            call(
                "admin",
                "PUT",
                t + "columns/n/mask",
                Map.of("function_name", "test.default.number", "using_column_names", List.of("n")),
                400))
        .contains("takes 1 arguments, and 2 would be given");
    assertThat(call("bob", "PUT", t + "row-filter", yes, 403))
        .contains("User does not have MANAGE on Table 'test.default.refusals'.");
    grant("table", "test.default.refusals", "bob@example.com", "MANAGE");
    assertThat(call("bob", "PUT", t + "row-filter", yes, 403))
        .contains("User does not have EXECUTE on Function 'test.default.yes'.");
    grant("function", "test.default.yes", "bob@example.com", "EXECUTE");
    call("bob", "PUT", t + "row-filter", yes, 200);
  }
}
