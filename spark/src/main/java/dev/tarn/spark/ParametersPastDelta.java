package dev.tarn.spark;

import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Carries the values of {@code :name} and {@code ?} past Delta's parser.
 *
 * <p>Spark 4.2 hands them to the parser; Delta 4.4's, which sits in front of Spark's, does not know
 * that method and drops them, so that every statement with a parameter fails as unbound. Here one
 * parser sits in front of Delta's and keeps the values, and one behind it takes them back.
 */
final class ParametersPastDelta {
  private static final ThreadLocal<ParameterContext> VALUES = new ThreadLocal<>();

  static final String EXTENSIONS =
      Inner.class.getName() + ",io.delta.sql.DeltaSparkSessionExtension," + Outer.class.getName();

  private ParametersPastDelta() {}

  /** Registered after Delta's extension, so its parser is asked first. */
  public static final class Outer extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
    @Override
    public BoxedUnit apply(SparkSessionExtensions extensions) {
      extensions.injectParser((session, delta) -> new Keeper(delta));
      return BoxedUnit.UNIT;
    }
  }

  /** Registered before Delta's extension, so Delta's parser asks it for what is not Delta's. */
  public static final class Inner extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
    @Override
    public BoxedUnit apply(SparkSessionExtensions extensions) {
      extensions.injectParser((session, spark) -> new Taker(spark));
      return BoxedUnit.UNIT;
    }
  }

  private static final class Keeper extends PassingParser {
    Keeper(ParserInterface delta) {
      super(delta);
    }

    @Override
    public LogicalPlan parsePlan(String sql) throws ParseException {
      return next.parsePlan(sql);
    }

    @Override
    public LogicalPlan parsePlanWithParameters(String sql, ParameterContext values)
        throws ParseException {
      VALUES.set(values);
      try {
        return next.parsePlan(sql);
      } finally {
        VALUES.remove();
      }
    }
  }

  private static final class Taker extends PassingParser {
    Taker(ParserInterface spark) {
      super(spark);
    }

    @Override
    public LogicalPlan parsePlan(String sql) throws ParseException {
      ParameterContext values = VALUES.get();
      // Taken once: what Spark parses while it parses this is another text.
      VALUES.remove();
      return values == null ? next.parsePlan(sql) : next.parsePlanWithParameters(sql, values);
    }
  }
}
