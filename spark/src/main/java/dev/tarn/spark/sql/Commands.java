package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.AlterPredictiveOptimizationContext;
import dev.tarn.spark.sql.TarnSqlParser.ChangeOwnerContext;
import dev.tarn.spark.sql.TarnSqlParser.CommentOnContext;
import dev.tarn.spark.sql.TarnSqlParser.CreateCatalogContext;
import dev.tarn.spark.sql.TarnSqlParser.CreateSchemaContext;
import dev.tarn.spark.sql.TarnSqlParser.DescribeCatalogContext;
import dev.tarn.spark.sql.TarnSqlParser.DropCatalogContext;
import dev.tarn.spark.sql.TarnSqlParser.GrantContext;
import dev.tarn.spark.sql.TarnSqlParser.IfExistsContext;
import dev.tarn.spark.sql.TarnSqlParser.IfNotExistsContext;
import dev.tarn.spark.sql.TarnSqlParser.PrivilegesContext;
import dev.tarn.spark.sql.TarnSqlParser.RevokeContext;
import dev.tarn.spark.sql.TarnSqlParser.SecurableContext;
import dev.tarn.spark.sql.TarnSqlParser.ShowCatalogsContext;
import dev.tarn.spark.sql.TarnSqlParser.ShowGrantsContext;
import dev.tarn.spark.sql.TarnSqlParser.StatementContext;
import dev.tarn.spark.sql.TarnSqlParser.UseCatalogContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.antlr.v4.runtime.tree.ParseTree;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.util.StringUtils;
import scala.jdk.javaapi.CollectionConverters;

/** A statement of ours as the command that asks the server for it. */
final class Commands extends TarnSqlBaseVisitor<LogicalPlan> {
  private final ParserInterface next;
  private final Texts texts;

  /**
   * @param next reads what a statement is rewritten to, where Spark has the same in other words
   */
  Commands(ParserInterface next, Parameters parameters) {
    this.next = next;
    this.texts = new Texts(parameters);
  }

  @Override
  public LogicalPlan visitStatement(StatementContext statement) {
    return visit(statement.getChild(0));
  }

  // ---- privileges ----

  @Override
  public LogicalPlan visitGrant(GrantContext grant) {
    return changePrivileges(
        "GRANT", "add", grant.privileges(), grant.securable(), texts.principal(grant.principal()));
  }

  @Override
  public LogicalPlan visitRevoke(RevokeContext revoke) {
    return changePrivileges(
        "REVOKE",
        "remove",
        revoke.privileges(),
        revoke.securable(),
        texts.principal(revoke.principal()));
  }

  private LogicalPlan changePrivileges(
      String statement,
      String direction,
      PrivilegesContext privileges,
      SecurableContext securable,
      String principal) {
    Securable on = securable(securable);
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    ObjectNode change = body.putArray("changes").addObject().put("principal", principal);
    // Written with spaces or underscores; whether the object has such a privilege, the server says.
    privileges
        .privilege()
        .forEach(
            privilege ->
                change.withArray("/" + direction).add(words(privilege).toUpperCase(Locale.ROOT)));
    return ServerCommand.change(
        statement, server -> server.patch("permissions/" + on.urlName(server), body));
  }

  @Override
  public LogicalPlan visitShowGrants(ShowGrantsContext show) {
    Securable on = securable(show.securable());
    String principal = show.principal() == null ? null : texts.principal(show.principal());
    return ServerCommand.rows(
        "SHOW GRANTS",
        "principal STRING NOT NULL, actionType STRING NOT NULL, objectType STRING, objectKey STRING",
        server -> {
          String path = "effective-permissions/" + on.urlName(server);
          if (principal != null) {
            path += "?principal=" + CatalogServer.encoded(principal);
          }
          List<Object[]> rows = new ArrayList<>();
          String own = String.join(".", server.complete(on.kind, on.name));
          for (JsonNode assignment : server.list(path, "privilege_assignments")) {
            for (JsonNode privilege : assignment.path("privileges")) {
              String from = privilege.path("inherited_from_type").asText("");
              rows.add(
                  new Object[] {
                    assignment.path("principal").asText(),
                    privilege.path("privilege").asText().replace('_', ' '),
                    from.isEmpty() ? on.kind.words() : from.replace('_', ' '),
                    from.isEmpty() ? own : OnServer.text(privilege.path("inherited_from_name"))
                  });
            }
          }
          return rows;
        });
  }

  /** What a privilege is on. */
  private record Securable(Kind kind, List<String> name) {
    /** {@code type/full name}; a metastore's name is its id. */
    String urlName(OnServer server) {
      return kind.securableType()
          + "/"
          + (kind == Kind.METASTORE ? server.metastoreId() : server.urlName(kind, name));
    }
  }

  private Securable securable(SecurableContext securable) {
    if (securable.METASTORE() != null) {
      return new Securable(Kind.METASTORE, List.of());
    }
    return new Securable(
        securable.kind() == null ? Kind.TABLE : kind(securable.kind()),
        texts.name(securable.multipartIdentifier()));
  }

  // ---- catalogs and schemas ----

  @Override
  public LogicalPlan visitCreateCatalog(CreateCatalogContext create) {
    List<String> name = texts.name(create.multipartIdentifier());
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    for (var clause : create.catalogClause()) {
      if (clause.COMMENT() != null) {
        once(body, clause, "comment").put("comment", texts.text(clause.text()));
      } else if (clause.LOCATION() != null) {
        once(body, clause, "storage_root").put("storage_root", texts.text(clause.text()));
      } else {
        String field = clause.OPTIONS() == null ? "properties" : "options";
        once(body, clause, field).set(field, texts.properties(clause.properties()));
      }
    }
    return create(
        "CREATE CATALOG",
        create.ifNotExists(),
        server -> {
          body.put("name", server.complete(Kind.CATALOG, name).get(0));
          server.post("catalogs", body);
        });
  }

  @Override
  public LogicalPlan visitDropCatalog(DropCatalogContext drop) {
    return drop(
        Kind.CATALOG,
        texts.name(drop.multipartIdentifier()),
        drop.ifExists(),
        drop.CASCADE() == null ? "" : "?force=true");
  }

  @Override
  public LogicalPlan visitUseCatalog(UseCatalogContext use) {
    return rewritten("SET CATALOG " + Texts.quoted(texts.name(use.multipartIdentifier())));
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
            matching(
                server.list("catalogs", "catalogs").stream()
                    .map(catalog -> catalog.path("name").asText())
                    .sorted()
                    .toList(),
                pattern));
  }

  /** Spark's patterns: {@code *} is anything, {@code |} is or. */
  private static List<Object[]> matching(List<String> names, String pattern) {
    return CollectionConverters.asJava(
            StringUtils.filterPattern(CollectionConverters.asScala(names).toList(), pattern))
        .stream()
        .map(name -> new Object[] {name})
        .toList();
  }

  @Override
  public LogicalPlan visitCreateSchema(CreateSchemaContext create) {
    List<String> name = texts.name(create.multipartIdentifier());
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    for (var clause : create.schemaClause()) {
      if (clause.COMMENT() != null) {
        once(body, clause, "comment").put("comment", texts.text(clause.text()));
      } else if (clause.LOCATION() != null) {
        once(body, clause, "storage_root").put("storage_root", texts.text(clause.text()));
      } else {
        once(body, clause, "properties").set("properties", texts.properties(clause.properties()));
      }
    }
    return create(
        "CREATE SCHEMA",
        create.ifNotExists(),
        server -> {
          List<String> whole = server.complete(Kind.SCHEMA, name);
          body.put("catalog_name", whole.get(0)).put("name", whole.get(1));
          server.post("schemas", body);
        });
  }

  // ---- of every kind ----

  @Override
  public LogicalPlan visitChangeOwner(ChangeOwnerContext change) {
    return patched(
        "ALTER " + kind(change.kind()).words() + " OWNER TO",
        kind(change.kind()),
        texts.name(change.multipartIdentifier()),
        CatalogServer.JSON.createObjectNode().put("owner", texts.principal(change.principal())));
  }

  @Override
  public LogicalPlan visitAlterPredictiveOptimization(AlterPredictiveOptimizationContext alter) {
    return patched(
        "ALTER " + kind(alter.kind()).words() + " PREDICTIVE OPTIMIZATION",
        kind(alter.kind()),
        texts.name(alter.multipartIdentifier()),
        CatalogServer.JSON
            .createObjectNode()
            .put(
                "enable_predictive_optimization", alter.change.getText().toUpperCase(Locale.ROOT)));
  }

  @Override
  public LogicalPlan visitCommentOn(CommentOnContext on) {
    List<String> name = texts.name(on.multipartIdentifier());
    String comment = on.text() == null ? "" : texts.text(on.text());
    if (on.COLUMN() == null) {
      return patched(
          "COMMENT ON " + kind(on.kind()).words(),
          kind(on.kind()),
          name,
          CatalogServer.JSON.createObjectNode().put("comment", comment));
    }
    if (name.size() < 2) {
      throw new Wrong(on.multipartIdentifier().start, "table.column");
    }
    // A field within a column can only be told from a table's parts when these are all there.
    int table = Math.min(3, name.size() - 1);
    return rewritten(
        "ALTER TABLE "
            + Texts.quoted(name.subList(0, table))
            + " ALTER COLUMN "
            + Texts.quoted(name.subList(table, name.size()))
            + " COMMENT "
            + Texts.literal(comment));
  }

  // ---- the small parts ----

  private static LogicalPlan patched(
      String statement, Kind kind, List<String> name, ObjectNode body) {
    return ServerCommand.change(statement, server -> server.patch(server.path(kind, name), body));
  }

  private static LogicalPlan create(
      String statement, IfNotExistsContext ifNotExists, ServerCommand.Change change) {
    return ServerCommand.change(
        statement,
        server -> {
          try {
            change.run(server);
          } catch (CatalogError e) {
            if (ifNotExists == null || !e.isAlreadyExists()) {
              throw e;
            }
          }
        });
  }

  private static LogicalPlan drop(
      Kind kind, List<String> name, IfExistsContext ifExists, String query) {
    return ServerCommand.change(
        "DROP " + kind.words(),
        server -> {
          try {
            server.delete(server.path(kind, name) + query);
          } catch (CatalogError e) {
            if (ifExists == null || !e.isNotFound()) {
              throw e;
            }
          }
        });
  }

  /** What Spark has in other words. */
  private LogicalPlan rewritten(String sql) {
    try {
      return next.parsePlan(sql);
    } catch (ParseException e) {
      throw new IllegalStateException("Spark does not read what a statement became: " + sql, e);
    }
  }

  private static ObjectNode once(
      ObjectNode body, org.antlr.v4.runtime.ParserRuleContext clause, String field) {
    if (body.has(field)) {
      throw new Wrong(clause.start, clause.start.getText().toUpperCase(Locale.ROOT) + " once");
    }
    return body;
  }

  private static Kind kind(ParseTree words) {
    return Kind.of(words(words));
  }

  /** The words of a rule, joined by underscores. */
  private static String words(ParseTree rule) {
    List<String> words = new ArrayList<>();
    for (int i = 0; i < rule.getChildCount(); i++) {
      words.add(rule.getChild(i).getText());
    }
    return String.join("_", words);
  }
}
