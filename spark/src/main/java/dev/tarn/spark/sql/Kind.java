package dev.tarn.spark.sql;

import java.util.Locale;

/** What a name names: its words in SQL, its collection in REST, and how many parts its name has. */
enum Kind {
  METASTORE("metastores", 0),
  CATALOG("catalogs", 1),
  SCHEMA("schemas", 2),
  TABLE("tables", 3),
  VOLUME("volumes", 3),
  FUNCTION("functions", 3),
  PROCEDURE("procedures", 3),
  MODEL("models", 3),
  EXTERNAL_LOCATION("external-locations", 1),
  EXTERNAL_METADATA("external-metadata", 1),
  STORAGE_CREDENTIAL("storage-credentials", 1),
  CREDENTIAL("credentials", 1),
  CONNECTION("connections", 1),
  SHARE("shares", 1),
  RECIPIENT("recipients", 1),
  PROVIDER("providers", 1),
  CLEAN_ROOM("clean-rooms", 1);

  final String collection;
  final int parts;

  Kind(String collection, int parts) {
    this.collection = collection;
    this.parts = parts;
  }

  /** {@code words}: as written, joined by underscores. */
  static Kind of(String words) {
    return switch (words.toUpperCase(Locale.ROOT)) {
      case "DATABASE" -> SCHEMA;
      case "VIEW", "MATERIALIZED_VIEW", "STREAMING_TABLE" -> TABLE;
      case "SERVICE_CREDENTIAL" -> CREDENTIAL;
      default -> valueOf(words.toUpperCase(Locale.ROOT));
    };
  }

  String words() {
    return name().replace('_', ' ');
  }

  /** The {@code securable_type} of the permissions API; a model is a function there. */
  String securableType() {
    return this == MODEL ? "function" : name().toLowerCase(Locale.ROOT);
  }
}
