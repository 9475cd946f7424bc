package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.Sessions;
import dev.tarn.spark.sql.TarnSqlParser.DeepCloneContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.delta.Snapshot;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.delta.skipping.clustering.ClusteredTableUtils;
import org.apache.spark.sql.delta.skipping.clustering.ClusteringColumnInfo;
import org.apache.spark.sql.types.StructField;
import scala.jdk.javaapi.CollectionConverters;

/**
 * {@code CREATE TABLE … DEEP CLONE}, which Delta has not: CREATE TABLE AS SELECT with the layout,
 * comments and properties of the source. What that would lose is refused.
 */
final class DeepClone extends TarnSqlBaseVisitor<LogicalPlan> {
  /** What Delta keeps in a table's properties of that table alone. */
  private static final List<String> OWN =
      List.of(
          "delta.columnMapping.maxColumnId",
          "delta.rowTracking.materialized",
          "delta.inCommitTimestampEnablement");

  /** Metadata of columns whose values a table makes itself. */
  private static final List<String> MADE =
      List.of("delta.generationExpression", "delta.identity.start", "CURRENT_DEFAULT");

  private final Texts texts;

  DeepClone(Texts texts) {
    this.texts = texts;
  }

  @Override
  public LogicalPlan visitDeepClone(DeepCloneContext clone) {
    if (clone.SHALLOW() != null) {
      throw new UnsupportedOperationException(
          "SHALLOW CLONE is not admitted by this engine (expected: DEEP CLONE)");
    }
    List<String> target = texts.name(clone.target);
    List<String> source = texts.name(clone.source);
    String location = clone.location == null ? null : texts.text(clone.location);
    ObjectNode properties =
        clone.properties() == null ? null : texts.properties(clone.properties());
    String create =
        (clone.REPLACE() == null ? "CREATE TABLE " : "CREATE OR REPLACE TABLE ")
            + (clone.ifNotExists() == null ? "" : "IF NOT EXISTS ");
    return ServerCommand.rows(
        "DEEP CLONE",
        "source_table_size BIGINT, source_num_of_files BIGINT, num_removed_files BIGINT,"
            + " num_copied_files BIGINT, removed_files_size BIGINT, copied_files_size BIGINT",
        server -> {
          SparkSession spark = server.spark();
          List<String> from = server.complete(Kind.TABLE, source);
          List<String> to = server.complete(Kind.TABLE, target);
          Sessions.Session session = Sessions.active();
          session.decisions().requireClone(session, String.join(".", from));
          Snapshot data = DeltaTables.of(spark, "DEEP CLONE", from).update();
          requireWhole(from, data);
          DeltaTableV2 there = DeltaTables.find(spark, to);
          Snapshot before = there == null ? null : there.update();
          if (before != null && clone.ifNotExists() != null) {
            return List.<Object[]>of(
                new Object[] {data.sizeInBytes(), data.numOfFiles(), 0L, 0L, 0L, 0L});
          }
          Map<String, String> all = properties(data);
          if (properties != null) {
            properties
                .fieldNames()
                .forEachRemaining(name -> all.put(name, properties.get(name).asText()));
          }
          var unused =
              spark.sql(
                  create
                      + Texts.quoted(to)
                      + " USING delta"
                      + layout(data)
                      + (location == null ? "" : " LOCATION " + Texts.literal(location))
                      + (data.metadata().description() == null
                          ? ""
                          : " COMMENT " + Texts.literal(data.metadata().description()))
                      + (all.isEmpty() ? "" : " TBLPROPERTIES " + listed(all))
                      + " AS SELECT * FROM "
                      + Texts.quoted(from));
          Snapshot copy = DeltaTables.of(spark, "DEEP CLONE", to).update();
          return List.<Object[]>of(
              new Object[] {
                data.sizeInBytes(),
                data.numOfFiles(),
                before == null ? 0L : before.numOfFiles(),
                copy.numOfFiles(),
                before == null ? 0L : before.sizeInBytes(),
                copy.sizeInBytes()
              });
        });
  }

  private static void requireWhole(List<String> name, Snapshot source) {
    List<String> lost = new ArrayList<>();
    for (StructField column : source.metadata().schema().fields()) {
      if (!column.nullable()) {
        lost.add("NOT NULL of column '" + column.name() + "'");
      }
      MADE.stream()
          .filter(column.metadata()::contains)
          .forEach(made -> lost.add("the generated values of column '" + column.name() + "'"));
    }
    CollectionConverters.asJava(source.metadata().configuration()).keySet().stream()
        .filter(property -> property.startsWith("delta.constraints."))
        .forEach(property -> lost.add("the constraint '" + property.substring(18) + "'"));
    if (!lost.isEmpty()) {
      throw new UnsupportedOperationException(
          "DEEP CLONE of "
              + String.join(".", name)
              + " would lose "
              + String.join(", ", lost)
              + " (expected: CREATE TABLE with these, then INSERT)");
    }
  }

  private static Map<String, String> properties(Snapshot source) {
    Map<String, String> all = new TreeMap<>();
    CollectionConverters.asJava(source.metadata().configuration())
        .forEach(
            (name, value) -> {
              if (OWN.stream().noneMatch(name::startsWith)) {
                all.put(name, value);
              }
            });
    return all;
  }

  private static String layout(Snapshot source) {
    List<String> partitions = CollectionConverters.asJava(source.metadata().partitionColumns());
    if (!partitions.isEmpty()) {
      return " PARTITIONED BY (" + names(partitions.stream().map(List::of)) + ")";
    }
    var clustering = ClusteredTableUtils.getClusteringColumnsOptional(source);
    if (clustering.isEmpty() || clustering.get().isEmpty()) {
      return "";
    }
    return " CLUSTER BY ("
        + names(
            CollectionConverters.asJava(ClusteringColumnInfo.extractLogicalNames(source)).stream()
                .map(name -> Arrays.asList(name.split("\\."))))
        + ")";
  }

  private static String names(Stream<List<String>> columns) {
    return columns.map(Texts::quoted).collect(Collectors.joining(", "));
  }

  private static String listed(Map<String, String> properties) {
    return properties.entrySet().stream()
        .map(each -> Texts.literal(each.getKey()) + " = " + Texts.literal(each.getValue()))
        .collect(Collectors.joining(", ", "(", ")"));
  }
}
