package dev.tarn.sql;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.databricks.sdk.core.error.platform.PermissionDenied;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.function.Supplier;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Links to chunks of results: whoever has one may read that chunk until it expires, without any
 * other proof. The key lives as long as the process: after a restart a client asks for new links,
 * as it does when they expire.
 */
final class ResultLinks {
  static final String PATH = "/tarn-results/";

  /** As long as the service's own links live at most. */
  private static final Duration VALID = Duration.ofMinutes(15);

  private final Supplier<URI> self;
  private final Clock clock;
  private final SecretKeySpec key;

  ResultLinks(Supplier<URI> self, Clock clock) {
    this.self = self;
    this.clock = clock;
    byte[] random = new byte[32];
    new SecureRandom().nextBytes(random);
    this.key = new SecretKeySpec(random, "HmacSHA256");
  }

  record Link(String url, Instant expiration) {}

  Link link(String statementId, long chunk) {
    Instant expiration = clock.instant().plus(VALID).truncatedTo(ChronoUnit.SECONDS);
    long seconds = expiration.getEpochSecond();
    return new Link(
        self.get()
            + PATH
            + statementId
            + "/"
            + chunk
            + "?expires="
            + seconds
            + "&signature="
            + signature(statementId, chunk, seconds),
        expiration);
  }

  /**
   * @throws PermissionDenied the link was not made here for this chunk, or is too old
   */
  void check(String statementId, long chunk, long expires, String signature) {
    boolean ours =
        signature != null
            && MessageDigest.isEqual(
                signature.getBytes(UTF_8), signature(statementId, chunk, expires).getBytes(UTF_8));
    if (!ours || clock.instant().getEpochSecond() > expires) {
      throw new PermissionDenied(
          "this link to a result is not valid or has expired (expected: a link at most "
              + VALID.toMinutes()
              + " minutes old, ask for the chunk again)",
          null);
    }
  }

  private String signature(String statementId, long chunk, long expires) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(mac.doFinal((statementId + "/" + chunk + "/" + expires).getBytes(UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
