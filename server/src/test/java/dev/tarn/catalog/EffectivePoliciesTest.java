package dev.tarn.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnTypeName;
import com.databricks.sdk.service.catalog.CreateFunction;
import com.databricks.sdk.service.catalog.CreateFunctionRequest;
import com.databricks.sdk.service.catalog.CreateFunctionRoutineBody;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.DeleteFunctionRequest;
import com.databricks.sdk.service.catalog.FunctionParameterInfo;
import com.databricks.sdk.service.catalog.FunctionParameterInfos;
import com.databricks.sdk.service.catalog.TableType;
import dev.tarn.access.Privilege;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What an engine is told of a table with a filter and a mask. */
class EffectivePoliciesTest {
  private static final String TABLE = "main.default.staff";
  private static final String PLACE = "s3://root-data/staff";

  @RegisterExtension final CatalogFixture it = new CatalogFixture();

  private final Caller engine =
      CatalogFixture.caller(
          "8", "bob@tarn.dev", CatalogFixture.DATA, Role.WORKSPACE_USER, Role.ENGINE);

  @BeforeEach
  void staff() {
    it.catalog.tables.create(
        it.admin,
        new Tables.NewTable(
            "staff",
            "main",
            "default",
            TableType.EXTERNAL,
            DataSourceFormat.DELTA,
            List.of(
                new ColumnInfo()
                    .setName("Who")
                    .setTypeName(ColumnTypeName.STRING)
                    .setTypeText("string"),
                new ColumnInfo()
                    .setName("pay")
                    .setTypeName(ColumnTypeName.STRING)
                    .setTypeText("string")),
            PLACE,
            null,
            null,
            null,
            null));
    function("sees", ColumnTypeName.BOOLEAN);
    function("hidden", ColumnTypeName.STRING);
  }

  private void function(String name, ColumnTypeName type) {
    it.catalog.functions.create(
        it.admin,
        new CreateFunctionRequest()
            .setFunctionInfo(
                new CreateFunction()
                    .setName(name)
                    .setCatalogName("main")
                    .setSchemaName("default")
                    .setDataType(type)
                    .setFullDataType(type.name())
                    .setRoutineBody(CreateFunctionRoutineBody.SQL)
                    .setRoutineDefinition("s")
                    .setInputParams(
                        new FunctionParameterInfos()
                            .setParameters(
                                List.of(
                                    new FunctionParameterInfo()
                                        .setName("s")
                                        .setTypeName(ColumnTypeName.STRING)
                                        .setTypeText("string")
                                        .setTypeJson("\"string\"")
                                        .setPosition(0L))))));
  }

  private void protect() {
    it.catalog.tablePolicies.setRowFilter(
        it.admin, new TablePolicies.RowFilter(TABLE, "main.default.sees", List.of("who"), null));
    it.catalog.tablePolicies.setMask(
        it.admin, new TablePolicies.Mask(TABLE, "PAY", "main.default.hidden", List.of(), null));
  }

  private EffectivePolicies.Effective told() {
    return it.catalog.effectivePolicies.get(engine, new EffectivePolicies.OfTable(TABLE));
  }

  @Test
  void anEngineIsToldFilterAndMasksWithTheirFunctionsForWhoeverReads() {
    assertThat(told().rowFilter()).isNull();
    assertThat(told().columnMasks()).isEmpty();
    protect();
    assertThat(told().version()).isEqualTo(it.access.version(1001));
    assertThat(told().rowFilter().function().getRoutineDefinition()).isEqualTo("s");
    assertThat(told().rowFilter().arguments())
        .singleElement()
        .satisfies(argument -> assertThat(argument.getColumn()).isEqualTo("who"));
    assertThat(told().columnMasks())
        .singleElement()
        .satisfies(
            mask -> {
              assertThat(mask.column()).isEqualTo("pay");
              assertThat(mask.function().getFullName()).isEqualTo("main.default.hidden");
              assertThat(mask.arguments()).isEmpty();
            });
    assertThatThrownBy(
            () ->
                it.catalog.effectivePolicies.get(
                    engine, new EffectivePolicies.OfTable("main.default.none")))
        .isInstanceOf(NotFound.class);
  }

  @Test
  void aFunctionThatIsMadeAgainUnderTheNameIsNotTheOneThatWasChosen() {
    protect();
    it.catalog.functions.delete(
        it.admin, new DeleteFunctionRequest().setName("main.default.hidden").setForce(true));
    assertThatThrownBy(this::told)
        .isInstanceOf(InvalidState.class)
        .hasMessageContaining("is not there any more");
    function("hidden", ColumnTypeName.STRING);
    assertThatThrownBy(this::told).isInstanceOf(InvalidState.class);
    it.catalog.tablePolicies.setMask(
        it.admin, new TablePolicies.Mask(TABLE, "pay", "main.default.hidden", List.of(), null));
    assertThat(told().columnMasks()).hasSize(1);
  }

  @Test
  void filesOfAProtectedTableAreReachedByItsNameOnly() {
    read(PLACE);
    protect();
    for (String path : List.of(PLACE, PLACE + "/part-0.parquet", "s3://root-data/staff/../staff")) {
      assertThatThrownBy(() -> read(path)).isInstanceOf(RuntimeException.class);
    }
    assertThatThrownBy(() -> read(PLACE))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("reached by the table's name only");
    read("s3://root-data/staff2");
  }

  private void read(String path) {
    it.access.read(
        it.admin,
        rights -> {
          rights.requirePath(Privilege.READ_FILES, path);
          return null;
        });
  }
}
