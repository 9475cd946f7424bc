package dev.tarn.billing;

import java.util.Map;

/**
 * What an hour of a warehouse comes to: DBU by size, and dollars a DBU by kind. The figures are
 * this installation's own, in the order of magnitude of the public list, and nobody is charged;
 * {@code docs/admin/cloud-resources.md} has the table.
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

  private ListPrices() {}

  static int dbuAnHour(Usage.Source source) {
    return DBU_AN_HOUR.getOrDefault(source.size(), 4);
  }

  /** Such as {@code ENTERPRISE_SQL_PRO_COMPUTE}. */
  static String sku(Usage.Source source) {
    String kind =
        source.serverless()
            ? "SERVERLESS_SQL_COMPUTE"
            : source.type().equals("PRO") ? "SQL_PRO_COMPUTE" : "SQL_COMPUTE";
    return source.tier() + "_" + kind;
  }

  /** Thousandths of a dollar. */
  static int aDbu(Usage.Source source) {
    return source.serverless() ? 700 : source.type().equals("PRO") ? 550 : 220;
  }
}
