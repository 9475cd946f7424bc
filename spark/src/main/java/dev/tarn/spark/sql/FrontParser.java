package dev.tarn.spark.sql;

import dev.tarn.spark.PassingParser;
import java.util.List;
import java.util.Optional;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.ListTokenSource;
import org.antlr.v4.runtime.Token;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/**
 * In front of Delta's and Spark's parsers, for some of our statements are theirs too, as something
 * else: {@code DESCRIBE CATALOG c} is column {@code c} of a table to Spark.
 *
 * <p>A statement is ours when it begins as one of {@link Statements}; then what is wrong in it is
 * said in our words. Everything else goes on untouched, and most of it after a look at one word.
 */
final class FrontParser extends PassingParser {
  FrontParser(ParserInterface next) {
    super(next);
  }

  @Override
  public LogicalPlan parsePlan(String sql) throws ParseException {
    LogicalPlan ours = ours(sql, Parameters.NONE);
    return ours != null ? ours : next.parsePlan(sql);
  }

  @Override
  public LogicalPlan parsePlanWithParameters(String sql, ParameterContext values)
      throws ParseException {
    LogicalPlan ours = ours(sql, new Parameters(values));
    return ours != null ? ours : next.parsePlanWithParameters(sql, values);
  }

  private LogicalPlan ours(String sql, Parameters parameters) throws ParseException {
    List<Token> tokens = Statements.tokens(sql);
    Optional<Statements.Form> form = Statements.form(tokens);
    if (form.isEmpty()) {
      return tokens.isEmpty() ? null : inline(sql, tokens);
    }
    TarnSqlParser parser = new TarnSqlParser(new CommonTokenStream(new ListTokenSource(tokens)));
    Complaint complaint = new Complaint(sql, form.get());
    parser.removeErrorListeners();
    parser.addErrorListener(complaint);
    TarnSqlParser.StatementContext tree = parser.statement();
    complaint.raise();
    try {
      return new Commands(next, parameters).plan(tree);
    } catch (Commands.NotSparks e) {
      throw e.getCause();
    } catch (Wrong e) {
      throw error(sql, e);
    }
  }

  private LogicalPlan inline(String sql, List<Token> tokens) throws ParseException {
    try {
      return InlineProtection.of(tokens, next);
    } catch (Wrong e) {
      throw error(sql, e);
    }
  }

  private static ParseException error(String sql, Wrong e) {
    return Complaint.error(sql, e.at, "'" + e.at.getText() + "'", ": expected " + e.getMessage());
  }
}
