package dev.tarn.sql;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.service.sql.StatementParameterListItem;
import com.google.protobuf.ByteString;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.Expression.Literal;

/**
 * Named parameters of a statement as literals of Spark Connect: a value never becomes part of the
 * SQL text. Each value is a string that must convert to its type as {@code CAST} in ANSI mode would
 * (blanks around it are fine, {@code 12.5} is no INT); timestamps without a zone are in UTC, the
 * session's zone.
 */
final class Parameters {
  private static final Pattern DECIMAL =
      Pattern.compile(
          "(?:DECIMAL|DEC|NUMERIC)(?:\\s*\\(\\s*(\\d{1,2})\\s*(?:,\\s*(\\d{1,2})\\s*)?\\))?");
  private static final Pattern INTERVAL =
      Pattern.compile(
          "INTERVAL\\s+(YEAR|MONTH|DAY|HOUR|MINUTE|SECOND)(?:\\s+TO\\s+(MONTH|HOUR|MINUTE|SECOND))?");
  private static final Pattern DATE =
      Pattern.compile("([+-]?\\d{4,7})(?:-(\\d{1,2})(?:-(\\d{1,2})(?:[ T].*)?)?)?");
  private static final Pattern TIMESTAMP =
      Pattern.compile(
          "([+-]?\\d{4,7}-\\d{1,2}-\\d{1,2})"
              + "(?:[ T](\\d{1,2}):(\\d{1,2})(?::(\\d{1,2})(?:\\.(\\d{1,9}))?)?\\s*(Z|UTC|[+-].*|\\w+/\\w.*)?)?");
  private static final List<String> UNITS =
      List.of("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND");
  private static final long[] MICROS = {86_400_000_000L, 3_600_000_000L, 60_000_000L, 1_000_000L};

  private Parameters() {}

  /**
   * @throws BadRequest a name is missing or given twice, a type is unknown, or a value is not of
   *     its type
   */
  static Map<String, Literal> literals(Collection<StatementParameterListItem> parameters) {
    Map<String, Literal> literals = new LinkedHashMap<>();
    if (parameters == null) {
      return literals;
    }
    for (StatementParameterListItem parameter : parameters) {
      String name = parameter.getName();
      if (name == null || name.isEmpty()) {
        throw invalid(
            "MISSING_NAME",
            "the parameter at position " + literals.size() + " has no name (expected: a name)");
      }
      String type =
          parameter.getType() == null
              ? "STRING"
              : parameter.getType().trim().toUpperCase(Locale.ROOT);
      if (literals.put(name, literal(name, type, parameter.getValue())) != null) {
        throw invalid("DUPLICATE_NAME", "more than one parameter is named '" + name + "'");
      }
    }
    return literals;
  }

  private static Literal literal(String name, String type, String value) {
    DataType dataType = type(name, type);
    if (value == null) {
      return Literal.newBuilder().setNull(dataType).build();
    }
    try {
      return value(dataType, type, value);
    } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
      throw invalid(
          "INVALID_VALUE_FOR_DATA_TYPE",
          "the value '"
              + shortened(value)
              + "' for parameter '"
              + name
              + "' cannot be cast to "
              + type
              + " because it is malformed");
    }
  }

  private static DataType type(String name, String type) {
    DataType.Builder builder = DataType.newBuilder();
    Matcher decimal = DECIMAL.matcher(type);
    if (decimal.matches()) {
      int precision = decimal.group(1) == null ? 10 : Integer.parseInt(decimal.group(1));
      int scale = decimal.group(2) == null ? 0 : Integer.parseInt(decimal.group(2));
      if (precision >= 1 && precision <= 38 && scale <= precision) {
        return builder
            .setDecimal(DataType.Decimal.newBuilder().setPrecision(precision).setScale(scale))
            .build();
      }
    }
    Matcher interval = INTERVAL.matcher(type);
    if (interval.matches()) {
      int start = UNITS.indexOf(interval.group(1));
      int end = interval.group(2) == null ? start : UNITS.indexOf(interval.group(2));
      if (end <= 1) {
        return builder
            .setYearMonthInterval(
                DataType.YearMonthInterval.newBuilder().setStartField(start).setEndField(end))
            .build();
      }
      if (start >= 2 && end >= start) {
        return builder
            .setDayTimeInterval(
                DataType.DayTimeInterval.newBuilder().setStartField(start - 2).setEndField(end - 2))
            .build();
      }
    }
    return switch (type) {
      case "STRING" -> builder.setString(DataType.String.getDefaultInstance()).build();
      case "BOOLEAN" -> builder.setBoolean(DataType.Boolean.getDefaultInstance()).build();
      case "TINYINT", "BYTE" -> builder.setByte(DataType.Byte.getDefaultInstance()).build();
      case "SMALLINT", "SHORT" -> builder.setShort(DataType.Short.getDefaultInstance()).build();
      case "INT", "INTEGER" -> builder.setInteger(DataType.Integer.getDefaultInstance()).build();
      case "BIGINT", "LONG" -> builder.setLong(DataType.Long.getDefaultInstance()).build();
      case "FLOAT", "REAL" -> builder.setFloat(DataType.Float.getDefaultInstance()).build();
      case "DOUBLE" -> builder.setDouble(DataType.Double.getDefaultInstance()).build();
      case "DATE" -> builder.setDate(DataType.Date.getDefaultInstance()).build();
      case "TIMESTAMP", "TIMESTAMP_LTZ" ->
          builder.setTimestamp(DataType.Timestamp.getDefaultInstance()).build();
      case "TIMESTAMP_NTZ" ->
          builder.setTimestampNtz(DataType.TimestampNTZ.getDefaultInstance()).build();
      case "BINARY" -> builder.setBinary(DataType.Binary.getDefaultInstance()).build();
      case "VOID", "NULL" -> builder.setNull(DataType.NULL.getDefaultInstance()).build();
      default ->
          throw invalid(
              "INVALID_DATA_TYPE",
              "the data type '"
                  + shortened(type)
                  + "' specified for the parameter '"
                  + name
                  + "' is not valid (expected: STRING, BOOLEAN, TINYINT, SMALLINT, INT, BIGINT,"
                  + " FLOAT, DOUBLE, DECIMAL(p,s), DATE, TIMESTAMP, TIMESTAMP_NTZ, BINARY, VOID or"
                  + " INTERVAL with its units)");
    };
  }

  private static Literal value(DataType type, String typeText, String text) {
    Literal.Builder literal = Literal.newBuilder();
    String trimmed = text.strip();
    switch (type.getKindCase()) {
      case STRING -> literal.setString(text);
      case BINARY -> literal.setBinary(ByteString.copyFromUtf8(text));
      case BOOLEAN -> literal.setBoolean(bool(trimmed));
      case BYTE -> literal.setByte(Byte.parseByte(trimmed));
      case SHORT -> literal.setShort(Short.parseShort(trimmed));
      case INTEGER -> literal.setInteger(Integer.parseInt(trimmed));
      case LONG -> literal.setLong(Long.parseLong(trimmed));
      case FLOAT -> literal.setFloat((float) floating(trimmed, Float.parseFloat(java(trimmed))));
      case DOUBLE -> literal.setDouble(floating(trimmed, Double.parseDouble(java(trimmed))));
      case DECIMAL -> literal.setDecimal(decimal(type.getDecimal(), trimmed));
      case DATE -> literal.setDate(Math.toIntExact(date(trimmed).toEpochDay()));
      case TIMESTAMP -> literal.setTimestamp(timestamp(trimmed, true));
      case TIMESTAMP_NTZ -> literal.setTimestampNtz(timestamp(trimmed, false));
      case YEAR_MONTH_INTERVAL ->
          literal.setYearMonthInterval(
              yearMonth(
                  type.getYearMonthInterval().getStartField(),
                  type.getYearMonthInterval().getEndField(),
                  unquoted(trimmed)));
      case DAY_TIME_INTERVAL ->
          literal.setDayTimeInterval(
              dayTime(
                  type.getDayTimeInterval().getStartField(),
                  type.getDayTimeInterval().getEndField(),
                  unquoted(trimmed)));
      default -> throw new IllegalArgumentException("no value can be of type " + typeText);
    }
    return literal.build();
  }

  private static boolean bool(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "t", "true", "y", "yes", "1" -> true;
      case "f", "false", "n", "no", "0" -> false;
      default -> throw new IllegalArgumentException(text);
    };
  }

  /** SQL's words for what is no number, in Java's spelling. */
  private static String java(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "nan" -> "NaN";
      case "inf", "+inf", "infinity", "+infinity" -> "Infinity";
      case "-inf", "-infinity" -> "-Infinity";
      default -> text;
    };
  }

  /** Java also reads hexadecimal floats, which SQL does not. */
  private static double floating(String text, double value) {
    if (text.contains("x") || text.contains("X")) {
      throw new IllegalArgumentException(text);
    }
    return value;
  }

  private static Literal.Decimal decimal(DataType.Decimal type, String text) {
    BigDecimal value = new BigDecimal(text).setScale(type.getScale(), RoundingMode.HALF_UP);
    if (value.precision() > type.getPrecision()) {
      throw new IllegalArgumentException(text);
    }
    return Literal.Decimal.newBuilder()
        .setValue(value.toPlainString())
        .setPrecision(type.getPrecision())
        .setScale(type.getScale())
        .build();
  }

  private static LocalDate date(String text) {
    Matcher date = matched(DATE, text);
    return LocalDate.of(
        Integer.parseInt(date.group(1)),
        date.group(2) == null ? 1 : Integer.parseInt(date.group(2)),
        date.group(3) == null ? 1 : Integer.parseInt(date.group(3)));
  }

  private static long timestamp(String text, boolean zoned) {
    Matcher match = matched(TIMESTAMP, text);
    LocalTime time = LocalTime.MIDNIGHT;
    if (match.group(2) != null) {
      String fraction = match.group(5) == null ? "" : match.group(5);
      time =
          LocalTime.of(
              Integer.parseInt(match.group(2)),
              Integer.parseInt(match.group(3)),
              match.group(4) == null ? 0 : Integer.parseInt(match.group(4)),
              Integer.parseInt((fraction + "000000000").substring(0, 9)));
    }
    ZoneId zone =
        zoned && match.group(6) != null ? ZoneId.of(match.group(6).strip()) : ZoneOffset.UTC;
    LocalDateTime local = LocalDateTime.of(date(match.group(1)), time);
    return ChronoUnit.MICROS.between(java.time.Instant.EPOCH, local.atZone(zone).toInstant());
  }

  /** The value may be bare, {@code 3}, or a whole literal, {@code INTERVAL '3' DAY}. */
  private static String unquoted(String text) {
    Matcher literal =
        Pattern.compile("INTERVAL\\s*([+-]?)\\s*'([^']*)'.*", Pattern.CASE_INSENSITIVE)
            .matcher(text);
    return literal.matches() ? literal.group(1) + literal.group(2).strip() : text;
  }

  private static int yearMonth(int start, int end, String text) {
    if (start == end) {
      return Math.multiplyExact(Integer.parseInt(text), start == 0 ? 12 : 1);
    }
    Matcher match = matched(Pattern.compile("([+-]?)(\\d{1,9})-(\\d{1,2})"), text);
    int rest = Integer.parseInt(match.group(3));
    if (rest > 11) {
      throw new IllegalArgumentException(text);
    }
    int months = Math.addExact(Math.multiplyExact(Integer.parseInt(match.group(2)), 12), rest);
    return match.group(1).equals("-") ? -months : months;
  }

  /** {@code DAY TO SECOND} is {@code 1 02:03:04.5}; a shorter type starts or ends elsewhere. */
  private static long dayTime(int start, int end, String text) {
    String[] separators = {" ", ":", ":"};
    StringBuilder pattern = new StringBuilder("([+-]?)");
    for (int unit = start; unit <= end; unit++) {
      pattern.append(unit == start ? "(\\d{1,18})" : "(\\d{1,2})");
      if (unit == 3) {
        pattern.append("(?:\\.(\\d{1,9}))?");
      }
      if (unit < end) {
        pattern.append(separators[unit]);
      }
    }
    Matcher match = matched(Pattern.compile(pattern.toString()), text);
    long micros = 0;
    for (int unit = start; unit <= end; unit++) {
      long number = Long.parseLong(match.group(2 + unit - start));
      if (unit > start && number > (unit == 1 ? 23 : 59)) {
        throw new IllegalArgumentException(text);
      }
      micros = Math.addExact(micros, Math.multiplyExact(number, MICROS[unit]));
    }
    if (end == 3 && match.group(match.groupCount()) != null) {
      micros += Long.parseLong((match.group(match.groupCount()) + "000000").substring(0, 6));
    }
    return match.group(1).equals("-") ? -micros : micros;
  }

  private static Matcher matched(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(text);
    }
    return matcher;
  }

  private static BadRequest invalid(String reason, String message) {
    return new BadRequest(
        "[INVALID_PARAMETER_MARKER_VALUE."
            + reason
            + "] An invalid parameter mapping was provided: "
            + message
            + ". SQLSTATE: 22023",
        null);
  }

  private static String shortened(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
