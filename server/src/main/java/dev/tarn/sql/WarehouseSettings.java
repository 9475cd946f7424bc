package dev.tarn.sql;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.sql.Channel;
import com.databricks.sdk.service.sql.ChannelName;
import com.databricks.sdk.service.sql.CreateWarehouseRequest;
import com.databricks.sdk.service.sql.EditWarehouseRequest;
import com.databricks.sdk.service.sql.EditWarehouseRequestWarehouseType;
import com.databricks.sdk.service.sql.SpotInstancePolicy;
import dev.tarn.database.Json;
import java.util.List;
import java.util.Objects;

/**
 * What a warehouse can be asked to be, and the defaults the API documents.
 *
 * <p>An engine is one process of the size that {@code engine.memory} says. So {@code cluster_size},
 * {@code enable_photon}, {@code enable_serverless_compute}, {@code spot_instance_policy}, {@code
 * channel} and {@code tags} are kept and shown but change nothing, {@code max_num_clusters} is a
 * bound that one cluster keeps, and what would need more than one cluster is refused.
 */
final class WarehouseSettings {
  private static final List<String> SIZES =
      List.of(
          "2X-Small",
          "X-Small",
          "Small",
          "Medium",
          "Large",
          "X-Large",
          "2X-Large",
          "3X-Large",
          "4X-Large",
          "5X-Large");

  private WarehouseSettings() {}

  static EditWarehouseRequest create(CreateWarehouseRequest request, long idleMinutes) {
    EditWarehouseRequest defaults =
        new EditWarehouseRequest()
            .setAutoStopMins(idleMinutes)
            .setMinNumClusters(1L)
            .setEnablePhoton(true)
            .setEnableServerlessCompute(false)
            .setSpotInstancePolicy(SpotInstancePolicy.COST_OPTIMIZED)
            .setWarehouseType(EditWarehouseRequestWarehouseType.CLASSIC)
            .setChannel(new Channel().setName(ChannelName.CHANNEL_NAME_CURRENT));
    // The two requests have the same fields, but are two classes.
    EditWarehouseRequest settings =
        merge(defaults, Json.read(Json.write(request), EditWarehouseRequest.class));
    if (settings.getMaxNumClusters() == null) {
      settings.setMaxNumClusters(settings.getMinNumClusters());
    }
    return checked(settings, request.getAutoStopMins());
  }

  /** Fields that are absent from {@code edit} stay as they are. */
  static EditWarehouseRequest edit(EditWarehouseRequest old, EditWarehouseRequest edit) {
    return checked(merge(old, edit), edit.getAutoStopMins());
  }

  private static EditWarehouseRequest merge(EditWarehouseRequest old, EditWarehouseRequest edit) {
    EditWarehouseRequest merged = Json.read(Json.write(old), EditWarehouseRequest.class);
    try {
      Json.MAPPER.readerForUpdating(merged).readValue(Json.write(edit));
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return merged;
  }

  private static EditWarehouseRequest checked(EditWarehouseRequest settings, Long askedAutoStop) {
    String name = settings.getName();
    if (name == null || name.isBlank() || name.codePointCount(0, name.length()) >= 100) {
      throw invalid("name", shortened(name), "1 to 99 characters");
    }
    if (settings.getClusterSize() == null || !SIZES.contains(settings.getClusterSize())) {
      throw invalid("cluster_size", settings.getClusterSize(), "one of " + SIZES);
    }
    if (settings.getMinNumClusters() != 1) {
      throw invalid(
          "min_num_clusters",
          settings.getMinNumClusters(),
          "1, for a warehouse runs on one cluster here");
    }
    if (settings.getMaxNumClusters() < 1 || settings.getMaxNumClusters() > 40) {
      throw invalid("max_num_clusters", settings.getMaxNumClusters(), "1 to 40");
    }
    boolean serverless = Boolean.TRUE.equals(settings.getEnableServerlessCompute());
    long least = serverless ? 1 : 10;
    if (askedAutoStop != null && askedAutoStop != 0 && askedAutoStop < least) {
      throw invalid(
          "auto_stop_mins",
          askedAutoStop,
          "0 for never, or at least " + least + (serverless ? "" : " (1 when serverless)"));
    }
    if (settings.getWarehouseType() == EditWarehouseRequestWarehouseType.TYPE_UNSPECIFIED) {
      throw invalid("warehouse_type", settings.getWarehouseType(), "CLASSIC or PRO");
    }
    if (serverless && settings.getWarehouseType() != EditWarehouseRequestWarehouseType.PRO) {
      throw invalid("warehouse_type", settings.getWarehouseType(), "PRO when serverless");
    }
    if (settings.getInstanceProfileArn() != null && !settings.getInstanceProfileArn().isEmpty()) {
      throw invalid(
          "instance_profile_arn", settings.getInstanceProfileArn(), "none, engines have no role");
    }
    // The id is of the path and the creator is who made it; neither is a setting.
    return settings.setId(null).setCreatorName(null);
  }

  private static InvalidParameterValue invalid(String field, Object value, String expected) {
    return new InvalidParameterValue(
        field + ": '" + Objects.toString(value, "") + "' (expected: " + expected + ")", null);
  }

  private static String shortened(String name) {
    return name == null || name.length() <= 80 ? name : name.substring(0, 80) + "…";
  }
}
