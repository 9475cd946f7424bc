package dev.tarn.spark.governance;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.BinaryComparison;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.In;
import org.apache.spark.sql.catalyst.expressions.InSet;
import org.apache.spark.sql.catalyst.expressions.IsNotNull;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.expressions.StringPredicate;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractPartialFunction;

/**
 * Takes through a {@link Barrier} the conditions that may be evaluated on rows nobody is to see, so
 * that files are skipped by them: they compare columns that have no mask, and cannot fail.
 */
final class SafeFilters extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.transformUp(
        new AbstractPartialFunction<>() {
          @Override
          public boolean isDefinedAt(LogicalPlan node) {
            return node instanceof Filter filter && filter.child() instanceof Barrier;
          }

          @Override
          public LogicalPlan apply(LogicalPlan node) {
            return through((Filter) node);
          }
        });
  }

  private static LogicalPlan through(Filter filter) {
    Barrier barrier = (Barrier) filter.child();
    List<Expression> safe = new ArrayList<>();
    List<Expression> rest = new ArrayList<>();
    for (Expression each :
        CollectionConverters.asJava(filter.splitConjunctivePredicates(filter.condition()))) {
      (isSafe(each, barrier.policy()) ? safe : rest).add(each);
    }
    if (safe.isEmpty()) {
      return filter;
    }
    LogicalPlan below = barrier.over(new Filter(all(safe), barrier.child()));
    return rest.isEmpty() ? below : new Filter(all(rest), below);
  }

  private static Expression all(List<Expression> conditions) {
    return conditions.stream().reduce(And::new).orElseThrow();
  }

  /** Whether it fails on no row, has no effect, and looks at no masked column. */
  static boolean isSafe(Expression condition, Policy policy) {
    boolean known;
    if (condition instanceof AttributeReference column) {
      known = !policy.masks(column.name());
    } else if (condition instanceof Cast cast) {
      known = Cast.canUpCast(cast.child().dataType(), cast.dataType());
    } else {
      known = isSafe(condition);
    }
    return known
        && CollectionConverters.asJava(condition.children()).stream()
            .allMatch(child -> isSafe(child, policy));
  }

  private static boolean isSafe(Expression node) {
    return node instanceof Literal
        || node instanceof BinaryComparison
        || node instanceof And
        || node instanceof Or
        || node instanceof Not
        || node instanceof In
        || node instanceof InSet
        || node instanceof IsNull
        || node instanceof IsNotNull
        || node instanceof StringPredicate;
  }

  /** What is behind a barrier is planned by itself, and runs first. */
  static final class Planned extends SparkStrategy {
    @Override
    public Seq<SparkPlan> apply(LogicalPlan plan) {
      return CollectionConverters.asScala(
              plan instanceof Barrier barrier
                  ? List.of(planLater(barrier.child()))
                  : List.<SparkPlan>of())
          .toList();
    }
  }
}
