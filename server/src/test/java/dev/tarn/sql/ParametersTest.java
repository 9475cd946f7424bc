package dev.tarn.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.service.sql.StatementParameterListItem;
import java.util.List;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.Expression.Literal;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("database-blind") // see CONTRIBUTING
class ParametersTest {
  @Test
  void aParameterWithoutATypeIsAString() {
    assertThat(literal(null, "it's :x").getString()).isEqualTo("it's :x");
  }

  @Test
  void aParameterWithoutAValueIsANullOfItsType() {
    assertThat(literal("DATE", null).getNull().getKindCase()).isEqualTo(DataType.KindCase.DATE);
    assertThat(literal("void", null).getNull().hasNull()).isTrue();
  }

  @Test
  void valuesConvertToTheirTypes() {
    assertThat(literal("INT", " 12 ").getInteger()).isEqualTo(12);
    assertThat(literal("bigint", "-9223372036854775808").getLong()).isEqualTo(Long.MIN_VALUE);
    assertThat(literal("TINYINT", "-128").getByte()).isEqualTo(-128);
    assertThat(literal("SMALLINT", "7").getShort()).isEqualTo(7);
    assertThat(literal("FLOAT", "1.5").getFloat()).isEqualTo(1.5f);
    assertThat(literal("DOUBLE", "-inf").getDouble()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(literal("BOOLEAN", "Yes").getBoolean()).isTrue();
    assertThat(literal("BINARY", "é").getBinary().toByteArray()).hasSize(2);
    assertThat(literal("DATE", "2020-01-02").getDate()).isEqualTo(18263);
    assertThat(literal("DECIMAL(10,2)", "1.005").getDecimal().getValue()).isEqualTo("1.01");
    assertThat(literal("TIMESTAMP", "2020-01-02 03:04:05.123456+01:00").getTimestamp())
        .isEqualTo(1577930645123456L);
    assertThat(literal("TIMESTAMP", "2020-01-02T03:04:05Z").getTimestamp())
        .isEqualTo(1577934245000000L);
    assertThat(literal("TIMESTAMP_NTZ", "2020-01-02").getTimestampNtz())
        .isEqualTo(1577923200000000L);
    assertThat(literal("INTERVAL YEAR TO MONTH", "-1-2").getYearMonthInterval()).isEqualTo(-14);
    assertThat(literal("INTERVAL YEAR", "3").getYearMonthInterval()).isEqualTo(36);
    assertThat(literal("INTERVAL DAY TO SECOND", "1 02:03:04.5").getDayTimeInterval())
        .isEqualTo(93784500000L);
    assertThat(literal("INTERVAL HOUR", "INTERVAL '5' HOUR").getDayTimeInterval())
        .isEqualTo(18000000000L);
  }

  @ParameterizedTest
  @CsvSource({
    "INT,12.5",
    "INT,2147483648",
    "INT,1; DROP TABLE t",
    "BOOLEAN,maybe",
    "DATE,2020-13-01",
    "'DECIMAL(3,1)',123.4",
    "DOUBLE,0x1p3",
    "TIMESTAMP,noon",
    "INTERVAL DAY TO SECOND,1 25:00:00",
    "VOID,x"
  })
  void aValueThatIsNotOfItsTypeIsRefusedWithValueNameAndType(String type, String value) {
    assertThatThrownBy(() -> literal(type, value))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("INVALID_PARAMETER_MARKER_VALUE.INVALID_VALUE_FOR_DATA_TYPE")
        .hasMessageContaining("'" + value + "' for parameter 'p'")
        .hasMessageContaining(type);
  }

  @ParameterizedTest
  @CsvSource({"ARRAY<INT>", "BOGUS", "'DECIMAL(39,1)'", "INTERVAL SECOND TO DAY", "''"})
  void aTypeThatParametersCannotHaveIsRefused(String type) {
    assertThatThrownBy(() -> literal(type, "1"))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("INVALID_DATA_TYPE");
  }

  @Test
  void aNameCannotBeGivenTwiceOrBeMissing() {
    var p = new StatementParameterListItem().setName("p").setValue("1");
    assertThatThrownBy(() -> Parameters.literals(List.of(p, p)))
        .hasMessageContaining("DUPLICATE_NAME");
    assertThatThrownBy(
            () -> Parameters.literals(List.of(new StatementParameterListItem().setValue("1"))))
        .hasMessageContaining("MISSING_NAME");
  }

  private static Literal literal(String type, String value) {
    return Parameters.literals(
            List.of(new StatementParameterListItem().setName("p").setType(type).setValue(value)))
        .get("p");
  }
}
