package dev.tarn.engine;

/** The engine went away under a call: it was stopped, was killed, or its connection broke. */
public final class EngineLost extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public EngineLost(String message, Throwable cause) {
    super(message, cause);
  }
}
