package dev.tarn.enforcement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class SignedPrincipalTest {
  private final KeyPair keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
  private final SignedPrincipal alice =
      new SignedPrincipal("engine-1", "session-1", "42", "alice@example.com", 7L, 1_000L);

  SignedPrincipalTest() throws Exception {}

  @Test
  void whatTheServerSignedTheDriverReads() {
    String header = alice.sign(keys.getPrivate());
    assertThat(
            SignedPrincipal.verify(
                header, keys.getPublic(), "engine-1", Instant.ofEpochSecond(1_000)))
        .isEqualTo(alice);
  }

  @Test
  void anotherEngineALaterTimeAndAChangedByteAreRefused() throws Exception {
    String header = alice.sign(keys.getPrivate());
    Instant now = Instant.ofEpochSecond(900);
    assertThatThrownBy(() -> SignedPrincipal.verify(header, keys.getPublic(), "engine-2", now))
        .isInstanceOf(SecurityException.class)
        .hasMessageContaining("another engine");
    assertThatThrownBy(
            () ->
                SignedPrincipal.verify(
                    header, keys.getPublic(), "engine-1", Instant.ofEpochSecond(1_001)))
        .isInstanceOf(SecurityException.class)
        .hasMessageContaining("expired");
    String changed = (header.charAt(0) == 'A' ? "B" : "A") + header.substring(1);
    assertThatThrownBy(() -> SignedPrincipal.verify(changed, keys.getPublic(), "engine-1", now))
        .isInstanceOf(SecurityException.class);
    KeyPair other = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    assertThatThrownBy(() -> SignedPrincipal.verify(header, other.getPublic(), "engine-1", now))
        .isInstanceOf(SecurityException.class);
  }

  @Test
  void aNameCannotSmuggleInAnotherField() {
    SignedPrincipal forged = new SignedPrincipal("engine-1", "session-1", "42", "a\n1", 7L, 1_000L);
    assertThatThrownBy(() -> forged.sign(keys.getPrivate()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
