package dev.tarn.engine;

/** What Spark refused or failed at, in Spark's words, without its Java stack. */
public final class SparkError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String errorClass;
  private final String sqlState;

  /**
   * @param errorClass Spark's error condition ({@code TABLE_OR_VIEW_NOT_FOUND}), or null
   * @param sqlState five characters, or null
   */
  public SparkError(String message, String errorClass, String sqlState) {
    super(message, null, false, false);
    this.errorClass = errorClass;
    this.sqlState = sqlState;
  }

  public String errorClass() {
    return errorClass;
  }

  public String sqlState() {
    return sqlState;
  }

  /** Whether the statement ended because somebody interrupted it. */
  public boolean isCancelled() {
    return "OPERATION_CANCELED".equals(errorClass)
        || (getMessage() != null && getMessage().contains("OPERATION_CANCELED"));
  }
}
