package dev.tarn.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the server's copy of a Delta table's columns, comment and properties fresh.
 *
 * <p>Delta tells no catalog of ALTER, schema evolution or REPLACE; but each of them is a commit
 * with a {@code metaData} action, and all commits pass {@link FolderLogStore}. So the copy is sent
 * right after the commit, before the statement is answered. What slips by (a kill in between,
 * another writer) is noticed and mended when the table is next loaded.
 */
public final class CatalogCopies {
  private static final Logger LOG = LoggerFactory.getLogger(CatalogCopies.class);
  private static final Map<String, Registered> BY_LOCATION = new ConcurrentHashMap<>();

  private CatalogCopies() {}

  private record Registered(String urlName, Sessions.Session loadedBy) {}

  /** A table of the catalog was loaded or created; later commits to its location concern it. */
  public static void registered(String location, String urlName, Sessions.Session by) {
    BY_LOCATION.put(new Path(location).toString(), new Registered(urlName, by));
  }

  static void committed(Path location, String action) {
    Registered table = BY_LOCATION.get(location.toString());
    if (table == null) {
      // Its first commit: creating it in the catalog follows, with the columns of this commit.
      return;
    }
    try {
      JsonNode metaData = CatalogServer.JSON.readTree(action).path("metaData");
      Map<String, String> properties = new LinkedHashMap<>();
      metaData
          .path("configuration")
          .properties()
          .forEach(e -> properties.put(e.getKey(), e.getValue().asText()));
      List<String> partitionColumns =
          CatalogServer.JSON.convertValue(
              metaData.path("partitionColumns"),
              CatalogServer.JSON
                  .getTypeFactory()
                  .constructCollectionType(List.class, String.class));
      Sessions.Session session = Sessions.activeOrNull();
      send(
          table.urlName,
          session == null ? table.loadedBy : session,
          (StructType) DataType.fromJson(metaData.path("schemaString").asText()),
          partitionColumns,
          metaData.path("description").asText(null),
          properties);
    } catch (CatalogError | JsonProcessingException e) {
      // The commit stands whatever the catalog says; the next load of the table mends the copy.
      LOG.warn("the catalog's copy of {} is behind: {}", table.urlName, e.getMessage());
    }
  }

  public static void send(
      String urlName,
      Sessions.Session by,
      StructType schema,
      List<String> partitionColumns,
      String comment,
      Map<String, String> properties) {
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    body.set("columns", Columns.toJson(schema, partitionColumns));
    body.put("comment", comment);
    body.set("properties", CatalogServer.JSON.valueToTree(properties));
    // By the engine: who reads a table whose copy is behind may mend it, and change nothing else.
    Sessions.server().patch(by.call().byEngine(), "tables/" + urlName, body);
  }
}
