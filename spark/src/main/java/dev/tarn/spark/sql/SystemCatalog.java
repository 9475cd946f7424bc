package dev.tarn.spark.sql;

import java.util.Map;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.NamespaceChange;
import org.apache.spark.sql.connector.catalog.SupportsNamespaces;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.TableInfo;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** Catalog {@code system}: the information schema of all catalogs, to be read. */
public final class SystemCatalog implements TableCatalog, SupportsNamespaces {
  private String name;

  @Override
  public void initialize(String catalogName, CaseInsensitiveStringMap options) {
    name = catalogName;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String[] defaultNamespace() {
    return new String[] {InformationSchema.NAME};
  }

  @Override
  public Identifier[] listTables(String[] namespace) throws NoSuchNamespaceException {
    require(namespace);
    return InformationSchema.identifiers();
  }

  @Override
  public Table loadTable(Identifier ident) throws NoSuchTableException {
    if (!InformationSchema.is(ident.namespace())) {
      throw new NoSuchTableException(ident);
    }
    return InformationSchema.load(name, ident.name());
  }

  @Override
  public String[][] listNamespaces() {
    return new String[][] {{InformationSchema.NAME}};
  }

  @Override
  public String[][] listNamespaces(String[] namespace) throws NoSuchNamespaceException {
    if (namespace.length == 0) {
      return listNamespaces();
    }
    require(namespace);
    return new String[0][];
  }

  @Override
  public Map<String, String> loadNamespaceMetadata(String[] namespace)
      throws NoSuchNamespaceException {
    require(namespace);
    return Map.of();
  }

  private static void require(String[] namespace) throws NoSuchNamespaceException {
    if (!InformationSchema.is(namespace)) {
      throw new NoSuchNamespaceException(namespace);
    }
  }

  // ---- nothing is made here ----

  @Override
  public Table createTable(Identifier ident, TableInfo info) {
    throw readOnly();
  }

  @Override
  public Table alterTable(Identifier ident, TableChange... changes) {
    throw readOnly();
  }

  @Override
  public boolean dropTable(Identifier ident) {
    throw readOnly();
  }

  @Override
  public void renameTable(Identifier from, Identifier to) {
    throw readOnly();
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata) {
    throw readOnly();
  }

  @Override
  public void alterNamespace(String[] namespace, NamespaceChange... changes) {
    throw readOnly();
  }

  @Override
  public boolean dropNamespace(String[] namespace, boolean cascade) {
    throw readOnly();
  }

  private static UnsupportedOperationException readOnly() {
    return new UnsupportedOperationException("catalog system is the platform's own, to be read");
  }
}
