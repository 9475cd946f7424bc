package dev.tarn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The environment that points every SDK, driver and tool at this instance. */
@Command(name = "env", description = "Print the environment for clients: eval \"$(./tarn env)\".")
final class Env implements Runnable {
  /** Which half of the product is meant. */
  static final class Target {
    @Option(names = "--account", description = "The account instead of a workspace.")
    private boolean account;

    @Option(names = "--workspace", description = "The workspace (default: the oldest).")
    private String workspace;
  }

  @ArgGroup private Target target = new Target();

  @Option(names = "--as", description = "The user to be (default: the first administrator).")
  private String user;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    ObjectNode environment =
        target.account ? ofAccount(home, user) : ofWorkspace(home, target.workspace, user);
    if (json) {
      System.out.println(environment.toPrettyString());
    } else {
      print(environment);
    }
  }

  static void print(ObjectNode environment) {
    environment
        .properties()
        .forEach(
            entry ->
                System.out.println(
                    "export " + entry.getKey() + "='" + entry.getValue().asText() + "'"));
  }

  /** The address for clients, and what makes them trust it. */
  private static ObjectNode host(Home home, String url) {
    ObjectNode environment = Home.JSON.createObjectNode();
    environment.put("DATABRICKS_HOST", url);
    if (url.startsWith("https:")) {
      environment.setAll(Trust.variables(home));
    }
    return environment;
  }

  private static ObjectNode ofAccount(Home home, String user) {
    Api api = home.account();
    String accountId = Status.accountId(api);
    ObjectNode environment = host(home, home.running().orElseThrow().url());
    environment.put("DATABRICKS_TOKEN", token(home, api, accountId, null, user));
    environment.put("DATABRICKS_ACCOUNT_ID", accountId);
    return environment;
  }

  static ObjectNode ofWorkspace(Home home, String name, String user) {
    Api api = home.account();
    String accountId = Status.accountId(api);
    JsonNode workspace = workspace(api, accountId, name);
    String host = workspace.path("workspace_url").asText(api.url());
    String token = token(home, api, accountId, workspace.get("workspace_id").asLong(), user);
    ObjectNode environment = host(home, host);
    environment.put("DATABRICKS_TOKEN", token);
    for (JsonNode warehouse :
        new Api(api.url(), token).get("/api/2.0/sql/warehouses").path("warehouses")) {
      environment.put("DATABRICKS_WAREHOUSE_ID", warehouse.get("id").asText());
      break;
    }
    return environment;
  }

  /** The named workspace, or the oldest, which is quickstart's. */
  private static JsonNode workspace(Api api, String accountId, String name) {
    JsonNode all = api.get("/api/2.0/accounts/" + accountId + "/workspaces");
    String names =
        StreamSupport.stream(all.spliterator(), false)
            .map(one -> one.get("workspace_name").asText())
            .collect(Collectors.joining(", "));
    if (name == null && !all.isEmpty()) {
      if (all.size() > 1) {
        System.err.println(
            "tarn: workspace "
                + all.get(0).get("workspace_name").asText()
                + ", the oldest of: "
                + names
                + " (--workspace NAME is for another)");
      }
      return all.get(0);
    }
    for (JsonNode one : all) {
      if (one.get("workspace_name").asText().equals(name)) {
        return one;
      }
    }
    if (all.isEmpty()) {
      throw new Tarn.Failure(
          "there is no workspace yet: `tarn quickstart`, or `tarn stack create --workspace-name NAME --wait`");
    }
    throw new Tarn.Failure("no workspace is named '" + name + "' (expected one of: " + names + ")");
  }

  /**
   * A token that is kept in a file of mode 0600 and used again while the server accepts it, so that
   * each {@code env} does not leave one more token behind.
   */
  private static String token(Home home, Api api, String accountId, Long workspaceId, String user) {
    if (workspaceId == null && user == null) {
      try {
        return Files.readString(home.folder().resolve("keys/admin-token")).trim();
      } catch (IOException e) {
        throw new Tarn.Failure("cannot read the administrator's token: " + e.getMessage());
      }
    }
    String whose =
        user == null ? "admin" : HexFormat.of().formatHex(user.getBytes(StandardCharsets.UTF_8));
    Path file =
        home.folder()
            .resolve("keys/env")
            .resolve((workspaceId == null ? "account" : workspaceId) + "-" + whose);
    try {
      if (Files.exists(file)) {
        String kept = Files.readString(file).trim();
        if (accepted(api.url(), kept, accountId, workspaceId)) {
          return kept;
        }
      }
      ObjectNode wish = Home.JSON.createObjectNode();
      if (user != null) {
        wish.put("user_name", user);
      }
      if (workspaceId != null) {
        wish.put("workspace_id", workspaceId);
      }
      String minted =
          api.post("/api/2.0/accounts/" + accountId + "/tarn/tokens", wish)
              .get("token_value")
              .asText();
      Files.createDirectories(file.getParent());
      Path fresh =
          Files.createTempFile(
              file.getParent(),
              ".token",
              "",
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(fresh, minted);
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return minted;
    } catch (IOException e) {
      throw new Tarn.Failure("cannot keep the token in " + file + ": " + e.getMessage());
    }
  }

  private static boolean accepted(String url, String token, String accountId, Long workspaceId) {
    try {
      new Api(url, token)
          .get(
              workspaceId == null
                  ? "/api/2.0/accounts/" + accountId + "/workspaces"
                  : "/api/2.0/preview/scim/v2/Me");
      return true;
    } catch (Api.Refused e) {
      return e.status() == 403;
    }
  }
}
