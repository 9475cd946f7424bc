package dev.tarn.sql;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.DateDayVector;
import org.apache.arrow.vector.DecimalVector;
import org.apache.arrow.vector.DurationVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.IntervalMonthDayNanoVector;
import org.apache.arrow.vector.IntervalYearVector;
import org.apache.arrow.vector.NullVector;
import org.apache.arrow.vector.SmallIntVector;
import org.apache.arrow.vector.TimeStampMicroTZVector;
import org.apache.arrow.vector.TimeStampMicroVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.MapVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.complex.impl.UnionListWriter;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.IntervalUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("database-blind") // see CONTRIBUTING
class ValuesTest {
  private static final ArrowType INT = new ArrowType.Int(32, true);

  record Case<V extends FieldVector>(
      String name, ArrowType type, BiConsumer<V, Integer> set, String expected) {
    @Override
    public String toString() {
      return name + " → " + expected;
    }

    @SuppressWarnings("unchecked")
    void set(FieldVector vector, int row) {
      set.accept((V) vector, row);
    }
  }

  static Stream<Case<?>> scalars() {
    ArrowType timestamp = new ArrowType.Timestamp(TimeUnit.MICROSECOND, "UTC");
    ArrowType ntz = new ArrowType.Timestamp(TimeUnit.MICROSECOND, null);
    ArrowType duration = new ArrowType.Duration(TimeUnit.MICROSECOND);
    ArrowType months = new ArrowType.Interval(IntervalUnit.YEAR_MONTH);
    ArrowType calendar = new ArrowType.Interval(IntervalUnit.MONTH_DAY_NANO);
    ArrowType single = new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);
    ArrowType dbl = new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE);
    ArrowType date = new ArrowType.Date(DateUnit.DAY);
    return Stream.of(
        new Case<BitVector>("BOOLEAN", new ArrowType.Bool(), (v, i) -> v.setSafe(i, 1), "true"),
        new Case<BitVector>("BOOLEAN", new ArrowType.Bool(), (v, i) -> v.setSafe(i, 0), "false"),
        new Case<TinyIntVector>(
            "TINYINT", new ArrowType.Int(8, true), (v, i) -> v.setSafe(i, -128), "-128"),
        new Case<SmallIntVector>(
            "SMALLINT", new ArrowType.Int(16, true), (v, i) -> v.setSafe(i, 32767), "32767"),
        new Case<IntVector>("INT", INT, (v, i) -> v.setSafe(i, -5), "-5"),
        new Case<BigIntVector>(
            "BIGINT",
            new ArrowType.Int(64, true),
            (v, i) -> v.setSafe(i, Long.MIN_VALUE),
            "-9223372036854775808"),
        new Case<Float4Vector>("FLOAT", single, (v, i) -> v.setSafe(i, 0.1f), "0.1"),
        new Case<Float4Vector>("FLOAT", single, (v, i) -> v.setSafe(i, 1e10f), "1.0E10"),
        new Case<Float8Vector>("DOUBLE", dbl, (v, i) -> v.setSafe(i, 100d), "100.0"),
        new Case<Float8Vector>("DOUBLE", dbl, (v, i) -> v.setSafe(i, 1e20), "1.0E20"),
        new Case<Float8Vector>("DOUBLE", dbl, (v, i) -> v.setSafe(i, 1e-5), "1.0E-5"),
        new Case<Float8Vector>("DOUBLE", dbl, (v, i) -> v.setSafe(i, Double.NaN), "NaN"),
        new Case<Float8Vector>(
            "DOUBLE", dbl, (v, i) -> v.setSafe(i, Double.NEGATIVE_INFINITY), "-Infinity"),
        new Case<DecimalVector>(
            "DECIMAL",
            new ArrowType.Decimal(38, 10, 128),
            (v, i) -> v.setSafe(i, new BigDecimal("0.0000001000")),
            "0.0000001000"),
        new Case<VarCharVector>(
            "STRING",
            new ArrowType.Utf8(),
            (v, i) -> v.setSafe(i, "zoë \"\n\uD83D\uDE00".getBytes(UTF_8)),
            "zoë \"\n\uD83D\uDE00"),
        new Case<VarBinaryVector>(
            "BINARY", new ArrowType.Binary(), (v, i) -> v.setSafe(i, new byte[] {0, -1}), "AP8="),
        new Case<DateDayVector>("DATE", date, (v, i) -> v.setSafe(i, 18263), "2020-01-02"),
        new Case<DateDayVector>("DATE", date, (v, i) -> v.setSafe(i, -719893), "-0001-01-01"),
        new Case<TimeStampMicroTZVector>(
            "TIMESTAMP",
            timestamp,
            (v, i) -> v.setSafe(i, 1577934245123456L),
            "2020-01-02T03:04:05.123Z"),
        new Case<TimeStampMicroTZVector>(
            "TIMESTAMP before 1970",
            timestamp,
            (v, i) -> v.setSafe(i, -1),
            "1969-12-31T23:59:59.999Z"),
        new Case<TimeStampMicroVector>(
            "TIMESTAMP_NTZ", ntz, (v, i) -> v.setSafe(i, 0), "1970-01-01T00:00:00.000"),
        new Case<IntervalYearVector>("YEAR-MONTH", months, (v, i) -> v.setSafe(i, 14), "1-2"),
        new Case<IntervalYearVector>("YEAR-MONTH", months, (v, i) -> v.setSafe(i, -5), "-0-5"),
        new Case<DurationVector>(
            "DAY-TIME", duration, (v, i) -> v.setSafe(i, 93784500000L), "1 02:03:04.500000000"),
        new Case<DurationVector>(
            "DAY-TIME", duration, (v, i) -> v.setSafe(i, -1L), "-0 00:00:00.000001000"),
        new Case<DurationVector>(
            "DAY-TIME",
            duration,
            (v, i) -> v.setSafe(i, Long.MIN_VALUE),
            "-106751991 04:00:54.775808000"),
        new Case<IntervalMonthDayNanoVector>(
            "INTERVAL",
            calendar,
            (v, i) -> v.setSafe(i, 14, 25, 18367500000000L),
            "1 years 2 months 25 days 5 hours 6 minutes 7.5 seconds"),
        new Case<IntervalMonthDayNanoVector>(
            "INTERVAL", calendar, (v, i) -> v.setSafe(i, 0, 0, -500000000L), "-0.5 seconds"),
        new Case<IntervalMonthDayNanoVector>(
            "INTERVAL", calendar, (v, i) -> v.setSafe(i, 0, 0, 0), "0 seconds"));
  }

  @ParameterizedTest
  @MethodSource("scalars")
  void aScalarIsPrintedAsTheServicePrintsIt(Case<?> each) {
    try (BufferAllocator allocator = new RootAllocator();
        FieldVector vector = Field.nullable("c", each.type()).createVector(allocator)) {
      vector.allocateNew();
      each.set(vector, 0);
      vector.setNull(1);
      vector.setValueCount(2);
      Values values = Values.of(vector);
      assertThat(values.text(0)).isEqualTo(each.expected());
      assertThat(values.text(1)).isNull();
    }
  }

  @Test
  void voidIsNull() {
    try (NullVector vector = new NullVector("v", 1)) {
      assertThat(Values.of(vector).text(0)).isNull();
    }
  }

  @Test
  void anArrayIsJsonWithNullsAndBareNumbers() {
    try (BufferAllocator allocator = new RootAllocator();
        ListVector vector = ListVector.empty("a", allocator)) {
      UnionListWriter writer = vector.getWriter();
      writer.allocate();
      writer.setPosition(0);
      writer.startList();
      writer.float8().writeFloat8(1.5);
      writer.writeNull();
      writer.float8().writeFloat8(Double.NaN);
      writer.endList();
      writer.setPosition(1);
      writer.startList();
      writer.endList();
      vector.setValueCount(3);
      assertThat(texts(vector)).containsExactly("[\"1.5\",null,\"NaN\"]", "[]", null);
    }
  }

  @Test
  void aStructKeepsItsNullFieldsAndPrintsDatesAsStrings() {
    try (BufferAllocator allocator = new RootAllocator();
        StructVector vector = StructVector.empty("s", allocator)) {
      IntVector x = vector.addOrGet("x", FieldType.nullable(INT), IntVector.class);
      DateDayVector y =
          vector.addOrGet(
              "y \"q\"", FieldType.nullable(new ArrowType.Date(DateUnit.DAY)), DateDayVector.class);
      vector.allocateNew();
      x.setNull(0);
      y.setSafe(0, 18263);
      vector.setIndexDefined(0);
      vector.setNull(1);
      vector.setValueCount(2);
      assertThat(texts(vector))
          .containsExactly("{\"x\":null,\"y \\\"q\\\"\":\"2020-01-02\"}", null);
    }
  }

  @Test
  void aMapIsAnObjectWithTheTextOfItsKeys() {
    Field key = new Field("key", FieldType.notNullable(INT), null);
    Field value = new Field("value", FieldType.nullable(new ArrowType.Utf8()), null);
    Field entries =
        new Field("entries", FieldType.notNullable(new ArrowType.Struct()), List.of(key, value));
    Field map = new Field("m", FieldType.nullable(new ArrowType.Map(false)), List.of(entries));
    try (BufferAllocator allocator = new RootAllocator();
        MapVector vector = (MapVector) map.createVector(allocator)) {
      var writer = vector.getWriter();
      writer.allocate();
      writer.setPosition(0);
      writer.startMap();
      writer.startEntry();
      writer.key().integer().writeInt(7);
      writer.value().varChar().writeVarChar("b");
      writer.endEntry();
      writer.startEntry();
      writer.key().integer().writeInt(8);
      writer.endEntry();
      writer.endMap();
      vector.setValueCount(2);
      assertThat(texts(vector)).containsExactly("{\"7\":\"b\",\"8\":null}", null);
    }
  }

  /** The bytes are what Spark 4.2 sent for {@code parse_json('{"a":[1,2.5,"x"]}')}. */
  @Test
  void aVariantIsItsJson() {
    Field value = new Field("value", FieldType.notNullable(new ArrowType.Binary()), null);
    Field metadata =
        new Field(
            "metadata",
            new FieldType(false, new ArrowType.Binary(), null, Map.of("variant", "true")),
            null);
    Field variant =
        new Field("v", FieldType.nullable(new ArrowType.Struct()), List.of(value, metadata));
    try (BufferAllocator allocator = new RootAllocator();
        StructVector vector = (StructVector) variant.createVector(allocator)) {
      vector.allocateNew();
      HexFormat hex = HexFormat.of();
      vector
          .getChild("value", VarBinaryVector.class)
          .setSafe(0, hex.parseHex("020100001003030002080a0c012001190000000578"));
      vector.getChild("metadata", VarBinaryVector.class).setSafe(0, hex.parseHex("0101000161"));
      vector.setIndexDefined(0);
      vector.setValueCount(1);
      assertThat(texts(vector)).containsExactly("{\"a\":[1,2.5,\"x\"]}");
    }
  }

  private static List<String> texts(FieldVector vector) {
    Values values = Values.of(vector);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < vector.getValueCount(); i++) {
      texts.add(values.text(i));
    }
    return texts;
  }
}
