package dev.tarn.spark;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.SchemaUtils;
import scala.runtime.AbstractPartialFunction;

/**
 * Views {@code WITH SCHEMA EVOLUTION} and {@code WITH SCHEMA TYPE EVOLUTION} whose tables have
 * changed: the catalog is told the columns that the view has now. Spark's own rule ({@code
 * ViewSyncSchemaToMetaStore}) would tell its session catalog, which has no views of ours, and fail;
 * it finds nothing to do after this one.
 */
public final class EvolvedViews extends Rule<LogicalPlan> {
  private static final String TYPES = "TYPE EVOLUTION";
  private static final String ALL = "EVOLUTION";

  private final SparkSession spark;

  public EvolvedViews(SparkSession spark) {
    this.spark = spark;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    Sessions.Session session = Sessions.of(spark);
    return session == null
        ? plan
        : plan.transformUp(
            new AbstractPartialFunction<>() {
              @Override
              public boolean isDefinedAt(LogicalPlan node) {
                return node instanceof View view && view.child().resolved() && evolves(view);
              }

              @Override
              public LogicalPlan apply(LogicalPlan node) {
                View view = (View) node;
                StructType now = now(view);
                if (same(now, view.desc().schema())) {
                  return view;
                }
                SchemaUtils.checkSchemaColumnNameDuplication(now, view.conf().resolver());
                tell(session, view.desc(), now);
                return new View(withSchema(view.desc(), now), false, view.child(), view.options());
              }
            });
  }

  private static boolean evolves(View view) {
    if (view.isTempView() || view.desc().identifier().catalog().isEmpty()) {
      return false;
    }
    String mode = view.desc().viewSchemaMode().toString();
    return mode.equals(TYPES)
        ? view.desc().schema().length() == view.child().schema().length()
        : mode.equals(ALL);
  }

  /** The columns of what the view reads; where only types follow, names and comments stay. */
  private static StructType now(View view) {
    StructField[] read = view.child().schema().fields();
    if (view.desc().viewSchemaMode().toString().equals(ALL)) {
      return new StructType(read);
    }
    StructField[] had = view.desc().schema().fields();
    List<StructField> fields = new ArrayList<>();
    for (int i = 0; i < read.length; i++) {
      Metadata metadata = had[i].metadata();
      fields.add(new StructField(had[i].name(), read[i].dataType(), read[i].nullable(), metadata));
    }
    return new StructType(fields.toArray(new StructField[0]));
  }

  /** But for metadata that only Spark's analysis knows. */
  private static boolean same(StructType now, StructType had) {
    boolean same = now.length() == had.length();
    for (int i = 0; same && i < now.length(); i++) {
      StructField one = now.apply(i);
      StructField other = had.apply(i);
      same =
          one.name().equals(other.name())
              && one.dataType().equals(other.dataType())
              && one.nullable() == other.nullable()
              && one.getComment().equals(other.getComment());
    }
    return same;
  }

  /** By the engine: who reads the view may mend the copy of its columns, and nothing else. */
  private static void tell(Sessions.Session session, CatalogTable view, StructType now) {
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    body.set("columns", Columns.toJson(now, List.of()));
    String name =
        CatalogServer.fullName(
            view.identifier().catalog().get(),
            view.identifier().database().get(),
            view.identifier().table());
    Sessions.server().patch(session.call().byEngine(), "tables/" + name, body);
  }

  private static CatalogTable withSchema(CatalogTable view, StructType schema) {
    return view.copy(
        view.identifier(),
        view.tableType(),
        view.storage(),
        schema,
        view.provider(),
        view.partitionColumnNames(),
        view.bucketSpec(),
        view.owner(),
        view.createTime(),
        view.lastAccessTime(),
        view.createVersion(),
        view.properties(),
        view.stats(),
        view.viewText(),
        view.comment(),
        view.collation(),
        view.unsupportedFeatures(),
        view.tracksPartitionsInCatalog(),
        view.schemaPreservesCase(),
        view.ignoredProperties(),
        view.viewOriginalText(),
        view.multipartIdentifier());
  }
}
