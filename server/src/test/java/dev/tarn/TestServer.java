package dev.tarn;

import com.databricks.sdk.AccountClient;
import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.DatabricksConfig;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import dev.tarn.http.Authenticator;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
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
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The real server on a free port with a data directory of its own, for one test class. Tests speak
 * to it as named users: {@code admin} is account and workspace admin, anybody else is a user.
 */
public final class TestServer implements BeforeAllCallback, AfterAllCallback {
  public static final String ACCOUNT_ID = "11111111-2222-3333-4444-555555555555";
  public static final long WORKSPACE_ID = 1234567890123456L;

  private final HttpClient client = HttpClient.newHttpClient();
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
    config = Config.load(home, Path.of(".").toAbsolutePath(), Map.of("TARN_PORT", "0"));
    Files.createDirectories(config.keys());
    before.accept(config);
    start();
  }

  private void start() {
    server = Server.start(config, Clock.systemUTC(), authenticator(), more);
  }

  /** The bare server, for tests of its start. */
  static Server start(Config config) {
    return Server.start(config, Clock.systemUTC(), new TestServer().authenticator());
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

  /** Tokens are {@code test-NAME} until the product's own identities answer here. */
  private Authenticator authenticator() {
    return credentials -> {
      if (credentials.authorization() == null) {
        return caller("0", Caller.Kind.ANONYMOUS, "anonymous", Set.of(Role.ANYONE), credentials);
      }
      if (!credentials.authorization().startsWith("Bearer test-")) {
        throw new Unauthenticated("the token is unknown, expired or revoked", null);
      }
      String name = credentials.authorization().substring("Bearer test-".length());
      return caller(
          Integer.toString(Math.floorMod(name.hashCode(), 1_000_000)),
          Caller.Kind.USER,
          name,
          roles(name),
          credentials);
    };
  }

  private static Caller caller(
      String id,
      Caller.Kind kind,
      String name,
      Set<Role> roles,
      Authenticator.Credentials credentials) {
    return new Caller(
        id,
        kind,
        name,
        roles,
        ACCOUNT_ID,
        credentials.workspaceId() == null ? WORKSPACE_ID : credentials.workspaceId(),
        null,
        null,
        kind == Caller.Kind.ANONYMOUS ? null : "token-" + name,
        credentials.requestId());
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

  public String token(String name) {
    return "test-" + name;
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
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url() + path));
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
