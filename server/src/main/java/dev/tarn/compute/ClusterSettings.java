package dev.tarn.compute;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.compute.AutoScale;
import com.databricks.sdk.service.compute.ClusterSpec;
import com.databricks.sdk.service.compute.DataSecurityMode;
import com.databricks.sdk.service.compute.RuntimeEngine;
import dev.tarn.database.Json;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * What a cluster can be asked to be, and the defaults the API documents. An engine is one process
 * on this machine: what would be other machines is kept and shown, and what would have to run
 * somewhere is refused.
 */
final class ClusterSettings {
  private static final int LONGEST_NAME = 200;
  private static final long LEAST_IDLE = 10;
  private static final long LONGEST_IDLE = 43_200;
  private static final int MOST_WORKERS = 100_000;
  private static final int MOST_TAGS = 45;
  private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,255}");

  /** Of the environment: what makes a process load or run something else. */
  private static final Pattern LOADING =
      Pattern.compile(
          "LD_.*|DYLD_.*|.*JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|PATH|HOME"
              + "|BASH_ENV|ENV|IFS|SHELLOPTS|SPARK_LOCAL_(IP|DIRS)|TMPDIR|JAVA_HOME");

  private static final Set<DataSecurityMode> STANDARD =
      Set.of(
          DataSecurityMode.USER_ISOLATION,
          DataSecurityMode.DATA_SECURITY_MODE_STANDARD,
          DataSecurityMode.DATA_SECURITY_MODE_AUTO);

  private static final Set<DataSecurityMode> DEDICATED =
      Set.of(DataSecurityMode.SINGLE_USER, DataSecurityMode.DATA_SECURITY_MODE_DEDICATED);

  private ClusterSettings() {}

  /**
   * Checks what was asked for and fills in what was not.
   *
   * @param mayUse whether a Spark setting may be given to a cluster
   * @param creator whose a dedicated cluster is unless it says otherwise
   * @throws InvalidParameterValue with the field, the value and what was expected
   */
  static ClusterSpec checked(ClusterSpec asked, Predicate<String> mayUse, String creator) {
    ClusterSpec spec = Json.read(Json.write(asked), ClusterSpec.class);
    refuse("instance_pool_id", spec.getInstancePoolId(), "none, there are no instance pools");
    refuse(
        "driver_instance_pool_id",
        spec.getDriverInstancePoolId(),
        "none, there are no instance pools");
    refuse("docker_image", spec.getDockerImage(), "none, engines are of this installation's build");
    refuse("init_scripts", none(spec.getInitScripts()), "none, init scripts do not run here");
    refuse("ssh_public_keys", none(spec.getSshPublicKeys()), "none, nobody signs in to an engine");
    refuse("cluster_log_conf", spec.getClusterLogConf(), "none, logs are not delivered");
    refuse("azure_attributes", spec.getAzureAttributes(), "aws_attributes");
    refuse("gcp_attributes", spec.getGcpAttributes(), "aws_attributes");
    refuse(
        "use_ml_runtime",
        Boolean.TRUE.equals(spec.getUseMlRuntime()) ? true : null,
        "false, there is no runtime for machine learning");
    checkNames(spec);
    checkSize(spec);
    checkMode(spec, creator);
    Long idle = spec.getAutoterminationMinutes();
    if (idle != null && idle != 0 && (idle < LEAST_IDLE || idle > LONGEST_IDLE)) {
      throw invalid(
          "autotermination_minutes", idle, "0 for never, or " + LEAST_IDLE + " to " + LONGEST_IDLE);
    }
    spec.setAutoterminationMinutes(idle == null ? 0 : idle);
    for (String key : keys(spec.getSparkConf())) {
      if (!mayUse.test(key)) {
        throw invalid(
            "spark_conf." + key,
            spec.getSparkConf().get(key),
            "a setting that a session may set too, such as spark.sql.shuffle.partitions");
      }
    }
    for (String name : keys(spec.getSparkEnvVars())) {
      if (!VARIABLE.matcher(name).matches() || LOADING.matcher(name).matches()) {
        throw invalid(
            "spark_env_vars",
            name,
            "letters, digits and '_', and nothing that changes what a process loads");
      }
    }
    if (spec.getRuntimeEngine() == null) {
      spec.setRuntimeEngine(RuntimeEngine.STANDARD);
    }
    return spec.setApplyPolicyDefaultValues(null);
  }

  private static void checkNames(ClusterSpec spec) {
    String name = Objects.requireNonNullElse(spec.getClusterName(), "");
    if (name.codePointCount(0, name.length()) > LONGEST_NAME) {
      throw invalid(
          "cluster_name", name.substring(0, 40) + "…", "at most " + LONGEST_NAME + " characters");
    }
    spec.setClusterName(name);
    if (!NodeTypes.versions().contains(String.valueOf(spec.getSparkVersion()))) {
      throw invalid("spark_version", spec.getSparkVersion(), "one of " + NodeTypes.versions());
    }
    requireNodeType("node_type_id", spec.getNodeTypeId());
    if (spec.getDriverNodeTypeId() == null) {
      spec.setDriverNodeTypeId(spec.getNodeTypeId());
    }
    requireNodeType("driver_node_type_id", spec.getDriverNodeTypeId());
    Set<String> tags = keys(spec.getCustomTags());
    if (tags.size() > MOST_TAGS) {
      throw invalid("custom_tags", tags.size() + " tags", "at most " + MOST_TAGS);
    }
    for (String tag : tags) {
      if (tag.isEmpty() || tag.length() > 127) {
        throw invalid("custom_tags", tag, "keys of 1 to 127 characters");
      }
    }
  }

  private static void checkSize(ClusterSpec spec) {
    AutoScale scale = spec.getAutoscale();
    if (scale != null && spec.getNumWorkers() != null) {
      throw invalid("num_workers", spec.getNumWorkers(), "none beside autoscale");
    }
    if (scale != null) {
      Long least = scale.getMinWorkers();
      Long most = scale.getMaxWorkers();
      if (least == null || least < 0 || most == null || most < least || most > MOST_WORKERS) {
        throw invalid(
            "autoscale",
            least + " to " + most,
            "min_workers of 0 or more, and max_workers of no less");
      }
      return;
    }
    long workers = Objects.requireNonNullElse(spec.getNumWorkers(), 0L);
    if (workers < 0 || workers > MOST_WORKERS) {
      throw invalid("num_workers", workers, "0 to " + MOST_WORKERS);
    }
    if (Boolean.TRUE.equals(spec.getIsSingleNode()) && workers > 0) {
      throw invalid("num_workers", workers, "0 when is_single_node");
    }
    spec.setNumWorkers(workers);
  }

  private static void checkMode(ClusterSpec spec, String creator) {
    DataSecurityMode asked = spec.getDataSecurityMode();
    String user = spec.getSingleUserName();
    if (asked == null) {
      asked = user == null ? DataSecurityMode.USER_ISOLATION : DataSecurityMode.SINGLE_USER;
      spec.setDataSecurityMode(asked);
    }
    if (DEDICATED.contains(asked)) {
      spec.setSingleUserName(user == null ? creator : user);
    } else if (!STANDARD.contains(asked)) {
      throw invalid(
          "data_security_mode",
          asked,
          "USER_ISOLATION or SINGLE_USER; the others reach no data of the catalog");
    } else if (user != null) {
      throw invalid("single_user_name", user, "none with data_security_mode " + asked);
    }
  }

  private static void requireNodeType(String field, String id) {
    if (NodeTypes.find(String.valueOf(id)).isEmpty()) {
      throw invalid(field, id, "one of " + NodeTypes.ids());
    }
  }

  private static Collection<?> none(Collection<?> list) {
    return list == null || list.isEmpty() ? null : list;
  }

  private static Set<String> keys(Map<String, String> map) {
    return map == null ? Set.of() : map.keySet();
  }

  private static void refuse(String field, Object value, String expected) {
    if (value != null && !"".equals(value)) {
      throw invalid(field, value instanceof String ? value : "set", expected);
    }
  }

  private static InvalidParameterValue invalid(String field, Object value, String expected) {
    return new InvalidParameterValue(
        field + ": '" + Objects.toString(value, "") + "' (expected: " + expected + ")", null);
  }
}
