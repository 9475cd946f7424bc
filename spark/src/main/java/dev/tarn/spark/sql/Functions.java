package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.CreateFunctionContext;
import dev.tarn.spark.sql.TarnSqlParser.DescribeFunctionContext;
import dev.tarn.spark.sql.TarnSqlParser.DropFunctionContext;
import dev.tarn.spark.sql.TarnSqlParser.RestContext;
import dev.tarn.spark.sql.TarnSqlParser.ShowFunctionsContext;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.antlr.v4.runtime.tree.ParseTree;
import org.apache.spark.sql.catalyst.catalog.SQLFunction;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.command.CreateSQLFunctionCommand;
import scala.jdk.javaapi.CollectionConverters;

/** Functions of a catalog, whose body is SQL. How they are called: {@link ResolveFunctions}. */
final class Functions extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;
  private final Commands.Spark spark;

  Functions(Texts texts, Commands.Spark spark) {
    this.texts = texts;
    this.spark = spark;
  }

  // ---- create ----

  /** Spark reads it as it reads a temporary function; the server keeps it. */
  @Override
  public LogicalPlan visitCreateFunction(CreateFunctionContext create) {
    List<String> name = texts.name(create.multipartIdentifier());
    refuseOtherLanguages(create.rest());
    boolean replace = create.REPLACE() != null;
    if (replace && create.ifNotExists() != null) {
      throw new Wrong(create.ifNotExists().start, "either OR REPLACE or IF NOT EXISTS");
    }
    String rest = Texts.from(create.rest().start);
    LogicalPlan plan =
        spark.plan(
            "CREATE OR REPLACE TEMPORARY FUNCTION "
                + Texts.quoted(name.subList(name.size() - 1, name.size()))
                + " "
                + rest);
    if (!(plan instanceof CreateSQLFunctionCommand read)) {
      throw new Wrong(create.rest().start, "(parameters) ... RETURN with an expression or a query");
    }
    return ServerCommand.create(
        "CREATE FUNCTION",
        create.ifNotExists() != null,
        server -> {
          List<String> whole = server.complete(Kind.FUNCTION, name);
          SQLFunction checked = FunctionCheck.of(server.spark(), read, server.home());
          ObjectNode body = CatalogServer.JSON.createObjectNode();
          body.set("function_info", StoredFunctions.toJson(whole, checked, server.home()));
          if (replace && isReplaced(server, whole, body)) {
            return;
          }
          try {
            server.post("functions", body);
          } catch (CatalogError e) {
            // Made by another since we looked: then it is there to be replaced.
            if (!replace || !e.isAlreadyExists() || !isReplaced(server, whole, body)) {
              throw e;
            }
          }
        });
  }

  /** Its owner needs no right to create another; false when there is none. */
  private static boolean isReplaced(OnServer server, List<String> name, ObjectNode body) {
    String path = "tarn/" + server.path(Kind.FUNCTION, name);
    return OnServer.ifThere(() -> server.put(path, body));
  }

  private static void refuseOtherLanguages(RestContext rest) {
    for (int i = 0; i + 1 < rest.getChildCount(); i++) {
      ParseTree language = rest.getChild(i + 1);
      if (rest.getChild(i).getText().equalsIgnoreCase("LANGUAGE")
          && !language.getText().equalsIgnoreCase("SQL")) {
        throw new UnsupportedOperationException(
            "CREATE FUNCTION ... LANGUAGE "
                + language.getText()
                + " (expected: LANGUAGE SQL; code in other languages needs a sandbox)");
      }
    }
  }

  private static boolean isTaken(String name) {
    SparkSession session = (SparkSession) org.apache.spark.sql.SparkSession.active();
    SessionCatalog catalog = session.sessionState().catalog();
    return catalog.lookupBuiltinOrTempFunction(name).isDefined()
        || catalog.lookupBuiltinOrTempTableFunction(name).isDefined();
  }

  // ---- drop, describe, show ----

  @Override
  public LogicalPlan visitDropFunction(DropFunctionContext drop) {
    return ServerCommand.drop(
        Kind.FUNCTION, texts.name(drop.multipartIdentifier()), drop.ifExists() != null, false);
  }

  @Override
  public LogicalPlan visitDescribeFunction(DescribeFunctionContext describe) {
    List<String> name = texts.name(describe.multipartIdentifier());
    if (name.size() == 1 && isTaken(name.get(0))) {
      return spark.plan(
          "DESCRIBE FUNCTION "
              + (describe.EXTENDED() == null ? "" : "EXTENDED ")
              + Texts.quoted(name));
    }
    boolean extended = describe.EXTENDED() != null;
    return ServerCommand.rows(
        "DESCRIBE FUNCTION",
        "function_desc STRING NOT NULL",
        server -> described(server, server.get(server.path(Kind.FUNCTION, name)), extended));
  }

  private static List<Object[]> described(OnServer server, JsonNode function, boolean extended) {
    List<String> lines = new ArrayList<>();
    boolean table = StoredFunctions.isTable(function);
    lines.add("Function:      " + String.join(".", StoredFunctions.name(function)));
    lines.add("Type:          " + (table ? "TABLE" : "SCALAR"));
    String label = "Input:         ";
    for (JsonNode parameter : function.path("input_params").path("parameters")) {
      lines.add(label + parameter.path("name").asText() + " " + type(parameter));
      label = "               ";
    }
    if (table) {
      label = "Returns:       ";
      for (JsonNode column : function.path("return_params").path("parameters")) {
        lines.add(label + column.path("name").asText() + " " + type(column));
        label = "               ";
      }
    } else {
      lines.add("Returns:       " + function.path("full_data_type").asText());
    }
    if (!function.path("comment").asText("").isEmpty()) {
      lines.add("Comment:       " + function.path("comment").asText());
    }
    if (extended) {
      lines.add("Deterministic: " + function.path("is_deterministic").asText());
      lines.add("Data Access:   " + function.path("sql_data_access").asText().replace('_', ' '));
      lines.add("Owner:         " + function.path("owner").asText());
      lines.add("Create Time:   " + server.time(function.path("created_at")));
      lines.add("Body:          " + function.path("routine_definition").asText());
    }
    return lines.stream().map(line -> new Object[] {line}).toList();
  }

  private static String type(JsonNode parameter) {
    return parameter.path("type_text").asText().toUpperCase(java.util.Locale.ROOT);
  }

  @Override
  public LogicalPlan visitShowFunctions(ShowFunctionsContext show) {
    List<String> schema = show.FROM() == null && show.IN() == null ? List.of() : in(show);
    int like = schema.isEmpty() ? 0 : 1;
    String pattern = "*";
    if (show.text() != null) {
      pattern = texts.text(show.text());
    } else if (show.multipartIdentifier().size() > like) {
      pattern = String.join(".", texts.name(show.multipartIdentifier(like)));
    }
    boolean system = show.USER() == null;
    boolean user = show.SYSTEM() == null;
    String wanted = pattern;
    return ServerCommand.rows(
        "SHOW FUNCTIONS",
        "function STRING NOT NULL",
        server -> {
          Stream<String> builtin =
              system
                  ? CollectionConverters.asJava(
                          server.spark().sessionState().functionRegistry().listFunction())
                      .stream()
                      .filter(
                          each ->
                              server
                                  .spark()
                                  .sessionState()
                                  .catalog()
                                  .isBuiltinFunction(each.funcName()))
                      .map(each -> each.funcName())
                  : Stream.of();
          Stream<String> stored =
              user
                  ? server.list("functions?" + server.schemaQuery(schema), "functions").stream()
                      .map(each -> String.join(".", StoredFunctions.name(each)))
                  : Stream.of();
          // A pattern is of the function's own name.
          List<String> all = Stream.concat(builtin, stored).distinct().toList();
          List<String> shown =
              Texts.matching(all.stream().map(Functions::last).distinct(), wanted).toList();
          return all.stream()
              .filter(each -> shown.contains(last(each)))
              .sorted()
              .map(each -> new Object[] {each})
              .toList();
        });
  }

  private List<String> in(ShowFunctionsContext show) {
    return texts.name(show.multipartIdentifier(0));
  }

  private static String last(String name) {
    return name.substring(name.lastIndexOf('.') + 1);
  }
}
