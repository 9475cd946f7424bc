package dev.tarn.sql;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
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
import org.apache.arrow.vector.LargeVarBinaryVector;
import org.apache.arrow.vector.LargeVarCharVector;
import org.apache.arrow.vector.NullVector;
import org.apache.arrow.vector.SmallIntVector;
import org.apache.arrow.vector.TimeNanoVector;
import org.apache.arrow.vector.TimeStampMicroTZVector;
import org.apache.arrow.vector.TimeStampMicroVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.MapVector;
import org.apache.arrow.vector.complex.StructVector;

/**
 * One column of a record batch as the text that {@code JSON_ARRAY} and {@code CSV} show.
 *
 * <p>What is printed, and how we know (S: seen in published answers of the service and in the
 * parsers of its own clients; D: documented; T: decided here, because nothing public says):
 *
 * <ul>
 *   <li>D: every value is a string, NULL and VOID are JSON null.
 *   <li>S: TIMESTAMP is ISO 8601 in UTC with three digits and Z, {@code 2026-09-15T11:43:36.409Z};
 *       microseconds are cut off, not rounded (ARROW_STREAM has them). T: TIMESTAMP_NTZ is the same
 *       without Z.
 *   <li>S: DATE is {@code 2023-09-01}, BINARY is base64, BOOLEAN is {@code true}.
 *   <li>D (a cast to STRING): FLOAT and DOUBLE as Java prints them, {@code 1.0E20}, {@code NaN},
 *       {@code -Infinity}; DECIMAL plain, with all digits of its scale.
 *   <li>S: ARRAY, MAP and STRUCT are JSON text, and inside it every value is the string it would be
 *       outside, numbers too ({@code ["1","2"]}: databricks-jdbc's pull request 730 undoes that in
 *       the client); map keys are their text. T: null fields are kept.
 *   <li>S (as the drivers show them): intervals in Hive's style, {@code 1-2} and {@code 1
 *       02:03:04.500000000}; T: the legacy interval as Spark casts it, {@code 1 years 2 months}.
 *   <li>D: VARIANT is JSON text. T: GEOMETRY and GEOGRAPHY are {@code SRID=4326;} and base64 of
 *       their WKB.
 * </ul>
 */
abstract class Values {
  private static final JsonFactory JSON = new JsonFactory();

  private final FieldVector vector;

  private Values(FieldVector vector) {
    this.vector = vector;
  }

  /**
   * The text of a column; reads the vector as it is at the time of the call, so one object serves
   * all batches of a reader.
   */
  static Values of(FieldVector vector) {
    return switch (vector) {
      case NullVector v -> plain(v, i -> null);
      case BitVector v -> plain(v, i -> v.get(i) == 1 ? "true" : "false");
      case TinyIntVector v -> plain(v, i -> Byte.toString(v.get(i)));
      case SmallIntVector v -> plain(v, i -> Short.toString(v.get(i)));
      case IntVector v -> plain(v, i -> Integer.toString(v.get(i)));
      case BigIntVector v -> plain(v, i -> Long.toString(v.get(i)));
      case Float4Vector v -> plain(v, i -> Float.toString(v.get(i)));
      case Float8Vector v -> plain(v, i -> Double.toString(v.get(i)));
      case DecimalVector v -> plain(v, i -> v.getObject(i).toPlainString());
      case VarCharVector v -> plain(v, i -> new String(v.get(i), UTF_8));
      case LargeVarCharVector v -> plain(v, i -> new String(v.get(i), UTF_8));
      case VarBinaryVector v -> plain(v, i -> base64(v.get(i)));
      case LargeVarBinaryVector v -> plain(v, i -> base64(v.get(i)));
      case DateDayVector v -> plain(v, i -> LocalDate.ofEpochDay(v.get(i)).toString());
      case TimeStampMicroTZVector v -> plain(v, i -> timestamp(v.get(i)) + "Z");
      case TimeStampMicroVector v -> plain(v, i -> timestamp(v.get(i)));
      case TimeNanoVector v -> plain(v, i -> LocalTime.ofNanoOfDay(v.get(i)).toString());
      case IntervalYearVector v -> plain(v, i -> yearMonth(v.get(i)));
      case DurationVector v -> plain(v, i -> dayTime(DurationVector.get(v.getDataBuffer(), i)));
      case IntervalMonthDayNanoVector v -> plain(v, i -> calendar(v, i));
      // A map is a list in Arrow, so it comes first.
      case MapVector v -> new MapValues(v);
      case ListVector v -> new ListValues(v);
      case StructVector v -> struct(v);
      default ->
          throw new IllegalArgumentException(
              "a column of Arrow type " + vector.getField().getType() + " has no text form");
    };
  }

  /** The text of a row, or null. */
  final String text(int row) {
    return vector.isNull(row) ? null : print(row);
  }

  /** The value inside an ARRAY, MAP or STRUCT. */
  final void json(int row, JsonGenerator out) throws IOException {
    if (vector.isNull(row)) {
      out.writeNull();
    } else {
      write(row, out);
    }
  }

  abstract String print(int row);

  abstract void write(int row, JsonGenerator out) throws IOException;

  @FunctionalInterface
  private interface Printer {
    String print(int row);
  }

  private static Values plain(FieldVector vector, Printer printer) {
    return new Values(vector) {
      @Override
      String print(int row) {
        return printer.print(row);
      }

      @Override
      void write(int row, JsonGenerator out) throws IOException {
        out.writeString(printer.print(row));
      }
    };
  }

  /** What is JSON also when it is a column of its own. */
  private abstract static class Nested extends Values {
    Nested(FieldVector vector) {
      super(vector);
    }

    @Override
    String print(int row) {
      StringWriter text = new StringWriter();
      try (JsonGenerator out = JSON.createGenerator(text)) {
        write(row, out);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return text.toString();
    }
  }

  private static final class ListValues extends Nested {
    private final ListVector vector;
    private final Values elements;

    ListValues(ListVector vector) {
      super(vector);
      this.vector = vector;
      this.elements = of(vector.getDataVector());
    }

    @Override
    void write(int row, JsonGenerator out) throws IOException {
      out.writeStartArray();
      for (int i = vector.getElementStartIndex(row); i < vector.getElementEndIndex(row); i++) {
        elements.json(i, out);
      }
      out.writeEndArray();
    }
  }

  private static final class MapValues extends Nested {
    private final MapVector vector;
    private final Values keys;
    private final Values values;

    MapValues(MapVector vector) {
      super(vector);
      this.vector = vector;
      StructVector entries = (StructVector) vector.getDataVector();
      this.keys = of(entries.getChildrenFromFields().get(0));
      this.values = of(entries.getChildrenFromFields().get(1));
    }

    @Override
    void write(int row, JsonGenerator out) throws IOException {
      out.writeStartObject();
      for (int i = vector.getElementStartIndex(row); i < vector.getElementEndIndex(row); i++) {
        out.writeFieldName(keys.text(i));
        values.json(i, out);
      }
      out.writeEndObject();
    }
  }

  private static Values struct(StructVector vector) {
    if (marked(vector, "metadata", "variant")) {
      return new VariantValues(vector);
    }
    if (marked(vector, "wkb", "geometry") || marked(vector, "wkb", "geography")) {
      return geospatial(vector);
    }
    return new StructValues(vector);
  }

  /** Spark sends types that Arrow lacks as a struct with a mark on one of its fields. */
  private static boolean marked(StructVector vector, String field, String mark) {
    FieldVector child = vector.getChild(field);
    return child != null && "true".equals(child.getField().getMetadata().get(mark));
  }

  private static final class StructValues extends Nested {
    private final List<String> names = new ArrayList<>();
    private final List<Values> fields = new ArrayList<>();

    StructValues(StructVector vector) {
      super(vector);
      for (FieldVector child : vector.getChildrenFromFields()) {
        names.add(child.getField().getName());
        fields.add(of(child));
      }
    }

    @Override
    void write(int row, JsonGenerator out) throws IOException {
      out.writeStartObject();
      for (int i = 0; i < fields.size(); i++) {
        out.writeFieldName(names.get(i));
        fields.get(i).json(row, out);
      }
      out.writeEndObject();
    }
  }

  private static final class VariantValues extends Nested {
    private final VarBinaryVector value;
    private final VarBinaryVector metadata;

    VariantValues(StructVector vector) {
      super(vector);
      value = vector.getChild("value", VarBinaryVector.class);
      metadata = vector.getChild("metadata", VarBinaryVector.class);
    }

    @Override
    void write(int row, JsonGenerator out) throws IOException {
      VariantText.write(value.get(row), metadata.get(row), out);
    }
  }

  private static Values geospatial(StructVector vector) {
    IntVector srid = vector.getChild("srid", IntVector.class);
    VarBinaryVector wkb = vector.getChild("wkb", VarBinaryVector.class);
    return plain(vector, i -> "SRID=" + srid.get(i) + ";" + base64(wkb.get(i)));
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static String timestamp(long micros) {
    LocalDateTime time =
        LocalDateTime.ofEpochSecond(Math.floorDiv(micros, 1_000_000L), 0, ZoneOffset.UTC);
    StringBuilder text = new StringBuilder(30).append(time.toLocalDate()).append('T');
    padded(text, time.getHour(), 2).append(':');
    padded(text, time.getMinute(), 2).append(':');
    padded(text, time.getSecond(), 2).append('.');
    return padded(text, Math.floorMod(micros, 1_000_000L) / 1_000, 3).toString();
  }

  private static String yearMonth(int months) {
    long all = Math.abs((long) months);
    return (months < 0 ? "-" : "") + all / 12 + "-" + all % 12;
  }

  private static String dayTime(long micros) {
    // The most negative value has no positive twin; as an unsigned number it has.
    long all = Math.abs(micros);
    StringBuilder text = new StringBuilder(30).append(micros < 0 ? "-" : "");
    text.append(Long.divideUnsigned(all, 86_400_000_000L)).append(' ');
    long rest = Long.remainderUnsigned(all, 86_400_000_000L);
    padded(text, rest / 3_600_000_000L, 2).append(':');
    padded(text, rest / 60_000_000L % 60, 2).append(':');
    padded(text, rest / 1_000_000L % 60, 2).append('.');
    return padded(text, rest % 1_000_000L * 1_000, 9).toString();
  }

  private static String calendar(IntervalMonthDayNanoVector vector, int row) {
    var buffer = vector.getDataBuffer();
    int months = IntervalMonthDayNanoVector.getMonths(buffer, row);
    long micros = IntervalMonthDayNanoVector.getNanoseconds(buffer, row) / 1_000;
    StringBuilder text = new StringBuilder();
    unit(text, months / 12, "years");
    unit(text, months % 12, "months");
    unit(text, IntervalMonthDayNanoVector.getDays(buffer, row), "days");
    unit(text, micros / 3_600_000_000L, "hours");
    unit(text, micros / 60_000_000L % 60, "minutes");
    long rest = micros % 60_000_000L;
    if (rest != 0) {
      String seconds = java.math.BigDecimal.valueOf(rest, 6).stripTrailingZeros().toPlainString();
      text.append(seconds).append(" seconds ");
    }
    return text.isEmpty() ? "0 seconds" : text.substring(0, text.length() - 1);
  }

  private static void unit(StringBuilder text, long number, String unit) {
    if (number != 0) {
      text.append(number).append(' ').append(unit).append(' ');
    }
  }

  private static StringBuilder padded(StringBuilder text, long number, int width) {
    String digits = Long.toString(number);
    text.repeat('0', width - digits.length());
    return text.append(digits);
  }
}
