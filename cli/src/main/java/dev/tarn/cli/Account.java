package dev.tarn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What who administers the machine can do to the account when nobody can sign in. */
@Command(
    name = "account",
    description = "Help people of the account back in.",
    subcommands = Account.Recover.class)
final class Account {
  /** A link that sets a new password. */
  @Command(name = "recover", description = "Print a one-time link that sets a new password.")
  static final class Recover implements Runnable {
    @Option(
        names = "--user",
        paramLabel = "E-MAIL",
        description = "Whose password is forgotten (default: the oldest account admin).")
    private String user;

    @Override
    public void run() {
      Home home = Home.ofEnvironment();
      String url = home.requireRunning().url();
      ObjectNode wish =
          Home.JSON.createObjectNode().put("machine_secret", secret(home, "machine-secret"));
      if (user != null) {
        wish.put("user_name", user);
      }
      JsonNode made = new Api(url, null).post("/api/2.0/tarn/recoveries", wish);
      System.out.println(
          made.path("user_name").asText()
              + " sets a new password here, once, until "
              + Instant.ofEpochMilli(made.path("expires_at").asLong())
              + ":");
      System.out.println("  " + made.path("link").asText());
    }
  }

  private static String secret(Home home, String name) {
    Path file = home.folder().resolve("keys").resolve(name);
    try {
      return Files.readString(file).trim();
    } catch (IOException e) {
      throw new Tarn.Failure("cannot read " + file + ": " + e.getMessage());
    }
  }

  /** The link by which the first administrator signs up; empty once that was done. */
  static Optional<String> firstLink(Home home, String url) {
    if (!Files.exists(home.folder().resolve("keys/first-admin-link"))) {
      return Optional.empty();
    }
    return Optional.of(url + "/sign-up#" + secret(home, "first-admin-link"));
  }

  /** Says how the first administrator signs up, as long as nobody has. */
  static void printFirstLink(Home home, String url) {
    firstLink(home, url)
        .ifPresent(
            link -> {
              System.out.println("  sign up as its administrator, by a link that works once:");
              System.out.println("    " + link);
            });
  }
}
