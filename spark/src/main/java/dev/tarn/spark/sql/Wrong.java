package dev.tarn.spark.sql;

import org.antlr.v4.runtime.Token;

/**
 * A statement follows our grammar and is wrong all the same: at which word, and what was expected.
 */
final class Wrong extends RuntimeException {
  final transient Token at;

  Wrong(Token at, String expected) {
    super(expected);
    this.at = at;
  }
}
