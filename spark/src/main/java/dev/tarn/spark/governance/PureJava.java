package dev.tarn.spark.governance;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.expressions.CallMethodViaReflection;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Which methods {@code reflect}, {@code java_method} and {@code try_reflect} may call: those that
 * compute their answer of their arguments alone.
 */
final class PureJava {
  private static final Set<String> FUNCTIONS = Set.of("reflect", "java_method", "try_reflect");

  private static final Set<String> CLASSES =
      Set.of(
          "java.lang.Boolean",
          "java.lang.Double",
          "java.lang.Float",
          "java.lang.Integer",
          "java.lang.Long",
          "java.lang.Math",
          "java.lang.Object",
          "java.lang.String",
          "java.net.URLDecoder",
          "java.net.URLEncoder",
          "java.util.UUID");

  /** They read the properties of the driver's process. */
  private static final Set<String> NOT = Set.of("getBoolean", "getInteger", "getLong");

  private PureJava() {}

  /**
   * Refuses a call that may not be, before it is resolved: Spark loads the class, which runs its
   * initializer, to see whether there is such a method.
   */
  static void require(UnresolvedFunction call) {
    String name = call.nameParts().last().toLowerCase(Locale.ROOT);
    if (FUNCTIONS.contains(name)
        && call.arguments().size() > 1
        && !isPure(CollectionConverters.asJava(call.arguments()))) {
      throw refused(name);
    }
  }

  static void require(CallMethodViaReflection call) {
    if (!isPure(CollectionConverters.asJava(call.children()))) {
      throw refused(call.prettyName());
    }
  }

  private static RuntimeException refused(String function) {
    return Refused.because(
        "function '"
            + function
            + "' of another method cannot be used here (expected: literals that name a static"
            + " method, of "
            + String.join(", ", CLASSES.stream().sorted().toList())
            + ")");
  }

  private static boolean isPure(List<Expression> arguments) {
    return arguments.size() > 1
        && arguments.get(0) instanceof Literal type
        && arguments.get(1) instanceof Literal method
        && CLASSES.contains(String.valueOf(type.value()))
        && !NOT.contains(String.valueOf(method.value()));
  }
}
