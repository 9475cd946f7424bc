package dev.tarn.spark;

import org.apache.spark.SparkThrowable;

/** The catalog server refused; what it said reaches the client as it was said. */
public final class CatalogError extends RuntimeException implements SparkThrowable {
  /** How a refusal begins, wherever it was decided. */
  public static final String INSUFFICIENT = "Insufficient privileges:\n";

  private final int status;
  private final String errorCode;

  public CatalogError(int status, String errorCode, String message) {
    super(status == 403 ? INSUFFICIENT + message : message);
    this.status = status;
    this.errorCode = errorCode;
  }

  public static CatalogError noCatalog(String name) {
    return new CatalogError(
        404, "CATALOG_DOES_NOT_EXIST", "Catalog '" + name + "' does not exist.");
  }

  public boolean isNotFound() {
    return status == 404 && !isUnsupported();
  }

  /** The server has no such operation; of the object it said nothing. */
  public boolean isUnsupported() {
    return errorCode.equals("ENDPOINT_NOT_FOUND");
  }

  public boolean isForbidden() {
    return status == 403;
  }

  public boolean isAlreadyExists() {
    return status == 409 || errorCode.endsWith("ALREADY_EXISTS");
  }

  @Override
  public String getCondition() {
    if (isUnsupported()) {
      return "UNSUPPORTED_FEATURE";
    }
    return isForbidden() ? "INSUFFICIENT_PERMISSIONS" : errorCode;
  }

  @Override
  public String getSqlState() {
    if (isUnsupported()) {
      return "0A000";
    }
    return switch (status) {
      case 400 -> "22023";
      case 401, 403 -> "42501";
      case 404 -> "42704";
      case 409 -> "42710";
      default -> "58000";
    };
  }
}
