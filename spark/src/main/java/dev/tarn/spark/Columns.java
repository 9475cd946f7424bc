package dev.tarn.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.catalyst.util.CharVarcharUtils;
import org.apache.spark.sql.delta.DeltaColumnMapping;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.CharType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DayTimeIntervalType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.YearMonthIntervalType;

/** Columns as Unity Catalog's {@code columns} array, and back. */
public final class Columns {
  private Columns() {}

  public static ArrayNode toJson(StructType physical, List<String> partitionColumns) {
    StructType schema = DeltaColumnMapping.dropColumnMappingMetadata(physical);
    ArrayNode columns = CatalogServer.JSON.createArrayNode();
    for (StructField field : schema.fields()) {
      DataType type = CharVarcharUtils.getRawType(field.metadata()).getOrElse(field::dataType);
      ObjectNode column = columns.addObject();
      column.put("name", field.name());
      column.put("type_text", type.sql().toLowerCase(Locale.ROOT));
      column.put("type_json", fieldJson(field));
      column.put("type_name", typeName(type));
      if (type instanceof DecimalType decimal) {
        column.put("type_precision", decimal.precision());
        column.put("type_scale", decimal.scale());
      }
      column.put("position", columns.size() - 1);
      column.put("nullable", field.nullable());
      if (field.getComment().isDefined()) {
        column.put("comment", field.getComment().get());
      }
      int partition = indexIgnoringCase(partitionColumns, field.name());
      if (partition >= 0) {
        column.put("partition_index", partition);
      }
    }
    return columns;
  }

  public static StructType schema(JsonNode columns) {
    StructType schema = new StructType();
    for (JsonNode column : inOrder(columns, "position")) {
      schema = schema.add(field(column));
    }
    return schema;
  }

  public static List<String> partitionColumns(JsonNode columns) {
    return inOrder(columns, "partition_index").stream()
        .filter(column -> column.path("partition_index").isNumber())
        .map(column -> column.path("name").asText())
        .toList();
  }

  private static List<JsonNode> inOrder(JsonNode columns, String by) {
    List<JsonNode> sorted = new ArrayList<>();
    columns.forEach(sorted::add);
    sorted.sort(Comparator.comparingInt(column -> column.path(by).asInt(0)));
    return sorted;
  }

  private static StructField field(JsonNode column) {
    String json = column.path("type_json").asText("");
    if (json.startsWith("{\"name\"")) {
      // A whole field, as Spark and Databricks write it.
      StructType one =
          (StructType) DataType.fromJson("{\"type\":\"struct\",\"fields\":[" + json + "]}");
      return one.fields()[0];
    }
    DataType type =
        json.isEmpty()
            ? DataType.fromDDL(column.path("type_text").asText())
            : DataType.fromJson(json);
    StructField field =
        new StructField(
            column.path("name").asText(),
            type,
            column.path("nullable").asBoolean(true),
            org.apache.spark.sql.types.Metadata.empty());
    String comment = column.path("comment").asText("");
    return comment.isEmpty() ? field : field.withComment(comment);
  }

  private static String fieldJson(StructField field) {
    try {
      return CatalogServer.JSON
          .readTree(new StructType(new StructField[] {field}).json())
          .path("fields")
          .path(0)
          .toString();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Spark wrote a schema that is not JSON", e);
    }
  }

  private static int indexIgnoringCase(List<String> names, String name) {
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).equalsIgnoreCase(name)) {
        return i;
      }
    }
    return -1;
  }

  /** Names of the SDK's {@code ColumnTypeName}, where they are not Spark's own. */
  private static String typeName(DataType type) {
    if (type instanceof ByteType) {
      return "BYTE";
    } else if (type instanceof ShortType) {
      return "SHORT";
    } else if (type instanceof IntegerType) {
      return "INT";
    } else if (type instanceof LongType) {
      return "LONG";
    } else if (type instanceof DecimalType) {
      return "DECIMAL";
    } else if (type instanceof CharType) {
      return "CHAR";
    } else if (type instanceof StringType) {
      return "STRING";
    } else if (type instanceof ArrayType) {
      return "ARRAY";
    } else if (type instanceof MapType) {
      return "MAP";
    } else if (type instanceof StructType) {
      return "STRUCT";
    } else if (type instanceof NullType) {
      return "NULL";
    } else if (type instanceof TimestampNTZType) {
      return "TIMESTAMP_NTZ";
    } else if (type instanceof DayTimeIntervalType || type instanceof YearMonthIntervalType) {
      return "INTERVAL";
    }
    return type.typeName().toUpperCase(Locale.ROOT);
  }
}
