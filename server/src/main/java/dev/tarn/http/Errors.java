package dev.tarn.http;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.NotFound;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Database;
import dev.tarn.database.Unreachable;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;

/**
 * What a client sees of an exception. The SDK's own exceptions carry status and {@code error_code};
 * the rest of the table is here. Clients compare codes and texts, and repeat a call on 429, 501 and
 * 503, so nothing that will not pass by itself has one of those.
 */
public final class Errors {
  private static final String ANY = "type.googleapis.com/google.rpc.";

  /** What RFC 7644 calls a code of ours, as far as it has a word for it. */
  private static final Map<String, String> SCIM_TYPES =
      Map.of(
          "INVALID_PARAMETER_VALUE", "invalidValue",
          "MALFORMED_REQUEST", "invalidSyntax",
          "INVALID_SYNTAX", "invalidSyntax",
          "INVALID_FILTER", "invalidFilter",
          "INVALID_PATH", "invalidPath",
          "MUTABILITY", "mutability",
          "NO_TARGET", "noTarget");

  private Errors() {}

  /**
   * One error, in the words of the wire.
   *
   * @param internal nothing the client did: the log must tell the rest
   */
  public record Failure(
      int status, String code, String message, JsonNode details, boolean internal) {}

  public static DatabricksError noSuchEndpoint(String verb, String path) {
    return new NotFound(
        "ENDPOINT_NOT_FOUND",
        "No API found for '" + verb + " " + Rejection.shortened(path) + "'",
        null);
  }

  public static Failure of(Throwable thrown, String requestId) {
    if (isDiskFull(thrown)) {
      // 507: says what it is, and no SDK repeats it for minutes as it does 429 and 503.
      return new Failure(
          507,
          "RESOURCE_EXHAUSTED",
          "the disk that holds Tarn's data is full; nothing was changed (expected: free space)",
          null,
          true);
    }
    if (unreachable(thrown) instanceof Unreachable unreachable) {
      // 500: with 503 an SDK would repeat the call for minutes, and so say nothing for minutes.
      return new Failure(500, "DATABASE_UNREACHABLE", unreachable.getMessage(), null, false);
    }
    if (Database.isConflict(thrown)) {
      return new Failure(
          409,
          "RESOURCE_CONFLICT",
          "others were changing the same objects all the time; nothing was changed (expected: a"
              + " repetition of the call comes through)",
          null,
          false);
    }
    if (thrown instanceof DatabricksError error && error.getErrorCode() != null) {
      // An operation that is not built is absent, not broken: SDKs repeat a 501.
      int status = error.getStatusCode() == 501 ? 404 : error.getStatusCode();
      JsonNode details =
          error.getErrorDetails() == null
              ? null
              : StrictJson.MAPPER.valueToTree(error.getErrorDetails());
      return new Failure(
          status == 0 ? 500 : status,
          error.getErrorCode(),
          error.getMessage(),
          details,
          status >= 500 || status == 0);
    }
    return new Failure(
        500,
        "INTERNAL_ERROR",
        "Tarn failed to answer; the server's log has the cause under request " + requestId,
        null,
        true);
  }

  /** What goes beside the body: how to prove who one is, when to come again. */
  static Map<String, String> headers(Failure failure) {
    if (failure.status() == 401) {
      return Map.of("www-authenticate", "Bearer realm=\"tarn\"");
    }
    if (failure.details() != null) {
      for (JsonNode detail : failure.details()) {
        if (detail.path("@type").asText().equals(ANY + "RetryInfo")) {
          return Map.of("retry-after", detail.path("retry_delay").asText().replace("s", ""));
        }
      }
    }
    return Map.of();
  }

  private static Throwable unreachable(Throwable thrown) {
    Throwable cause = thrown;
    while (cause != null && !(cause instanceof Unreachable)) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static boolean isDiskFull(Throwable thrown) {
    if (Database.isDiskFull(thrown)) {
      return true;
    }
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException
          && String.valueOf(cause.getMessage()).contains("No space left")) {
        return true;
      }
    }
    return false;
  }

  static String mediaType(String path) {
    return path.contains("/scim/v2/") ? "application/scim+json" : "application/json";
  }

  /** The body, in the shape that clients of {@code path} read. */
  static JsonNode body(Failure failure, String path, String accept, String requestId) {
    ObjectNode body = StrictJson.MAPPER.createObjectNode();
    if (path.startsWith("/api/1.2/")) {
      return body.put("error", failure.message());
    }
    if (path.contains("/scim/v2/")) {
      body.putArray("schemas").add("urn:ietf:params:scim:api:messages:2.0:Error");
      body.put("detail", failure.message()).put("status", Integer.toString(failure.status()));
      boolean taken = failure.status() == 409 && !failure.code().equals("RESOURCE_CONFLICT");
      // The SDKs of Databricks put the type before the message, which Terraform compares.
      boolean ofDatabricks = accept != null && accept.contains("application/json");
      String type = !taken ? SCIM_TYPES.get(failure.code()) : ofDatabricks ? null : "uniqueness";
      if (type != null) {
        body.put("scimType", type);
      }
      return body;
    }
    body.put("error_code", failure.code()).put("message", failure.message());
    ArrayNode details = body.putArray("details");
    boolean named = false;
    if (failure.details() instanceof ArrayNode more) {
      details.addAll(more);
      for (JsonNode detail : more) {
        named |= detail.path("@type").asText().equals(ANY + "ErrorInfo");
      }
    }
    if (!named) {
      details
          .addObject()
          .put("@type", ANY + "ErrorInfo")
          .put("reason", failure.code().toUpperCase(Locale.ROOT))
          .put("domain", "tarn.dev")
          .putObject("metadata");
    }
    details
        .addObject()
        .put("@type", ANY + "RequestInfo")
        .put("request_id", requestId)
        .put("serving_data", "");
    return body;
  }
}
