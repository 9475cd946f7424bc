package dev.tarn.spark.governance;

import dev.tarn.spark.CatalogError;
import java.util.Map;
import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.Some;

/** The error a client sees when it may not: class, SQLSTATE and text as the platform has them. */
public final class Refused {
  public static final String ERROR_CLASS = "INSUFFICIENT_PERMISSIONS";
  public static final String SQL_STATE = "42501";

  private Refused() {}

  /**
   * @param sentence who lacks what, as the server says it
   */
  public static RuntimeException because(String sentence) {
    return because(sentence, null);
  }

  static RuntimeException because(CatalogError refusal) {
    return because(refusal.getMessage(), refusal);
  }

  private static RuntimeException because(String sentence, Throwable cause) {
    String message =
        sentence.startsWith(CatalogError.INSUFFICIENT)
            ? sentence
            : CatalogError.INSUFFICIENT + sentence;
    return Refused.<RuntimeException>unchecked(
        new AnalysisException(
            "[" + ERROR_CLASS + "] " + message,
            Option.empty(),
            Option.empty(),
            Option.apply(cause),
            new Some<>(ERROR_CLASS),
            scalaMap(Map.of("report", sentence)),
            new QueryContext[0],
            new Some<>(SQL_STATE),
            Option.empty()));
  }

  /** Spark's rules declare no exception and throw this one all the same: it is Scala's habit. */
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> RuntimeException unchecked(Throwable e) throws E {
    throw (E) e;
  }

  private static scala.collection.immutable.Map<String, String> scalaMap(Map<String, String> map) {
    return scala.collection.immutable.Map$.MODULE$.from(
        scala.jdk.javaapi.CollectionConverters.asScala(map));
  }
}
