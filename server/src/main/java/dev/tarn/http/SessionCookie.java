package dev.tarn.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The cookie of who is signed in with a browser. Only this host gets it back (no Domain; the prefix
 * {@code __Host-} makes the browser insist on that where there is TLS), no script reads it, and no
 * other site's page makes the browser send it.
 *
 * <p>A page proves that it may read what we answer by repeating the CSRF token, which is derived
 * from the cookie's value and tells nothing of it.
 */
public final class SessionCookie {
  private static final String NAME = "tarn_session";
  private static final String ATTRIBUTES = "; Path=/; HttpOnly; SameSite=Strict";

  private SessionCookie() {}

  private static String name(boolean secure) {
    return secure ? "__Host-" + NAME : NAME;
  }

  /** The value in a {@code Cookie} header; null when there is none, or two that differ. */
  static String value(String cookies, boolean secure) {
    String found = null;
    for (String pair : cookies == null ? new String[0] : cookies.split(";", -1)) {
      int equals = pair.indexOf('=');
      if (equals > 0 && pair.substring(0, equals).strip().equals(name(secure))) {
        String value = pair.substring(equals + 1).strip();
        if (found != null && !found.equals(value)) {
          return null; // another port of this host has put one beside ours
        }
        found = value;
      }
    }
    return found == null || found.isEmpty() ? null : found;
  }

  /** The {@code Set-Cookie} header that gives a browser its session. */
  public static String given(String value, boolean secure) {
    return name(secure) + "=" + value + ATTRIBUTES + (secure ? "; Secure" : "");
  }

  /** The {@code Set-Cookie} header that takes it away. */
  public static String taken(boolean secure) {
    return given("", secure) + "; Max-Age=0";
  }

  /** What a page must send in {@code X-CSRF-Token} along with the cookie of this value. */
  public static String csrfToken(String value) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(("csrf " + value).getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static boolean isCsrfToken(String sent, String value) {
    return sent != null
        && MessageDigest.isEqual(sent.getBytes(UTF_8), csrfToken(value).getBytes(UTF_8));
  }
}
