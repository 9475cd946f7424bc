package dev.tarn.database;

/** The database server does not answer. Its message says what became of the work. */
public final class Unreachable extends RuntimeException {
  private static final long serialVersionUID = 1;

  Unreachable(String message, Throwable cause) {
    super(message, cause);
  }
}
