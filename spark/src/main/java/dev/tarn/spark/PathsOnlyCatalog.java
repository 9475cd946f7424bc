package dev.tarn.spark;

import java.util.Map;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.NamespaceChange;
import org.apache.spark.sql.connector.catalog.StagedTable;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.TableInfo;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;

/**
 * Spark's built-in {@code spark_catalog}, empty and closed: it is one for all sessions of an engine
 * and forgets its tables with the process. Delta still needs it to be a Delta catalog, through
 * which {@code delta.`path`} is found.
 */
public final class PathsOnlyCatalog extends DeltaCatalog {

  @Override
  public Table createTable(
      Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    if (isPathIdentifier(ident)) {
      return super.createTable(ident, columns, partitions, properties);
    }
    throw closed("CREATE TABLE " + ident);
  }

  @Override
  public StagedTable stageCreate(Identifier ident, TableInfo info) {
    throw closed("CREATE TABLE " + ident);
  }

  @Override
  public StagedTable stageReplace(Identifier ident, TableInfo info) {
    throw closed("REPLACE TABLE " + ident);
  }

  @Override
  public StagedTable stageCreateOrReplace(Identifier ident, TableInfo info) {
    throw closed("CREATE OR REPLACE TABLE " + ident);
  }

  @Override
  @SuppressWarnings("overrides") // Scala compiled Delta's varargs as an array.
  public Table alterTable(Identifier ident, TableChange... changes) {
    if (isPathIdentifier(ident)) {
      return super.alterTable(ident, changes);
    }
    throw closed("ALTER TABLE " + ident);
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata) {
    throw closed("CREATE SCHEMA " + String.join(".", namespace));
  }

  @Override
  public void alterNamespace(String[] namespace, NamespaceChange... changes) {
    throw closed("ALTER SCHEMA " + String.join(".", namespace));
  }

  @Override
  public boolean dropNamespace(String[] namespace, boolean cascade) {
    throw closed("DROP SCHEMA " + String.join(".", namespace));
  }

  private static UnsupportedOperationException closed(String statement) {
    return new UnsupportedOperationException(
        statement + ": spark_catalog holds nothing (expected: catalog.schema.table)");
  }
}
