package dev.tarn.spark.governance;

import dev.tarn.spark.Sessions;
import org.apache.spark.sql.SparkSessionExtensions;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * What stands between a statement and the data, in the order it is met. Registered after Delta's
 * extension, so that its rules see the commands Delta has made.
 */
public final class Governance extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    // What is built first for a session tells of it; the parser stays as it is.
    extensions.injectParser(
        (session, parser) -> {
          Sessions.made(session);
          return parser;
        });
    extensions.injectHintResolutionRule(GateSources::new);
    extensions.injectHintResolutionRule(session -> new Barriers.Wrap());
    extensions.injectResolutionRule(Barriers.Decide::new);
    extensions.injectPostHocResolutionRule(Authorize::new);
    extensions.injectPlanNormalizationRule(Authorize.Recheck::new);
    extensions.injectOptimizerRule(session -> new SafeFilters());
    extensions.injectPlannerStrategy(session -> new SafeFilters.Planned());
    IdentityFunctions.register(extensions);
    return BoxedUnit.UNIT;
  }
}
