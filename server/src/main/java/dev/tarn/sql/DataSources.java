package dev.tarn.sql;

import com.databricks.sdk.service.sql.DataSource;
import com.databricks.sdk.service.sql.EndpointInfo;
import com.databricks.sdk.service.sql.ListWarehousesRequest;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;

/**
 * {@code GET /api/2.0/preview/sql/data_sources}: warehouses under the id that legacy queries know
 * them by. Terraform cannot read a {@code databricks_sql_endpoint} without it.
 */
final class DataSources {
  private final Warehouses warehouses;

  DataSources(Warehouses warehouses) {
    this.warehouses = warehouses;
  }

  /** Those that {@code /api/2.0/sql/warehouses} lists for the same caller. */
  @Allow(Role.WORKSPACE_USER)
  public List<DataSource> list(Caller caller) {
    return warehouses.list(caller, new ListWarehousesRequest()).getWarehouses().stream()
        .map(DataSources::of)
        .toList();
  }

  private static DataSource of(EndpointInfo warehouse) {
    return new DataSource()
        .setId(
            UUID.nameUUIDFromBytes(warehouse.getId().getBytes(StandardCharsets.UTF_8)).toString())
        .setName(warehouse.getName())
        .setSyntax("sql")
        .setType("databricks_internal")
        .setWarehouseId(warehouse.getId());
  }
}
