package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.spark.Call;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.Sessions;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogManager;

/**
 * The server's API in the name of whose session it is, and names as that session completes them.
 */
final class OnServer {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS", Locale.ROOT);

  private final SparkSession spark;
  private final CatalogServer server = Sessions.server();
  private final Call call = Sessions.active().call();

  OnServer(SparkSession spark) {
    this.spark = spark;
  }

  JsonNode get(String path) {
    return server.get(call, path);
  }

  JsonNode post(String path, JsonNode body) {
    return server.post(call, path, body);
  }

  JsonNode put(String path, JsonNode body) {
    return server.put(call, path, body);
  }

  JsonNode patch(String path, JsonNode body) {
    return server.patch(call, path, body);
  }

  JsonNode delete(String path) {
    return server.delete(call, path);
  }

  /** Changes what may be missing; false when it is. */
  static boolean ifThere(Runnable change) {
    try {
      change.run();
      return true;
    } catch (CatalogError e) {
      if (e.isNotFound()) {
        return false;
      }
      throw e;
    }
  }

  List<JsonNode> list(String path, String field) {
    return server.list(call, path, field);
  }

  /** A name with all its parts: what is missing in front is current. */
  List<String> complete(Kind kind, List<String> given) {
    if (given.size() > kind.parts) {
      throw new IllegalArgumentException(
          kind.words()
              + " "
              + String.join(".", given)
              + " (expected: a name of at most "
              + kind.parts
              + (kind.parts == 1 ? " part)" : " parts)"));
    }
    List<String> parents = home();
    int missing = kind.parts - given.size();
    if (missing > parents.size() || (given.isEmpty() && kind != Kind.CATALOG && kind.parts != 2)) {
      throw new IllegalArgumentException(kind.words() + " (expected: its name)");
    }
    List<String> whole = new ArrayList<>(parents.subList(0, missing));
    whole.addAll(given);
    return whole;
  }

  /** Where an object is in the API, for instance {@code tables/main.default.t}. */
  String path(Kind kind, List<String> name) {
    return kind.collection + "/" + urlName(kind, name);
  }

  String urlName(Kind kind, List<String> name) {
    return CatalogServer.fullName(complete(kind, name).toArray(new String[0]));
  }

  /** The current catalog and schema. */
  List<String> home() {
    CatalogManager current = spark.sessionState().catalogManager();
    List<String> home = new ArrayList<>();
    home.add(current.currentCatalog().name());
    home.addAll(Arrays.asList(current.currentNamespace()));
    return home;
  }

  SparkSession spark() {
    return spark;
  }

  /** {@code catalog_name=…&schema_name=…} of a schema. */
  String schemaQuery(List<String> schema) {
    List<String> whole = complete(Kind.SCHEMA, schema);
    return "catalog_name="
        + CatalogServer.encoded(whole.get(0))
        + "&schema_name="
        + CatalogServer.encoded(whole.get(1));
  }

  String metastoreId() {
    return get("metastore_summary").path("metastore_id").asText();
  }

  /** A point in time as the session sees it; null when there is none. */
  String time(JsonNode millis) {
    return millis.isNumber()
        ? Instant.ofEpochMilli(millis.asLong())
            .atZone(ZoneId.of(spark.sessionState().conf().sessionLocalTimeZone()))
            .format(TIME)
        : null;
  }

  static String text(JsonNode value) {
    return value.isMissingNode() || value.isNull() ? null : value.asText();
  }
}
