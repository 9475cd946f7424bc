package dev.tarn.spark.sql;

import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.parser.NamedParameterContext;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.PositionalParameterContext;
import org.apache.spark.sql.types.StringType;
import scala.Option;

/** The values of {@code :name} and {@code ?} in a statement of ours, where texts may be. */
final class Parameters {
  static final Parameters NONE = new Parameters(null);

  private final ParameterContext values;
  private int used;

  Parameters(ParameterContext values) {
    this.values = values;
  }

  /**
   * @param name null for {@code ?}, which take the values one after the other
   * @return null when there is no such value
   * @throws IllegalArgumentException when the value is not a text
   */
  String text(String name) {
    Expression value = null;
    if (name == null && values instanceof PositionalParameterContext positional) {
      int position = used++;
      value = position < positional.params().size() ? positional.params().apply(position) : null;
    } else if (name != null && values instanceof NamedParameterContext named) {
      Option<Expression> found = named.params().get(name);
      value = found.isDefined() ? found.get() : null;
    }
    if (value == null) {
      return null;
    }
    if (value instanceof Literal literal
        && literal.dataType() instanceof StringType
        && literal.value() != null) {
      return literal.value().toString();
    }
    throw new IllegalArgumentException(value.sql() + " (expected: a string)");
  }
}
