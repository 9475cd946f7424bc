package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.ContainerClauseContext;
import dev.tarn.spark.sql.TarnSqlParser.CreateCatalogContext;
import dev.tarn.spark.sql.TarnSqlParser.CreateSchemaContext;
import dev.tarn.spark.sql.TarnSqlParser.DescribeCatalogContext;
import dev.tarn.spark.sql.TarnSqlParser.DropCatalogContext;
import dev.tarn.spark.sql.TarnSqlParser.ShowCatalogsContext;
import dev.tarn.spark.sql.TarnSqlParser.UseCatalogContext;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** Catalogs, and schemas with a location of their own. */
final class Catalogs extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;
  private final Commands.Spark spark;

  Catalogs(Texts texts, Commands.Spark spark) {
    this.texts = texts;
    this.spark = spark;
  }

  @Override
  public LogicalPlan visitCreateCatalog(CreateCatalogContext create) {
    List<String> name = texts.name(create.multipartIdentifier());
    ObjectNode body = body(create.containerClause());
    return ServerCommand.create(
        "CREATE CATALOG",
        create.ifNotExists() != null,
        server -> {
          body.put("name", server.complete(Kind.CATALOG, name).get(0));
          server.post("catalogs", body);
        });
  }

  @Override
  public LogicalPlan visitCreateSchema(CreateSchemaContext create) {
    List<String> name = texts.name(create.multipartIdentifier());
    ObjectNode body = body(create.containerClause());
    return ServerCommand.create(
        "CREATE SCHEMA",
        create.ifNotExists() != null,
        server -> {
          List<String> whole = server.complete(Kind.SCHEMA, name);
          body.put("catalog_name", whole.get(0)).put("name", whole.get(1));
          server.post("schemas", body);
        });
  }

  private ObjectNode body(List<ContainerClauseContext> clauses) {
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    for (ContainerClauseContext clause : clauses) {
      String field =
          clause.COMMENT() != null
              ? "comment"
              : clause.LOCATION() != null
                  ? "storage_root"
                  : clause.OPTIONS() != null ? "options" : "properties";
      if (body.has(field)) {
        throw new Wrong(clause.start, "this clause once");
      }
      if (clause.text() != null) {
        body.put(field, texts.text(clause.text()));
      } else {
        body.set(field, texts.properties(clause.properties()));
      }
    }
    return body;
  }

  @Override
  public LogicalPlan visitDropCatalog(DropCatalogContext drop) {
    return ServerCommand.drop(
        Kind.CATALOG,
        texts.name(drop.multipartIdentifier()),
        drop.ifExists() != null,
        drop.CASCADE() != null);
  }

  @Override
  public LogicalPlan visitUseCatalog(UseCatalogContext use) {
    return spark.plan("SET CATALOG " + Texts.quoted(texts.name(use.multipartIdentifier())));
  }

  @Override
  public LogicalPlan visitDescribeCatalog(DescribeCatalogContext describe) {
    List<String> name = texts.name(describe.multipartIdentifier());
    boolean extended = describe.EXTENDED() != null;
    return ServerCommand.rows(
        "DESCRIBE CATALOG",
        "info_name STRING NOT NULL, info_value STRING",
        server -> {
          JsonNode catalog = server.get(server.path(Kind.CATALOG, name));
          List<Object[]> rows = new ArrayList<>();
          rows.add(new Object[] {"Catalog Name", catalog.path("name").asText()});
          rows.add(new Object[] {"Comment", OnServer.text(catalog.path("comment"))});
          rows.add(new Object[] {"Owner", OnServer.text(catalog.path("owner"))});
          rows.add(new Object[] {"Catalog Type", type(catalog.path("catalog_type").asText())});
          if (extended) {
            rows.add(new Object[] {"Created By", OnServer.text(catalog.path("created_by"))});
            rows.add(new Object[] {"Created At", server.time(catalog.path("created_at"))});
            rows.add(new Object[] {"Updated By", OnServer.text(catalog.path("updated_by"))});
            rows.add(new Object[] {"Updated At", server.time(catalog.path("updated_at"))});
          }
          return rows;
        });
  }

  private static String type(String wire) {
    return switch (wire) {
      case "MANAGED_CATALOG" -> "Regular";
      case "DELTASHARING_CATALOG" -> "Delta Sharing";
      case "FOREIGN_CATALOG" -> "Foreign";
      case "SYSTEM_CATALOG" -> "System";
      default -> wire;
    };
  }

  @Override
  public LogicalPlan visitShowCatalogs(ShowCatalogsContext show) {
    String pattern = show.text() == null ? "*" : texts.text(show.text());
    return ServerCommand.rows(
        "SHOW CATALOGS",
        "catalog STRING NOT NULL",
        server ->
            Texts.matching(
                    server.list("catalogs", "catalogs").stream()
                        .map(catalog -> catalog.path("name").asText()),
                    pattern)
                .map(name -> new Object[] {name})
                .toList());
  }
}
