package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.password4j.Argon2Function;
import com.password4j.Password;
import com.password4j.types.Argon2;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("database-blind") // see CONTRIBUTING
class PasswordsTest {
  private final Passwords passwords = new Passwords();

  @Test
  void aHashSaysHowItWasMadeAndMatchesItsPasswordOnly() {
    String hash = passwords.hash("correct horse battery");
    assertThat(hash).startsWith("$argon2id$v=19$m=1024,t=1,p=1$"); // as tests have it
    assertThat(passwords.hash("correct horse battery")).isNotEqualTo(hash);
    assertThat(passwords.matches("correct horse battery", hash, false)).isTrue();
    assertThat(passwords.matches("correct horse batterY", hash, false)).isFalse();
    assertThat(passwords.matches(null, hash, false)).isFalse();
    assertThat(passwords.matches("", null, false)).isFalse();
  }

  @Test
  void theProductsHashesCostWhatOwaspAsksForAtLeast() throws Exception {
    Properties costs = new Properties();
    try (Reader file = Files.newBufferedReader(Path.of("src/main/resources/psw4j.properties"))) {
      costs.load(file);
    }
    assertThat(costs)
        .containsAllEntriesOf(
            Map.of(
                "hash.argon2.type", "id",
                "hash.argon2.version", "19",
                "hash.argon2.memory", "19456",
                "hash.argon2.iterations", "2",
                "hash.argon2.parallelism", "1",
                "hash.argon2.length", "32"));
  }

  @Test
  void theSameLettersFromAnotherKeyboardAreTheSamePassword() {
    assertThat(
            passwords.matches(
                "fu\u0308r immer da\u0301", passwords.hash("f\u00fcr immer d\u00e1"), true))
        .isTrue();
  }

  @Test
  void aHashOfOlderCostsMatchesAndIsDated() {
    String older =
        Password.hash("correct horse battery")
            .addRandomSalt(16)
            .with(Argon2Function.getInstance(7168, 1, 1, 32, Argon2.ID))
            .getResult();
    assertThat(passwords.matches("correct horse battery", older, false)).isTrue();
    assertThat(Passwords.isDated(older)).isTrue();
    assertThat(Passwords.isDated(passwords.hash("correct horse battery"))).isFalse();
  }

  @Test
  void whatIsEasyToGuessIsRefusedAndNotRepeated() {
    for (String weak : new String[] {null, "", "short", "aaaaaaaaaaaaaaaa", "ann@example.com"}) {
      assertThatThrownBy(() -> Passwords.check("password", weak, "ann@example.com"))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageNotContaining(weak == null || weak.isEmpty() ? "null" : weak);
    }
    Passwords.check("password", "\ud83d\ude00\ud83d\ude01\ud83d\ude02\ud83d\ude03 twelve!", "x");
  }
}
