package dev.tarn.database;

/** The database server does not answer. Its message says what became of the work. */
public final class Unreachable extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Whether it is what {@code e} is about. */
  public static boolean isCauseOf(Throwable e) {
    Throwable cause = e;
    while (cause != null && !(cause instanceof Unreachable)) {
      cause = cause.getCause();
    }
    return cause != null;
  }

  Unreachable(String message, Throwable cause) {
    super(message, cause);
  }
}
