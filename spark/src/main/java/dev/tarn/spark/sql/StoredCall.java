package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.catalyst.analysis.SQLFunctionExpression;
import org.apache.spark.sql.catalyst.catalog.SQLFunction;
import org.apache.spark.sql.catalyst.expressions.Expression;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/** A call of a stored function that nobody wrote: what a policy applies to a table. */
public final class StoredCall {
  private StoredCall() {}

  /**
   * @param info as the API has it
   * @throws IllegalArgumentException it is not one that can be called so, or it is being called
   *     already: a policy that reads what it protects
   */
  public static Expression of(JsonNode info, List<Expression> arguments) {
    String name = info.path("full_name").asText().toLowerCase(Locale.ROOT);
    if (!info.path("routine_body").asText().equals("SQL") || StoredFunctions.isTable(info)) {
      throw new IllegalArgumentException(
          "function "
              + name
              + " of a policy cannot be applied (expected: a scalar function in SQL)");
    }
    SQLFunction function = StoredFunctions.of(info, ResolveFunctions.withinAnd(name));
    return new SQLFunctionExpression(
        function.name().unquotedString(),
        function,
        CollectionConverters.asScala(arguments).toList(),
        Option.apply(function.getScalarFuncReturnType()));
  }
}
