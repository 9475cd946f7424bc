package dev.tarn.tls;

import com.linecorp.armeria.common.TlsKeyPair;
import com.linecorp.armeria.common.TlsProvider;
import dev.tarn.http.Network;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate that handshakes show, always the newest good one: files that changed are read
 * again within seconds, and a certificate of our own authority is made anew a month before it
 * expires. Files that are bad when they change are reported, and the last good pair stays.
 */
public final class Certificates implements TlsProvider {
  private static final Logger LOG = LoggerFactory.getLogger(Certificates.class);
  private static final Duration RENEWED = Duration.ofDays(30);
  private static final long LOOK_SECONDS = 5;

  private final Network network;
  private final LocalAuthority authority;
  private final Path certificate;
  private final Path key;
  private final Clock clock;
  private final ScheduledExecutorService looking =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("certificates").daemon().factory());
  private volatile TlsKeyPair pair;
  private byte[] seen;
  private boolean warned;

  /**
   * @throws IllegalStateException the files cannot be used: says which, why and what to do
   */
  public Certificates(Network network, Path keys, Path shown, Clock clock) {
    this.network = network;
    this.clock = clock;
    boolean own = network.tls().equals("local");
    authority = own ? new LocalAuthority(keys, shown, clock) : null;
    certificate = own ? authority.leaf() : network.certificate();
    key = own ? authority.leafKey() : network.key();
    if (own) {
      renew();
    }
    try {
      seen = fingerprint();
      pair = read();
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException(
          "TLS: "
              + e.getMessage()
              + (own
                  ? ""
                  : " (tls.certificate="
                      + certificate
                      + ", tls.key="
                      + key
                      + "; put a good pair there, or set tls=local)"),
          e);
    }
    var unused =
        looking.scheduleWithFixedDelay(this::look, LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public TlsKeyPair keyPair(String host) {
    return pair;
  }

  /** When what is shown now ends. */
  public Instant expires() {
    return pair.certificateChain().getFirst().getNotAfter().toInstant();
  }

  /** Makes our own anew when it is due, and reads files that changed. */
  void look() {
    try {
      if (authority != null) {
        renew();
      }
      byte[] now = fingerprint();
      if (!Arrays.equals(now, seen)) {
        pair = read();
        seen = now;
        warned = false;
        LOG.info("TLS: the certificate in {} is in use, it ends {}", certificate, expires());
      }
      if (expires().isBefore(clock.instant()) && !warned) {
        warned = true;
        LOG.error("TLS: the certificate in {} has expired at {}", certificate, expires());
      }
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      if (!warned) {
        warned = true;
        LOG.error(
            "TLS: the files have changed and cannot be used, the last pair stays: {}", e + "");
      }
    }
  }

  private void renew() {
    try {
      List<X509Certificate> chain = Pem.certificates(certificate);
      X509Certificate leaf = chain.getFirst();
      Instant end = leaf.getNotAfter().toInstant();
      if (end.minus(RENEWED).isAfter(clock.instant())
          && names(leaf).equals(new HashSet<>(network.certificateNames()))
          && fits(Pem.privateKey(key), leaf)) {
        return;
      }
    } catch (IOException | GeneralSecurityException e) {
      // There is none yet, or half a one.
    }
    authority.issue(network.certificateNames());
  }

  private static Set<String> names(X509Certificate leaf) throws GeneralSecurityException {
    return leaf.getSubjectAlternativeNames().stream()
        .map(name -> name.get(1).toString())
        .map(name -> name.equals("0:0:0:0:0:0:0:1") ? "::1" : name)
        .collect(Collectors.toSet());
  }

  private TlsKeyPair read() throws IOException, GeneralSecurityException {
    List<X509Certificate> chain = Pem.certificates(certificate);
    X509Certificate leaf = chain.getFirst();
    PrivateKey privateKey = Pem.privateKey(key);
    Instant now = clock.instant();
    if (leaf.getNotAfter().toInstant().isBefore(now)) {
      throw new IOException(
          "the certificate of "
              + leaf.getSubjectX500Principal()
              + " expired at "
              + leaf.getNotAfter().toInstant()
              + " (expected: one that is valid at "
              + now
              + ")");
    }
    if (leaf.getNotBefore().toInstant().isAfter(now)) {
      throw new IOException(
          "the certificate of "
              + leaf.getSubjectX500Principal()
              + " is valid from "
              + leaf.getNotBefore().toInstant()
              + " only (now: "
              + now
              + ")");
    }
    if (!fits(privateKey, leaf)) {
      throw new IOException("the key does not belong to the certificate");
    }
    return TlsKeyPair.of(privateKey, chain);
  }

  private static boolean fits(PrivateKey key, X509Certificate certificate)
      throws GeneralSecurityException {
    if (!key.getAlgorithm().equals(certificate.getPublicKey().getAlgorithm())) {
      return false;
    }
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> key.getAlgorithm();
        };
    byte[] said = "one key".getBytes(StandardCharsets.US_ASCII);
    Signature signature = Signature.getInstance(algorithm);
    signature.initSign(key);
    signature.update(said);
    byte[] signed = signature.sign();
    signature.initVerify(certificate.getPublicKey());
    signature.update(said);
    return signature.verify(signed);
  }

  private byte[] fingerprint() throws IOException, GeneralSecurityException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    digest.update(Files.readAllBytes(certificate));
    return digest.digest(Files.readAllBytes(key));
  }

  @Override
  public void close() {
    looking.shutdownNow();
  }
}
