package dev.tarn.http;

import java.util.Locale;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Where the page is from that made a request, as its browser says; a page cannot say it itself.
 * Pages of other ports of this host are foreign, though browsers send them our cookie.
 */
enum PageOrigin {
  /** One of ours, or the person at the address bar. */
  OURS,
  FOREIGN,
  /** No browser, or a very old one. */
  UNSAID;

  private static final Set<String> OUR_SITE = Set.of("same-origin", "none");

  static PageOrigin of(UnaryOperator<String> header) {
    String site = header.apply("sec-fetch-site");
    String origin = header.apply("origin");
    if (site == null && origin == null) {
      return UNSAID;
    }
    boolean ours =
        (site == null || OUR_SITE.contains(site))
            && (origin == null || isOf(Visit.of(header).authority(), origin));
    return ours ? OURS : FOREIGN;
  }

  private static boolean isOf(String authority, String origin) {
    int at = origin.indexOf("://");
    if (at < 0 || authority == null) {
      return false;
    }
    String port = origin.startsWith("https:") ? ":443" : ":80";
    return withPort(origin.substring(at + 3), port).equals(withPort(authority, port));
  }

  private static String withPort(String authority, String port) {
    String lower = authority.toLowerCase(Locale.ROOT);
    return lower.matches(".*:\\d+") ? lower : lower + port;
  }
}
