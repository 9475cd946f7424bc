package dev.tarn.cli;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The end of a log file. */
@Command(name = "logs", description = "Print the log of the server or of an engine.")
final class Logs implements Runnable {
  @Parameters(
      arity = "0..1",
      defaultValue = "server",
      description = "server, or the id of an engine (default: server).")
  private String component;

  @Option(names = "-f", description = "Go on printing what is added.")
  private boolean follow;

  @Option(names = "-n", defaultValue = "100", description = "Lines (default: ${DEFAULT-VALUE}).")
  private int lines;

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    Path file =
        component.equals("server")
            ? home.serverLog()
            : home.folder().resolve("engines").resolve(component).resolve("driver.log").normalize();
    if (!file.startsWith(home.folder()) || !Files.exists(file)) {
      throw new Tarn.Failure(
          "no log of '" + component + "' (expected: server, or an engine id of `tarn status`)");
    }
    System.out.print(tail(file, lines));
    if (follow) {
      follow(file);
    }
  }

  /** The last lines, read from the end, each with its line break. */
  static String tail(Path file, int lines) {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
      long from = Math.max(0, open.length() - 1024L * Math.max(64, lines));
      open.seek(from);
      byte[] bytes = new byte[(int) (open.length() - from)];
      open.readFully(bytes);
      List<String> all = new String(bytes, StandardCharsets.UTF_8).lines().toList();
      return String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size())) + "\n";
    } catch (IOException e) {
      return "(" + file + " cannot be read: " + e.getMessage() + ")\n";
    }
  }

  private static void follow(Path file) {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
      open.seek(open.length());
      byte[] buffer = new byte[8192];
      while (true) {
        int read = open.read(buffer);
        if (read > 0) {
          System.out.write(buffer, 0, read);
          System.out.flush();
        } else {
          Thread.sleep(200);
          if (open.getFilePointer() > open.length()) {
            open.seek(0); // The log was rotated.
          }
        }
      }
    } catch (IOException e) {
      throw new Tarn.Failure("cannot read " + file + ": " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
