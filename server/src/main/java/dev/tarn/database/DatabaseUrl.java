package dev.tarn.database;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Properties;

/**
 * Where the database is: a file, or {@code postgresql://user:password@host:port/database}. Never
 * shown with its password.
 */
public final class DatabaseUrl {
  private static final String EXPECTED =
      " (expected: sqlite, or postgresql://user@host:port/database)";

  private final Path file;
  private final URI server;
  private final String user;
  private final String password;

  private DatabaseUrl(Path file, URI server, String user, String password) {
    this.file = file;
    this.server = server;
    this.user = user;
    this.password = password;
  }

  public static DatabaseUrl ofFile(Path file) {
    return new DatabaseUrl(file, null, null, null);
  }

  /**
   * Reads the setting. Without a password in it or in {@code passwordFile} the driver looks into
   * {@code PGPASSFILE}, as PostgreSQL's own clients do.
   *
   * @param text {@code sqlite}, or {@code postgresql://…}; what follows {@code ?} goes to the
   *     driver, such as {@code sslmode=verify-full}
   * @param file of SQLite
   * @param passwordFile its first line is the password; null for none
   * @throws IllegalArgumentException it is neither; the message does not repeat the password
   */
  public static DatabaseUrl parse(String text, Path file, Path passwordFile) {
    if (text.equals("sqlite")) {
      return ofFile(file);
    }
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      // Its message would show the password.
      throw new IllegalArgumentException(
          "database: what follows '" + text.replaceFirst("(?s):.*", "") + ":' is no URL" + EXPECTED,
          null);
    }
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    String name = uri.getPath() == null ? "" : uri.getPath().replaceFirst("^/", "");
    if (!(scheme.equals("postgresql") || scheme.equals("postgres"))
        || uri.getHost() == null
        || name.isEmpty()
        || uri.getRawUserInfo() == null
        || uri.getRawUserInfo().startsWith(":")
        || String.valueOf(uri.getQuery()).contains("password=")) {
      throw new IllegalArgumentException(
          "database: '" + new DatabaseUrl(null, uri, null, null) + "'" + EXPECTED);
    }
    String[] who = uri.getRawUserInfo().split(":", 2);
    String password = who.length == 2 ? decoded(who[1]) : null;
    if (password == null && passwordFile != null) {
      try {
        password = Files.readString(passwordFile).lines().findFirst().orElse("").strip();
      } catch (IOException e) {
        throw new IllegalArgumentException(
            "database.password_file: cannot read " + passwordFile + ": " + e, e);
      }
    }
    return new DatabaseUrl(null, uri, decoded(who[0]), password);
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  public boolean isPostgres() {
    return server != null;
  }

  /** Of SQLite. */
  Path file() {
    return file;
  }

  /** {@code host:port} of PostgreSQL. */
  String place() {
    return server.getHost() + ":" + (server.getPort() < 0 ? 5432 : server.getPort());
  }

  String user() {
    return user;
  }

  /** The database's name. */
  String name() {
    return server.getPath().replaceFirst("^/", "");
  }

  /** For the driver; holds no password. */
  String jdbc() {
    return "jdbc:postgresql://"
        + place()
        + server.getRawPath()
        + (server.getRawQuery() == null ? "" : "?" + server.getRawQuery());
  }

  /** For the driver; holds the password, where there is one. */
  Properties credentials() {
    Properties properties = new Properties();
    properties.setProperty("user", user);
    if (password != null) {
      properties.setProperty("password", password);
    }
    return properties;
  }

  /** Without the password. */
  @Override
  public String toString() {
    if (server == null) {
      return String.valueOf(file);
    }
    return server.getScheme()
        + "://"
        + (user == null ? "" : user + "@")
        + server
            .getRawSchemeSpecificPart()
            .replaceFirst("^//([^/]*@)?", "")
            .replaceFirst("\\?.*", "");
  }
}
