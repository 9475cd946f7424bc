package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.AddKeyContext;
import dev.tarn.spark.sql.TarnSqlParser.DropConstraintContext;
import dev.tarn.spark.sql.TarnSqlParser.DropKeyContext;
import dev.tarn.spark.sql.TarnSqlParser.IdentifierContext;
import dev.tarn.spark.sql.TarnSqlParser.KeyColumnContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.antlr.v4.runtime.tree.ParseTree;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.Dataset$;

/**
 * Primary and foreign keys, which inform and are kept by the server; other constraints of a table
 * are Delta's.
 */
final class Keys extends TarnSqlBaseVisitor<LogicalPlan> {
  /** All of them say that nothing is enforced, but the last pair, which is kept. */
  private static final Pattern OPTIONS =
      Pattern.compile(
          "((NOT ENFORCED|DEFERRABLE|INITIALLY DEFERRED|MATCH FULL|ON (UPDATE|DELETE) NO ACTION"
              + "|RELY|NORELY) )*");

  private static final String PRIMARY = "primary_key_constraint";
  private static final String FOREIGN = "foreign_key_constraint";

  private final Texts texts;
  private final Commands.Spark spark;

  Keys(Texts texts, Commands.Spark spark) {
    this.texts = texts;
    this.spark = spark;
  }

  @Override
  public LogicalPlan visitAddKey(AddKeyContext add) {
    List<String> table = texts.name(add.table);
    List<String> parent = texts.name(add.parent);
    boolean primary = add.PRIMARY() != null;
    ObjectNode key = CatalogServer.JSON.createObjectNode();
    if (add.name != null) {
      key.put("name", Texts.identifier(add.name));
    }
    ArrayNode columns = key.putArray("child_columns");
    List<String> series = new ArrayList<>();
    for (KeyColumnContext column : add.keyColumn()) {
      columns.add(Texts.identifier(column.identifier()));
      if (column.TIMESERIES() != null) {
        if (!primary) {
          throw new Wrong(column.start, "TIMESERIES in a primary key only");
        }
        series.add(Texts.identifier(column.identifier()));
      }
    }
    if (!series.isEmpty()) {
      series.forEach(key.putArray("timeseries_columns")::add);
    }
    if (!add.parentColumns.isEmpty()) {
      ArrayNode names = key.putArray("parent_columns");
      add.parentColumns.forEach(each -> names.add(Texts.identifier(each)));
    }
    if (add.keyOptions() != null) {
      String options = options(add.keyOptions());
      if (!OPTIONS.matcher(options).matches()) {
        throw new Wrong(add.keyOptions().start, "NOT ENFORCED, RELY or NORELY");
      }
      if (options.contains("RELY ")) {
        key.put("rely", !options.contains("NORELY "));
      }
    }
    return ServerCommand.change(
        "ALTER TABLE ADD CONSTRAINT",
        server -> {
          List<String> whole = server.complete(Kind.TABLE, table);
          List<String> of = primary ? List.of() : server.complete(Kind.TABLE, parent);
          if (!primary) {
            key.put("parent_table", String.join(".", of));
          }
          if (!key.has("name")) {
            key.put("name", whole.get(2) + (primary ? "_pk" : "_" + of.get(2) + "_fk"));
          }
          ObjectNode body = CatalogServer.JSON.createObjectNode();
          body.put("full_name_arg", String.join(".", whole));
          body.putObject("constraint").set(primary ? PRIMARY : FOREIGN, key);
          server.post("constraints", body);
        });
  }

  private static String options(ParseTree options) {
    StringBuilder words = new StringBuilder();
    for (int i = 0; i < options.getChildCount(); i++) {
      words.append(options.getChild(i).getText().toUpperCase(Locale.ROOT)).append(' ');
    }
    return words.toString();
  }

  /** By its name it may be one of Delta's, which is known once the server says what it has. */
  @Override
  public LogicalPlan visitDropConstraint(DropConstraintContext drop) {
    List<String> table = texts.name(drop.table);
    String name = Texts.identifier(drop.name);
    LogicalPlan other = spark.plan(Texts.from(drop.start));
    return ServerCommand.change(
        "ALTER TABLE DROP CONSTRAINT",
        server -> {
          if (!drop(
              server,
              table,
              key -> key.path("name").asText().equalsIgnoreCase(name),
              drop.CASCADE() != null)) {
            var unused = Dataset$.MODULE$.ofRows(server.spark(), other);
          }
        });
  }

  @Override
  public LogicalPlan visitDropKey(DropKeyContext drop) {
    List<String> table = texts.name(drop.table);
    boolean primary = drop.PRIMARY() != null;
    List<String> columns = lower(drop.identifier());
    return ServerCommand.change(
        "ALTER TABLE DROP " + (primary ? "PRIMARY KEY" : "FOREIGN KEY"),
        server -> {
          Predicate<JsonNode> asked =
              key ->
                  primary
                      ? !key.has("parent_table")
                      : key.has("parent_table") && columns(key).equals(columns);
          if (!drop(server, table, asked, drop.CASCADE() != null) && drop.ifExists() == null) {
            throw new CatalogError(
                404,
                "CONSTRAINT_DOES_NOT_EXIST",
                "Table '"
                    + String.join(".", server.complete(Kind.TABLE, table))
                    + "' has no such "
                    + (primary ? "primary key" : "foreign key, of " + columns));
          }
        });
  }

  private static List<String> lower(List<IdentifierContext> names) {
    return names.stream().map(name -> Texts.identifier(name).toLowerCase(Locale.ROOT)).toList();
  }

  private static List<String> columns(JsonNode key) {
    List<String> names = new ArrayList<>();
    key.path("child_columns").forEach(name -> names.add(name.asText().toLowerCase(Locale.ROOT)));
    return names;
  }

  /** Drops the key that is asked for; false when the server knows none. */
  private static boolean drop(
      OnServer server, List<String> table, Predicate<JsonNode> asked, boolean cascade) {
    String path = server.path(Kind.TABLE, table);
    JsonNode info;
    try {
      info = server.get(path);
    } catch (CatalogError e) {
      if (e.isNotFound()) {
        return false;
      }
      throw e;
    }
    for (JsonNode constraint : info.path("table_constraints")) {
      JsonNode key = constraint.has(PRIMARY) ? constraint.get(PRIMARY) : constraint.path(FOREIGN);
      if (asked.test(key)) {
        server.delete(
            "constraints/"
                + server.urlName(Kind.TABLE, table)
                + "?constraint_name="
                + CatalogServer.encoded(key.path("name").asText())
                + "&cascade="
                + cascade);
        return true;
      }
    }
    return false;
  }
}
