package dev.tarn.spark.governance;

import dev.tarn.spark.Sessions;
import io.delta.tables.execution.VacuumTableCommand;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.SQLScalarFunction;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeAction;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoMatchedClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoMatchedDeleteClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoMatchedUpdateClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoNotMatchedBySourceClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoNotMatchedBySourceDeleteClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoNotMatchedBySourceUpdateClause;
import org.apache.spark.sql.catalyst.plans.logical.DescribeColumn;
import org.apache.spark.sql.catalyst.plans.logical.LocalRelation;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.trees.TreeNodeTag;
import org.apache.spark.sql.delta.commands.DeleteCommand;
import org.apache.spark.sql.delta.commands.MergeIntoCommand;
import org.apache.spark.sql.delta.commands.UpdateCommand;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.Option;
import scala.Some;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractPartialFunction;

/**
 * What is changed, where rows or columns of it are hidden from who changes it: only rows that are
 * seen, and never by what a mask hides.
 */
final class Targets {
  /** What may be done with a table without looking at its rows, or adds to them. */
  private static final Set<String> HARMLESS =
      Set.of(
          "AddColumns",
          "AlterColumns",
          "AlterTableAddColumnsDeltaCommand",
          "AlterTableChangeColumnDeltaCommand",
          "AlterTableClusterBy",
          "AlterTableClusterByDeltaCommand",
          "AlterTableSetPropertiesDeltaCommand",
          "AlterTableUnsetPropertiesDeltaCommand",
          "AppendData",
          "CommentOnTable",
          "CreateTableLike",
          "DescribeRelation",
          "DescribeRelationJsonCommand",
          "DropConstraint",
          "OptimizeTableCommand",
          "RefreshTable",
          "SetTableProperties",
          "ShowColumns",
          "ShowCreateTable",
          "ShowDeltaTableColumnsCommand",
          "ShowTableProperties",
          "UnsetTableProperties");

  private static final TreeNodeTag<Policy> GUARDED = new TreeNodeTag<>("tarn.policy");

  private final SparkSession spark;
  private final Sessions.Session session;

  Targets(SparkSession spark, Sessions.Session session) {
    this.spark = spark;
    this.session = session;
  }

  static boolean isHarmless(LogicalPlan command) {
    return HARMLESS.contains(command.getClass().getSimpleName())
        || (command instanceof DescribeColumn column && !column.isExtended())
        // A dry run tells the names of files, which may have values in them.
        || (command instanceof VacuumTableCommand vacuum && !vacuum.dryRun());
  }

  /** Whether a command changes only what this policy lets be seen. */
  static boolean isGuarded(LogicalPlan command, Policy policy) {
    Option<Policy> guarded = command.getTagValue(GUARDED);
    return guarded.isDefined() && guarded.get().equals(policy);
  }

  private static boolean isChange(LogicalPlan node) {
    return node instanceof DeleteCommand
        || node instanceof UpdateCommand
        || node instanceof MergeIntoCommand;
  }

  /** The plan, its changes of tables guarded. */
  LogicalPlan guarded(LogicalPlan plan) {
    if (!plan.exists(Targets::isChange)) {
      return plan;
    }
    return plan.transformDown(
        new AbstractPartialFunction<>() {
          @Override
          public boolean isDefinedAt(LogicalPlan node) {
            return isChange(node) && node.getTagValue(GUARDED).isEmpty();
          }

          @Override
          public LogicalPlan apply(LogicalPlan node) {
            return change(node);
          }
        });
  }

  private LogicalPlan change(LogicalPlan node) {
    LogicalPlan target =
        node instanceof DeleteCommand delete
            ? delete.target()
            : node instanceof UpdateCommand update
                ? update.target()
                : ((MergeIntoCommand) node).target();
    String table = null;
    Set<String> partitions = Set.of();
    for (LogicalPlan leaf : CollectionConverters.asJava(target.collectLeaves())) {
      table = Needs.table(leaf);
      partitions = partitions(leaf);
    }
    Policy policy = table == null ? null : session.decisions().policy(session, table);
    if (policy == null || policy.isEmpty()) {
      return node;
    }
    LogicalPlan guarded =
        new Change(policy, CollectionConverters.asJava(target.output()), partitions).of(node);
    guarded.setTagValue(GUARDED, policy);
    // What is equal to it stays in the plan.
    node.setTagValue(GUARDED, policy);
    return guarded;
  }

  /** The columns that may be looked at for whole files; all when that is not known. */
  private static Set<String> partitions(LogicalPlan leaf) {
    Stream<String> names =
        leaf instanceof LogicalRelation relation
                && relation.relation() instanceof HadoopFsRelation files
            ? Stream.of(files.partitionSchema().fieldNames())
            : CollectionConverters.asJava(leaf.output()).stream().map(Attribute::name);
    return names.map(name -> name.toLowerCase(Locale.ROOT)).collect(Collectors.toSet());
  }

  /** One change of one table. */
  private final class Change {
    private final Policy policy;
    private final List<Attribute> columns;
    private final Set<String> partitions;
    private final Expression filter;

    Change(Policy policy, List<Attribute> columns, Set<String> partitions) {
      this.policy = policy;
      this.columns = columns;
      this.partitions = partitions;
      this.filter = policy.hasFilter() ? filter() : null;
    }

    LogicalPlan of(LogicalPlan node) {
      if (node instanceof DeleteCommand delete) {
        return delete.copy(
            delete.deltaLog(),
            delete.catalogTable(),
            delete.target(),
            found("DELETE", delete.condition()));
      }
      if (node instanceof UpdateCommand update) {
        List<Expression> values = CollectionConverters.asJava(update.updateExpressions());
        for (int i = 0; i < values.size(); i++) {
          boolean itself =
              i < columns.size()
                  && values.get(i) instanceof AttributeReference value
                  && value.exprId().equals(columns.get(i).exprId());
          if (!itself) {
            requireUnmasked("UPDATE", values.get(i));
          }
        }
        return update.copy(
            update.tahoeFileIndex(),
            update.catalogTable(),
            update.target(),
            update.updateExpressions(),
            found("UPDATE", update.condition()));
      }
      return of((MergeIntoCommand) node);
    }

    private LogicalPlan of(MergeIntoCommand merge) {
      requireUnmasked("MERGE", merge.condition());
      if (filter != null && !SafeFilters.isSafe(merge.condition(), policy)) {
        // It is evaluated on hidden rows too, and would tell of them by failing.
        throw Refused.ofProtected(
            "MERGE ON " + merge.condition().sql() + " (expected: comparisons of columns)", policy);
      }
      List<DeltaMergeIntoMatchedClause> matched = new ArrayList<>();
      for (DeltaMergeIntoMatchedClause each : CollectionConverters.asJava(merge.matchedClauses())) {
        matched.add((DeltaMergeIntoMatchedClause) clause(each));
      }
      List<DeltaMergeIntoNotMatchedBySourceClause> notMatched = new ArrayList<>();
      for (DeltaMergeIntoNotMatchedBySourceClause each :
          CollectionConverters.asJava(merge.notMatchedBySourceClauses())) {
        notMatched.add((DeltaMergeIntoNotMatchedBySourceClause) clause(each));
      }
      return merge.copy(
          merge.source(),
          merge.target(),
          merge.catalogTable(),
          merge.targetFileIndex(),
          merge.condition(),
          CollectionConverters.asScala(matched).toList(),
          merge.notMatchedClauses(),
          CollectionConverters.asScala(notMatched).toList(),
          merge.migratedSchema(),
          merge.trackHighWaterMarks(),
          merge.schemaEvolutionEnabled());
    }

    private DeltaMergeIntoClause clause(DeltaMergeIntoClause clause) {
      Option<Expression> condition = seen("MERGE", clause.condition());
      for (Expression each : CollectionConverters.asJava(clause.actions())) {
        if (!(each instanceof DeltaMergeAction action && isItself(action))) {
          requireUnmasked("MERGE", each);
        }
      }
      if (clause instanceof DeltaMergeIntoMatchedUpdateClause update) {
        return update.copy(condition, update.actions());
      } else if (clause instanceof DeltaMergeIntoMatchedDeleteClause delete) {
        return delete.copy(condition);
      } else if (clause instanceof DeltaMergeIntoNotMatchedBySourceUpdateClause update) {
        return update.copy(condition, update.actions());
      } else if (clause instanceof DeltaMergeIntoNotMatchedBySourceDeleteClause delete) {
        return delete.copy(condition);
      }
      throw Refused.ofProtected("MERGE " + clause.clauseType(), policy);
    }

    /** A column that keeps its value. */
    private boolean isItself(DeltaMergeAction action) {
      Expression value = action.expr();
      while (value instanceof Cast || value instanceof Alias) {
        value = value.children().head();
      }
      return action.targetColNameParts().size() == 1
          && value instanceof AttributeReference column
          && columns.stream().anyMatch(each -> each.exprId().equals(column.exprId()))
          && column.name().equalsIgnoreCase(action.targetColNameParts().head());
    }

    /** Of an UPDATE or DELETE, which looks for files first. */
    private Option<Expression> found(String operation, Option<Expression> condition) {
      if (filter != null && condition.isDefined()) {
        requireSafeOnPartitions(operation, condition.get());
      }
      return seen(operation, condition);
    }

    private Option<Expression> seen(String operation, Option<Expression> condition) {
      if (condition.isDefined()) {
        requireUnmasked(operation, condition.get());
      }
      if (filter == null) {
        return condition;
      }
      return new Some<>(condition.isEmpty() ? filter : new And(filter, condition.get()));
    }

    /**
     * Delta looks at what is on partition columns for whole files, ahead of the filter: it must not
     * fail on those that are hidden.
     */
    private void requireSafeOnPartitions(String operation, Expression condition) {
      if (condition instanceof And || condition instanceof Or || condition instanceof Not) {
        CollectionConverters.asJava(condition.children())
            .forEach(part -> requireSafeOnPartitions(operation, part));
        return;
      }
      boolean onPartition =
          CollectionConverters.asJava(condition.references().toSeq()).stream()
              .anyMatch(column -> partitions.contains(column.name().toLowerCase(Locale.ROOT)));
      if (onPartition && !SafeFilters.isSafe(withoutConstants(condition), policy)) {
        throw Refused.ofProtected(
            operation
                + " WHERE "
                + condition.sql()
                + " (expected: comparisons of partition columns)",
            policy);
      }
    }

    /** What is of no column tells of no row. */
    private static Expression withoutConstants(Expression condition) {
      return condition.transformDown(
          new AbstractPartialFunction<>() {
            @Override
            public boolean isDefinedAt(Expression node) {
              return node.foldable() && !(node instanceof Literal);
            }

            @Override
            public Expression apply(Expression node) {
              return new Literal(null, node.dataType());
            }
          });
    }

    private void requireUnmasked(String operation, Expression expression) {
      for (Attribute used : CollectionConverters.asJava(expression.references().toSeq())) {
        for (Attribute column : columns) {
          if (column.exprId().equals(used.exprId()) && policy.masks(column.name())) {
            throw Refused.ofProtected(
                operation + " by the masked column '" + column.name() + "'", policy);
          }
        }
      }
    }

    /**
     * The filter's function as one expression over the target's columns, for Delta takes no calls:
     * true for rows that are seen, false for all others.
     */
    private Expression filter() {
      Alias call =
          new Alias(
              Barriers.filter(policy, columns),
              "seen",
              NamedExpression.newExprId(),
              CollectionConverters.<String>asScala(List.of()).toList(),
              Option.empty(),
              CollectionConverters.<String>asScala(List.of()).toList());
      LogicalPlan rows =
          new LocalRelation(
              CollectionConverters.asScala(columns).toList(),
              CollectionConverters.<org.apache.spark.sql.catalyst.InternalRow>asScala(List.of())
                  .toList(),
              false,
              Option.empty());
      Seq<NamedExpression> list =
          CollectionConverters.asScala(List.<NamedExpression>of(call)).toList();
      LogicalPlan analyzed =
          ((org.apache.spark.sql.classic.SparkSession) spark)
              .sessionState()
              .analyzer()
              .execute(new Barrier(new Project(list, rows), policy, ""));
      if (!(analyzed instanceof Barrier barrier
          && barrier.child() instanceof Project top
          && top.resolved())) {
        throw Refused.ofProtected("a change by this row filter", policy);
      }
      Expression seen = (Expression) top.projectList().head();
      for (LogicalPlan at = top.child(); at instanceof Project below; at = below.child()) {
        Map<ExprId, Expression> values = new HashMap<>();
        for (NamedExpression each : CollectionConverters.asJava(below.projectList())) {
          values.put(
              each.exprId(), each instanceof Alias alias ? alias.child() : (Expression) each);
        }
        seen = replaced(seen, values);
      }
      seen = replaced(seen, Map.of());
      while (seen instanceof Alias alias) {
        seen = alias.child();
      }
      if (seen.exists(part -> part instanceof PlanExpression<?>)) {
        throw Refused.ofProtected("a change by a row filter that reads a table", policy);
      }
      return new EqualNullSafe(seen, Literal.TrueLiteral());
    }

    private Expression replaced(Expression expression, Map<ExprId, Expression> values) {
      return expression
          .transformUp(
              new AbstractPartialFunction<>() {
                @Override
                public boolean isDefinedAt(Expression node) {
                  return node instanceof SQLScalarFunction
                      || (node instanceof AttributeReference column
                          && values.containsKey(column.exprId()));
                }

                @Override
                public Expression apply(Expression node) {
                  return node instanceof SQLScalarFunction call
                      ? call.child()
                      : values.get(((AttributeReference) node).exprId());
                }
              })
          .transformUp(IdentityFunctions.literal(session));
    }
  }
}
