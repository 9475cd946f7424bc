package dev.tarn.spark.sql;

import dev.tarn.spark.CatalogError;
import java.util.List;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;

/** Tables by their full names, as whoever's session it is sees them. */
final class DeltaTables {
  private DeltaTables() {}

  /** Null when there is none, or it is not Delta's. */
  static DeltaTableV2 find(SparkSession spark, List<String> name) {
    return load(spark, name) instanceof DeltaTableV2 delta ? delta : null;
  }

  static DeltaTableV2 of(SparkSession spark, String statement, List<String> name) {
    String shown = String.join(".", name);
    Table found = load(spark, name);
    if (found == null) {
      throw new CatalogError(
          404, "TABLE_OR_VIEW_NOT_FOUND", "Table '" + shown + "' does not exist");
    }
    if (found instanceof DeltaTableV2 delta) {
      return delta;
    }
    throw new IllegalArgumentException(statement + " " + shown + " (expected: a Delta table)");
  }

  private static Table load(SparkSession spark, List<String> name) {
    try {
      TableCatalog catalog =
          (TableCatalog) spark.sessionState().catalogManager().catalog(name.get(0));
      return catalog.loadTable(Identifier.of(new String[] {name.get(1)}, name.get(2)));
    } catch (NoSuchTableException e) {
      return null;
    }
  }
}
