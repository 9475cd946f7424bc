package dev.tarn.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tarn.Config;
import dev.tarn.http.Network;
import dev.tarn.iam.TestClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("database-blind") // see CONTRIBUTING
class CertificatesTest {
  private static final Instant NOW = Instant.parse("2026-11-23T00:00:00Z");

  @TempDir Path folder;
  private Path keys;
  private Path shown;

  @BeforeEach
  void folders() throws Exception {
    keys = Files.createDirectories(folder.resolve("keys"));
    shown = folder.resolve("tls");
  }

  private static Clock at(Instant instant) {
    return Clock.fixed(instant, ZoneOffset.UTC);
  }

  private Network local(String zone) {
    return Config.load(folder, folder, Map.of("TARN_TLS", "local", "TARN_ZONE", zone)).network();
  }

  private Certificates open(Network network, Instant when) {
    return new Certificates(network, keys, shown, at(when));
  }

  private static X509Certificate leaf(Certificates certificates) {
    return certificates.keyPair("localhost").certificateChain().getFirst();
  }

  @Test
  void aCertificateOfOursIsForAllNamesOfTheInstanceAndItsKeyForItsOwnerOnly() throws Exception {
    try (Certificates made = open(local("lake.test"), NOW)) {
      assertThat(leaf(made).getSubjectAlternativeNames().stream().map(name -> name.get(1)))
          .map(Object::toString)
          .contains("localhost", "127.0.0.1", "lake.test", "*.lake.test");
      leaf(made).verify(Pem.certificates(shown.resolve("ca.pem")).getFirst().getPublicKey());
    }
    for (String key : List.of("ca-key.pem", "tls-key.pem")) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keys.resolve(key))))
          .isEqualTo("rw-------");
    }
  }

  @Test
  void aCertificateOfOursIsKeptUntilAMonthBeforeItsEndAndRenewedThenByTheSameAuthority()
      throws Exception {
    X509Certificate first;
    try (Certificates made = open(local(""), NOW)) {
      first = leaf(made);
    }
    try (Certificates later = open(local(""), NOW.plus(Duration.ofDays(59)))) {
      assertThat(leaf(later)).isEqualTo(first);
    }
    String authority = Files.readString(shown.resolve("ca.pem"));
    for (int days : List.of(61, 300)) {
      try (Certificates later = open(local(""), NOW.plus(Duration.ofDays(days)))) {
        assertThat(later.expires()).isEqualTo(NOW.plus(Duration.ofDays(days + 90)));
        assertThat(Files.readString(shown.resolve("ca.pem"))).isEqualTo(authority);
      }
    }
  }

  @Test
  void aCertificateOfOursIsRenewedWhileItIsInUse() throws Exception {
    TestClock clock = new TestClock();
    try (Certificates certificates = new Certificates(local(""), keys, shown, clock)) {
      X509Certificate first = leaf(certificates);
      certificates.look();
      assertThat(leaf(certificates)).isEqualTo(first);
      clock.advance(Duration.ofDays(61));
      certificates.look();
      assertThat(leaf(certificates)).isNotEqualTo(first);
      assertThat(certificates.expires()).isEqualTo(clock.instant().plus(Duration.ofDays(90)));
    }
  }

  @Test
  void aNewNameMakesANewCertificateAndALostHalfOneIsMadeAgain() throws Exception {
    X509Certificate first;
    try (Certificates made = open(local(""), NOW)) {
      first = leaf(made);
    }
    try (Certificates made = open(local("lake.test"), NOW)) {
      assertThat(leaf(made)).isNotEqualTo(first);
    }
    Files.delete(keys.resolve("tls-key.pem"));
    try (Certificates made = open(local("lake.test"), NOW)) {
      assertThat(made.expires()).isAfter(NOW);
    }
  }

  /** A pair as an administrator brings it, valid from {@code when} for 90 days. */
  private Network files(Instant when) throws Exception {
    Path elsewhere = Files.createTempDirectory(folder, "made");
    new LocalAuthority(elsewhere, elsewhere, at(when)).issue(List.of("lake.test"));
    Path certificate = folder.resolve("given.pem");
    Path key = folder.resolve("given-key.pem");
    Files.copy(elsewhere.resolve("tls-key.pem"), key, StandardCopyOption.REPLACE_EXISTING);
    Files.copy(elsewhere.resolve("server.pem"), certificate, StandardCopyOption.REPLACE_EXISTING);
    return Config.load(
            folder,
            folder,
            Map.of(
                "TARN_TLS",
                "files",
                "TARN_TLS_CERTIFICATE",
                certificate + "",
                "TARN_TLS_KEY",
                key + ""))
        .network();
  }

  @Test
  void aGivenCertificateThatExpiredRefusesTheStartAndSaysWhatToDo() throws Exception {
    Network network = files(NOW.minus(Duration.ofDays(91)));
    assertThatThrownBy(() -> open(network, NOW))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("expired at 2026-11-22")
        .hasMessageContaining("given.pem")
        .hasMessageContaining("tls=local");
  }

  @Test
  void aKeyOfAnotherCertificateAndNoKeyAtAllAreRefused() throws Exception {
    Network network = files(NOW);
    Path elsewhere = Files.createTempDirectory(folder, "other");
    new LocalAuthority(elsewhere, elsewhere, at(NOW)).issue(List.of("lake.test"));
    Files.copy(
        elsewhere.resolve("tls-key.pem"), network.key(), StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> open(network, NOW))
        .hasMessageContaining("the key does not belong to the certificate");
    Files.writeString(network.key(), "nothing");
    assertThatThrownBy(() -> open(network, NOW)).hasMessageContaining("holds no private key");
  }

  @Test
  void changedFilesAreUsedWithoutARestartAndBadOnesLeaveTheLastPair() throws Exception {
    try (Certificates certificates = open(files(NOW), NOW.plusSeconds(7200))) {
      X509Certificate first = leaf(certificates);
      Network changed = files(NOW.plusSeconds(60));
      certificates.look();
      X509Certificate second = leaf(certificates);
      assertThat(second).isNotEqualTo(first);
      Files.writeString(changed.certificate(), "half of a certif");
      certificates.look();
      assertThat(leaf(certificates)).isEqualTo(second);
      files(NOW.plusSeconds(120));
      certificates.look();
      assertThat(leaf(certificates)).isNotEqualTo(second);
    }
  }
}
