package dev.tarn.spark.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.antlr.v4.runtime.BaseErrorListener;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.Recognizer;
import org.antlr.v4.runtime.Token;
import org.antlr.v4.runtime.Vocabulary;
import org.antlr.v4.runtime.misc.IntervalSet;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserUtils;
import scala.$less$colon$less$;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/** What is wrong in a statement of ours: where, what was expected there, and how it is written. */
final class Complaint extends BaseErrorListener {
  private final String sql;
  private final Statements.Form form;
  private Token at;
  private String expected;

  Complaint(String sql, Statements.Form form) {
    this.sql = sql;
    this.form = form;
  }

  @Override
  public void syntaxError(
      Recognizer<?, ?> recognizer,
      Object offending,
      int line,
      int column,
      String message,
      RecognitionException e) {
    if (at == null) {
      TarnSqlParser parser = (TarnSqlParser) recognizer;
      at = (Token) offending;
      expected =
          listed(
              e != null && e.getExpectedTokens() != null
                  ? e.getExpectedTokens()
                  : parser.getExpectedTokens());
    }
  }

  /** Names are many words; they are said as what they are. */
  private static String listed(IntervalSet tokens) {
    Vocabulary words = TarnSqlParser.VOCABULARY;
    boolean name = tokens.contains(TarnSqlParser.IDENTIFIER);
    List<String> all = new ArrayList<>();
    for (int token : tokens.toList()) {
      String literal = words.getLiteralName(token);
      if (token == TarnSqlParser.STRING_LITERAL) {
        all.add("a string");
      } else if (token == Token.EOF) {
        all.add("the end");
      } else if (literal != null && !name && !literal.equals("':'") && !literal.equals("'?'")) {
        all.add(literal.matches("'\\w+'") ? literal.substring(1, literal.length() - 1) : literal);
      }
    }
    if (name) {
      all.add(0, "a name");
    }
    return all.isEmpty() || all.size() > 8 ? "" : String.join(", ", all) + "; ";
  }

  void raise() throws ParseException {
    if (at != null) {
      String seen = at.getType() == Token.EOF ? "end of input" : "'" + at.getText() + "'";
      String hint = ": expected " + expected + form.usage();
      if (seen.equals("'@'") || seen.equals("'-'")) {
        hint += "; a name with special characters is written in backticks";
      }
      throw error(sql, at, seen, hint);
    }
  }

  static ParseException error(String sql, Token at, String seen, String hint) {
    scala.collection.immutable.Map<String, String> parameters =
        CollectionConverters.asScala(Map.of("error", seen, "hint", hint))
            .toMap($less$colon$less$.MODULE$.refl());
    return new ParseException(
        Option.apply(sql), ParserUtils.position(at), "PARSE_SYNTAX_ERROR", parameters);
  }
}
