package dev.tarn.http;

import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.HttpService;
import java.util.Locale;

/**
 * The names this machine answers to. They resolve to it whoever asks; under any other name the
 * request is a web page's that was rebound to 127.0.0.1.
 */
public final class Hosts {
  private Hosts() {}

  /** A service beside the API, under our own names only. */
  public static HttpService only(HttpService service) {
    return (context, request) -> {
      try {
        allowed(request);
      } catch (PermissionDenied e) {
        return HttpResponse.of(
            HttpStatus.FORBIDDEN, MediaType.PLAIN_TEXT_UTF_8, "%s\n", e.getMessage());
      }
      return service.serve(context, request);
    };
  }

  /**
   * The Host header without its port, lower case.
   *
   * @throws PermissionDenied it is none of ours
   */
  static String allowed(HttpRequest request) {
    String authority = request.authority() == null ? "" : request.authority();
    String host = authority.replaceFirst(":\\d*$", "").toLowerCase(Locale.ROOT);
    if (host.equals("127.0.0.1")
        || host.equals("localhost")
        || host.equals("[::1]")
        || host.endsWith(".localhost")) {
      return host;
    }
    throw new PermissionDenied(
        "host: '"
            + Rejection.shortened(host)
            + "' (expected: 127.0.0.1, localhost, [::1] or a name that ends with .localhost)",
        null);
  }
}
