package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.settings.CreateTokenRequest;
import com.databricks.sdk.service.settings.RevokeTokenRequest;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Authenticator;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuthenticationTest {
  private static final long RD = 1111111111111111L;
  private static final long PROD = 2222222222222222L;

  private static final ScimSelection EVERYTHING =
      ScimSelection.of(ScimSchema.USER, null, null, true);

  @TempDir Path folder;
  private final TestClock clock = new TestClock();
  private final Map<Long, String> closed = new HashMap<>();
  private Database database;
  private Iam iam;
  private Authenticator authenticator;
  private String account;
  private Caller admin;

  @BeforeEach
  void open() throws Exception {
    database = Database.open(TestDatabase.of(folder));
    iam = new Iam(database, folder, clock);
    iam.bootstrap("tarn", "admin@tarn.local");
    account = iam.accountId();
    workspace(RD, "rd");
    workspace(PROD, "prod");
    authenticator =
        iam.authenticator(
            deployment -> Optional.ofNullable(Map.of("rd", RD, "prod", PROD).get(deployment)),
            workspace -> Optional.ofNullable(closed.get(workspace)),
            (engine, principal) -> engine.equals("e1"));
    admin = account(adminToken());
  }

  @AfterEach
  void close() {
    database.close();
  }

  private void workspace(long id, String deployment) {
    database.inTransaction(
        handle -> {
          handle.execute(
              "INSERT INTO credential VALUES (?, ?, 'arn', NULL, 0, 0)", deployment, deployment);
          handle.execute(
              "INSERT INTO storage_configuration VALUES (?, ?, 'bucket', NULL, NULL, 0, 0)",
              deployment,
              deployment);
          return handle.execute(
              "INSERT INTO workspace VALUES (?, ?, ?, ?, ?, 'RUNNING', '', NULL, 0, 0, '{}')",
              id,
              deployment,
              deployment,
              deployment,
              deployment);
        });
  }

  private String adminToken() throws Exception {
    return Files.readString(folder.resolve("admin-token")).trim();
  }

  private Caller account(String token) {
    return call(token, "127.0.0.1", null, account, null, null);
  }

  private Caller call(String token) {
    return call(token, "127.0.0.1", null, null, null, null);
  }

  private Caller call(
      String token, String host, Long workspace, String inAccount, String stack, String on) {
    return authenticator.authenticate(
        new Authenticator.Credentials(
            token == null ? null : "Bearer " + token, host, workspace, inAccount, stack, on, "r"));
  }

  private User user(String name) {
    return user(new User().setUserName(name));
  }

  private User user(User user) {
    return Json.read(
        users().create(null, Json.MAPPER.valueToTree(user), EVERYTHING).shown().toString(),
        User.class);
  }

  private ScimResources users() {
    return new ScimResources(ScimSchema.USER, iamPrincipals(), clock);
  }

  private void active(User user, boolean active) {
    users()
        .patch(
            true,
            null,
            user.getId(),
            null,
            Json.tree(
                "{\"Operations\":[{\"op\":\"replace\",\"path\":\"active\",\"value\":"
                    + active
                    + "}]}"),
            EVERYTHING);
  }

  private Principals iamPrincipals() {
    return iam.principals();
  }

  private void assign(User user, long workspace, WorkspacePermission... permissions) {
    new WorkspaceAssignments(iamPrincipals())
        .update(
            admin,
            new UpdateWorkspaceAssignments()
                .setPrincipalId(Long.parseLong(user.getId()))
                .setWorkspaceId(workspace)
                .setPermissions(List.of(permissions)));
  }

  private String token(User user, Long workspace) {
    return new PersonalTokens(iam.tokens(), iamPrincipals())
        .createFor(
            admin, new PersonalTokens.CreateForRequest(account, user.getUserName(), workspace))
        .tokenValue();
  }

  @Test
  void theFirstAdminsTokenIsMadeOnceAndOnlyItsOwnerReadsIt() throws Exception {
    String token = adminToken();
    iam.bootstrap("tarn", "other@tarn.local");
    assertThat(adminToken()).isEqualTo(token).startsWith("dapi");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(folder.resolve("admin-token"))))
        .isEqualTo("rw-------");
    assertThat(admin.name()).isEqualTo("admin@tarn.local");
    assertThat(admin.roles()).contains(Role.ACCOUNT_ADMIN);
    assertThat(
            database
                .<List<Map<String, Object>>, RuntimeException>read(
                    handle -> handle.select("SELECT * FROM token").mapToMap().list())
                .toString())
        .contains("hash")
        .doesNotContain(token);
  }

  @Test
  void aLostAdminTokenFileIsReplacedAndTheOldTokenIsVoid() throws Exception {
    String token = adminToken();
    Files.delete(folder.resolve("admin-token"));
    iam.bootstrap("tarn", "admin@tarn.local");
    assertThat(adminToken()).isNotEqualTo(token);
    assertThat(account(adminToken()).principalId()).isEqualTo(admin.principalId());
    assertThatThrownBy(() -> account(token)).isInstanceOf(Unauthenticated.class);
  }

  @Test
  void nobodyIsWhoCarriesNoToken() {
    assertThat(call(null).roles()).containsExactly(Role.ANYONE);
    assertThat(call(null).kind()).isEqualTo(Caller.Kind.ANONYMOUS);
    for (String wrong : new String[] {"", "dapi0", "a.b.c", "x".repeat(10_000)}) {
      assertThatThrownBy(() -> call(wrong))
          .as(wrong)
          .isInstanceOf(Unauthenticated.class)
          .hasMessage("Invalid access token.");
    }
  }

  @Test
  void aTokenEndsWithItsLifetime() {
    User alice = user("alice@x.com");
    assign(alice, RD, WorkspacePermission.USER);
    Caller caller = call(token(alice, RD));
    PersonalTokens tokens = new PersonalTokens(iam.tokens(), iamPrincipals());
    String value =
        tokens.create(caller, new CreateTokenRequest().setLifetimeSeconds(60L)).getTokenValue();
    clock.advance(Duration.ofSeconds(59));
    assertThat(call(value).name()).isEqualTo("alice@x.com");
    clock.advance(Duration.ofSeconds(1));
    assertThatThrownBy(() -> call(value)).isInstanceOf(Unauthenticated.class);
  }

  @Test
  void aRevokedTokenIsRefusedAtOnce() {
    User alice = user("alice@x.com");
    assign(alice, RD, WorkspacePermission.USER);
    Caller caller = call(token(alice, RD));
    PersonalTokens tokens = new PersonalTokens(iam.tokens(), iamPrincipals());
    var made = tokens.create(caller, new CreateTokenRequest().setComment("c"));
    call(made.getTokenValue());
    assertThat(tokens.list(caller).getTokenInfos()).hasSize(2);
    tokens.delete(caller, new RevokeTokenRequest().setTokenId(made.getTokenInfo().getTokenId()));
    assertThatThrownBy(() -> call(made.getTokenValue())).isInstanceOf(Unauthenticated.class);
  }

  @Test
  void aDeactivatedPrincipalIsOutAtOnceAndBackWhenActivated() {
    User alice = user("alice@x.com");
    assign(alice, RD, WorkspacePermission.USER);
    String token = token(alice, RD);
    call(token);
    active(alice, false);
    assertThatThrownBy(() -> call(token)).isInstanceOf(Unauthenticated.class);
    active(alice, true);
    call(token);
    users().delete(null, alice.getId(), null);
    assertThatThrownBy(() -> call(token)).isInstanceOf(Unauthenticated.class);
  }

  @Test
  void theLastAccountAdminStays() {
    assertThatThrownBy(() -> users().delete(null, admin.principalId(), null))
        .isInstanceOf(InvalidState.class);
    User second =
        user(
            new User()
                .setUserName("second@x.com")
                .setRoles(List.of(new ComplexValue().setValue("account_admin"))));
    users().delete(null, admin.principalId(), null);
    assertThatThrownBy(() -> active(second, false)).isInstanceOf(InvalidState.class);
  }

  @Test
  void aWorkspaceTokenSelectsItsWorkspaceAndCannotAdministerTheAccount() {
    assign(new User().setId(admin.principalId()), RD, WorkspacePermission.ADMIN);
    assign(new User().setId(admin.principalId()), PROD, WorkspacePermission.USER);
    String token = token(new User().setUserName("admin@tarn.local"), RD);
    assertThat(call(token).workspaceId()).isEqualTo(RD);
    assertThat(call(token).roles())
        .containsExactlyInAnyOrder(Role.ANYONE, Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN);
    assertThat(account(token).roles()).doesNotContain(Role.ACCOUNT_ADMIN, Role.ACCOUNT_USER);
  }

  @Test
  void whatTokenHeaderAndHostSayOfTheWorkspaceMustAgree() {
    User alice = user("alice@x.com");
    assign(alice, RD, WorkspacePermission.USER);
    String token = token(alice, RD);
    assertThat(call(token, "rd.localhost", RD, null, null, null).workspaceId()).isEqualTo(RD);
    assertThatThrownBy(() -> call(token, "127.0.0.1", PROD, null, null, null))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("the header says " + PROD);
    assertThatThrownBy(() -> call(token, "prod.localhost", null, null, null, null))
        .isInstanceOf(BadRequest.class);
    assertThatThrownBy(() -> call(token, "nowhere.localhost", null, null, null, null))
        .isInstanceOf(BadRequest.class);
  }

  @Test
  void aTokenOfTheAccountMeansTheOnlyWorkspaceOrTheOneThatIsNamed() {
    User alice = user("alice@x.com");
    String token = token(alice, null);
    assertThat(call(token).workspaceId()).isNull();
    assign(alice, RD, WorkspacePermission.USER);
    assertThat(call(token).workspaceId()).isEqualTo(RD);
    assertThatThrownBy(() -> call(token, "127.0.0.1", PROD, null, null, null))
        .isInstanceOf(PermissionDenied.class);
    assign(alice, PROD, WorkspacePermission.ADMIN);
    assertThatThrownBy(() -> call(token))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("X-Databricks-Workspace-Id");
    Caller named = call(token, "127.0.0.1", PROD, null, null, null);
    assertThat(named.workspaceId()).isEqualTo(PROD);
    assertThat(named.roles()).contains(Role.WORKSPACE_ADMIN);
    assertThat(call(token, "rd.localhost", null, null, null, null).workspaceId()).isEqualTo(RD);
    assertThat(account(token).roles()).contains(Role.ACCOUNT_USER);
    assign(alice, RD);
    assertThatThrownBy(() -> call(token, "127.0.0.1", RD, null, null, null))
        .isInstanceOf(PermissionDenied.class);
  }

  @Test
  void aWorkspaceThatFailedOrIsBeingDeletedIsNotEnteredButTheAccountIs() {
    User alice = user("alice@x.com");
    assign(alice, RD, WorkspacePermission.ADMIN);
    String ofAccount = token(alice, null);
    String ofWorkspace = token(alice, RD);
    for (String status : List.of("FAILED", "CANCELLING")) {
      closed.put(RD, status);
      for (String token : List.of(ofAccount, ofWorkspace)) {
        assertThatThrownBy(() -> call(token))
            .isInstanceOf(InvalidState.class)
            .hasMessageContaining("workspace " + RD + " is " + status);
        assertThat(account(token).name()).isEqualTo("alice@x.com");
      }
      assertThat(call(iam.tokens().mintForEngine("e1", RD)).roles()).contains(Role.ENGINE);
    }
    closed.clear();
    assertThat(call(ofWorkspace).roles()).contains(Role.WORKSPACE_ADMIN);
  }

  @Test
  void aTokenIsOfOneAccount() throws Exception {
    String token = adminToken();
    assertThatThrownBy(() -> call(token, "127.0.0.1", null, "other", null, null))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("'other'");
  }

  @Test
  void aStackMakesThingsForAnHourAndNothingWhenItIsDone() {
    String token = iam.stackSessions().mint(admin, "arn:stack/1");
    Caller stack = call(token, "127.0.0.1", null, account, "arn:stack/1", null);
    assertThat(stack.roles()).containsExactlyInAnyOrder(Role.ANYONE, Role.STACK);
    iam.stackSessions().requireUnexpired(stack);
    assertThatThrownBy(() -> call(token, "127.0.0.1", null, account, "arn:stack/2", null))
        .isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(() -> call(token, "127.0.0.1", null, "other", null, null))
        .isInstanceOf(PermissionDenied.class);
    clock.advance(Duration.ofHours(1));
    assertThat(account(token).roles()).contains(Role.STACK);
    assertThatThrownBy(() -> iam.stackSessions().requireUnexpired(stack))
        .isInstanceOf(Unauthenticated.class)
        .hasMessageContaining("expired");
    iam.stackSessions().close("arn:stack/1");
    assertThatThrownBy(() -> account(token)).isInstanceOf(Unauthenticated.class);
    String again = iam.stackSessions().mint(admin, "arn:stack/1");
    iam.stackSessions().requireUnexpired(account(again));
  }

  @Test
  void onlyAnAccountAdminStartsAStack() {
    User alice = user("alice@x.com");
    Caller caller = account(token(alice, null));
    assertThatThrownBy(() -> iam.stackSessions().mint(caller, "s"))
        .isInstanceOf(PermissionDenied.class);
  }

  @Test
  void anEngineSpeaksForWhoHasASessionOnIt() {
    User alice = user("alice@x.com");
    assign(alice, RD, WorkspacePermission.USER);
    String token = iam.tokens().mintForEngine("e1", RD);
    Caller alone = call(token);
    assertThat(alone.roles()).containsExactlyInAnyOrder(Role.ANYONE, Role.ENGINE);
    Caller on = call(token, "127.0.0.1", null, null, null, alice.getId());
    assertThat(on.name()).isEqualTo("alice@x.com");
    assertThat(on.engineId()).isEqualTo("e1");
    assertThat(on.roles()).containsExactlyInAnyOrder(Role.ANYONE, Role.ENGINE, Role.WORKSPACE_USER);
    String other = iam.tokens().mintForEngine("e2", RD);
    assertThatThrownBy(() -> call(other, "127.0.0.1", null, null, null, alice.getId()))
        .isInstanceOf(PermissionDenied.class);
    // Anybody else's header is not heeded.
    assertThat(call(token(alice, RD), "127.0.0.1", null, null, null, admin.principalId()).name())
        .isEqualTo("alice@x.com");
    iam.tokens().revokeOfEngine("e1");
    assertThatThrownBy(() -> call(token)).isInstanceOf(Unauthenticated.class);
  }
}
