package dev.tarn.database;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jdbi.v3.core.statement.DefaultStatementBuilder;
import org.jdbi.v3.core.statement.StatementContext;

/**
 * The prepared statements of one connection, kept for whoever asks the same next: SQLite compiles a
 * text each time it is prepared. One that is in use is nobody else's. By the time it is given back
 * its rows are closed, so that it holds no snapshot.
 */
final class KeptStatements extends DefaultStatementBuilder {
  private static final int MOST = 200;

  /** Those that nobody uses, by their text, the one that was used last at the end. */
  private final SequencedMap<String, PreparedStatement> idle = new LinkedHashMap<>();

  @Override
  public PreparedStatement create(Connection connection, String sql, StatementContext context)
      throws SQLException {
    PreparedStatement kept = idle.remove(sql);
    return kept == null ? super.create(connection, sql, context) : kept;
  }

  @Override
  public void close(Connection connection, String sql, Statement statement) throws SQLException {
    if (!(statement instanceof PreparedStatement prepared) || prepared.isClosed()) {
      super.close(connection, sql, statement);
      return;
    }
    prepared.clearParameters();
    PreparedStatement same = idle.put(sql, prepared);
    if (same == null && idle.size() > MOST) {
      same = idle.pollFirstEntry().getValue();
    }
    if (same != null) {
      same.close();
    }
  }
}
