package dev.tarn.spark.governance;

import dev.tarn.spark.Sessions;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.ArrayContains;
import org.apache.spark.sql.catalyst.expressions.CurrentUser;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import scala.Tuple3;
import scala.collection.immutable.Seq;
import scala.runtime.AbstractPartialFunction;

/**
 * Functions that answer with who asks. In a plan they are literals: Spark's cache of results is one
 * for all, and its key is the plan, so that a function of its own would give Bob what Alice cached.
 */
final class IdentityFunctions {
  private IdentityFunctions() {}

  static void register(SparkSessionExtensions extensions) {
    for (String name : new String[] {"is_account_group_member", "is_member"}) {
      register(extensions, name, arguments -> membership(name, arguments));
    }
  }

  private static void register(
      SparkSessionExtensions extensions,
      String name,
      scala.Function1<Seq<Expression>, Expression> builder) {
    extensions.injectFunction(
        new Tuple3<>(
            new FunctionIdentifier(name),
            new ExpressionInfo(IdentityFunctions.class.getName(), name),
            builder));
  }

  /** Whether the argument is the name of one of the groups of whoever runs the statement. */
  private static Expression membership(String name, Seq<Expression> arguments) {
    if (arguments.size() != 1) {
      throw new IllegalArgumentException(
          name + ": " + arguments.size() + " arguments (expected: the name of a group)");
    }
    Sessions.Session session = Sessions.active();
    Object[] groups =
        session.decisions().groups(session).stream().map(UTF8String::fromString).toArray();
    return new ArrayContains(
        new Literal(
            new GenericArrayData(groups), DataTypes.createArrayType(DataTypes.StringType, false)),
        arguments.head());
  }

  static LogicalPlan asLiterals(SparkSession spark, LogicalPlan plan) {
    Sessions.Session session = Sessions.of(spark);
    if (session == null) {
      return plan;
    }
    return plan.transformAllExpressionsWithSubqueries(literal(session));
  }

  /** The user as a literal, for who calls. */
  static AbstractPartialFunction<Expression, Expression> literal(Sessions.Session session) {
    UTF8String user = UTF8String.fromString(session.call().principal().userName());
    return new AbstractPartialFunction<Expression, Expression>() {
      @Override
      public boolean isDefinedAt(Expression expression) {
        return expression instanceof CurrentUser;
      }

      @Override
      public <A extends Expression, B> B applyOrElse(
          A expression, scala.Function1<A, B> otherwise) {
        return isDefinedAt(expression)
            ? cast(new Literal(user, expression.dataType()))
            : otherwise.apply(expression);
      }

      @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
      private <B> B cast(Expression literal) {
        return (B) literal;
      }
    };
  }
}
