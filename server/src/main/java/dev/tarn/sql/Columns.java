package dev.tarn.sql;

import com.databricks.sdk.service.sql.ColumnInfo;
import com.databricks.sdk.service.sql.ColumnInfoTypeName;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.spark.connect.proto.DataType;

/**
 * Spark's schema of a result as the columns of a manifest.
 *
 * <p>{@code type_text} is the type in upper case as {@code DESCRIBE} spells it, {@code STRUCT<a:
 * INT NOT NULL>}. {@code type_name} has fewer words than Spark has types: TIMESTAMP_NTZ is a
 * TIMESTAMP, VARIANT, TIME and the geospatial types are STRING (their values are text), VARCHAR is
 * STRING; {@code type_text} tells them apart.
 */
final class Columns {
  private static final String[] YEAR_MONTH = {"YEAR", "MONTH"};
  private static final String[] DAY_TIME = {"DAY", "HOUR", "MINUTE", "SECOND"};

  private Columns() {}

  /** The columns of a result whose rows are {@code struct}; none for DDL. */
  static List<ColumnInfo> of(DataType struct) {
    List<ColumnInfo> columns = new ArrayList<>();
    for (DataType.StructField field : struct.getStruct().getFieldsList()) {
      DataType type = field.getDataType();
      ColumnInfo column =
          new ColumnInfo()
              .setName(field.getName())
              .setPosition((long) columns.size())
              .setTypeText(text(type))
              .setTypeName(name(type));
      if (type.hasDecimal()) {
        column
            .setTypePrecision((long) type.getDecimal().getPrecision())
            .setTypeScale((long) type.getDecimal().getScale());
      }
      if (column.getTypeName() == ColumnInfoTypeName.INTERVAL && !type.hasCalendarInterval()) {
        column.setTypeIntervalType(text(type).substring("INTERVAL ".length()));
      }
      columns.add(column);
    }
    return columns;
  }

  static String text(DataType type) {
    return switch (type.getKindCase()) {
      case NULL -> "VOID";
      case BYTE -> "TINYINT";
      case SHORT -> "SMALLINT";
      case INTEGER -> "INT";
      case LONG -> "BIGINT";
      case DECIMAL ->
          "DECIMAL(" + type.getDecimal().getPrecision() + "," + type.getDecimal().getScale() + ")";
      case STRING -> string(type.getString().getCollation());
      case CHAR -> "CHAR(" + type.getChar().getLength() + ")";
      case VAR_CHAR -> "VARCHAR(" + type.getVarChar().getLength() + ")";
      case TIMESTAMP_NTZ -> "TIMESTAMP_NTZ";
      case TIME -> "TIME(" + type.getTime().getPrecision() + ")";
      case CALENDAR_INTERVAL -> "INTERVAL";
      case YEAR_MONTH_INTERVAL ->
          interval(
              YEAR_MONTH,
              type.getYearMonthInterval().hasStartField()
                  ? type.getYearMonthInterval().getStartField()
                  : 0,
              type.getYearMonthInterval().hasEndField()
                  ? type.getYearMonthInterval().getEndField()
                  : 1);
      case DAY_TIME_INTERVAL ->
          interval(
              DAY_TIME,
              type.getDayTimeInterval().hasStartField()
                  ? type.getDayTimeInterval().getStartField()
                  : 0,
              type.getDayTimeInterval().hasEndField()
                  ? type.getDayTimeInterval().getEndField()
                  : 3);
      case ARRAY -> "ARRAY<" + text(type.getArray().getElementType()) + ">";
      case MAP ->
          "MAP<"
              + text(type.getMap().getKeyType())
              + ", "
              + text(type.getMap().getValueType())
              + ">";
      case STRUCT ->
          type.getStruct().getFieldsList().stream()
              .map(
                  field ->
                      quoted(field.getName())
                          + ": "
                          + text(field.getDataType())
                          + (field.getNullable() ? "" : " NOT NULL"))
              .collect(Collectors.joining(", ", "STRUCT<", ">"));
      case GEOMETRY -> "GEOMETRY(" + srid(type.getGeometry().getSrid()) + ")";
      case GEOGRAPHY -> "GEOGRAPHY(" + srid(type.getGeography().getSrid()) + ")";
      case UDT -> text(type.getUdt().getSqlType());
      case UNPARSED -> type.getUnparsed().getDataTypeString().toUpperCase(Locale.ROOT);
      default -> type.getKindCase().name();
    };
  }

  private static ColumnInfoTypeName name(DataType type) {
    return switch (type.getKindCase()) {
      case NULL -> ColumnInfoTypeName.NULL;
      case BINARY -> ColumnInfoTypeName.BINARY;
      case BOOLEAN -> ColumnInfoTypeName.BOOLEAN;
      case BYTE -> ColumnInfoTypeName.BYTE;
      case SHORT -> ColumnInfoTypeName.SHORT;
      case INTEGER -> ColumnInfoTypeName.INT;
      case LONG -> ColumnInfoTypeName.LONG;
      case FLOAT -> ColumnInfoTypeName.FLOAT;
      case DOUBLE -> ColumnInfoTypeName.DOUBLE;
      case DECIMAL -> ColumnInfoTypeName.DECIMAL;
      case CHAR -> ColumnInfoTypeName.CHAR;
      case DATE -> ColumnInfoTypeName.DATE;
      case TIMESTAMP, TIMESTAMP_NTZ -> ColumnInfoTypeName.TIMESTAMP;
      case CALENDAR_INTERVAL, YEAR_MONTH_INTERVAL, DAY_TIME_INTERVAL -> ColumnInfoTypeName.INTERVAL;
      case ARRAY -> ColumnInfoTypeName.ARRAY;
      case MAP -> ColumnInfoTypeName.MAP;
      case STRUCT -> ColumnInfoTypeName.STRUCT;
      case UDT -> ColumnInfoTypeName.USER_DEFINED_TYPE;
      default -> ColumnInfoTypeName.STRING;
    };
  }

  private static String string(String collation) {
    return collation.isEmpty() || collation.equals("UTF8_BINARY")
        ? "STRING"
        : "STRING COLLATE " + collation;
  }

  private static String interval(String[] units, int start, int end) {
    return "INTERVAL " + units[start] + (start == end ? "" : " TO " + units[end]);
  }

  private static String srid(int srid) {
    return srid < 0 ? "ANY" : Integer.toString(srid);
  }

  private static String quoted(String name) {
    return name.matches("[A-Za-z_][A-Za-z0-9_]*") ? name : "`" + name.replace("`", "``") + "`";
  }
}
