package dev.tarn;

import com.databricks.sdk.AccountClient;
import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.DatabricksConfig;
import com.databricks.sdk.service.iam.ListAccountUsersRequest;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import dev.tarn.account.WorkspaceRecord;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
import dev.tarn.storage.Buckets;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The real server on a free port with a data directory of its own, for one test class. Tests speak
 * to it as named users: {@code admin} is {@code admin@tarn.local}, account and workspace admin;
 * anybody else is a user {@code NAME@example.com} of the workspace.
 */
public final class TestServer implements BeforeAllCallback, AfterAllCallback {
  public static final String ACCOUNT_ID = "11111111-2222-3333-4444-555555555555";
  public static final long WORKSPACE_ID = 1234567890123456L;

  private static final long LOOK_NANOS = 5_000_000;

  private final HttpClient client = HttpClient.newHttpClient();

  /** The root bucket of the test's workspace. */
  public static final String ROOT_BUCKET = "test-root";

  /** A role that there is. */
  public static final String ROLE_ARN = "arn:aws:iam::123456789012:role/test";

  private final Map<String, String> tokens = new ConcurrentHashMap<>();
  private final Consumer<Routes> more;
  private final Consumer<Config> before;
  private Path home;
  private Config config;
  private Server server;

  public TestServer() {
    this(routes -> {});
  }

  /**
   * @param more what a test mounts beside the product
   */
  public TestServer(Consumer<Routes> more) {
    this(more, config -> {});
  }

  /**
   * @param before what a test does to the data directory before the server starts
   */
  public TestServer(Consumer<Routes> more, Consumer<Config> before) {
    this.more = more;
    this.before = before;
  }

  @Override
  public void beforeAll(ExtensionContext context) throws IOException {
    home = Files.createTempDirectory("tarn-test");
    config =
        Config.load(
            home,
            Path.of(".").toAbsolutePath(),
            Map.of("TARN_PORT", "0", "TARN_DATABASE", TestDatabase.setting(home)));
    Files.createDirectories(config.keys());
    try (Database database = Database.open(TestDatabase.of(home))) {
      database.inTransaction(
          handle ->
              handle.execute(
                  "INSERT INTO account (account_id, account_name, created_at) VALUES (?, 'test', 0)",
                  ACCOUNT_ID));
    }
    Server.init(config, Clock.systemUTC());
    makeWorkspace();
    tokens.put("admin", Files.readString(config.keys().resolve("admin-token")).trim());
    before.accept(config);
    start();
    waitForWorkspace();
  }

  /** A workspace as a stack would ask for it; the server's start provisions it. */
  private void makeWorkspace() {
    try (Database database = Database.open(config.database())) {
      new Buckets(database, config.storage(), Clock.systemUTC())
          .create(ROOT_BUCKET, config.region(), "test");
      database.inTransaction(
          handle -> {
            handle.execute(
                "INSERT INTO stack (stack_id, stack_name, status, status_reason, template,"
                    + " parameters, sealed, outputs, created_by, created_at) VALUES ('test',"
                    + " 'test', 'CREATE_COMPLETE', '', '', '{}', '', '{}', 'test', 0)");
            handle.execute("INSERT INTO iam_role VALUES ('test', ?, 'test', '{}')", ROLE_ARN);
            handle.execute(
                "INSERT INTO credential VALUES ('test', 'test', ?, NULL, 0, 0)", ROLE_ARN);
            handle.execute(
                "INSERT INTO storage_configuration VALUES ('test', 'test', ?, NULL, NULL, 0, 0)",
                ROOT_BUCKET);
            return handle.execute(
                "INSERT INTO workspace SELECT ?, 'test', 'dbc-test', 'test', 'test',"
                    + " 'NOT_PROVISIONED', '', NULL, principal_id, 0, ? FROM principal WHERE"
                    + " kind = 'USER'",
                WORKSPACE_ID,
                "{\"aws_region\":\"" + config.region() + "\",\"pricing_tier\":\"ENTERPRISE\"}");
          });
    }
  }

  private void waitForWorkspace() {
    WorkspaceRecord workspace;
    do {
      LockSupport.parkNanos(LOOK_NANOS); // who looks without end takes the core from who provisions
      workspace = server.account().workspace(WORKSPACE_ID).orElseThrow();
      if (workspace.status() == WorkspaceStatus.FAILED) {
        throw new IllegalStateException(workspace.statusMessage());
      }
    } while (workspace.status() != WorkspaceStatus.RUNNING);
  }

  private void start() {
    server = Server.start(config, Clock.systemUTC(), more);
  }

  /** The bare server, for tests of its start. */
  static Server start(Config config) {
    Server.init(config, Clock.systemUTC());
    return Server.start(config, Clock.systemUTC());
  }

  /** Stops the server and starts another one on the same data, on another port. */
  public void restart() {
    server.close();
    start();
  }

  @Override
  public void afterAll(ExtensionContext context) throws IOException {
    server.close();
    client.close();
    Files.walkFileTree(
        home,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, IOException failure)
              throws IOException {
            Files.delete(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** The account whose ids are in paths. */
  public String accountId() {
    return ACCOUNT_ID;
  }

  /** What a user may call. */
  public Set<Role> roles(String name) {
    return name.equals("admin")
        ? Set.of(Role.ACCOUNT_ADMIN, Role.ACCOUNT_USER, Role.WORKSPACE_ADMIN, Role.WORKSPACE_USER)
        : Set.of(Role.ACCOUNT_USER, Role.WORKSPACE_USER);
  }

  public Routes routes() {
    return server.routes();
  }

  public URI url() {
    return server.url();
  }

  public Config config() {
    return config;
  }

  /**
   * A token of a user, who is made and assigned to the workspace when asked for first. It is of the
   * account, and so selects the test's workspace as long as the user has no other.
   */
  public String token(String name) {
    return tokens.computeIfAbsent(name, this::newUser);
  }

  private String newUser(String name) {
    User user = account().users().create(new User().setUserName(name + "@example.com"));
    account()
        .workspaceAssignment()
        .update(
            new UpdateWorkspaceAssignments()
                .setWorkspaceId(WORKSPACE_ID)
                .setPrincipalId(Long.parseLong(user.getId()))
                .setPermissions(List.of(WorkspacePermission.USER)));
    try {
      return Json.tree(
              send(
                      "admin",
                      "POST",
                      "/api/2.0/accounts/" + ACCOUNT_ID + "/tarn/tokens",
                      "{\"user_name\":\"" + user.getUserName() + "\"}")
                  .body())
          .path("token_value")
          .asText();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException("no token for " + name, e);
    }
  }

  /** Takes a user out who had a {@link #token} before. */
  public void deactivate(String name) {
    for (User user :
        account()
            .users()
            .list(
                new ListAccountUsersRequest()
                    .setFilter("userName eq \"" + name + "@example.com\""))) {
      account().users().update(user.setActive(false));
    }
  }

  /** The account as its admin. */
  public AccountClient account() {
    return account("admin");
  }

  public AccountClient account(String name) {
    return new AccountClient(clientConfig(name).setAccountId(ACCOUNT_ID));
  }

  /** The workspace as a user. */
  public WorkspaceClient as(String name) {
    return new WorkspaceClient(clientConfig(name));
  }

  private DatabricksConfig clientConfig(String name) {
    return new DatabricksConfig()
        .setHost(url().toString())
        .setToken(token(name))
        .setConfigFile("/dev/null")
        .setAuthType("pat");
  }

  /**
   * A request as it is, for what no SDK would send.
   *
   * @param name whose token, null for none
   * @param body null for none
   */
  public HttpResponse<String> send(String name, String verb, String path, String body)
      throws IOException, InterruptedException {
    return send(name, verb, path, body, Map.of());
  }

  public HttpResponse<String> send(
      String name, String verb, String path, String body, Map<String, String> headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url() + path));
    headers.forEach(request::header);
    if (name != null) {
      request.header("Authorization", "Bearer " + token(name));
    }
    request.method(
        verb,
        body == null
            ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofString(body));
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }
}
