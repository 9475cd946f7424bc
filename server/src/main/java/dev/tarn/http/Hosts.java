package dev.tarn.http;

import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.RequestHeadersBuilder;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.netty.util.AttributeKey;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;

/**
 * The names this machine answers to, and how a request must have come. Our names resolve to it
 * whoever asks; under any other name the request is a web page's that was rebound to 127.0.0.1.
 */
public final class Hosts {
  private static final List<String> FORWARDED =
      List.of(
          "x-forwarded-for",
          "x-forwarded-proto",
          "x-forwarded-host",
          "x-forwarded-port",
          "forwarded");

  private static final AttributeKey<Boolean> HANDED_ON =
      AttributeKey.valueOf(Hosts.class, "HANDED_ON");

  private final Network network;

  public Hosts(Network network) {
    this.network = network;
  }

  /** Whether a process of this machine asks by itself, and no proxy for somebody else. */
  public static boolean isOfThisMachine(ServiceRequestContext context) {
    return context.remoteAddress().getAddress().isLoopbackAddress()
        && context.attr(HANDED_ON) == null;
  }

  /** A service beside the API, under our own names only. */
  public HttpService only(HttpService service) {
    return (context, request) -> {
      try {
        allowed(request);
      } catch (PermissionDenied e) {
        return refused(e.getMessage());
      }
      return service.serve(context, request);
    };
  }

  /**
   * What stands before every service: plain requests from other machines are refused where there is
   * TLS, and what a proxy says about host and scheme is put in the place of what it connected with
   * when we trust it, and taken out when not. {@code :scheme} is what the client sees from here on.
   */
  public HttpResponse enter(HttpService service, ServiceRequestContext context, HttpRequest request)
      throws Exception {
    InetSocketAddress peer = context.remoteAddress();
    if (network.isTls()
        && !context.sessionProtocol().isTls()
        && !peer.getAddress().isLoopbackAddress()) {
      return refused("this address speaks TLS only (expected: https://…)");
    }
    HttpRequest seen = request;
    if (FORWARDED.stream().anyMatch(request.headers()::contains)) {
      seen = request.withHeaders(believed(request.headers(), network.isTrusted(peer.getAddress())));
      context.updateRequest(seen);
      context.setAttr(HANDED_ON, true);
    }
    String host = host(seen);
    if ("https".equals(seen.headers().scheme()) && network.isNamed(host)) {
      context.addAdditionalResponseHeader(
          HttpHeaderNames.STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    return service.serve(context, seen);
  }

  private static RequestHeaders believed(RequestHeaders headers, boolean trusted) {
    RequestHeadersBuilder seen = headers.toBuilder();
    FORWARDED.forEach(seen::remove);
    if (trusted) {
      String proto = last(headers.get("x-forwarded-proto"));
      if ("https".equals(proto) || "http".equals(proto)) {
        seen.scheme(proto);
      }
      String host = last(headers.get("x-forwarded-host"));
      if (host != null && !host.isEmpty()) {
        seen.authority(host);
        seen.remove(HttpHeaderNames.HOST);
      }
    }
    return seen.build();
  }

  /** What the proxy next to us said, whatever those before it did. */
  private static String last(String value) {
    return value == null
        ? null
        : value.substring(value.lastIndexOf(',') + 1).trim().toLowerCase(Locale.ROOT);
  }

  /**
   * The Host header without its port, lower case.
   *
   * @throws PermissionDenied it is none of ours
   */
  public String allowed(HttpRequest request) {
    String host = host(request);
    if (network.isOurs(host)) {
      return host;
    }
    throw new PermissionDenied(
        "host: '"
            + Rejection.shortened(host)
            + "' (expected: 127.0.0.1, localhost, [::1], a name that ends with .localhost, or one"
            + " of the settings hosts and zone)",
        null);
  }

  private static String host(HttpRequest request) {
    String authority = request.authority() == null ? "" : request.authority();
    return authority.replaceFirst(":\\d*$", "").toLowerCase(Locale.ROOT);
  }

  private static HttpResponse refused(String why) {
    return HttpResponse.of(HttpStatus.FORBIDDEN, MediaType.PLAIN_TEXT_UTF_8, "%s\n", why);
  }
}
