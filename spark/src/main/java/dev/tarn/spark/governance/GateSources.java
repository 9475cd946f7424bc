package dev.tarn.spark.governance;

import dev.tarn.enforcement.Need;
import dev.tarn.spark.Sessions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.TimeTravel;
import org.apache.spark.sql.catalyst.analysis.AnalysisContext;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedIdentifier;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTable;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableOrView;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableValuedFunction;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.ExecutableDuringAnalysis;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.UnresolvedDataSource;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.connector.catalog.CatalogManager;
import org.apache.spark.sql.delta.UnresolvedPathBasedDeltaTable;
import org.apache.spark.sql.delta.UnresolvedPathBasedTable;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Paths, before anything looks at what lies there. It runs ahead of all resolution, sees each way
 * to name a file, and asks the server for READ FILES; a file nobody may read is refused whether it
 * exists or not.
 *
 * <p>Within the body of a view only the form is judged: who wrote it is asked for, on the whole
 * plan, by {@link Authorize}.
 */
final class GateSources extends Rule<LogicalPlan> {
  /** Functions of tables that would name a table or a path by a text nobody resolves. */
  private static final Set<String> DENIED_FUNCTIONS = Set.of("table_changes_by_path");

  private final SparkSession spark;

  GateSources(SparkSession spark) {
    this.spark = spark;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    Set<Need> needs = new LinkedHashSet<>();
    List<LogicalPlan> nodes = new ArrayList<>();
    collect(plan, nodes);
    try {
      nodes.forEach(node -> gate(node, needs));
    } catch (Exception e) {
      if (InternalWork.isGoingOn()) {
        return plan;
      }
      throw e;
    }
    if (!needs.isEmpty()
        && AnalysisContext.get().nestedViewDepth() == 0
        && !InternalWork.isGoingOn()) {
      Sessions.Session session = Sessions.of(spark);
      if (session == null) {
        throw Refused.because("this session belongs to nobody");
      }
      session.decisions().require(session, needs);
    }
    return plan;
  }

  /** All nodes, those in subqueries too. */
  private static void collect(LogicalPlan plan, List<LogicalPlan> nodes) {
    plan.foreachWithSubqueries(
        node -> {
          nodes.add(node);
          return scala.runtime.BoxedUnit.UNIT;
        });
  }

  private void gate(LogicalPlan node, Set<Need> needs) {
    CollectionConverters.asJava(node.expressions()).forEach(GateSources::gate);
    if (node instanceof UnresolvedRelation relation) {
      relation.options().keySet().forEach(Sources::requireOption);
      if (relation.options().values().stream().anyMatch(Sources::hasSubquery)) {
        throw Refused.because("an option with a subquery cannot be used here");
      }
      if (relation.isStreaming()) {
        throw Refused.because("streams cannot be read here");
      }
      named(relation.multipartIdentifier(), true, needs);
    } else if (node instanceof UnresolvedTable table) {
      named(table.multipartIdentifier(), false, needs);
    } else if (node instanceof UnresolvedTableOrView table) {
      named(table.multipartIdentifier(), false, needs);
    } else if (node instanceof UnresolvedIdentifier name) {
      named(name.nameParts(), false, needs);
    } else if (node instanceof UnresolvedDataSource source) {
      dataSource(source, needs);
    } else if (node instanceof UnresolvedPathBasedDeltaTable table) {
      CollectionConverters.asJava(table.options()).keySet().forEach(Sources::requireOption);
      read(table.path(), needs);
    } else if (node instanceof UnresolvedPathBasedTable table) {
      CollectionConverters.asJava(table.options()).keySet().forEach(Sources::requireOption);
      read(table.path(), needs);
    } else if (node instanceof TimeTravel travel && travel.relation() != null) {
      // Of RESTORE, which does not call what it holds its child, and is decided while it is
      // resolved
      // when there is nothing to restore.
      gate(travel.relation(), needs);
      if (travel.relation() instanceof UnresolvedRelation table && needs.isEmpty()) {
        written(table.multipartIdentifier(), needs);
      }
    } else if (node instanceof ExecutableDuringAnalysis) {
      // Spark carries it out before there is a whole plan to decide on.
      throw Refused.because(node.nodeName().toUpperCase(Locale.ROOT) + " cannot be used here");
    } else if (node instanceof UnresolvedTableValuedFunction function) {
      String name = function.name().last().toLowerCase(Locale.ROOT);
      if (DENIED_FUNCTIONS.contains(name)) {
        throw Refused.because("function '" + name + "' cannot be used here");
      }
    }
  }

  private static void gate(Expression expression) {
    if (expression instanceof UnresolvedFunction call) {
      PureJava.require(call);
    }
    CollectionConverters.asJava(expression.children()).forEach(GateSources::gate);
  }

  /** {@code parquet.`s3://…`}: two parts, of which Spark tries the second as a path. */
  private void named(Seq<String> parts, boolean anyFormat, Set<Need> needs) {
    if (parts.size() != 2) {
      return;
    }
    String first = parts.head();
    String second = parts.last();
    boolean looksLikePath = second.indexOf('/') >= 0 || second.indexOf(':') >= 0;
    if (first.indexOf('.') >= 0) {
      // A format by the name of its class; no catalog or schema can have such a name.
      throw Refused.because("data source '" + first + "' cannot be used here");
    }
    if (!looksLikePath) {
      return;
    }
    if (Sources.isFormat(first) && (anyFormat || first.equalsIgnoreCase("delta"))) {
      read(second, needs);
    } else if (anyFormat && isSource(first)) {
      throw Refused.because("data source '" + first + "' cannot be used here");
    }
  }

  private void written(Seq<String> parts, Set<Need> needs) {
    List<String> name = new ArrayList<>(CollectionConverters.asJava(parts));
    CatalogManager session =
        ((org.apache.spark.sql.classic.SparkSession) spark).sessionState().catalogManager();
    if (name.size() == 1 && session.currentNamespace().length == 1) {
      name.add(0, session.currentNamespace()[0]);
    }
    if (name.size() == 2) {
      name.add(0, session.currentCatalog().name());
    }
    for (String privilege : new String[] {"MODIFY", "SELECT"}) {
      needs.add(new Need(privilege, "TABLE", String.join(".", name), List.of()));
    }
  }

  private boolean isSource(String name) {
    try {
      var unused =
          org.apache.spark.sql.execution.datasources.DataSource.lookupDataSource(
              name, ((org.apache.spark.sql.classic.SparkSession) spark).sessionState().conf());
      return true;
    } catch (RuntimeException e) {
      return false;
    }
  }

  private static void dataSource(UnresolvedDataSource source, Set<Need> needs) {
    if (source.isStreaming()) {
      throw Refused.because("streams cannot be read here");
    }
    Sources.requireFormat(source.format());
    boolean path = source.paths().nonEmpty();
    for (String name : CollectionConverters.asJava(source.options()).keySet()) {
      Sources.requireOption(name);
      if (name.equalsIgnoreCase("paths")) {
        throw Refused.because("option 'paths' cannot be used here");
      }
      if (name.equalsIgnoreCase("path")) {
        source
            .options()
            .get(name)
            .foreach(
                value -> {
                  read(value, needs);
                  return scala.runtime.BoxedUnit.UNIT;
                });
        path = true;
      }
    }
    if (!path) {
      throw Refused.because("data source '" + source.format() + "' without a path");
    }
    CollectionConverters.asJava(source.paths()).forEach(each -> read(each, needs));
  }

  private static void read(String path, Set<Need> needs) {
    needs.add(new Need("READ_FILES", "PATH", Sources.asked(path), List.of()));
  }
}
