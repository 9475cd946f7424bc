package dev.tarn.http;

/** What the house wants of every call, beside what the call is for. */
public interface Watch {
  /**
   * Called when it is known what is asked for and that the caller may.
   *
   * @param action such as {@code sql.StatementExecution.executeStatement}
   * @throws RuntimeException what the client sees: the call is not to be begun
   */
  void before(String verb, String action);

  /**
   * Called when the answer is ready.
   *
   * @param action null when no operation was found
   */
  void after(String action, int status, long nanos);
}
