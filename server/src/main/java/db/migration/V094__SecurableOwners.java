package db.migration;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.flywaydb.core.api.migration.BaseJavaMigration;
import org.flywaydb.core.api.migration.Context;

/**
 * Owners were names within documents; from here on they are ids in a column. Not in SQL, as the
 * databases read JSON each in their own way.
 */
public final class V094__SecurableOwners extends BaseJavaMigration {
  @Override
  public void migrate(Context context) throws SQLException {
    Connection connection = context.getConnection();
    Map<String, Long> ids = ids(connection);
    Map<String, String> documents = new LinkedHashMap<>();
    Map<String, Long> owners = new HashMap<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                SELECT securable_id, document FROM securable WHERE document LIKE '%"owner":%'
                """)) {
      while (rows.next()) {
        ObjectNode document = (ObjectNode) Json.tree(rows.getString(2));
        JsonNode owner = document.remove("owner");
        if (owner != null) { // else it is the name of a property
          owners.put(rows.getString(1), ids.get(owner.asText().toLowerCase(Locale.ROOT)));
          documents.put(rows.getString(1), Json.write(document));
        }
      }
    }
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT metastore_id, document FROM metastore")) {
      while (rows.next()) {
        String owner = Json.tree(rows.getString(2)).path("owner").asText();
        owners.put(rows.getString(1), ids.get(owner.toLowerCase(Locale.ROOT)));
        documents.put(rows.getString(1), "{}");
      }
    }
    try (PreparedStatement update =
        connection.prepareStatement(
            "UPDATE securable SET owner_id = ?, document = ? WHERE securable_id = ?")) {
      for (Map.Entry<String, String> document : documents.entrySet()) {
        update.setObject(1, owners.get(document.getKey()), java.sql.Types.BIGINT);
        update.setString(2, document.getValue());
        update.setString(3, document.getKey());
        update.addBatch();
      }
      update.executeBatch();
    }
  }

  /** Ids by the names in lower case under which principals are known, or were. */
  private static Map<String, Long> ids(Connection connection) throws SQLException {
    Map<String, Long> ids = new HashMap<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                SELECT principal_id, name, 2 FROM former_principal
                UNION ALL SELECT principal_id, display_name, 1 FROM principal
                  WHERE kind = 'GROUP' AND workspace_id IS NULL
                UNION ALL SELECT principal_id, name, 0 FROM principal WHERE kind <> 'GROUP'
                ORDER BY 3 DESC
                """)) {
      while (rows.next()) {
        ids.put(rows.getString(2).toLowerCase(Locale.ROOT), rows.getLong(1));
      }
    }
    return ids;
  }
}
