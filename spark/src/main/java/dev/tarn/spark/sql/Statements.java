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
    form("CREATE VOLUME", "CREATE VOLUME [IF NOT EXISTS] name [COMMENT 'text']");
    form(
        "CREATE EXTERNAL VOLUME",
        "CREATE EXTERNAL VOLUME [IF NOT EXISTS] name LOCATION 'url' [COMMENT 'text']");
    form("ALTER VOLUME NAME RENAME", "ALTER VOLUME name RENAME TO name");
    form("DROP VOLUME", "DROP VOLUME [IF EXISTS] name");
    form("DESC|DESCRIBE VOLUME NAME", "DESCRIBE VOLUME name");
    form("SHOW VOLUMES", "SHOW VOLUMES [{FROM | IN} schema] [[LIKE] 'pattern']");
    form("LIST", "LIST '/Volumes/catalog/schema/volume[/path]' [LIMIT number]");
    form("REMOVE", "REMOVE '/Volumes/catalog/schema/volume/path'");
    form("PUT", "PUT 'file' INTO '/Volumes/catalog/schema/volume/path' [OVERWRITE]");
    form("GET", "GET '/Volumes/catalog/schema/volume/path' TO 'file'");
    form(
        "COPY INTO",
        "COPY INTO table [BY POSITION | (column, ...)] FROM {'path' | (SELECT expression, ... FROM"
            + " 'path')} FILEFORMAT = format [FILES = ('file', ...) | PATTERN = 'glob']"
            + " [FORMAT_OPTIONS ('key' = 'value', ...)]"
            + " [COPY_OPTIONS ({'force' | 'mergeSchema'} = 'true', ...)]");
    form(
        "CREATE EXTERNAL LOCATION",
        "CREATE EXTERNAL LOCATION [IF NOT EXISTS] name URL 'url' WITH (STORAGE CREDENTIAL name)"
            + " [COMMENT 'text']");
    form(
        "ALTER EXTERNAL LOCATION NAME RENAME|SET RENAME|TO|URL|STORAGE",
        "ALTER EXTERNAL LOCATION name {RENAME TO name | SET URL 'url' [FORCE]"
            + " | SET STORAGE CREDENTIAL name [FORCE]}");
    form("DROP EXTERNAL LOCATION", "DROP EXTERNAL LOCATION [IF EXISTS] name [FORCE]");
    form("DESC|DESCRIBE EXTERNAL LOCATION", "DESCRIBE EXTERNAL LOCATION name");
    form("SHOW EXTERNAL LOCATIONS", "SHOW EXTERNAL LOCATIONS [[LIKE] 'pattern']");
    for (String credential : List.of("STORAGE|SERVICE CREDENTIAL", "CREDENTIAL")) {
      String shown = "[STORAGE | SERVICE] CREDENTIAL";
      form("ALTER " + credential + " NAME RENAME", "ALTER " + shown + " name RENAME TO name");
      form("DROP " + credential, "DROP " + shown + " [IF EXISTS] name [FORCE]");
      form("DESC|DESCRIBE " + credential + " NAME", "DESCRIBE " + shown + " name");
      form("SHOW " + credential + "S", "SHOW " + shown + "S [[LIKE] 'pattern']");
    }
    form("SET TAG ON", "SET TAG ON {kind | COLUMN} name key [= value]");
    form("UNSET TAG ON", "UNSET TAG ON {kind | COLUMN} name key");
    for (String kind : List.of("TABLE", "STREAMING TABLE", "MATERIALIZED VIEW")) {
      form(
          "ALTER " + kind + " NAME SET ROW",
          "ALTER " + kind + " name SET ROW FILTER function ON ([column | constant, ...])");
      form("ALTER " + kind + " NAME DROP ROW", "ALTER " + kind + " name DROP ROW FILTER");
      for (String column : List.of("", " COLUMN")) {
        String begin = "ALTER " + kind + " NAME ALTER" + column + " NAME ";
        String shown = "ALTER " + kind + " name ALTER COLUMN column ";
        form(
            begin + "SET MASK",
            shown + "SET MASK function [USING COLUMNS (column | constant, ...)]");
        form(begin + "DROP MASK", shown + "DROP MASK");
        form(begin + "SET TAGS", shown + "SET TAGS ('key' = 'value', ...)");
        form(begin + "UNSET TAGS", shown + "UNSET TAGS ('key', ...)");
      }
    }
    for (String replace : List.of("", "OR REPLACE ")) {
      form(
          "CREATE " + replace + "POLICY",
          "CREATE [OR REPLACE] POLICY name ON {CATALOG | SCHEMA | TABLE} name [COMMENT 'text']"
              + " {ROW FILTER | COLUMN MASK} function TO principal, ... [EXCEPT principal, ...]"
              + " FOR TABLES [WHEN condition] [MATCH COLUMNS condition [[AS] alias], ...]"
              + " [ON COLUMN alias] [USING COLUMNS (alias | constant, ...)]");
    }
    form("DROP POLICY", "DROP POLICY name ON {CATALOG | SCHEMA | TABLE} name");
    form("DESC|DESCRIBE POLICY NAME ON", "DESCRIBE POLICY name ON {CATALOG | SCHEMA | TABLE} name");
    String showPolicies = "SHOW [EFFECTIVE] POLICIES ON {CATALOG | SCHEMA | TABLE} name";
    form("SHOW POLICIES", showPolicies);
    form("SHOW EFFECTIVE POLICIES", showPolicies);
    for (String named : List.of("", "CONSTRAINT NAME ")) {
      form(
          "ALTER TABLE NAME ADD " + named + "PRIMARY|FOREIGN KEY",
          "ALTER TABLE name ADD [CONSTRAINT name] {PRIMARY KEY (column [TIMESERIES], ...)"
              + " | FOREIGN KEY (column, ...) REFERENCES table [(column, ...)]}"
              + " [NOT ENFORCED] [RELY | NORELY]");
    }
    form(
        "ALTER TABLE NAME DROP CONSTRAINT",
        "ALTER TABLE name DROP CONSTRAINT [IF EXISTS] name [RESTRICT | CASCADE]");
    form(
        "ALTER TABLE NAME DROP PRIMARY|FOREIGN",
        "ALTER TABLE name DROP {PRIMARY KEY [IF EXISTS] [RESTRICT | CASCADE]"
            + " | FOREIGN KEY [IF EXISTS] (column, ...)}");
    for (String create :
        List.of("CREATE TABLE ", "CREATE OR REPLACE TABLE ", "CREATE TABLE IF NOT EXISTS ")) {
      for (String deep : List.of("CLONE", "DEEP|SHALLOW CLONE")) {
        form(
            create + "NAME " + deep,
            "CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name [DEEP] CLONE source"
                + " [TBLPROPERTIES ('key' = 'value', ...)] [LOCATION 'url']");
      }
    }
    form("UNDROP", "UNDROP TABLE {name | WITH ID 'id'}");
    form("SHOW TABLES DROPPED", "SHOW TABLES DROPPED [{FROM | IN} schema] [LIMIT number]");
    for (String replace : List.of("", "OR REPLACE ")) {
      form(
          "CREATE " + replace + "FUNCTION",
          "CREATE [OR REPLACE] FUNCTION [IF NOT EXISTS] name ([parameter type [DEFAULT value], ...])"
              + " [RETURNS {type | TABLE (column type, ...)}] RETURN {expression | query}");
    }
    form("DROP FUNCTION", "DROP FUNCTION [IF EXISTS] name");
    form("DESC|DESCRIBE FUNCTION NAME", "DESCRIBE FUNCTION [EXTENDED] name");
    String showFunctions =
        "SHOW [USER | SYSTEM | ALL] FUNCTIONS [{FROM | IN} schema] [[LIKE] 'pattern']";
    form("SHOW FUNCTIONS", showFunctions);
    form("SHOW USER|SYSTEM|ALL FUNCTIONS", showFunctions);
    for (String kind : KINDS) {
      form(
          "ALTER " + kind + " NAME SET TAGS",
          "ALTER " + shown(kind) + " name SET TAGS ('key' = 'value', ...)");
      form(
          "ALTER " + kind + " NAME UNSET TAGS",
          "ALTER " + shown(kind) + " name UNSET TAGS ('key', ...)");
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
  static int afterName(List<Token> tokens, int at) {
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
