package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.AlterPredictiveOptimizationContext;
import dev.tarn.spark.sql.TarnSqlParser.ChangeOwnerContext;
import dev.tarn.spark.sql.TarnSqlParser.CommentOnContext;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** What every kind of object has: an owner, a comment. */
final class Securables extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;
  private final Commands.Spark spark;

  Securables(Texts texts, Commands.Spark spark) {
    this.texts = texts;
    this.spark = spark;
  }

  @Override
  public LogicalPlan visitChangeOwner(ChangeOwnerContext change) {
    Kind kind = Texts.kind(change.kind());
    ObjectNode body =
        CatalogServer.JSON.createObjectNode().put("owner", texts.principal(change.principal()));
    return ServerCommand.patch(
        "ALTER " + kind.words() + " OWNER TO",
        kind,
        texts.name(change.multipartIdentifier()),
        body);
  }

  @Override
  public LogicalPlan visitAlterPredictiveOptimization(AlterPredictiveOptimizationContext alter) {
    Kind kind = Texts.kind(alter.kind());
    String how = alter.change.getText().toUpperCase(Locale.ROOT);
    return ServerCommand.patch(
        "ALTER " + kind.words() + " PREDICTIVE OPTIMIZATION",
        kind,
        texts.name(alter.multipartIdentifier()),
        CatalogServer.JSON.createObjectNode().put("enable_predictive_optimization", how));
  }

  @Override
  public LogicalPlan visitCommentOn(CommentOnContext on) {
    List<String> name = texts.name(on.multipartIdentifier());
    String comment = on.text() == null ? "" : texts.text(on.text());
    if (on.COLUMN() == null) {
      Kind kind = Texts.kind(on.kind());
      ObjectNode body = CatalogServer.JSON.createObjectNode().put("comment", comment);
      return ServerCommand.patch("COMMENT ON " + kind.words(), kind, name, body);
    }
    Texts.Column column = Texts.column(on.multipartIdentifier(), name);
    return spark.plan(
        "ALTER TABLE "
            + Texts.quoted(column.table())
            + " ALTER COLUMN "
            + Texts.quoted(column.column())
            + " COMMENT "
            + Texts.literal(comment));
  }
}
