package dev.tarn.http;

import java.util.Locale;
import java.util.function.UnaryOperator;

/**
 * Where a request came in and from whom, for operations that give out a session or an address of
 * ours. A component of this type in an own operation's request is filled by the door.
 *
 * @param scheme http or https
 * @param authority host and port as the client spelt them; what it is told is spelt the same
 * @param address the client's IP address
 * @param session value of the session cookie, or null
 * @param userAgent what the client says it is, or null
 */
public record Visit(
    String scheme, String authority, String address, String session, String userAgent) {
  /** The name under which the door answers who is at the other end. */
  static final String ADDRESS = ":address";

  static Visit of(UnaryOperator<String> header) {
    String scheme = header.apply(":scheme");
    String authority = header.apply(":authority");
    return new Visit(
        scheme,
        authority == null ? header.apply("host") : authority,
        header.apply(ADDRESS),
        SessionCookie.value(header.apply("cookie"), "https".equals(scheme)),
        header.apply("user-agent"));
  }

  public boolean isSecure() {
    return scheme.equals("https");
  }

  /** The start of our addresses, without a slash at its end. */
  public String base() {
    return scheme + "://" + authority;
  }

  /** Host without port, lower case. */
  public String host() {
    return authority.replaceFirst(":\\d*$", "").toLowerCase(Locale.ROOT);
  }
}
