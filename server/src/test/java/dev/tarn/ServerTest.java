package dev.tarn;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServerTest {
  @TempDir Path folder;

  @Test
  void aPortInUseIsNamedWithTheSettingThatChangesIt() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      Config config = Config.load(folder, folder, Map.of("TARN_PORT", port));
      Files.createDirectories(config.keys());
      assertThatThrownBy(() -> TestServer.start(config))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("port " + port + " is in use")
          .hasMessageContaining("TARN_PORT");
    }
  }
}
