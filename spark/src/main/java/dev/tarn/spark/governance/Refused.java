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
  private static final String PROTECTED = "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED";

  private Refused() {}

  /**
   * @param sentence who lacks what, as the server says it
   */
  public static RuntimeException because(String sentence) {
    return because(sentence, null);
  }

  /**
   * @param operation what cannot be done to who sees a part of a table only
   */
  static RuntimeException ofProtected(String operation, Policy policy) {
    return thrown(
        PROTECTED,
        "0A000",
        "'"
            + operation
            + "' on Table '"
            + policy.table()
            + "' is not supported: it has a row filter or column masks",
        "message",
        null);
  }

  static RuntimeException because(CatalogError refusal) {
    return because(refusal.getMessage(), refusal);
  }

  private static RuntimeException because(String sentence, Throwable cause) {
    String message =
        sentence.startsWith(CatalogError.INSUFFICIENT)
            ? sentence
            : CatalogError.INSUFFICIENT + sentence;
    return thrown(ERROR_CLASS, SQL_STATE, message, "report", cause);
  }

  private static RuntimeException thrown(
      String errorClass, String sqlState, String message, String parameter, Throwable cause) {
    return Refused.<RuntimeException>unchecked(
        new AnalysisException(
            "[" + errorClass + "] " + message,
            Option.empty(),
            Option.empty(),
            Option.apply(cause),
            new Some<>(errorClass),
            scalaMap(Map.of(parameter, message)),
            new QueryContext[0],
            new Some<>(sqlState),
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
