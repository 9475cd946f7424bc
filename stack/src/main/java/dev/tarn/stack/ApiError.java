package dev.tarn.stack;

/** A refusal of the account API, or the API was not to be reached (status 0). */
final class ApiError extends RuntimeException {
  private final int status;
  private final String code;

  ApiError(int status, String code, String message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  int status() {
    return status;
  }

  boolean notFound() {
    return status == 404;
  }

  boolean alreadyExists() {
    return status == 409 || code.equals("RESOURCE_ALREADY_EXISTS") || code.equals("ALREADY_EXISTS");
  }

  /** Nobody knows whether the call was carried out; asking again may help. */
  boolean transientFailure() {
    return status == 0 || status == 429 || status == 500 || (status >= 502 && status <= 504);
  }

  /** IAM is eventually consistent: a role of this second may be judged too early. */
  boolean roleNotYetVisible() {
    return getMessage().contains("Failed credentials validation checks");
  }
}
