package dev.tarn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Json;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("database-blind") // see CONTRIBUTING
public class HomeTest {
  /** For tests of other packages: takes and gives back the lock. */
  public static void lock(Config config) {
    Home.lock(config).close();
  }

  @TempDir Path folder;

  private Config config() {
    return Config.load(folder.resolve("home"), folder, Map.of());
  }

  @Test
  void aSecondProcessIsToldWhoHasTheDirectory() {
    try (Home first = Home.lock(config())) {
      assertThat(first).isNotNull();
      assertThatThrownBy(() -> Home.lock(config()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("in use by process " + ProcessHandle.current().pid())
          .hasMessageContaining("TARN_HOME");
    }
    Home.lock(config()).close();
  }

  @Test
  void whereTheServerListensIsToldToItsOwnerOnlyAndOnlyWhileItDoes() throws Exception {
    Path file = folder.resolve("home/run/server.json");
    try (Home home = Home.lock(config())) {
      assertThat(file).doesNotExist();
      home.ready(URI.create("https://tarn.test"), URI.create("http://127.0.0.1:8485"));
      JsonNode facts = Json.tree(Files.readString(file));
      assertThat(facts.get("port").asInt()).isEqualTo(8485);
      assertThat(facts.get("pid").asLong()).isEqualTo(ProcessHandle.current().pid());
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .isEqualTo("rw-------");
    }
    assertThat(file).doesNotExist();
  }
}
