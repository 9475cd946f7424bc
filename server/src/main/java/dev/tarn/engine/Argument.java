package dev.tarn.engine;

import com.google.protobuf.ByteString;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAccessor;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.Expression;
import org.apache.spark.connect.proto.Expression.Literal;

/**
 * A typed argument of a statement. Spark takes literals only, no casts, so the text becomes a value
 * here; times without a zone are UTC, as the engine's session is.
 *
 * @param type SQL type; null is STRING
 * @param value as text; null is NULL of that type
 */
public record Argument(String type, String value) {
  private static final Pattern DECIMAL =
      Pattern.compile("(?:DECIMAL|DEC|NUMERIC)\\s*(?:\\(\\s*(\\d+)\\s*(?:,\\s*(\\d+)\\s*)?\\))?");
  private static final DateTimeFormatter TIMESTAMP =
      new DateTimeFormatterBuilder()
          .append(DateTimeFormatter.ISO_LOCAL_DATE)
          .optionalStart()
          .appendPattern("['T'][' ']")
          .append(DateTimeFormatter.ISO_LOCAL_TIME)
          .optionalStart()
          .appendPattern("[ ]")
          .appendOffset("+HH:mm", "Z")
          .toFormatter(Locale.ROOT);

  /**
   * @throws IllegalArgumentException the type is none that an argument can have, or the value is
   *     none of that type
   */
  Expression expression() {
    String name = type == null ? "STRING" : type.strip().toUpperCase(Locale.ROOT);
    Literal.Builder literal = Literal.newBuilder();
    if (value == null || name.equals("VOID")) {
      literal.setNull(dataType(name));
    } else {
      try {
        set(literal, name, value.strip());
      } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
        throw new IllegalArgumentException(
            "'" + shortened(value) + "' (expected: a value of type " + name + ")", e);
      }
    }
    return Expression.newBuilder().setLiteral(literal).build();
  }

  private void set(Literal.Builder literal, String name, String text) {
    switch (name) {
      case "STRING" -> literal.setString(value);
      case "BOOLEAN" -> literal.setBoolean(truth(text));
      case "TINYINT", "BYTE" -> literal.setByte(Byte.parseByte(text));
      case "SMALLINT", "SHORT" -> literal.setShort(Short.parseShort(text));
      case "INT", "INTEGER" -> literal.setInteger(Integer.parseInt(text));
      case "BIGINT", "LONG" -> literal.setLong(Long.parseLong(text));
      case "FLOAT", "REAL" -> literal.setFloat(Float.parseFloat(text));
      case "DOUBLE" -> literal.setDouble(Double.parseDouble(text));
      case "BINARY" -> literal.setBinary(ByteString.copyFrom(HexFormat.of().parseHex(text)));
      case "DATE" -> literal.setDate(Math.toIntExact(LocalDate.parse(text).toEpochDay()));
      case "TIMESTAMP", "TIMESTAMP_LTZ" -> literal.setTimestamp(micros(text));
      case "TIMESTAMP_NTZ" ->
          literal.setTimestampNtz(
              micros(LocalDateTime.from(moment(text)).toInstant(ZoneOffset.UTC)));
      default -> {
        DataType.Decimal decimal = dataType(name).getDecimal();
        BigDecimal number =
            new BigDecimal(text).setScale(decimal.getScale(), java.math.RoundingMode.HALF_UP);
        if (number.precision() > decimal.getPrecision()) {
          throw new ArithmeticException("too large");
        }
        literal.setDecimal(
            Literal.Decimal.newBuilder()
                .setValue(number.toPlainString())
                .setPrecision(decimal.getPrecision())
                .setScale(decimal.getScale()));
      }
    }
  }

  private static boolean truth(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException();
    };
  }

  private static TemporalAccessor moment(String text) {
    TemporalAccessor parsed =
        TIMESTAMP.parseBest(text, OffsetDateTime::from, LocalDateTime::from, LocalDate::from);
    return parsed instanceof LocalDate date ? date.atTime(LocalTime.MIDNIGHT) : parsed;
  }

  private static long micros(String text) {
    TemporalAccessor moment = moment(text);
    return micros(
        moment instanceof OffsetDateTime offset
            ? offset.toInstant()
            : LocalDateTime.from(moment).toInstant(ZoneOffset.UTC));
  }

  private static long micros(Instant instant) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
  }

  private static DataType dataType(String name) {
    DataType.Builder type = DataType.newBuilder();
    switch (name) {
      case "VOID" -> type.setNull(DataType.NULL.getDefaultInstance());
      case "STRING" -> type.setString(DataType.String.getDefaultInstance());
      case "BOOLEAN" -> type.setBoolean(DataType.Boolean.getDefaultInstance());
      case "TINYINT", "BYTE" -> type.setByte(DataType.Byte.getDefaultInstance());
      case "SMALLINT", "SHORT" -> type.setShort(DataType.Short.getDefaultInstance());
      case "INT", "INTEGER" -> type.setInteger(DataType.Integer.getDefaultInstance());
      case "BIGINT", "LONG" -> type.setLong(DataType.Long.getDefaultInstance());
      case "FLOAT", "REAL" -> type.setFloat(DataType.Float.getDefaultInstance());
      case "DOUBLE" -> type.setDouble(DataType.Double.getDefaultInstance());
      case "BINARY" -> type.setBinary(DataType.Binary.getDefaultInstance());
      case "DATE" -> type.setDate(DataType.Date.getDefaultInstance());
      case "TIMESTAMP", "TIMESTAMP_LTZ" ->
          type.setTimestamp(DataType.Timestamp.getDefaultInstance());
      case "TIMESTAMP_NTZ" -> type.setTimestampNtz(DataType.TimestampNTZ.getDefaultInstance());
      default -> {
        Matcher decimal = DECIMAL.matcher(name);
        if (!decimal.matches()) {
          throw new IllegalArgumentException(
              "type: '"
                  + shortened(name)
                  + "' (expected: STRING, BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE,"
                  + " DECIMAL(p,s), BINARY, DATE, TIMESTAMP, TIMESTAMP_NTZ or VOID)");
        }
        int precision = decimal.group(1) == null ? 10 : Integer.parseInt(decimal.group(1));
        int scale = decimal.group(2) == null ? 0 : Integer.parseInt(decimal.group(2));
        if (precision < 1 || precision > 38 || scale > precision) {
          throw new IllegalArgumentException(
              "type: '" + name + "' (expected: a precision of 1 to 38, a scale up to it)");
        }
        type.setDecimal(DataType.Decimal.newBuilder().setPrecision(precision).setScale(scale));
      }
    }
    return type.build();
  }

  private static String shortened(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
