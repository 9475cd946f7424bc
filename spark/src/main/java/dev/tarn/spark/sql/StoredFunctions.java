package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.Columns;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.catalog.SQLFunction;
import org.apache.spark.sql.catalyst.catalog.UserDefinedFunction;
import org.apache.spark.sql.catalyst.parser.CatalystSqlParser$;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.$less$colon$less$;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;
import scala.util.Either;
import scala.util.Left;
import scala.util.Right;

/** A SQL function as the API's FunctionInfo, and back. */
final class StoredFunctions {
  private static final ParserInterface PARSER = CatalystSqlParser$.MODULE$;
  private static final String TABLE = "TABLE_TYPE";

  private StoredFunctions() {}

  static boolean isTable(JsonNode function) {
    return function.path("data_type").asText().equals(TABLE);
  }

  static List<String> name(JsonNode function) {
    return List.of(
        function.path("catalog_name").asText(),
        function.path("schema_name").asText(),
        function.path("name").asText());
  }

  /**
   * @param home the catalog and schema in which the body's names were meant; kept as {@code
   *     sql_path}
   */
  static ObjectNode toJson(List<String> name, SQLFunction function, List<String> home) {
    ObjectNode info = CatalogServer.JSON.createObjectNode();
    info.put("catalog_name", name.get(0));
    info.put("schema_name", name.get(1));
    info.put("name", name.get(2));
    info.put("specific_name", name.get(2));
    info.put("routine_body", "SQL");
    info.put(
        "routine_definition",
        (function.exprText().isDefined() ? function.exprText() : function.queryText()).get());
    info.set("input_params", parameters(function.inputParam().getOrElse(StructType::new), "PARAM"));
    if (function.isTableFunc()) {
      StructType columns = function.getTableFuncReturnCols();
      info.put("data_type", TABLE);
      info.put("full_data_type", "(" + columns.toDDL() + ")");
      info.set("return_params", parameters(columns, "COLUMN"));
    } else {
      StructType result = new StructType().add("result", function.getScalarFuncReturnType());
      JsonNode column = Columns.toJson(result, List.of()).get(0);
      info.put("data_type", column.path("type_name").asText());
      info.put("full_data_type", column.path("type_text").asText().toUpperCase(Locale.ROOT));
    }
    info.put("parameter_style", "S");
    info.put("security_type", "DEFINER");
    info.put("is_null_call", true);
    info.put("is_deterministic", is(function.deterministic()));
    info.put("sql_data_access", is(function.containsSQL()) ? "CONTAINS_SQL" : "READS_SQL_DATA");
    info.put("sql_path", Texts.quoted(home));
    if (function.comment().isDefined()) {
      info.put("comment", function.comment().get());
    }
    return info;
  }

  private static boolean is(Option<Object> flag) {
    return flag.isDefined() && (Boolean) flag.get();
  }

  private static ObjectNode parameters(StructType fields, String type) {
    ObjectNode all = CatalogServer.JSON.createObjectNode();
    ArrayNode parameters = all.putArray("parameters");
    int position = 0;
    for (JsonNode column : Columns.toJson(fields, List.of())) {
      ObjectNode parameter = (ObjectNode) column;
      parameter.remove("nullable");
      parameter.put("parameter_mode", "IN").put("parameter_type", type);
      Option<String> value = fields.fields()[position++].getDefault();
      if (value.isDefined()) {
        parameter.put("parameter_default", value.get());
      }
      parameters.add(parameter);
    }
    return all;
  }

  // ---- and back ----

  /** Its name has a catalog, which no function that a session makes itself has. */
  static SQLFunction of(JsonNode info, List<String> within) {
    List<String> name = name(info);
    boolean table = isTable(info);
    String body = info.path("routine_definition").asText();
    boolean query = table || isQuery(body);
    return new SQLFunction(
        new FunctionIdentifier(name.get(2), Option.apply(name.get(1)), Option.apply(name.get(0))),
        inputParameters(info.path("input_params").path("parameters")),
        returnType(info, table),
        query ? Option.empty() : Option.apply(body),
        query ? Option.apply(body) : Option.empty(),
        Option.apply(OnServer.text(info.path("comment"))),
        Option.empty(),
        Option.apply(info.path("is_deterministic").asBoolean(true)),
        Option.apply(info.path("sql_data_access").asText().equals("CONTAINS_SQL")),
        table,
        properties(home(info), within),
        Option.apply(OnServer.text(info.path("owner"))),
        info.path("created_at").asLong());
  }

  /**
   * What Spark keeps with a function: as the path of its analysis where its body's names are meant,
   * and the functions within whose bodies it is called; the time zone is the caller's, as of any
   * expression.
   *
   * @param within full names, outermost first, this function last
   */
  static scala.collection.immutable.Map<String, String> properties(
      List<String> home, List<String> within) {
    ArrayNode path = CatalogServer.JSON.createArrayNode();
    ArrayNode first = path.addArray();
    home.forEach(first::add);
    within.forEach(name -> path.addArray().add(name));
    Map<String, String> properties =
        Map.of(
            SQLFunction.FUNCTION_RESOLUTION_PATH(),
            path.toString(),
            UserDefinedFunction.SQL_CONFIG_PREFIX() + SQLConf.SESSION_LOCAL_TIMEZONE().key(),
            SQLConf.get().sessionLocalTimeZone());
    return CollectionConverters.asScala(properties).toMap($less$colon$less$.MODULE$.refl());
  }

  private static List<String> home(JsonNode info) {
    try {
      List<String> path =
          CollectionConverters.asJava(
              PARSER.parseMultipartIdentifier(info.path("sql_path").asText()));
      if (path.size() == 2) {
        return path;
      }
    } catch (ParseException e) {
      // Made through the API, where nobody need say it: then it is where the function is.
    }
    return name(info).subList(0, 2);
  }

  private static boolean isQuery(String body) {
    try {
      var unused = PARSER.parseExpression(body);
      return false;
    } catch (ParseException e) {
      return true;
    }
  }

  private static Option<StructType> inputParameters(JsonNode parameters) {
    List<String> texts = new ArrayList<>();
    for (JsonNode parameter : parameters) {
      String value = parameter.path("parameter_default").asText("");
      texts.add(
          Texts.quoted(List.of(parameter.path("name").asText()))
              + " "
              + parameter.path("type_text").asText()
              + (value.isEmpty() ? "" : " DEFAULT " + value));
    }
    return texts.isEmpty()
        ? Option.empty()
        : Option.apply(
            UserDefinedFunction.parseRoutineParam(
                String.join(", ", texts), PARSER, Option.empty()));
  }

  private static Either<DataType, StructType> returnType(JsonNode info, boolean table) {
    if (!table) {
      return new Left<>(DataType.fromDDL(info.path("full_data_type").asText()));
    }
    StructField[] columns = Columns.schema(info.path("return_params").path("parameters")).fields();
    return new Right<>(
        StructType.fromDDL(
            List.of(columns).stream().map(StructField::toDDL).collect(Collectors.joining(", "))));
  }
}
