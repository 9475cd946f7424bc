package dev.tarn.spark.governance;

import dev.tarn.enforcement.Need;
import dev.tarn.spark.Sessions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.analysis.AnalysisContext;
import org.apache.spark.sql.catalyst.analysis.SQLFunctionContext;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.plans.logical.LocalRelation;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.command.SetCommand;
import org.apache.spark.unsafe.types.UTF8String;
import scala.Option;
import scala.Some;
import scala.Tuple2;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Whether the principal of the session may run a plan, decided on the whole of it when it is
 * analyzed, and again ({@link Recheck}) each time it is executed.
 */
final class Authorize extends Rule<LogicalPlan> {
  private final SparkSession spark;

  Authorize(SparkSession spark) {
    this.spark = spark;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    AnalysisContext context = AnalysisContext.get();
    if (context.nestedViewDepth() != 0) {
      // What the engine has read for a view's body is not what the query around it may know of.
      context.relationCache().clear();
      return plan;
    }
    if (context.outerPlan().isDefined()
        || SQLFunctionContext.get().nestedSQLFunctionDepth() != 0
        // What cannot be resolved is refused by Spark, which says what is missing.
        || !plan.resolved()) {
      return plan;
    }
    LogicalPlan known = withSettings(plan);
    Sessions.Session session = Sessions.of(spark);
    if (session != null) {
      known = new Targets(spark, session).guarded(known);
    }
    require(spark, known);
    return known;
  }

  static void require(SparkSession spark, LogicalPlan plan) {
    Needs.Found found;
    try {
      found = Needs.of(plan);
    } catch (Exception e) {
      if (InternalWork.isGoingOn()) {
        return;
      }
      throw e;
    }
    Set<Need> needs = found.needs();
    if (needs.isEmpty()) {
      return;
    }
    Sessions.Session session = Sessions.of(spark);
    if (session != null && session.decisions().known(session, needs)) {
      requireBarriers(session, found);
      return;
    }
    if (InternalWork.isGoingOn()) {
      return;
    }
    if (session == null) {
      throw Refused.because("this session belongs to nobody");
    }
    session.decisions().require(session, needs);
    requireBarriers(session, found);
  }

  /** Whoever sees a part of a table reads it through what shows that part, as it is now. */
  private static void requireBarriers(Sessions.Session session, Needs.Found found) {
    for (Needs.Touch touch : found.touched()) {
      if (Targets.isHarmless(touch.by())) {
        continue;
      }
      Policy policy = session.decisions().policy(session, touch.table());
      boolean through = touch.behind() != null && touch.behind().policy().equals(policy);
      if (policy.isEmpty() || through || Targets.isGuarded(touch.by(), policy)) {
        continue;
      }
      if (InternalWork.isGoingOn()) {
        return;
      }
      if (touch.behind() != null) {
        throw Refused.because(
            "the filter or masks of Table '"
                + policy.table()
                + "' are others than when this was analyzed (expected: make it again)");
      }
      throw Refused.ofProtected(touch.by().nodeName(), policy);
    }
  }

  /** SET by the platform's name is SET by Spark's; SET alone lists what may be read. */
  private LogicalPlan withSettings(LogicalPlan plan) {
    if (!(plan instanceof SetCommand set)) {
      return plan;
    }
    if (set.kv().isEmpty()) {
      List<InternalRow> rows = new ArrayList<>();
      for (String name : Settings.readable()) {
        Option<String> value = spark.conf().getOption(name);
        if (value.isDefined()) {
          rows.add(
              new GenericInternalRow(
                  new Object[] {UTF8String.fromString(name), UTF8String.fromString(value.get())}));
        }
      }
      return new LocalRelation(
          set.output(), CollectionConverters.asScala(rows).toSeq(), false, Option.empty());
    }
    String given = set.kv().get()._1();
    String name = Settings.name(given);
    return name.equals(given)
        ? set
        : set.copy(new Some<>(new Tuple2<>(name, set.kv().get()._2().map(Settings::plain))));
  }

  /** The same at each execution: a prepared plan, a cached table, a long session. */
  static final class Recheck extends Rule<LogicalPlan> {
    private final SparkSession spark;

    Recheck(SparkSession spark) {
      this.spark = spark;
    }

    @Override
    public LogicalPlan apply(LogicalPlan plan) {
      require(spark, plan);
      return IdentityFunctions.asLiterals(spark, plan);
    }
  }
}
