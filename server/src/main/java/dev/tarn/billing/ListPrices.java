package dev.tarn.billing;

import dev.tarn.sql.Sql;
import java.util.Map;

/**
 * What an hour of a warehouse or cluster comes to: DBU by size, and dollars a DBU by kind. The
 * figures are this installation's own, in the order of magnitude of the public list, and nobody is
 * charged; {@code docs/admin/cloud-resources.md} has the table.
 */
final class ListPrices {
  private static final Map<String, Integer> DBU_AN_HOUR =
      Map.of(
          "2X-Small", 4,
          "X-Small", 6,
          "Small", 12,
          "Medium", 24,
          "Large", 40,
          "X-Large", 80,
          "2X-Large", 144,
          "3X-Large", 272,
          "4X-Large", 528,
          "5X-Large", 1056);

  /** Of a cluster's driver, by what follows the family in the name of its node type. */
  private static final Map<String, Integer> DBU_OF_NODE =
      Map.of("large", 1, "xlarge", 2, "2xlarge", 4, "4xlarge", 8);

  private ListPrices() {}

  static int dbuAnHour(Usage.Source source) {
    return isCluster(source)
        ? dbuAnHour(source.size())
        : DBU_AN_HOUR.getOrDefault(source.size(), 4);
  }

  /** Of a node of a type. */
  static int dbuAnHour(String nodeType) {
    return DBU_OF_NODE.getOrDefault(nodeType.replaceFirst(".*\\.", ""), 1);
  }

  static boolean isCluster(Usage.Source source) {
    return source.type().equals(Sql.Facts.ALL_PURPOSE);
  }

  /** Such as {@code ENTERPRISE_SQL_PRO_COMPUTE}. */
  static String sku(Usage.Source source) {
    if (isCluster(source)) {
      return source.tier() + "_ALL_PURPOSE_COMPUTE";
    }
    String kind =
        source.serverless()
            ? "SERVERLESS_SQL_COMPUTE"
            : source.type().equals("PRO") ? "SQL_PRO_COMPUTE" : "SQL_COMPUTE";
    return source.tier() + "_" + kind;
  }

  /** Thousandths of a dollar. */
  static int aDbu(Usage.Source source) {
    return source.serverless() ? 700 : source.type().equals("PRO") || isCluster(source) ? 550 : 220;
  }
}
