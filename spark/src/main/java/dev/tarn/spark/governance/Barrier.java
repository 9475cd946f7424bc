package dev.tarn.spark.governance;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.ExpressionSet;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.UnaryNode;
import scala.Function1;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.BoxedUnit;

/**
 * Between a table and whoever reads it. Put around each name before it is resolved; until it is
 * known what the reader sees ({@code policy} is null) nothing above it resolves, so nothing can
 * come to mean a column as it is stored. Then it holds the filter and the masks, and stays until
 * the plan is made physical: the optimizer takes nothing through a node it does not know, so what a
 * statement computes is computed of rows that its reader may see.
 *
 * <p>Public, and its parameters are what {@link #productElement} gives: Spark copies plans so.
 */
public final class Barrier extends LogicalPlan implements UnaryNode {
  private final LogicalPlan child;
  private final Policy policy;
  private final String asked;

  /**
   * @param asked what of the table was asked for but its rows as they are now; "" when nothing was
   */
  public Barrier(LogicalPlan child, Policy policy, String asked) {
    this.child = child;
    this.policy = policy;
    this.asked = asked;
  }

  Policy policy() {
    return policy;
  }

  String asked() {
    return asked;
  }

  Barrier over(LogicalPlan newChild) {
    return new Barrier(newChild, policy, asked);
  }

  @Override
  public boolean resolved() {
    return policy != null && child.resolved();
  }

  @Override
  public LogicalPlan child() {
    return child;
  }

  @Override
  public Seq<LogicalPlan> children() {
    return CollectionConverters.asScala(List.of(child)).toList();
  }

  @Override
  public Seq<Attribute> output() {
    return child.output();
  }

  /** Files and their rows' places in them are not for who sees a part. */
  @Override
  public Seq<Attribute> metadataOutput() {
    return CollectionConverters.<Attribute>asScala(List.of()).toList();
  }

  @Override
  public ExpressionSet validConstraints() {
    return child.constraints();
  }

  @Override
  public LogicalPlan withNewChildInternal(LogicalPlan newChild) {
    return over(newChild);
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> children) {
    return over(children.head());
  }

  @Override
  public LogicalPlan mapChildren(Function1<LogicalPlan, LogicalPlan> f) {
    LogicalPlan after = f.apply(child);
    if (after == child) {
      return this;
    }
    LogicalPlan copy = over(after);
    copy.copyTagsFrom(this);
    return copy;
  }

  @Override
  public String simpleString(int maxFields) {
    return policy == null ? "Barrier" : "Barrier " + policy.table();
  }

  /** What is below, with its statistics, is not shown to who reads a plan. */
  @Override
  @SuppressWarnings("NonApiType") // It is Spark's.
  public void generateTreeString(
      int depth,
      ArrayList<Object> lastChildren,
      Function1<String, BoxedUnit> append,
      boolean verbose,
      String prefix,
      boolean addSuffix,
      int maxFields,
      boolean printNodeId,
      boolean printOutputColumns,
      int indent) {
    append.apply("   ".repeat(indent) + "   ".repeat(Math.max(0, depth - 1)));
    append.apply((depth > 0 ? "+- " : "") + simpleString(maxFields) + "\n");
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> child;
      case 1 -> policy;
      case 2 -> asked;
      default -> throw new IndexOutOfBoundsException(n);
    };
  }

  @Override
  public boolean canEqual(Object that) {
    return that instanceof Barrier;
  }

  @Override
  public boolean equals(Object that) {
    return this == that
        || (that instanceof Barrier other
            && asked.equals(other.asked)
            && Objects.equals(policy, other.policy)
            && child.equals(other.child));
  }

  @Override
  public int hashCode() {
    return Objects.hash(child, policy, asked);
  }
}
