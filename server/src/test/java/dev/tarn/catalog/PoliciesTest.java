package dev.tarn.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnMaskOptions;
import com.databricks.sdk.service.catalog.ColumnTypeName;
import com.databricks.sdk.service.catalog.CreateEntityTagAssignmentRequest;
import com.databricks.sdk.service.catalog.CreateFunction;
import com.databricks.sdk.service.catalog.CreateFunctionRequest;
import com.databricks.sdk.service.catalog.CreateFunctionRoutineBody;
import com.databricks.sdk.service.catalog.CreatePolicyRequest;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.DeleteFunctionRequest;
import com.databricks.sdk.service.catalog.DeletePolicyRequest;
import com.databricks.sdk.service.catalog.EntityTagAssignment;
import com.databricks.sdk.service.catalog.FunctionArgument;
import com.databricks.sdk.service.catalog.FunctionParameterInfo;
import com.databricks.sdk.service.catalog.FunctionParameterInfos;
import com.databricks.sdk.service.catalog.GetPolicyRequest;
import com.databricks.sdk.service.catalog.ListPoliciesRequest;
import com.databricks.sdk.service.catalog.MatchColumn;
import com.databricks.sdk.service.catalog.PolicyInfo;
import com.databricks.sdk.service.catalog.PolicyType;
import com.databricks.sdk.service.catalog.RowFilterOptions;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableType;
import com.databricks.sdk.service.catalog.UpdatePolicyRequest;
import dev.tarn.access.Privilege;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Policies by tags, and what engines are told of a table under them. */
class PoliciesTest {
  private static final String TABLE = "main.default.staff";

  @RegisterExtension final CatalogFixture it = new CatalogFixture();

  private final Caller asAlice = engine("7", "alice@tarn.dev");
  private final Caller asBob = engine("8", "bob@tarn.dev");

  private static Caller engine(String id, String name) {
    return CatalogFixture.caller(id, name, CatalogFixture.DATA, Role.WORKSPACE_USER, Role.ENGINE);
  }

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
            List.of(column("Who"), column("ssn"), column("card")),
            "s3://root-data/staff",
            null,
            null,
            null,
            null));
    function("sees", ColumnTypeName.BOOLEAN, 1);
    function("sees_more", ColumnTypeName.BOOLEAN, 1);
    function("hidden", ColumnTypeName.STRING, 2);
    function("starred", ColumnTypeName.STRING, 2);
  }

  private static ColumnInfo column(String name) {
    return new ColumnInfo().setName(name).setTypeName(ColumnTypeName.STRING).setTypeText("string");
  }

  private void function(String name, ColumnTypeName type, int parameters) {
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
                                LongStream.range(0, parameters)
                                    .mapToObj(PoliciesTest::parameter)
                                    .toList()))));
  }

  private static FunctionParameterInfo parameter(long position) {
    return new FunctionParameterInfo()
        .setName("p" + position)
        .setTypeName(ColumnTypeName.STRING)
        .setTypeText("string")
        .setTypeJson("\"string\"")
        .setPosition(position);
  }

  private void tag(String type, String name, String key, String value) {
    it.catalog.tags.create(
        it.admin,
        new CreateEntityTagAssignmentRequest()
            .setTagAssignment(
                new EntityTagAssignment()
                    .setEntityType(type)
                    .setEntityName(name)
                    .setTagKey(key)
                    .setTagValue(value)));
  }

  private static PolicyInfo policy(String name, SecurableType type, String on) {
    return new PolicyInfo()
        .setName(name)
        .setOnSecurableType(type)
        .setOnSecurableFullname(on)
        .setForSecurableType(SecurableType.TABLE)
        .setToPrincipals(List.of("account users"));
  }

  private static PolicyInfo mask(String name, SecurableType type, String on, String function) {
    return policy(name, type, on)
        .setPolicyType(PolicyType.POLICY_TYPE_COLUMN_MASK)
        .setMatchColumns(
            List.of(
                new MatchColumn()
                    .setCondition("has_tag('pii') AND NOT hasTagValue('pii', 'no')")
                    .setAlias("C")))
        .setColumnMask(
            new ColumnMaskOptions()
                .setFunctionName("main.default." + function)
                .setOnColumn("c")
                .setUsing(List.of(new FunctionArgument().setConstant("x"))));
  }

  private static PolicyInfo filter(String name, SecurableType type, String on, String function) {
    return policy(name, type, on)
        .setPolicyType(PolicyType.POLICY_TYPE_ROW_FILTER)
        .setMatchColumns(List.of(new MatchColumn().setCondition("has_tag('name')").setAlias("who")))
        .setRowFilter(
            new RowFilterOptions()
                .setFunctionName("main.default." + function)
                .setUsing(List.of(new FunctionArgument().setAlias("WHO"))));
  }

  private PolicyInfo make(PolicyInfo policy) {
    return it.catalog.policies.createPolicy(
        it.admin, new CreatePolicyRequest().setPolicyInfo(policy));
  }

  private EffectivePolicies.Effective told(Caller engine) {
    return it.catalog.effectivePolicies.get(engine, new EffectivePolicies.OfTable(TABLE));
  }

  @Test
  void aPolicyIsForThoseColumnsWhoseTagsMatchAndForWhomItIs() {
    String before = it.access.version(1001);
    make(
        mask("m", SecurableType.CATALOG, "main", "hidden")
            .setWhenCondition("has_tag_value('level', 'high') OR has_tag('other')")
            .setExceptPrincipals(List.of("alice@tarn.dev")));
    assertThat(it.access.version(1001)).isNotEqualTo(before);
    assertThat(told(asBob).columnMasks()).isEmpty();
    tag("columns", TABLE + ".ssn", "pii", "yes");
    tag("columns", TABLE + ".card", "pii", "no");
    assertThat(told(asBob).columnMasks()).isEmpty();
    tag("catalogs", "main", "level", "high");
    assertThat(told(asBob).columnMasks())
        .singleElement()
        .satisfies(
            rule -> {
              assertThat(rule.column()).isEqualTo("ssn");
              assertThat(rule.function().getFullName()).isEqualTo("main.default.hidden");
              assertThat(rule.arguments().getFirst().getConstant()).isEqualTo("x");
            });
    assertThat(told(asAlice).columnMasks()).isEmpty();
    // What is nearer counts.
    tag("schemas", "main.default", "level", "low");
    assertThat(told(asBob).columnMasks()).isEmpty();
    tag("tables", TABLE, "level", "high");
    assertThat(told(asBob).columnMasks()).hasSize(1);
  }

  @Test
  void twoThatDifferAreAnErrorAndTwoThatAreTheSameAreOne() {
    tag("columns", TABLE + ".Who", "name", null);
    tag("columns", TABLE + ".ssn", "pii", null);
    make(filter("f", SecurableType.SCHEMA, "main.default", "sees"));
    make(filter("f", SecurableType.TABLE, TABLE, "sees"));
    make(mask("m", SecurableType.TABLE, TABLE, "hidden"));
    assertThat(told(asBob).rowFilter().arguments().getFirst().getColumn()).isEqualTo("Who");
    assertThat(told(asBob).columnMasks()).hasSize(1);
    make(mask("m2", SecurableType.CATALOG, "main", "starred"));
    assertThatThrownBy(() -> told(asBob))
        .isInstanceOf(InvalidState.class)
        .hasMessageContaining("2 different masks of column 'ssn' for this user");
    it.catalog.policies.deletePolicy(
        it.admin,
        new DeletePolicyRequest()
            .setOnSecurableType("CATALOG")
            .setOnSecurableFullname("main")
            .setName("M2"));
    assertThat(told(asBob).columnMasks()).hasSize(1);
    make(filter("g", SecurableType.TABLE, TABLE, "sees_more"));
    assertThatThrownBy(() -> told(asBob)).hasMessageContaining("2 different row filters");
  }

  @Test
  void aPolicyIsReadListedAndChangedByWhoManagesWhatCarriesIt() {
    PolicyInfo made = make(filter("F", SecurableType.SCHEMA, "MAIN.Default", "sees"));
    assertThat(made.getName()).isEqualTo("f");
    assertThat(made.getOnSecurableFullname()).isEqualTo("main.default");
    GetPolicyRequest get =
        new GetPolicyRequest()
            .setOnSecurableType("schema")
            .setOnSecurableFullname("main.default")
            .setName("f");
    assertThat(it.catalog.policies.getPolicy(it.admin, get)).isEqualTo(made);
    assertThatThrownBy(() -> it.catalog.policies.getPolicy(it.user, get))
        .isInstanceOf(PermissionDenied.class);
    ListPoliciesRequest list =
        new ListPoliciesRequest().setOnSecurableType("TABLE").setOnSecurableFullname(TABLE);
    assertThat(it.catalog.policies.listPolicies(it.admin, list).getPolicies()).isEmpty();
    assertThat(
            it.catalog
                .policies
                .listPolicies(it.admin, list.setIncludeInherited(true))
                .getPolicies())
        .hasSize(1);
    tag("columns", TABLE + ".Who", "name", null);
    assertThat(told(asBob).rowFilter()).isNotNull();
    it.catalog.policies.updatePolicy(
        it.admin,
        new UpdatePolicyRequest()
            .setOnSecurableType("SCHEMA")
            .setOnSecurableFullname("main.default")
            .setName("f")
            .setUpdateMask("to_principals,comment")
            .setPolicyInfo(
                new PolicyInfo().setToPrincipals(List.of("alice@tarn.dev")).setComment("c")));
    assertThat(told(asBob).rowFilter()).isNull();
    assertThat(told(asAlice).rowFilter()).isNotNull();
    assertThat(it.catalog.policies.getPolicy(it.admin, get).getComment()).isEqualTo("c");
    assertThatThrownBy(() -> make(filter("f", SecurableType.SCHEMA, "main.default", "sees")))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("already exists");
  }

  @Test
  void whatAChangeDoesNotNameStaysAndWithAStarNothingDoes() {
    tag("columns", TABLE + ".Who", "name", null);
    tag("columns", TABLE + ".ssn", "pii", null);
    PolicyInfo made =
        make(
            filter("f", SecurableType.TABLE, TABLE, "sees")
                .setComment("c")
                .setWhenCondition("true"));
    UpdatePolicyRequest change =
        new UpdatePolicyRequest()
            .setOnSecurableType("TABLE")
            .setOnSecurableFullname(TABLE)
            .setName("f")
            .setPolicyInfo(new PolicyInfo().setName("G"));
    PolicyInfo renamed = it.catalog.policies.updatePolicy(it.admin, change);
    assertThat(renamed.getId()).isEqualTo(made.getId());
    assertThat(renamed.getName()).isEqualTo("g");
    assertThat(renamed.getComment()).isEqualTo("c");
    assertThat(told(asBob).rowFilter().function().getFullName()).isEqualTo("main.default.sees");
    change.setName("g").setUpdateMask("*");
    PolicyInfo mask = mask("g", SecurableType.TABLE, TABLE, "hidden");
    PolicyInfo replaced = it.catalog.policies.updatePolicy(it.admin, change.setPolicyInfo(mask));
    assertThat(replaced.getComment()).isNull();
    assertThat(replaced.getCreatedAt()).isEqualTo(made.getCreatedAt());
    assertThat(told(asBob).rowFilter()).isNull();
    assertThat(told(asBob).columnMasks()).hasSize(1);
    make(filter("f", SecurableType.TABLE, TABLE, "sees"));
    change.setUpdateMask("name").setPolicyInfo(new PolicyInfo().setName("F"));
    assertThatThrownBy(() -> it.catalog.policies.updatePolicy(it.admin, change))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("already exists");
    change.setUpdateMask("row_filter,owner");
    assertThatThrownBy(() -> it.catalog.policies.updatePolicy(it.admin, change))
        .hasMessageContaining("update_mask: 'row_filter,owner'");
  }

  @Test
  void whatIsUnderAPolicyIsNotReachedAnotherWay() {
    tag("columns", TABLE + ".ssn", "pii", null);
    make(mask("m", SecurableType.CATALOG, "main", "hidden"));
    Caller alone =
        new Caller(
            "e",
            Caller.Kind.SYSTEM,
            "engine",
            Set.of(Role.ENGINE),
            "account",
            1001L,
            null,
            null,
            "token",
            "request");
    assertThatThrownBy(() -> told(alone)).isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(
            () ->
                it.access.read(
                    it.admin,
                    rights -> {
                      rights.requirePath(Privilege.READ_FILES, "s3://root-data/staff/f");
                      return null;
                    }))
        .hasMessageContaining("column masks or policies");
    // The column by another name would be open.
    assertThatThrownBy(
            () ->
                it.catalog.tables.update(
                    alone,
                    new Tables.TableChange(
                        TABLE,
                        null,
                        null,
                        List.of(column("Who"), column("plain"), column("card")),
                        null,
                        null,
                        null,
                        null),
                    CatalogFixture.present("columns")))
        .hasMessageContaining("columns: without 'ssn'");
    assertThatThrownBy(
            () ->
                it.catalog.functions.delete(
                    it.admin, new DeleteFunctionRequest().setName("main.default.hidden")))
        .isInstanceOf(InvalidState.class);
    it.catalog.functions.delete(
        it.admin, new DeleteFunctionRequest().setName("main.default.hidden").setForce(true));
    function("hidden", ColumnTypeName.STRING, 2);
    assertThatThrownBy(() -> told(asBob)).hasMessageContaining("not there any more");
  }

  @Test
  void aPolicyThatCannotBeIsRefused() {
    assertThatThrownBy(() -> make(filter("f", SecurableType.TABLE, TABLE, "hidden")))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("returns STRING");
    assertThatThrownBy(() -> make(filter("f", SecurableType.TABLE, TABLE, "none")))
        .isInstanceOf(NotFound.class);
    assertThatThrownBy(
            () ->
                make(
                    filter("f", SecurableType.TABLE, TABLE, "sees")
                        .setToPrincipals(List.of("nobody"))))
        .isInstanceOf(NotFound.class);
    assertThatThrownBy(
            () -> make(filter("f", SecurableType.TABLE, TABLE, "sees").setWhenCondition("1 = 1")))
        .hasMessageContaining("expected: has_tag('key')");
    assertThatThrownBy(
            () -> make(mask("f", SecurableType.TABLE, TABLE, "hidden").setMatchColumns(List.of())))
        .hasMessageContaining("on_column");
    assertThatThrownBy(
            () ->
                make(
                    mask("f", SecurableType.TABLE, TABLE, "hidden")
                        .setColumnMask(
                            new ColumnMaskOptions()
                                .setFunctionName("main.default.hidden")
                                .setOnColumn("c"))))
        .hasMessageContaining("takes 2 arguments, and 1 would be given");
    assertThatThrownBy(() -> make(filter("f", SecurableType.VOLUME, TABLE, "sees")))
        .hasMessageContaining("expected: CATALOG, SCHEMA or TABLE");
  }

  @Test
  void conditionsAreReadAsTheyAreWritten() {
    Map<String, String> tags = Map.of("a", "1", "it's", "");
    for (String holds :
        List.of(
            "has_tag('a')",
            "hasTag(\"a\")",
            "HAS_TAG_VALUE('a','1')",
            "has_tag('it''s') and not has_tag('b')",
            "has_tag('b') OR has_tag('a') AND has_tag('it''s')",
            "NOT (has_tag('b') OR NOT has_tag('a'))")) {
      assertThat(TagCondition.holds(holds, tags)).as(holds).isTrue();
    }
    for (String not : List.of("has_tag('A')", "has_tag_value('a', '2')", "NOT has_tag('a')")) {
      assertThat(TagCondition.holds(not, tags)).as(not).isFalse();
    }
    for (String wrong : List.of("", "has_tag(a)", "has_tag('a'", "has_tag('a') x", "sql('a')")) {
      assertThatThrownBy(() -> TagCondition.holds(wrong, tags))
          .as(wrong)
          .isInstanceOf(InvalidParameterValue.class);
    }
  }
}
