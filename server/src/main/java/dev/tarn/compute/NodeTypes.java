package dev.tarn.compute;

import com.databricks.sdk.service.compute.GetSparkVersionsResponse;
import com.databricks.sdk.service.compute.ListAvailableZonesResponse;
import com.databricks.sdk.service.compute.ListNodeTypesResponse;
import com.databricks.sdk.service.compute.NodeInstanceType;
import com.databricks.sdk.service.compute.NodeType;
import com.databricks.sdk.service.compute.SparkVersion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a cluster can be asked to be made of. Node types have the names and sizes that clients know
 * from AWS, and bound what an engine takes of this machine; versions say by their names that there
 * is one Spark, whatever a client's configuration still asks for.
 */
final class NodeTypes {
  private static final String SPARK = "Apache Spark 4.2.0, Scala 2.13";
  private static final List<NodeType> TYPES =
      List.of(
          type("m5d.large", "General Purpose", 2, 8, 75),
          type("m5d.xlarge", "General Purpose", 4, 16, 150),
          type("m5d.2xlarge", "General Purpose", 8, 32, 300),
          type("m5d.4xlarge", "General Purpose", 16, 64, 600),
          type("m5.large", "General Purpose", 2, 8, 0),
          type("m5.xlarge", "General Purpose", 4, 16, 0),
          type("m5.2xlarge", "General Purpose", 8, 32, 0),
          type("c5.xlarge", "Compute Optimized", 4, 8, 0),
          type("c5.2xlarge", "Compute Optimized", 8, 16, 0),
          type("c5.4xlarge", "Compute Optimized", 16, 32, 0),
          type("r5.large", "Memory Optimized", 2, 16, 0),
          type("r5.xlarge", "Memory Optimized", 4, 32, 0),
          type("r5d.large", "Memory Optimized", 2, 16, 75),
          type("r5d.xlarge", "Memory Optimized", 4, 32, 150),
          type("i3.xlarge", "Storage Optimized", 4, 31, 950),
          type("i3.2xlarge", "Storage Optimized", 8, 61, 1900),
          type("i3.4xlarge", "Storage Optimized", 16, 122, 3800));

  /** Key to name; the first is what new clusters should have. */
  private static final Map<String, String> VERSIONS = new LinkedHashMap<>();

  static {
    VERSIONS.put("18.2.x-scala2.13", "18.2 (" + SPARK + ")");
    VERSIONS.put("17.3.x-scala2.13", "17.3 LTS (here on " + SPARK + ")");
    VERSIONS.put("16.4.x-scala2.13", "16.4 LTS (here on " + SPARK + ")");
    VERSIONS.put("16.4.x-scala2.12", "16.4 LTS (here on " + SPARK + ")");
    VERSIONS.put("15.4.x-scala2.12", "15.4 LTS (here on " + SPARK + ")");
    VERSIONS.put("14.3.x-scala2.12", "14.3 LTS (here on " + SPARK + ")");
    VERSIONS.put("13.3.x-scala2.12", "13.3 LTS (here on " + SPARK + ")");
  }

  private NodeTypes() {}

  private static NodeType type(String id, String category, int cores, long gigabytes, long disk) {
    return new NodeType()
        .setNodeTypeId(id)
        .setInstanceTypeId(id)
        .setDescription(id)
        .setCategory(category)
        .setNumCores((double) cores)
        .setMemoryMb(gigabytes << 10)
        .setNumGpus(0L)
        .setIsDeprecated(false)
        .setIsHidden(false)
        .setIsGraviton(false)
        .setIsIoCacheEnabled(disk > 0)
        .setPhotonDriverCapable(false)
        .setPhotonWorkerCapable(false)
        .setSupportEbsVolumes(disk == 0)
        .setSupportClusterTags(true)
        .setSupportPortForwarding(false)
        .setNodeInstanceType(
            new NodeInstanceType()
                .setInstanceTypeId(id)
                .setLocalDisks(disk > 0 ? 1L : 0L)
                .setLocalDiskSizeGb(disk));
  }

  static Optional<NodeType> find(String id) {
    return TYPES.stream().filter(type -> type.getNodeTypeId().equals(id)).findFirst();
  }

  static List<String> ids() {
    return TYPES.stream().map(NodeType::getNodeTypeId).toList();
  }

  static ListNodeTypesResponse list() {
    List<NodeType> ordered = new ArrayList<>();
    for (NodeType type : TYPES) {
      ordered.add(type.setDisplayOrder((long) ordered.size()));
    }
    return new ListNodeTypesResponse().setNodeTypes(ordered);
  }

  static List<String> versions() {
    return List.copyOf(VERSIONS.keySet());
  }

  static GetSparkVersionsResponse sparkVersions() {
    return new GetSparkVersionsResponse()
        .setVersions(
            VERSIONS.entrySet().stream()
                .map(each -> new SparkVersion().setKey(each.getKey()).setName(each.getValue()))
                .toList());
  }

  /**
   * The version that an alias of a policy stands for, such as {@code auto:latest-lts}; empty when
   * it is none.
   */
  static Optional<String> versionOf(String alias) {
    List<String> keys = versions();
    return switch (alias) {
      case "auto:latest" -> Optional.of(keys.getFirst());
      case "auto:latest-lts" -> Optional.of(keys.get(1));
      case "auto:prev-major" -> Optional.of(keys.get(1));
      case "auto:prev-lts" -> Optional.of(keys.get(2));
      default -> Optional.empty();
    };
  }

  static ListAvailableZonesResponse zones(String region) {
    return new ListAvailableZonesResponse()
        .setDefaultZone(region + "a")
        .setZones(List.of(region + "a", region + "b", region + "c"));
  }
}
