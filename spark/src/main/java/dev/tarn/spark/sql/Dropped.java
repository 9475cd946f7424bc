package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.ShowDroppedContext;
import dev.tarn.spark.sql.TarnSqlParser.UndropContext;
import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** Tables that were dropped and are kept for a while. */
final class Dropped extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;

  Dropped(Texts texts) {
    this.texts = texts;
  }

  @Override
  public LogicalPlan visitUndrop(UndropContext undrop) {
    ObjectNode body = CatalogServer.JSON.createObjectNode().put("securable_type", "TABLE");
    if (undrop.ID() != null) {
      body.put("id", texts.text(undrop.text()));
      return ServerCommand.change("UNDROP", server -> server.post("tarn/undrop", body));
    }
    List<String> name = texts.name(undrop.multipartIdentifier());
    return ServerCommand.change(
        "UNDROP",
        server -> {
          body.put("full_name", String.join(".", server.complete(Kind.TABLE, name)));
          server.post("tarn/undrop", body);
        });
  }

  @Override
  public LogicalPlan visitShowDropped(ShowDroppedContext show) {
    List<String> schema = texts.name(show.multipartIdentifier());
    long limit = show.limit == null ? Long.MAX_VALUE : Long.parseLong(show.limit.getText());
    return ServerCommand.rows(
        "SHOW TABLES DROPPED",
        "catalogName STRING NOT NULL, schemaName STRING NOT NULL, tableName STRING NOT NULL,"
            + " tableId STRING NOT NULL, tableType STRING NOT NULL, deletedAt STRING NOT NULL,"
            + " createdAt STRING, updatedAt STRING, createdBy STRING, owner STRING, comment STRING",
        server ->
            server.list("tarn/dropped-tables?" + server.schemaQuery(schema), "tables").stream()
                .limit(limit)
                .map(
                    table ->
                        new Object[] {
                          table.path("catalog_name").asText(),
                          table.path("schema_name").asText(),
                          table.path("name").asText(),
                          table.path("table_id").asText(),
                          table.path("table_type").asText(),
                          server.time(table.path("deleted_at")),
                          server.time(table.path("created_at")),
                          server.time(table.path("updated_at")),
                          OnServer.text(table.path("created_by")),
                          OnServer.text(table.path("owner")),
                          OnServer.text(table.path("comment"))
                        })
                .toList());
  }
}
