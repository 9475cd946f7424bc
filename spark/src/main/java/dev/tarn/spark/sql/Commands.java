package dev.tarn.spark.sql;

import dev.tarn.spark.sql.TarnSqlParser.StatementContext;
import java.util.List;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** A statement of ours as a plan: each noun has its class, and takes the statements it knows. */
final class Commands {
  private final List<TarnSqlBaseVisitor<LogicalPlan>> nouns;

  /**
   * @param next reads what a statement is rewritten to, where Spark has the same in other words
   */
  Commands(ParserInterface next, Parameters parameters) {
    Texts texts = new Texts(parameters);
    Spark spark = rewritten -> parsed(next, rewritten);
    nouns =
        List.of(
            new Grants(texts),
            new Catalogs(texts, spark),
            new Securables(texts, spark),
            new Volumes(texts),
            new CopyInto(texts),
            new DeepClone(texts),
            new Locations(texts),
            new Tags(texts),
            new Protection(texts),
            new Keys(texts, spark),
            new Policies(texts),
            new Dropped(texts),
            new Functions(texts, spark));
  }

  /** Spark's plan for a statement in its words. */
  interface Spark {
    LogicalPlan plan(String sql);
  }

  LogicalPlan plan(StatementContext statement) {
    for (TarnSqlBaseVisitor<LogicalPlan> noun : nouns) {
      LogicalPlan plan = statement.getChild(0).accept(noun);
      if (plan != null) {
        return plan;
      }
    }
    throw new IllegalStateException(
        "a statement of the grammar that no class takes: " + statement.getText());
  }

  private static LogicalPlan parsed(ParserInterface next, String sql) {
    try {
      return next.parsePlan(sql);
    } catch (ParseException e) {
      throw new NotSparks(e);
    }
  }

  /** Spark does not read what a statement became: its own words say what is wrong. */
  static final class NotSparks extends RuntimeException {
    NotSparks(ParseException e) {
      super(e);
    }

    @Override
    public synchronized ParseException getCause() {
      return (ParseException) super.getCause();
    }
  }
}
