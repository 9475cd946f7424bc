package dev.tarn.spark.governance;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.spark.Sessions;
import dev.tarn.spark.sql.StoredCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.RelationTimeTravel;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.CloneTableStatement;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan$;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import scala.Option;
import scala.Some;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractPartialFunction;

/**
 * Puts a {@link Barrier} around each table that is read, and what its reader sees in it. Whether
 * each table has one is asked again of the whole plan by {@link Authorize}: what slips by here is
 * refused there.
 */
final class Barriers {
  private Barriers() {}

  /** Ahead of all resolution: around names. */
  static final class Wrap extends Rule<LogicalPlan> {
    @Override
    public LogicalPlan apply(LogicalPlan plan) {
      return Sessions.activeOrNull() == null ? plan : wrapped(plan);
    }

    private static LogicalPlan wrapped(LogicalPlan plan) {
      if (plan instanceof Barrier || plan instanceof CloneTableStatement) {
        return plan;
      }
      if (plan instanceof UnresolvedRelation relation) {
        if (relation.options().containsKey(UnresolvedRelation.REQUIRED_WRITE_PRIVILEGES())) {
          return plan;
        }
        return around(
            plan, relation.options().isEmpty() ? "" : "options " + relation.options().keySet());
      }
      if (plan instanceof RelationTimeTravel) {
        return around(plan, "time travel");
      }
      return plan.mapChildren(asFunction(Wrap::wrapped));
    }

    private static LogicalPlan around(LogicalPlan plan, String asked) {
      Barrier barrier = new Barrier(plan, null, asked);
      // DataFrames name a column by the plan it is of, which is this one from now on.
      barrier.copyTagsFrom(plan);
      return barrier;
    }
  }

  private static scala.Function1<LogicalPlan, LogicalPlan> asFunction(
      java.util.function.UnaryOperator<LogicalPlan> f) {
    return f::apply;
  }

  /** When the name has become a table: what its reader sees of it, or the table alone. */
  static final class Decide extends Rule<LogicalPlan> {
    private final SparkSession spark;

    Decide(SparkSession spark) {
      this.spark = spark;
    }

    @Override
    public LogicalPlan apply(LogicalPlan plan) {
      if (!plan.exists(node -> isOpen(node))) {
        return plan;
      }
      return plan.transformUp(
          new AbstractPartialFunction<>() {
            @Override
            public boolean isDefinedAt(LogicalPlan node) {
              return isOpen(node);
            }

            @Override
            public LogicalPlan apply(LogicalPlan node) {
              return decided((Barrier) node);
            }
          });
    }

    private static boolean isOpen(LogicalPlan node) {
      return node instanceof Barrier barrier
          && barrier.policy() == null
          && barrier.child().resolved();
    }

    private LogicalPlan decided(Barrier barrier) {
      LogicalPlan relation = barrier.child();
      while (relation instanceof SubqueryAlias alias) {
        relation = alias.child();
      }
      String table = Needs.table(relation);
      if (table == null) {
        return barrier.child();
      }
      Sessions.Session session = Sessions.of(spark);
      if (session == null) {
        throw Refused.because("this session belongs to nobody");
      }
      Policy policy = session.decisions().policy(session, table);
      if (policy.isEmpty()) {
        return barrier.child();
      }
      if (!barrier.asked().isEmpty()) {
        throw Refused.ofProtected(barrier.asked(), policy);
      }
      return aliased(barrier.child(), seen(relation, policy));
    }

    private static LogicalPlan aliased(LogicalPlan child, LogicalPlan seen) {
      return child instanceof SubqueryAlias alias
          ? new SubqueryAlias(alias.identifier(), aliased(alias.child(), seen))
          : seen;
    }
  }

  /** The rows and columns of {@code relation} that the policy leaves. */
  private static Barrier seen(LogicalPlan relation, Policy policy) {
    List<Attribute> columns = CollectionConverters.asJava(relation.output());
    relation.unsetTagValue(LogicalPlan$.MODULE$.PLAN_ID_TAG());
    LogicalPlan rows =
        policy.hasFilter() ? new Filter(filter(policy, columns), relation) : relation;
    requireColumns(policy, columns);
    List<NamedExpression> shown = new ArrayList<>();
    for (Attribute column : columns) {
      Optional<JsonNode> mask = policy.mask(column.name());
      shown.add(mask.isPresent() ? masked(policy, mask.get(), column, columns) : column);
    }
    return new Barrier(new Project(CollectionConverters.asScala(shown).toList(), rows), policy, "");
  }

  private static void requireColumns(Policy policy, List<Attribute> columns) {
    policy.masks().forEach(mask -> column(policy, columns, mask.path("column").asText()));
  }

  /** True for rows to be seen; anything else hides. */
  static Expression filter(Policy policy, List<Attribute> columns) {
    return StoredCall.of(
        policy.filter().path("function"), arguments(policy, policy.filter(), columns));
  }

  private static Alias masked(
      Policy policy, JsonNode mask, Attribute column, List<Attribute> columns) {
    List<Expression> arguments = new ArrayList<>();
    arguments.add(column);
    arguments.addAll(arguments(policy, mask, columns));
    return new Alias(
        new Cast(
            StoredCall.of(mask.path("function"), arguments),
            column.dataType(),
            Option.empty(),
            Cast.apply$default$4()),
        column.name(),
        NamedExpression.newExprId(),
        column.qualifier(),
        new Some<>(column.metadata()),
        CollectionConverters.<String>asScala(List.of()).toList());
  }

  private static List<Expression> arguments(Policy policy, JsonNode rule, List<Attribute> columns) {
    List<Expression> arguments = new ArrayList<>();
    for (JsonNode argument : rule.path("arguments")) {
      arguments.add(
          argument.hasNonNull("column")
              ? column(policy, columns, argument.path("column").asText())
              : new Literal(
                  UTF8String.fromString(argument.path("constant").asText()), DataTypes.StringType));
    }
    return arguments;
  }

  private static Attribute column(Policy policy, List<Attribute> columns, String name) {
    return columns.stream()
        .filter(column -> column.name().equalsIgnoreCase(name))
        .findFirst()
        .orElseThrow(
            () ->
                Refused.because(
                    "a policy of Table '"
                        + policy.table()
                        + "' is on column '"
                        + name
                        + "', which the table does not have: nobody reads it"));
  }
}
