package dev.tarn.spark.sql;

import dev.tarn.spark.EvolvedViews;
import org.apache.spark.sql.SparkSessionExtensions;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * The statements of ours in a session; the last of {@code spark.sql.extensions}, so asked first.
 */
public final class SqlExtension extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectParser((session, next) -> new FrontParser(next));
    extensions.injectHintResolutionRule(session -> new ResolveFunctions());
    extensions.injectPostHocResolutionRule(EvolvedViews::new);
    return BoxedUnit.UNIT;
  }
}
