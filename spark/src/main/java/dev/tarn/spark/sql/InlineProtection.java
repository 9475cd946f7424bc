package dev.tarn.spark.sql;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.antlr.v4.runtime.Token;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.CreateTableAsSelect;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ReplaceTableAsSelect;
import org.apache.spark.sql.classic.SparkSession;

/**
 * {@code MASK} at a column and {@code WITH ROW FILTER} in {@code CREATE TABLE} and {@code ADD
 * COLUMN}, which Spark's grammar does not have: Spark's statement without them, and then each as
 * the statement of ours that it has by itself. The table is empty until all are set, and goes again
 * when one cannot be.
 */
final class InlineProtection {
  private final List<Token> tokens;

  /** The statement's characters, spaces where something of ours was. */
  private final int[] plain;

  private final List<String> functions = new ArrayList<>();
  private final List<String> statements = new ArrayList<>();
  private String table;
  private boolean adds;
  private boolean ifNotExists;

  private InlineProtection(List<Token> tokens) {
    this.tokens = tokens;
    this.plain = Texts.from(tokens.get(0)).codePoints().toArray();
  }

  /**
   * @param tokens all of a statement
   * @return null when there is nothing of ours in it
   */
  static LogicalPlan of(List<Token> tokens, ParserInterface next) throws ParseException {
    InlineProtection found = new InlineProtection(tokens);
    found.read();
    return found.statements.isEmpty() ? null : found.plan(next);
  }

  // ---- what is written ----

  private void read() {
    if (is(0, "ALTER", "TABLE")) {
      int end = name(2);
      adds = is(end, "ADD", "COLUMN") || is(end, "ADD", "COLUMNS");
      if (adds) {
        int unused = columns(is(end + 2, "(") ? end + 3 : end + 2);
      }
      return;
    }
    int at = is(0, "CREATE", "OR", "REPLACE") ? 3 : 1;
    if (!is(0, "CREATE") || !is(at, "TABLE")) {
      return;
    }
    at++;
    int name = is(at, "IF", "NOT", "EXISTS") ? at + 3 : at;
    int end = name(name);
    filter(is(end, "(") ? columns(end + 1) : end);
    ifNotExists = name > at;
    if (ifNotExists && !statements.isEmpty()) {
      cut(at, name);
    }
  }

  /** Where the name ends that begins at {@code at}, which is the table's. */
  private int name(int at) {
    int end = Statements.afterName(tokens, at);
    table = end > at ? text(at, end) : "";
    return end;
  }

  /** Where the list of columns ends that begins at {@code at}. */
  private int columns(int at) {
    int column = at;
    int parentheses = 0;
    int brackets = 0;
    for (int i = at; !isEnd(i); i++) {
      switch (upper(i)) {
        case "(" -> parentheses++;
        case ")" -> {
          if (parentheses-- == 0) {
            return i + 1;
          }
        }
        case "<" -> brackets++;
        case ">" -> brackets--;
        case "," -> column = parentheses == 0 && brackets == 0 ? i + 1 : column;
        case "MASK" -> {
          int end = Statements.afterName(tokens, i + 1);
          int named = Statements.afterName(tokens, column);
          boolean ofColumn = parentheses == 0 && brackets == 0 && named > column && i > named;
          if (ofColumn && end > i + 1 && !is(i - 1, "CONSTRAINT")) {
            functions.add(text(i + 1, end));
            end = is(end, "USING", "COLUMNS", "(") ? closed(end + 2) : end;
            statements.add(
                "ALTER TABLE "
                    + table
                    + " ALTER COLUMN "
                    + text(column, named)
                    + " SET "
                    + text(i, end));
            cut(i, end);
            i = end - 1;
          }
        }
        default -> {}
      }
    }
    return tokens.size() - 1;
  }

  /** Finds the filter among what follows the columns, up to a query. */
  private void filter(int at) {
    for (int i = at; !isEnd(i) && !is(i, "AS"); i = is(i, "(") ? closed(i) : i + 1) {
      if (is(i, "WITH", "ROW", "FILTER")) {
        int end = Statements.afterName(tokens, i + 3);
        if (end > i + 3 && is(end, "ON", "(")) {
          functions.add(text(i + 3, end));
          end = closed(end + 1);
          statements.add("ALTER TABLE " + table + " SET " + text(i + 1, end));
          cut(i, end);
          return;
        }
      }
    }
  }

  /** Behind the parenthesis that closes the one at {@code at}. */
  private int closed(int at) {
    int open = 0;
    for (int i = at; !isEnd(i); i++) {
      open += is(i, "(") ? 1 : is(i, ")") ? -1 : 0;
      if (open == 0) {
        return i + 1;
      }
    }
    return tokens.size() - 1;
  }

  private boolean isEnd(int at) {
    return at >= tokens.size() || tokens.get(at).getType() == Token.EOF;
  }

  private boolean is(int at, String... words) {
    for (int i = 0; i < words.length; i++) {
      if (isEnd(at + i) || !upper(at + i).equals(words[i])) {
        return false;
      }
    }
    return true;
  }

  private String upper(int at) {
    return tokens.get(at).getText().toUpperCase(Locale.ROOT);
  }

  private String text(int from, int to) {
    return Texts.between(tokens.get(from), tokens.get(to - 1));
  }

  private void cut(int from, int to) {
    int begin = tokens.get(0).getStartIndex();
    Arrays.fill(
        plain,
        tokens.get(from).getStartIndex() - begin,
        tokens.get(to - 1).getStopIndex() + 1 - begin,
        ' ');
  }

  // ---- what is done ----

  private LogicalPlan plan(ParserInterface next) throws ParseException {
    String sql = new String(plain, 0, plain.length);
    LogicalPlan plan = next.parsePlan(sql);
    if (plan instanceof CreateTableAsSelect || plan instanceof ReplaceTableAsSelect) {
      throw new Wrong(
          tokens.get(0),
          "CREATE TABLE without AS: filters and masks are set while the table is empty; INSERT"
              + " comes after");
    }
    return ServerCommand.change(
        adds ? "ALTER TABLE ADD COLUMNS" : "CREATE TABLE", server -> run(server.spark(), sql));
  }

  private void run(SparkSession spark, String sql) {
    boolean isThere = adds || spark.catalog().tableExists(table);
    if (ifNotExists && isThere) {
      return;
    }
    functions.forEach(function -> execute(spark, "DESCRIBE FUNCTION " + function));
    execute(spark, sql);
    boolean isDone = false;
    try {
      statements.forEach(statement -> execute(spark, statement));
      isDone = true;
    } finally {
      if (!isDone && !isThere) {
        execute(spark, "DROP TABLE " + table);
      }
    }
  }

  private static void execute(SparkSession spark, String sql) {
    Dataset<Row> unused = spark.sql(sql);
  }
}
