package dev.tarn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The keys with which the server seals secrets and signs; it changes them while it runs. */
@Command(
    name = "keys",
    description = "Show the keys that seal and sign, or make new ones (the server must run).",
    subcommands = {Keys.Rotate.class, Keys.Retire.class})
final class Keys implements Runnable {
  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public void run() {
    Api api = Home.ofEnvironment().account();
    print(api.get(path(api)), json);
  }

  /** New keys; the former still read what they made. */
  @Command(
      name = "rotate",
      description = "Make new keys and seal all secrets with the new one; former keys go in time.")
  static final class Rotate implements Runnable {
    @Option(
        names = "--retire",
        description = "End the former keys now, as `tarn keys retire` does: for keys that leaked.")
    private boolean retire;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public void run() {
      Api api = Home.ofEnvironment().account();
      ObjectNode wish = Home.JSON.createObjectNode().put("retire", retire);
      print(api.post(path(api) + "/rotate", wish), json);
    }
  }

  /** The end of the former keys. */
  @Command(
      name = "retire",
      description =
          "End the former keys: OAuth tokens they signed end, engines that know them finish their"
              + " statements and are replaced, the sealing key goes within a minute.")
  static final class Retire implements Runnable {
    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public void run() {
      Api api = Home.ofEnvironment().account();
      print(api.post(path(api) + "/retire", Home.JSON.createObjectNode()), json);
    }
  }

  private static String path(Api api) {
    return "/api/2.0/accounts/" + Status.accountId(api) + "/tarn/keys";
  }

  private static void print(JsonNode said, boolean json) {
    if (json) {
      System.out.println(said.toPrettyString());
      return;
    }
    for (JsonNode key : said.path("keys")) {
      String state =
          key.path("current").asBoolean()
              ? "in use"
              : key.hasNonNull("until")
                  ? "former, goes at " + Instant.ofEpochMilli(key.get("until").asLong())
                  : "former, goes with the last engine that knows it";
      System.out.printf(
          "%-8s  %-36s  %s%n", key.path("purpose").asText(), key.path("key_id").asText(), state);
    }
    for (JsonNode key : said.path("removed")) {
      System.out.printf(
          "%-8s  %-36s  gone%n", key.path("purpose").asText(), key.path("key_id").asText());
    }
    int resealed = said.path("resealed").asInt();
    if (resealed > 0) {
      System.out.println(resealed + " secrets were sealed with the new key");
    }
  }
}
