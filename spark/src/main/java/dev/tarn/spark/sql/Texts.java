package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.IdentifierContext;
import dev.tarn.spark.sql.TarnSqlParser.MultipartIdentifierContext;
import dev.tarn.spark.sql.TarnSqlParser.PrincipalContext;
import dev.tarn.spark.sql.TarnSqlParser.PropertiesContext;
import dev.tarn.spark.sql.TarnSqlParser.PropertyContext;
import dev.tarn.spark.sql.TarnSqlParser.TextContext;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.parser.CatalystSqlParser$;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.parser.ParserUtils;
import scala.jdk.javaapi.CollectionConverters;

/** What is meant by the names and strings of a statement: without quotes, with parameters. */
final class Texts {
  private static final ParserInterface NAMES = CatalystSqlParser$.MODULE$;

  private final Parameters parameters;

  Texts(Parameters parameters) {
    this.parameters = parameters;
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
