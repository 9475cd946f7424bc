package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.AlterMaskContext;
import dev.tarn.spark.sql.TarnSqlParser.AlterRowFilterContext;
import dev.tarn.spark.sql.TarnSqlParser.ArgumentContext;
import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** Row filters and column masks of tables, which are functions of the catalog. */
final class Protection extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;

  Protection(Texts texts) {
    this.texts = texts;
  }

  @Override
  public LogicalPlan visitAlterRowFilter(AlterRowFilterContext alter) {
    List<String> table = texts.name(alter.table);
    if (alter.DROP() != null) {
      return ServerCommand.change(
          "ALTER TABLE DROP ROW FILTER", server -> server.delete(filter(server, table)));
    }
    List<String> function = texts.name(alter.function);
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    arguments(body, "input_column_names", "input_arguments", alter.argument());
    return ServerCommand.change(
        "ALTER TABLE SET ROW FILTER",
        server ->
            server.put(filter(server, table), body.put("function_name", name(server, function))));
  }

  @Override
  public LogicalPlan visitAlterMask(AlterMaskContext alter) {
    List<String> table = texts.name(alter.table);
    String column = Texts.identifier(alter.column);
    if (alter.DROP() != null) {
      return ServerCommand.change(
          "ALTER TABLE DROP MASK", server -> server.delete(mask(server, table, column)));
    }
    List<String> function = texts.name(alter.function);
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    arguments(body, "using_column_names", "using_arguments", alter.argument());
    return ServerCommand.change(
        "ALTER TABLE SET MASK",
        server ->
            server.put(
                mask(server, table, column), body.put("function_name", name(server, function))));
  }

  private static String filter(OnServer server, List<String> table) {
    return "tarn/" + server.path(Kind.TABLE, table) + "/row-filter";
  }

  private static String mask(OnServer server, List<String> table, String column) {
    return "tarn/"
        + server.path(Kind.TABLE, table)
        + "/columns/"
        + CatalogServer.encoded(column)
        + "/mask";
  }

  private static String name(OnServer server, List<String> function) {
    return String.join(".", server.complete(Kind.FUNCTION, function));
  }

  /** As the API has them: names alone when all are columns, otherwise each with what it is. */
  private void arguments(
      ObjectNode body, String columns, String mixed, List<ArgumentContext> arguments) {
    ArrayNode names = body.putArray(columns);
    if (arguments.stream().allMatch(argument -> argument.identifier() != null)) {
      arguments.forEach(argument -> names.add(Texts.identifier(argument.identifier())));
      return;
    }
    ArrayNode all = body.putArray(mixed);
    for (ArgumentContext argument : arguments) {
      if (argument.identifier() != null) {
        names.add(Texts.identifier(argument.identifier()));
        all.addObject().put("column", Texts.identifier(argument.identifier()));
      } else {
        all.addObject()
            .put(
                "constant",
                argument.text() == null ? argument.getText() : texts.text(argument.text()));
      }
    }
  }
}
