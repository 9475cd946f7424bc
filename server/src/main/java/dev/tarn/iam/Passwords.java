package dev.tarn.iam;

import com.databricks.sdk.core.error.details.ErrorDetails;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.TooManyRequests;
import com.password4j.AlgorithmFinder;
import com.password4j.Argon2Function;
import com.password4j.Password;
import dev.tarn.database.Json;
import java.security.SecureRandom;
import java.text.Normalizer;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jdbi.v3.core.Handle;

/**
 * Passwords of this installation, as argon2id hashes. One costs 19 MiB and some 50 ms of a core,
 * which is what keeps a stolen hash from being guessed, and what nobody may make us spend without
 * end: half of the cores hash at a time, the others wait their turn, and who would wait too long is
 * told to come again. Who comes from where somebody has signed in before has a core beside those:
 * guesses from everywhere else do not stand in that queue.
 */
final class Passwords {
  static final int LEAST = 12;
  static final int MOST = 256;

  /**
   * As {@code psw4j.properties} says: OWASP's least for argon2id, in tests less. A hash made with
   * other costs is made anew at the next sign-in.
   */
  private static final Argon2Function ARGON2 = AlgorithmFinder.getArgon2Instance();

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int SALT = 16;
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int WAITING = 100;

  private final Semaphore strangers =
      new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2), true);

  private final Semaphore known = new Semaphore(1, true);

  /** Of nobody: checked for whom there is no password, so that both take the same time. */
  private final String nobodys =
      "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s"
          .formatted(
              ARGON2.getVersion(),
              ARGON2.getMemory(),
              ARGON2.getIterations(),
              ARGON2.getParallelism(),
              random(SALT),
              random(ARGON2.getOutputLength()));

  /**
   * @throws InvalidParameterValue it is too short or too long, or is the user's name
   */
  static void check(String field, String password, String userName) {
    int length = password == null ? 0 : password.codePointCount(0, password.length());
    if (length < LEAST || length > MOST) {
      throw new InvalidParameterValue(
          field + ": " + length + " characters (expected: " + LEAST + " to " + MOST + ")", null);
    }
    String lower = password.toLowerCase(Locale.ROOT);
    if (lower.equals(userName) || password.chars().distinct().count() < 4) {
      throw new InvalidParameterValue(
          field + ": too easy to guess (expected: not the e-mail, not a few characters repeated)",
          null);
    }
  }

  String hash(String password) {
    return inTurn(
        known, // who sets a password has proved something already
        () -> Password.hash(normal(password)).addRandomSalt(SALT).with(ARGON2).getResult());
  }

  /**
   * @param hash null when there is none; false is then the answer, after as long a time
   * @param isKnown whether somebody has signed in from there before
   */
  boolean matches(String password, String hash, boolean isKnown) {
    String tried = password == null || password.length() > 2 * MOST ? "" : normal(password);
    String against = hash == null ? nobodys : hash;
    boolean matches =
        inTurn(
            isKnown ? known : strangers,
            () -> Password.check(tried, against).with(Argon2Function.getInstanceFromHash(against)));
    return matches && hash != null;
  }

  /** Whether a hash was made with other costs than today's. */
  static boolean isDated(String hash) {
    return !Argon2Function.getInstanceFromHash(hash).equals(ARGON2);
  }

  private static String random(int bytes) {
    byte[] random = new byte[bytes];
    RANDOM.nextBytes(random);
    return Base64.getEncoder().withoutPadding().encodeToString(random);
  }

  /** Keyboards spell the same letter in two ways. */
  private static String normal(String password) {
    return Normalizer.normalize(password, Normalizer.Form.NFKC);
  }

  private interface Work<T> {
    T run();
  }

  private static <T> T inTurn(Semaphore turns, Work<T> work) {
    try {
      if (turns.getQueueLength() > WAITING
          || !turns.tryAcquire(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw later("too many people sign in at this moment", PATIENCE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting to check a password", e);
    }
    try {
      return work.run();
    } finally {
      turns.release();
    }
  }

  /** A 429 that says when to come again. */
  static TooManyRequests later(String message, Duration in) {
    return new TooManyRequests(
        "REQUEST_LIMIT_EXCEEDED",
        message + "; it is accepted again in " + in.toSeconds() + " s",
        ErrorDetails.builder()
            .setUnknownDetails(
                List.of(
                    Json.MAPPER // the SDK reads its RetryInfo, but cannot write it
                        .createObjectNode()
                        .put("@type", "type.googleapis.com/google.rpc.RetryInfo")
                        .put("retry_delay", in.toSeconds() + "s")))
            .build());
  }

  static Optional<String> of(Handle handle, long principalId) {
    return handle
        .createQuery("SELECT hash FROM password WHERE principal_id = :id")
        .bind("id", principalId)
        .mapTo(String.class)
        .findOne();
  }

  static void set(Handle handle, long principalId, String hash, long now) {
    handle
        .createUpdate(
            """
            INSERT INTO password (principal_id, hash, changed_at) VALUES (:id, :hash, :now)
            ON CONFLICT (principal_id) DO UPDATE SET hash = :hash, changed_at = :now
            """)
        .bind("id", principalId)
        .bind("hash", hash)
        .bind("now", now)
        .execute();
  }
}
