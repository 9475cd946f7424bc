package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Stands in for the driver of module {@code spark} where its process is tested and not its work:
 * started the same way, told the same, ready the same, in a second instead of five. What it does
 * comes from the setting {@code test.does}.
 */
public final class Engine {
  private Engine() {}

  public static void main(String[] args) throws IOException {
    String told = new String(System.in.readAllBytes(), UTF_8);
    String does = field(told, "test.does");
    for (String path : field(told, "test.read").split(":", -1)) {
      System.err.println((Files.isReadable(Path.of(path)) ? "READABLE " : "HIDDEN ") + path);
    }
    for (String path : field(told, "test.write").split(":", -1)) {
      System.err.println((isWritten(Path.of(path)) ? "WRITTEN " : "REFUSED ") + path);
    }
    for (String name : field(told, "test.variables").split(" ", -1)) {
      System.err.println(name + "=" + System.getenv(name));
    }
    if (does.startsWith("say ")) {
      System.err.println(does.substring(4));
      System.exit(5);
    }
    ServerSocket socket = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    Path ready = Path.of(field(told, "ready_file"));
    Path hidden = ready.resolveSibling(".ready");
    Files.writeString(hidden, "{\"port\":" + socket.getLocalPort() + "}");
    Files.move(hidden, ready, StandardCopyOption.ATOMIC_MOVE);
    while (true) {
      socket.accept().close();
    }
  }

  private static boolean isWritten(Path folder) {
    try {
      Files.writeString(folder.resolve("written-by-engine"), "x");
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static String field(String json, String name) {
    Matcher matcher = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
    return matcher.find() ? matcher.group(1) : "";
  }
}
