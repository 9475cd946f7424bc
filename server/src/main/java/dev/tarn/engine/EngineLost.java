package dev.tarn.engine;

/** The engine went away under a call: it was stopped, was killed, or its connection broke. */
public final class EngineLost extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean reached;

  /**
   * @param reached whether the engine may have seen the call
   */
  public EngineLost(String message, Throwable cause, boolean reached) {
    super(message, cause);
    this.reached = reached;
  }

  /** Whether the engine may have seen the call; when not, another engine may be given it. */
  public boolean reached() {
    return reached;
  }
}
