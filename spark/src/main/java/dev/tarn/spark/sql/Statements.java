package dev.tarn.spark.sql;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.Token;

/**
 * Which statements are ours, told by how they begin, and how each is written.
 *
 * <p>A beginning is a list of words: {@code A|B} is one or the other, {@code NAME} a name of any
 * number of parts, {@code ...} anything in between.
 */
final class Statements {
  /** A statement: its beginning, and the whole of it as documented. */
  record Form(List<String> beginning, String usage) {}

  private static final List<Form> FORMS = new ArrayList<>();

  /** Every kind of object that has an owner and a comment. */
  private static final List<String> KINDS =
      List.of(
          "CATALOG",
          "SCHEMA|DATABASE",
          "TABLE|VIEW|VOLUME|FUNCTION|PROCEDURE|MODEL",
          "STREAMING TABLE",
          "MATERIALIZED VIEW",
          "EXTERNAL LOCATION|METADATA",
          "STORAGE|SERVICE CREDENTIAL",
          "CREDENTIAL|CONNECTION|SHARE|RECIPIENT|PROVIDER",
          "CLEAN ROOM");

  static {
    form("GRANT", "GRANT privilege [, ...] ON securable TO principal");
    form("REVOKE", "REVOKE privilege [, ...] ON securable FROM principal");
    form("SHOW GRANT|GRANTS", "SHOW GRANTS [principal] ON securable");
    form(
        "CREATE CATALOG",
        "CREATE CATALOG [IF NOT EXISTS] name [MANAGED LOCATION 'url'] [COMMENT 'text']"
            + " [PROPERTIES (key = 'value', ...)]");
    form("DROP CATALOG", "DROP CATALOG [IF EXISTS] name [RESTRICT | CASCADE]");
    form("USE CATALOG NAME", "USE CATALOG name");
    form("DESC|DESCRIBE CATALOG NAME", "DESCRIBE CATALOG [EXTENDED] name");
    form("SHOW CATALOGS", "SHOW CATALOGS [[LIKE] 'pattern']");
    form(
        "CREATE SCHEMA|DATABASE ... MANAGED LOCATION",
        "CREATE SCHEMA [IF NOT EXISTS] name [MANAGED LOCATION 'url'] [COMMENT 'text']"
            + " [WITH DBPROPERTIES (key = 'value', ...)]");
    form("COMMENT ON COLUMN", "COMMENT ON COLUMN table.column IS {NULL | 'text'}");
    for (String kind : KINDS) {
      // Spark has these two, and what it makes of them reaches the table's own files.
      if (!kind.equals("SCHEMA|DATABASE")) {
        form(
            "COMMENT ON " + kind.replace("TABLE|", ""),
            "COMMENT ON " + shown(kind.replace("TABLE|", "")) + " name IS {NULL | 'text'}");
      }
      for (String name : List.of("", " NAME")) {
        for (String set : List.of("", " SET")) {
          form(
              "ALTER " + kind + name + set + " OWNER TO",
              "ALTER " + shown(kind) + " name [SET] OWNER TO principal");
        }
        form(
            "ALTER " + kind + name + " ENABLE|DISABLE|INHERIT PREDICTIVE",
            "ALTER " + shown(kind) + " name {ENABLE | DISABLE | INHERIT} PREDICTIVE OPTIMIZATION");
      }
    }
  }

  private static final Set<String> FIRST_WORDS =
      FORMS.stream()
          .flatMap(form -> Arrays.stream(form.beginning.get(0).split("\\|")))
          .collect(Collectors.toUnmodifiableSet());

  private Statements() {}

  private static void form(String beginning, String usage) {
    FORMS.add(new Form(List.of(beginning.split(" ")), usage));
  }

  private static String shown(String kind) {
    return kind.indexOf('|') < 0 ? kind : "{" + kind.replace("|", " | ") + "}";
  }

  /** The statement's words, all of them only when its first is one of ours. */
  static List<Token> tokens(String sql) {
    TarnSqlLexer lexer = new TarnSqlLexer(CharStreams.fromString(sql));
    lexer.removeErrorListeners();
    List<Token> tokens = new ArrayList<>();
    Token token = lexer.nextToken();
    while (true) {
      if (token.getChannel() == Token.DEFAULT_CHANNEL) {
        if (tokens.isEmpty() && !FIRST_WORDS.contains(upper(token))) {
          return List.of();
        }
        tokens.add(token);
      }
      if (token.getType() == Token.EOF) {
        return tokens;
      }
      token = lexer.nextToken();
    }
  }

  static Optional<Form> form(List<Token> tokens) {
    return tokens.isEmpty()
        ? Optional.empty()
        : FORMS.stream().filter(form -> begins(tokens, 0, form.beginning)).findFirst();
  }

  private static boolean begins(List<Token> tokens, int at, List<String> words) {
    if (words.isEmpty()) {
      return true;
    }
    List<String> rest = words.subList(1, words.size());
    switch (words.get(0)) {
      case "NAME" -> {
        int end = afterName(tokens, at);
        return end > at && begins(tokens, end, rest);
      }
      case "..." -> {
        for (int i = at; i < tokens.size(); i++) {
          if (begins(tokens, i, rest)) {
            return true;
          }
        }
        return false;
      }
      default -> {
        return Arrays.asList(words.get(0).split("\\|")).contains(upper(tokens.get(at)))
            && begins(tokens, at + 1, rest);
      }
    }
  }

  /** Where the name that begins at {@code at} ends; {@code at} when there is none. */
  private static int afterName(List<Token> tokens, int at) {
    if (upper(tokens.get(at)).equals("IDENTIFIER") && upper(tokens.get(at + 1)).equals("(")) {
      int i = at;
      while (i < tokens.size() - 1 && !upper(tokens.get(i)).equals(")")) {
        i++;
      }
      return i + 1;
    }
    int i = at;
    while (isNamePart(tokens.get(i))) {
      i++;
      if (!tokens.get(i).getText().equals(".")) {
        return i;
      }
      i++;
    }
    return at;
  }

  private static boolean isNamePart(Token token) {
    int first = token.getType() == Token.EOF ? 0 : token.getText().codePointAt(0);
    return first == '`' || first == '_' || Character.isLetterOrDigit(first);
  }

  private static String upper(Token token) {
    return token.getText().toUpperCase(Locale.ROOT);
  }
}
