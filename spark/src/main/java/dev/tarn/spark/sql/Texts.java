package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.IdentifierContext;
import dev.tarn.spark.sql.TarnSqlParser.KindContext;
import dev.tarn.spark.sql.TarnSqlParser.MultipartIdentifierContext;
import dev.tarn.spark.sql.TarnSqlParser.PrincipalContext;
import dev.tarn.spark.sql.TarnSqlParser.PropertiesContext;
import dev.tarn.spark.sql.TarnSqlParser.PropertyContext;
import dev.tarn.spark.sql.TarnSqlParser.TagTextContext;
import dev.tarn.spark.sql.TarnSqlParser.TextContext;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.antlr.v4.runtime.CharStream;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.Token;
import org.antlr.v4.runtime.misc.Interval;
import org.antlr.v4.runtime.tree.ParseTree;
import org.apache.spark.sql.catalyst.parser.CatalystSqlParser$;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.parser.ParserUtils;
import org.apache.spark.sql.catalyst.util.StringUtils;
import scala.jdk.javaapi.CollectionConverters;

/** What is meant by the names and strings of a statement: without quotes, with parameters. */
final class Texts {
  private static final ParserInterface NAMES = CatalystSqlParser$.MODULE$;

  private final Parameters parameters;

  Texts(Parameters parameters) {
    this.parameters = parameters;
  }

  /** What was written from {@code start} on, to the end. */
  static String from(Token start) {
    CharStream sql = start.getInputStream();
    return sql.getText(Interval.of(start.getStartIndex(), sql.size() - 1));
  }

  /** What was written for a rule whose meaning is another's to read. */
  static String written(ParserRuleContext rule) {
    return between(rule.start, rule.stop);
  }

  /** What was written, both ends included. */
  static String between(Token start, Token stop) {
    return start.getInputStream().getText(Interval.of(start.getStartIndex(), stop.getStopIndex()));
  }

  /** The words of a rule, joined by underscores. */
  static String words(ParseTree rule) {
    List<String> words = new ArrayList<>();
    for (int i = 0; i < rule.getChildCount(); i++) {
      words.add(rule.getChild(i).getText());
    }
    return String.join("_", words);
  }

  static Kind kind(KindContext kind) {
    return Kind.of(words(kind));
  }

  /** A column, or a field within one, and its table. */
  record Column(List<String> table, List<String> column) {}

  /** A field within a column can only be told from a table's parts when these are all there. */
  static Column column(MultipartIdentifierContext at, List<String> name) {
    if (name.size() < 2) {
      throw new Wrong(at.start, "table.column");
    }
    int table = Math.min(3, name.size() - 1);
    return new Column(name.subList(0, table), name.subList(table, name.size()));
  }

  String tag(TagTextContext tag) {
    return tag.text() == null ? identifier(tag.identifier()) : text(tag.text());
  }

  /** Sorted; in Spark's patterns {@code *} is anything and {@code |} is or. */
  static Stream<String> matching(Stream<String> names, String pattern) {
    List<String> sorted = names.sorted().toList();
    return CollectionConverters.asJava(
        StringUtils.filterPattern(CollectionConverters.asScala(sorted).toList(), pattern))
        .stream();
  }

  String text(TextContext text) {
    if (text.parameter() == null) {
      return text.stringLit().stream()
          .map(literal -> ParserUtils.unescapeSQLString(literal.getText(), false))
          .collect(Collectors.joining());
    }
    IdentifierContext name = text.parameter().identifier();
    String value;
    try {
      value = parameters.text(name == null ? null : identifier(name));
    } catch (IllegalArgumentException e) {
      throw new Wrong(text.start, "a string for " + text.getText() + ", not " + e.getMessage());
    }
    if (value == null) {
      throw new Wrong(text.start, "a value for the parameter " + text.getText());
    }
    return value;
  }

  static String identifier(IdentifierContext identifier) {
    String text = identifier.getText();
    return identifier.BACKQUOTED_IDENTIFIER() == null
        ? text
        : text.substring(1, text.length() - 1).replace("``", "`");
  }

  /**
   * @param name may be null
   * @return its parts; none when there is no name
   */
  List<String> name(MultipartIdentifierContext name) {
    if (name == null) {
      return List.of();
    }
    if (name.text() == null) {
      return name.identifier().stream().map(Texts::identifier).toList();
    }
    try {
      return CollectionConverters.asJava(NAMES.parseMultipartIdentifier(text(name.text())));
    } catch (ParseException e) {
      throw new Wrong(name.text().start, "a name in IDENTIFIER(...)");
    }
  }

  String principal(PrincipalContext principal) {
    return principal.identifier() == null
        ? text(principal.text())
        : identifier(principal.identifier());
  }

  ObjectNode properties(PropertiesContext properties) {
    ObjectNode all = CatalogServer.JSON.createObjectNode();
    for (PropertyContext property : properties.property()) {
      String key =
          property.propertyKey().text() == null
              ? property.propertyKey().identifier().stream()
                  .map(Texts::identifier)
                  .collect(Collectors.joining("."))
              : text(property.propertyKey().text());
      all.put(key, text(property.text()));
    }
    return all;
  }

  static String quoted(List<String> name) {
    return name.stream()
        .map(part -> "`" + part.replace("`", "``") + "`")
        .collect(Collectors.joining("."));
  }

  static String literal(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
