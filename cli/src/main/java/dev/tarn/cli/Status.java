package dev.tarn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What runs on this instance. */
@Command(name = "status", description = "Show what runs: server, workspaces, engines.")
final class Status implements Runnable {
  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    ObjectNode status = of(home);
    if (json) {
      System.out.println(status.toPrettyString());
      return;
    }
    if (status.get("pid").isNull()) {
      System.out.println("nothing runs on " + home.folder());
      return;
    }
    System.out.printf(
        "Tarn %s at %s (pid %d, account %s, data in %s)%n",
        status.get("version").asText(),
        status.get("url").asText(),
        status.get("pid").asLong(),
        status.get("account_id").asText(),
        home.folder());
    for (JsonNode workspace : status.get("workspaces")) {
      System.out.printf(
          "  workspace %-24s %-16d %s%n",
          workspace.get("workspace_name").asText(),
          workspace.get("workspace_id").asLong(),
          workspace.get("workspace_status").asText());
    }
    for (JsonNode engine : status.get("engines")) {
      System.out.printf(
          "  engine    %-24s %-16s %s%n",
          engine.get("id").asText(), engine.get("kind").asText(), engine.get("state").asText());
    }
    if (status.hasNonNull("notice")) {
      System.out.println("  notice    " + status.get("notice").asText());
    }
  }

  static ObjectNode of(Home home) {
    ObjectNode status = Home.JSON.createObjectNode();
    Optional<Home.Running> running = home.running();
    status.put("url", running.map(Home.Running::url).orElse(null));
    status.putNull("account_id");
    status.put("version", running.map(Home.Running::version).orElse(null));
    status.put("pid", running.map(Home.Running::pid).orElse(null));
    ArrayNode workspaces = status.putArray("workspaces");
    ArrayNode engines = status.putArray("engines");
    if (running.isEmpty()) {
      return status;
    }
    Api api = home.account();
    String accountId = accountId(api);
    status.put("account_id", accountId);
    for (JsonNode workspace : api.get("/api/2.0/accounts/" + accountId + "/workspaces")) {
      ObjectNode one = workspaces.addObject();
      one.set("workspace_id", workspace.get("workspace_id"));
      one.set("workspace_name", workspace.get("workspace_name"));
      one.set("workspace_status", workspace.get("workspace_status"));
      one.put("host", workspace.path("workspace_url").asText(running.get().url()));
    }
    JsonNode answer = api.get("/api/2.0/accounts/" + accountId + "/tarn/engines");
    for (JsonNode engine : answer.path("engines")) {
      ObjectNode one = engines.addObject();
      for (String field : new String[] {"id", "kind", "state", "pid"}) {
        one.set(field, engine.path(field));
      }
    }
    if (answer.hasNonNull("notice")) {
      status.set("notice", answer.get("notice"));
    }
    return status;
  }

  /** The account of this installation, as discovery tells anybody. */
  static String accountId(Api api) {
    return api.get("/.well-known/databricks-config").get("account_id").asText();
  }
}
