package dev.tarn.compute;

import com.databricks.sdk.service.compute.CreateCluster;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.introspect.BeanPropertyDefinition;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * One attribute of a cluster that a rule may speak of, named by its path: what the SDK's {@code
 * CreateCluster} has, a dot between a field and what is within it. What follows the name of a map
 * is a key, dots and all; what follows that of an array is an index, or {@code *} for every
 * element.
 *
 * <p>Where a cluster's logs go is {@code {"s3": {"destination": …, "region": …}}} in the API, and
 * {@code type}, {@code path} and {@code region} in policies. So rules are read and applied on a
 * {@link #view} of the cluster in which it is as policies have it.
 *
 * @param path as policies write it
 * @param steps the names on the way, each a field, a key, an index or {@code *}
 * @param values what it can be; empty where that is any
 * @param inMap whether it is an entry of a map, whose values are texts that may be numbers
 */
record ClusterAttribute(
    String path, List<String> steps, Kind kind, Set<String> values, boolean inMap) {
  enum Kind {
    TEXT("a text"),
    INTEGER("a whole number"),
    DECIMAL("a number"),
    BOOLEAN("true or false");

    final String expected;

    Kind(String expected) {
      this.expected = expected;
    }
  }

  static final String SPARK_VERSION = "spark_version";
  static final String LOG_TYPE = "cluster_log_conf.type";
  static final String DBUS_PER_HOUR = "dbus_per_hour";
  static final String CLUSTER_TYPE = "cluster_type";
  static final String EVERY = "*";

  private static final String LOGS = "cluster_log_conf";
  private static final String SCRIPTS = "init_scripts";

  /** What follows from the whole of a cluster, and where its logs go. */
  private static final Map<String, ClusterAttribute> OF_POLICIES =
      Map.of(
          DBUS_PER_HOUR,
          scalar(DBUS_PER_HOUR, Kind.DECIMAL, Set.of()),
          CLUSTER_TYPE,
          scalar(CLUSTER_TYPE, Kind.TEXT, Set.of("all-purpose", "job", "dlt")),
          LOG_TYPE,
          scalar(LOG_TYPE, Kind.TEXT, Set.of("S3", "VOLUMES", "DBFS", "NONE")),
          "cluster_log_conf.path",
          scalar("cluster_log_conf.path", Kind.TEXT, Set.of()),
          "cluster_log_conf.region",
          scalar("cluster_log_conf.region", Kind.TEXT, Set.of()));

  /** What a request is beside its cluster, what is of other clouds, and what is said otherwise. */
  private static final Set<String> NOT_ON_OFFER =
      Set.of(
          "abfss",
          "apply_policy_default_values",
          "azure_attributes",
          "clone_from",
          LOGS,
          "gcp_attributes",
          "gcs",
          "policy_id",
          "remote_disk_throughput",
          "total_initial_remote_disk_size");

  /** Of each of these pairs a cluster has one. */
  private static final Map<String, String> RIVALS =
      Map.of(
          "num_workers", "autoscale",
          "autoscale", "num_workers",
          "node_type_id", "instance_pool_id",
          "instance_pool_id", "node_type_id",
          "driver_node_type_id", "driver_instance_pool_id",
          "driver_instance_pool_id", "driver_node_type_id");

  private static final Map<JavaType, Map<String, JavaType>> FIELDS = new ConcurrentHashMap<>();
  private static final Pattern INDEX = Pattern.compile("0|[1-9]\\d?");

  /** Empty when no cluster has it. */
  static Optional<ClusterAttribute> of(String path) {
    if (OF_POLICIES.containsKey(path)) {
      return Optional.of(OF_POLICIES.get(path));
    }
    List<String> steps = new ArrayList<>();
    JavaType type = Json.MAPPER.constructType(CreateCluster.class);
    String rest = path;
    while (type != null && kind(type) == null) {
      if (type.isMapLikeType()) {
        steps.add(rest);
        // A map knows no "every": whoever writes it would believe that all keys are meant.
        return rest.isEmpty() || rest.equals(EVERY)
            ? Optional.empty()
            : Optional.of(
                new ClusterAttribute(path, List.copyOf(steps), Kind.TEXT, Set.of(), true));
      }
      int dot = rest.indexOf('.');
      String step = dot < 0 ? rest : rest.substring(0, dot);
      rest = dot < 0 ? "" : rest.substring(dot + 1);
      steps.add(step);
      if (type.isCollectionLikeType()) {
        type = step.equals(EVERY) || INDEX.matcher(step).matches() ? type.getContentType() : null;
      } else {
        type = NOT_ON_OFFER.contains(step) ? null : field(type, step);
      }
    }
    return type == null || !path.equals(String.join(".", steps))
        ? Optional.empty()
        : Optional.of(
            new ClusterAttribute(path, List.copyOf(steps), kind(type), constants(type), false));
  }

  private static ClusterAttribute scalar(String path, Kind kind, Set<String> values) {
    return new ClusterAttribute(path, List.of(path.split("\\.")), kind, values, false);
  }

  private static JavaType field(JavaType type, String name) {
    return FIELDS
        .computeIfAbsent(
            type,
            bean ->
                Json.MAPPER.getDeserializationConfig().introspect(bean).findProperties().stream()
                    .collect(
                        Collectors.toMap(
                            BeanPropertyDefinition::getName,
                            BeanPropertyDefinition::getPrimaryType)))
        .get(name);
  }

  /** Null for what has fields, elements or keys. */
  private static Kind kind(JavaType type) {
    if (type.hasRawClass(String.class) || type.isEnumType()) {
      return Kind.TEXT;
    }
    if (type.hasRawClass(Boolean.class)) {
      return Kind.BOOLEAN;
    }
    return type.hasRawClass(Long.class) ? Kind.INTEGER : null;
  }

  private static Set<String> constants(JavaType type) {
    return type.isEnumType()
        ? Set.copyOf(
            Arrays.stream(type.getRawClass().getEnumConstants()).map(Object::toString).toList())
        : Set.of();
  }

  /** Whether it follows from the whole of a cluster, so nobody sets it. */
  boolean isVirtual() {
    return path.equals(DBUS_PER_HOUR) || path.equals(CLUSTER_TYPE);
  }

  /**
   * Where a cluster has it: one place, or for {@code *} one for each element that there is.
   *
   * @return the steps of each
   */
  List<List<String>> places(ObjectNode view) {
    int every = index();
    if (every < 0 || !steps.get(every).equals(EVERY)) {
      return List.of(steps);
    }
    List<List<String>> places = new ArrayList<>();
    JsonNode array = get(view, steps.subList(0, every));
    for (int i = 0; array != null && i < array.size(); i++) {
      List<String> place = new ArrayList<>(steps);
      place.set(every, Integer.toString(i));
      places.add(place);
    }
    return places;
  }

  /** Null when it is not there. */
  static JsonNode get(JsonNode view, List<String> place) {
    JsonNode at = view;
    for (String step : place) {
      at = at.isArray() ? at.path(Integer.parseInt(step)) : at.path(step);
    }
    return at.isMissingNode() || at.isNull() ? null : at;
  }

  /**
   * Whether nothing stands in the way of filling it in: another attribute that a cluster has in its
   * stead, or elements of an array that would have to come before.
   */
  boolean isOpen(ObjectNode view, List<String> place) {
    if (rival(view, place).isPresent()) {
      return false;
    }
    int index = index();
    if (index < 0) {
      return true;
    }
    JsonNode array = get(view, place.subList(0, index));
    return Integer.parseInt(place.get(index)) <= (array == null ? 0 : array.size());
  }

  /** What a cluster has in the stead of this attribute. */
  private Optional<List<String>> rival(ObjectNode view, List<String> place) {
    if (place.getFirst().equals(SCRIPTS)) {
      // A script is in one place: another field of the same element.
      List<String> element = place.subList(0, 2);
      JsonNode script = get(view, element);
      return script == null
          ? Optional.empty()
          : script.properties().stream()
              .filter(field -> !field.getValue().isNull() && !field.getKey().equals(place.get(2)))
              .map(field -> List.of(place.get(0), place.get(1), field.getKey()))
              .findFirst();
    }
    return Optional.ofNullable(RIVALS.get(place.getFirst()))
        .map(List::of)
        .filter(rival -> get(view, rival) != null);
  }

  /** Puts it there, in the stead of its rival; makes what is missing on the way. */
  void set(ObjectNode view, List<String> place, JsonNode value) {
    for (var rival = rival(view, place); rival.isPresent(); rival = rival(view, place)) {
      ((ObjectNode) get(view, rival.get().subList(0, rival.get().size() - 1)))
          .remove(rival.get().getLast());
    }
    JsonNode at = view;
    for (int i = 0; i < place.size(); i++) {
      JsonNode there = get(at, place.subList(i, i + 1));
      if (i == place.size() - 1) {
        there = value;
      } else if (there == null) {
        JsonNodeFactory make = JsonNodeFactory.instance;
        there = i + 1 == index() ? make.arrayNode() : make.objectNode();
      }
      if (at instanceof ArrayNode array) {
        int index = Integer.parseInt(place.get(i));
        if (index < array.size()) {
          array.set(index, there);
        } else {
          array.add(there);
        }
      } else {
        ((ObjectNode) at).set(place.get(i), there);
      }
      at = there;
    }
  }

  /** Takes it out, and with it what is empty, or leads nowhere, then. */
  static void remove(ObjectNode view, List<String> place) {
    int end = place.size();
    if (place.getLast().equals("destination")) {
      end = 2; // the whole script
    } else if (place.getFirst().equals(LOGS) && !place.getLast().equals("region")) {
      end = 1;
    }
    for (int i = end - 1; i >= 0; i--) {
      JsonNode parent = get(view, place.subList(0, i));
      if (parent instanceof ArrayNode array) {
        array.remove(Integer.parseInt(place.get(i)));
      } else if (parent instanceof ObjectNode object) {
        object.remove(place.get(i));
      }
      if (parent == null || !parent.isEmpty()) {
        return;
      }
    }
  }

  /** Which step is an index; -1 for none. */
  private int index() {
    for (int i = 0; i < steps.size() && !inMap; i++) {
      if (steps.get(i).equals(EVERY) || INDEX.matcher(steps.get(i)).matches()) {
        return i;
      }
    }
    return -1;
  }

  /** A copy in which the place of the logs is as policies have it. */
  static ObjectNode view(ObjectNode cluster) {
    ObjectNode view = cluster.deepCopy();
    if (view.remove(LOGS) instanceof ObjectNode logs) {
      logs.properties().stream()
          .filter(place -> place.getValue().isObject())
          .findFirst()
          .ifPresent(
              place -> {
                ObjectNode flat = view.putObject(LOGS);
                flat.setAll((ObjectNode) place.getValue());
                flat.put("type", place.getKey().toUpperCase(Locale.ROOT));
                rename(flat, "destination", "path");
              });
    }
    return view;
  }

  /** What {@link #view} was made of. */
  static ObjectNode cluster(ObjectNode view) {
    ObjectNode cluster = view.deepCopy();
    if (cluster.remove(LOGS) instanceof ObjectNode flat) {
      String type =
          flat.path("type").asText(logType(flat.path("path").asText())).toLowerCase(Locale.ROOT);
      flat.remove("type");
      rename(flat, "path", "destination");
      if (!type.equals("none")) {
        cluster.putObject(LOGS).set(type, flat);
      }
    }
    return cluster;
  }

  /** A policy may say the path alone. */
  private static String logType(String path) {
    return path.startsWith("/Volumes/") ? "VOLUMES" : path.startsWith("s3:") ? "S3" : "DBFS";
  }

  private static void rename(ObjectNode node, String from, String to) {
    JsonNode value = node.remove(from);
    if (value != null) {
      node.set(to, value);
    }
  }
}
