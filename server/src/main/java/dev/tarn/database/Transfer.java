package dev.tarn.database;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;

/**
 * All rows from one database to another with the same tables: how a backup of PostgreSQL becomes a
 * file, and a file a PostgreSQL. Both sides were migrated by the same version before.
 */
final class Transfer {
  private static final int BATCH = 1000;

  private Transfer() {}

  /** Into a new file, as one snapshot. */
  static void toSqlite(Connection postgres, Path file) throws SQLException {
    Sqlite.open(file).close();
    postgres.setAutoCommit(false);
    postgres.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    postgres.setReadOnly(true);
    try (Connection sqlite = Sqlite.connect("jdbc:sqlite:" + file)) {
      run(sqlite, "PRAGMA foreign_keys=OFF"); // the snapshot has them whole, in any order of tables
      sqlite.setAutoCommit(false);
      for (String table : tables(sqlite)) {
        run(sqlite, "DELETE FROM " + table); // what migrations put there
        copy(postgres, sqlite, table);
      }
      sqlite.commit();
      sqlite.setAutoCommit(true);
      run(sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
      run(sqlite, "PRAGMA journal_mode=DELETE"); // one file, nothing beside it
    } finally {
      postgres.rollback();
    }
  }

  /**
   * @param by noted in the database: one that the same filled may be filled again
   * @throws IllegalStateException there is an account already
   */
  static void toPostgres(Path file, DatabaseUrl url, String by) throws SQLException {
    try (Connection sqlite = Sqlite.connect("jdbc:sqlite:" + file);
        Connection postgres = Postgres.connect(url)) {
      postgres.setAutoCommit(false);
      try (Statement statement = postgres.createStatement();
          ResultSet row =
              statement.executeQuery(
                  "SELECT count(*), obj_description('account'::regclass) FROM account")) {
        if (row.next() && row.getLong(1) > 0 && !by.equals(row.getString(2))) {
          throw new IllegalStateException(
              "the database "
                  + url
                  + " holds an account already (expected: an empty one, which the setting"
                  + " database names)");
        }
      }
      List<String[]> keys = foreignKeys(postgres);
      for (String[] key : keys) {
        run(postgres, "ALTER TABLE " + key[0] + " DROP CONSTRAINT \"" + key[1] + "\"");
      }
      for (String table : tables(sqlite)) {
        run(postgres, "DELETE FROM " + table);
        copy(sqlite, postgres, table);
      }
      for (String[] key : keys) {
        run(postgres, "ALTER TABLE " + key[0] + " ADD CONSTRAINT \"" + key[1] + "\" " + key[2]);
      }
      run(postgres, "COMMENT ON TABLE account IS '" + by.replace("'", "''") + "'");
      postgres.commit();
    }
  }

  private static List<String> tables(Connection sqlite) throws SQLException {
    List<String> tables = new ArrayList<>();
    try (Statement statement = sqlite.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                  AND name <> 'flyway_schema_history' ORDER BY name
                """)) {
      while (rows.next()) {
        tables.add(rows.getString(1));
      }
    }
    return tables;
  }

  /** Table, name and definition of each. */
  private static List<String[]> foreignKeys(Connection postgres) throws SQLException {
    List<String[]> keys = new ArrayList<>();
    try (Statement statement = postgres.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
                FROM pg_constraint WHERE contype = 'f'
                  AND connamespace = current_schema()::regnamespace
                """)) {
      while (rows.next()) {
        keys.add(new String[] {rows.getString(1), rows.getString(2), rows.getString(3)});
      }
    }
    return keys;
  }

  private static void copy(Connection from, Connection to, String table) throws SQLException {
    try (Statement reading = from.createStatement()) {
      reading.setFetchSize(BATCH);
      try (ResultSet rows = reading.executeQuery("SELECT * FROM " + table)) {
        List<String> columns = new ArrayList<>();
        for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
          columns.add(rows.getMetaData().getColumnName(i));
        }
        String names = String.join(", ", columns);
        int[] types = new int[columns.size()];
        try (Statement looking = to.createStatement();
            ResultSet none =
                looking.executeQuery("SELECT " + names + " FROM " + table + " WHERE 1 = 0")) {
          for (int i = 0; i < types.length; i++) {
            types[i] = none.getMetaData().getColumnType(i + 1);
          }
        }
        String marks = String.join(", ", columns.stream().map(column -> "?").toList());
        try (PreparedStatement writing =
            to.prepareStatement(
                "INSERT INTO " + table + " (" + names + ") VALUES (" + marks + ")")) {
          int waiting = 0;
          while (rows.next()) {
            for (int i = 0; i < types.length; i++) {
              writing.setObject(i + 1, value(rows, i + 1, types[i]));
            }
            writing.addBatch();
            if (++waiting % BATCH == 0) {
              writing.executeBatch();
            }
          }
          writing.executeBatch();
        }
      }
    }
  }

  /** SQLite keeps a boolean as a number and says so of no value. */
  private static Object value(ResultSet row, int column, int type) throws SQLException {
    Object value = row.getObject(column);
    if (value == null) {
      return null;
    }
    return switch (type) {
      case Types.BIT, Types.BOOLEAN -> row.getBoolean(column);
      case Types.BIGINT -> row.getLong(column);
      case Types.INTEGER, Types.SMALLINT ->
          value instanceof Boolean truth ? (Object) (truth ? 1 : 0) : (Object) row.getLong(column);
      default -> value;
    };
  }

  private static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
