package dev.tarn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tarn.database.TestDatabase;
import dev.tarn.http.Coverage;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServerTest {
  @TempDir Path folder;

  @Test
  void theListOfWhatIsBuiltIsThatOfWhatIsMounted() throws Exception {
    Config config =
        Config.load(folder, folder, Map.of("TARN_DATABASE", TestDatabase.setting(folder)));
    Files.createDirectories(config.keys());
    Server.init(config, Clock.systemUTC());
    try (Server server = new Server(config, Clock.systemUTC(), routes -> {})) {
      assertThat(Path.of("../docs/api-coverage.md"))
          .as(
              "after a change of operations or of what they ignore run, at the top: java -cp"
                  + " 'server/target/tarn-server-0.1.0.jar:server/target/lib/*' dev.tarn.Main"
                  + " coverage --home \"$(mktemp -d)\" > docs/api-coverage.md")
          .content()
          .isEqualTo(Coverage.page(server.routes()));
    }
  }

  @Test
  void aPortInUseIsNamedWithTheSettingThatChangesIt() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      Config config =
          Config.load(
              folder,
              folder,
              Map.of("TARN_PORT", port, "TARN_DATABASE", TestDatabase.setting(folder)));
      Files.createDirectories(config.keys());
      assertThatThrownBy(() -> TestServer.start(config))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("port " + port + " is in use")
          .hasMessageContaining("TARN_PORT");
    }
  }
}
