package dev.tarn.iam;

import com.databricks.sdk.service.iam.AccountAccessControlProxyService;
import com.databricks.sdk.service.iam.AccountAccessControlService;
import com.databricks.sdk.service.iam.AccountGroupsService;
import com.databricks.sdk.service.iam.AccountServicePrincipalsService;
import com.databricks.sdk.service.iam.AccountUsersService;
import com.databricks.sdk.service.iam.CurrentUserService;
import com.databricks.sdk.service.iam.GroupsService;
import com.databricks.sdk.service.iam.ServicePrincipalsService;
import com.databricks.sdk.service.iam.UsersService;
import com.databricks.sdk.service.iam.WorkspaceAssignmentService;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.oauth2.CustomAppIntegrationService;
import com.databricks.sdk.service.oauth2.ServicePrincipalSecretsProxyService;
import com.databricks.sdk.service.oauth2.ServicePrincipalSecretsService;
import com.databricks.sdk.service.settings.TokensService;
import dev.tarn.database.Database;
import dev.tarn.database.KeyRing;
import dev.tarn.database.Seal;
import dev.tarn.http.Authenticator;
import dev.tarn.http.Caller;
import dev.tarn.http.Routes;
import dev.tarn.mail.Mail;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.BiPredicate;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;

/**
 * Identity: who is in the account, who may enter which workspace, and what proves it. The facade of
 * the package; what other packages ask of it is here.
 */
public final class Iam {
  private static final String BOOTSTRAP = "bootstrap";

  private final Path keys;
  private final Clock clock;
  private final List<String> zones;
  private final Identities identities;
  private final Principals principals;
  private final Tokens tokens;
  private final StackSessions stackSessions;
  private final BrowserSessions browserSessions;
  private AccessTokens accessTokens;

  /** For who signs nobody in. */
  public Iam(Database database, Path keys, Clock clock) {
    this(database, keys, List.of(".localhost"), clock, Duration.ZERO, Duration.ZERO);
  }

  /**
   * @param zones the suffixes, each with its leading dot, before which a host names a workspace
   * @param idle until a browser's session that nobody uses ends
   * @param longest until any browser's session ends
   */
  public Iam(
      Database database,
      Path keys,
      List<String> zones,
      Clock clock,
      Duration idle,
      Duration longest) {
    this.keys = keys;
    this.zones = zones;
    this.clock = clock;
    this.identities = new Identities(database);
    this.principals = new Principals(database, identities, clock);
    this.tokens = new Tokens(principals, clock);
    this.stackSessions = new StackSessions(principals, tokens, clock);
    this.browserSessions =
        new BrowserSessions(
            principals, database, clock, new BrowserSessions.Lifetime(idle, longest));
  }

  /**
   * Makes what an instance starts with, as far as it is missing: the account, its first admin, and
   * that admin's token in {@code keys/admin-token}, readable by its owner only.
   *
   * @param email of the first admin; not used when the account has been made already
   */
  public void bootstrap(String accountName, String email) {
    principals.write(
        handle -> {
          Attributes.complete(handle);
          return null;
        });
    Path file = keys.resolve("admin-token");
    try {
      Invitations.machineSecret(keys);
      if (Files.exists(file)
          && identities.ofToken(Tokens.hash(Files.readString(file).trim())).isPresent()) {
        offerFirstSignUp();
        return;
      }
      Tokens.Issued token =
          principals.write(
              handle -> {
                Principal admin = firstAdmin(handle, accountName, email);
                // One that was made but not written, when an earlier start was killed in between.
                handle.execute("DELETE FROM token WHERE created_by = '" + BOOTSTRAP + "'");
                return tokens.personal(handle, admin.id(), null, BOOTSTRAP, null, BOOTSTRAP);
              });
      Seal.writeSecret(file, token.value() + "\n");
      offerFirstSignUp();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  private void offerFirstSignUp() throws IOException {
    Optional<Principal> admin = principals.read(Invitations::firstAdmin);
    if (admin.isPresent()) {
      Invitations.offerFirst(principals, admin.get(), keys, clock);
    }
  }

  private Principal firstAdmin(Handle handle, String accountName, String email) {
    handle
        .createUpdate(
            """
            INSERT INTO account (account_id, account_name, created_at)
            SELECT :id, :name, :now WHERE NOT EXISTS (SELECT 1 FROM account)
            """)
        .bind("id", UUID.randomUUID().toString())
        .bind("name", accountName)
        .bind("now", clock.millis())
        .execute();
    return Invitations.firstAdmin(handle)
        .orElseGet(
            () ->
                Principals.insert(handle, Scim.user(email, null, clock.millis()).asAccountAdmin()));
  }

  /**
   * @throws IllegalStateException the instance has not been initialised
   */
  public String accountId() {
    return principals.read(
        handle ->
            handle
                .createQuery("SELECT account_id FROM account")
                .mapTo(String.class)
                .findOne()
                .orElseThrow(
                    () -> new IllegalStateException("there is no account yet: run init first")));
  }

  /** The region the first administrator chose, empty as long as it is the configuration's. */
  public Optional<String> region() {
    return principals.read(
        handle ->
            handle
                .createQuery("SELECT region FROM account WHERE region IS NOT NULL")
                .mapTo(String.class)
                .findOne());
  }

  /**
   * Mounts the operations of this package.
   *
   * @param workspaceOfDeployment the workspace a host {@code <deployment>.localhost} is of
   * @param region the account's
   * @param isRegionFree whether the account has nothing yet that is in a region
   */
  public void routes(
      Routes routes,
      Function<String, Optional<Long>> workspaceOfDeployment,
      Mail mail,
      Supplier<String> region,
      BooleanSupplier isRegionFree) {
    WorkspaceHosts hosts = new WorkspaceHosts(workspaceOfDeployment, zones);
    Passwords passwords = new Passwords();
    SignIn signIn =
        new SignIn(
            principals, identities, browserSessions, passwords, new Throttle(clock), hosts, clock);
    Roles roles = new Roles(principals, identities, this::accountId);
    ServicePrincipalSecrets secrets = new ServicePrincipalSecrets(principals, roles, clock);
    PersonalTokens personal = new PersonalTokens(tokens, principals);
    Grants grants = new Grants(principals, clock);
    Oidc oidc = new Oidc(principals, secrets, accessTokens(), hosts, this::accountId, grants);
    routes.mountOwn(oidc);
    routes.mountOwn(new Authorize(principals, identities, grants, oidc));
    routes.mount(CustomAppIntegrationService.class, new CustomApps(principals, clock));
    routes.mountOwn(signIn);
    routes.mountOwn(
        new Invitations(
            principals,
            signIn,
            passwords,
            mail,
            new RegionChoice(region, isRegionFree),
            keys,
            clock));
    routes.mount(CurrentUserService.class, new CurrentUser(identities));
    ScimResources users = new ScimResources(ScimSchema.USER, principals, clock);
    ScimResources machines = new ScimResources(ScimSchema.SERVICE_PRINCIPAL, principals, clock);
    ScimResources groups = new ScimResources(ScimSchema.GROUP, principals, clock);
    routes.mount(AccountUsersService.class, new AccountScim(users, roles));
    routes.mount(AccountServicePrincipalsService.class, new AccountScim(machines, roles));
    routes.mount(AccountGroupsService.class, new AccountScim(groups, roles));
    routes.mount(UsersService.class, new WorkspaceScim(users, roles));
    routes.mount(ServicePrincipalsService.class, new WorkspaceScim(machines, roles));
    routes.mount(GroupsService.class, new WorkspaceScim(groups, roles));
    routes.mountOwn(new ScimDiscovery(List.of(users, groups, machines)));
    routes.mount(WorkspaceAssignmentService.class, new WorkspaceAssignments(principals));
    routes.mountOwn(new PrincipalLists(principals));
    routes.mount(AccountAccessControlService.class, roles);
    routes.mount(AccountAccessControlProxyService.class, roles);
    routes.mount(ServicePrincipalSecretsService.class, secrets);
    routes.mount(ServicePrincipalSecretsProxyService.class, secrets);
    routes.mount(TokensService.class, personal);
    routes.mountOwn(personal);
  }

  /**
   * Mounts what tells who may enter what.
   *
   * @param workspaces what a workspace is called, empty for one that is not there
   */
  public void accessRoutes(Routes routes, LongFunction<Optional<EffectiveAccess.Face>> workspaces) {
    routes.mountOwn(new EffectiveAccess(principals, identities, workspaces));
  }

  /**
   * @param workspaceOfDeployment the workspace a host {@code <deployment>.localhost} is of
   * @param closed the status of a workspace that nobody may enter, empty for the others
   * @param sessions whether an engine has a session of a principal, and so may speak for it
   */
  public Authenticator authenticator(
      Function<String, Optional<Long>> workspaceOfDeployment,
      LongFunction<Optional<String>> closed,
      BiPredicate<String, String> sessions) {
    return new TokenAuthenticator(
        identities,
        accessTokens(),
        accountId(),
        clock,
        new WorkspaceHosts(workspaceOfDeployment, zones),
        closed,
        sessions,
        browserSessions,
        stackSessions);
  }

  /** The keys that sign access tokens. */
  public KeyRing tokenKeys() {
    return accessTokens();
  }

  private synchronized AccessTokens accessTokens() {
    if (accessTokens == null) {
      accessTokens = AccessTokens.open(keys, clock);
    }
    return accessTokens;
  }

  public Tokens tokens() {
    return tokens;
  }

  public StackSessions stackSessions() {
    return stackSessions;
  }

  /**
   * Makes who asked for a workspace its first administrator. When it has somebody already, or that
   * person was removed since, nothing is done: what an administrator took away does not come back.
   */
  public void assignAdmin(long workspaceId, String principalId) {
    long id = Long.parseLong(principalId);
    principals.write(
        handle -> {
          if (Principals.assigned(handle, workspaceId).isEmpty()
              && Principals.find(handle, id).isPresent()) {
            Principals.assign(handle, workspaceId, id, WorkspacePermission.ADMIN);
          }
          return null;
        });
  }

  /** Assignments and tokens of a workspace went with it: nobody is remembered as before. */
  public void workspaceGone() {
    principals.write(handle -> null);
  }

  /** The user, service principal, account group or system group of that name. */
  public Optional<Long> principalNamed(String name) {
    return principals.read(
        handle ->
            Stream.of(
                    Caller.Kind.SYSTEM_GROUP, // first: nobody's own group is taken for one
                    Caller.Kind.USER,
                    Caller.Kind.SERVICE_PRINCIPAL,
                    Caller.Kind.GROUP)
                .flatMap(kind -> Principals.named(handle, kind, name).stream())
                .findFirst()
                .map(Principal::id));
  }

  /**
   * Somebody as a workspace names them: who enters it, any group of the account, its own groups,
   * and {@code users} and {@code admins}, which follow from who is assigned.
   */
  public Optional<Long> principalOf(long workspaceId, Caller.Kind kind, String name) {
    if (kind == Caller.Kind.GROUP && Scim.SYSTEM_GROUPS.contains(name)) {
      return name.equals("account users")
          ? Optional.of(WorkspaceGroups.ACCOUNT_USERS)
          : WorkspaceGroups.find(principals, workspaceId)
              .map(groups -> name.equals("admins") ? groups.admins() : groups.users());
    }
    return principals
        .read(handle -> Principals.named(handle, kind, name))
        .filter(
            found ->
                kind == Caller.Kind.GROUP
                    ? found.workspaceId() == null || found.workspaceId() == workspaceId
                    : enters(found.id(), workspaceId))
        .map(Principal::id);
  }

  /** Whether somebody was given an entitlement in a workspace, directly or by a group. */
  public boolean isEntitled(long workspaceId, long principalId, String entitlement) {
    Set<Long> all = standsFor(principalId);
    return !all.isEmpty()
        && principals.read(
            handle ->
                handle
                    .createQuery(
                        """
                        SELECT count(*) > 0 FROM workspace_entitlement
                        WHERE workspace_id = :workspace AND entitlement = :entitlement
                          AND principal_id IN (<all>)
                        """)
                    .bind("workspace", workspaceId)
                    .bind("entitlement", entitlement)
                    .bindList("all", List.copyOf(all))
                    .mapTo(Boolean.class)
                    .one());
  }

  /** A principal as {@link #principalOf} names it. */
  public Optional<Called> called(long principalId) {
    return principals.read(handle -> Principals.any(handle, principalId)).map(Called::of);
  }

  /**
   * @param displayName null for none
   */
  public record Called(Caller.Kind kind, String name, String displayName) {
    private static Called of(Principal principal) {
      return switch (principal.kind()) {
        case SYSTEM_GROUP ->
            new Called(Caller.Kind.GROUP, WorkspaceGroups.shown(principal.name()), null);
        case GROUP -> new Called(Caller.Kind.GROUP, principal.displayName(), null);
        default -> new Called(principal.kind(), principal.name(), principal.shownAs());
      };
    }
  }

  /** The system groups of a workspace, made when they are not there. */
  public WorkspaceGroups workspaceGroups(long workspaceId, String name) {
    return WorkspaceGroups.find(principals, workspaceId)
        .orElseGet(() -> WorkspaceGroups.make(principals, workspaceId, name, clock.millis()));
  }

  /** All that a principal stands for: itself, its groups, system groups. Empty: it is not there. */
  public Set<Long> standsFor(long principalId) {
    return identities.ofPrincipal(principalId).map(Identities.Identity::all).orElse(Set.of());
  }

  /** The same, each with the names on the shortest way that leads there, its own first. */
  public Map<Long, List<String>> ways(long principalId) {
    return identities
        .ofPrincipal(principalId)
        .map(
            found ->
                principals.<Map<Long, List<String>>>read(
                    handle -> EffectiveAccess.ways(handle, found.principal(), found.all())))
        .orElse(Map.of());
  }

  /** Whether a principal is assigned to a workspace, itself or through a group. */
  public boolean enters(long principalId, long workspaceId) {
    return identities
        .ofPrincipal(principalId)
        .filter(found -> found.assignments().containsKey(workspaceId))
        .isPresent();
  }

  /** Another text after each change of any identity. */
  public String version() {
    return identities.version();
  }

  Principals principals() {
    return principals;
  }

  /**
   * The name people know a principal by, user name, application id or name of a group; also when it
   * has been removed since.
   */
  public Optional<String> nameOf(String principalId) {
    return principals.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT CASE kind WHEN 'GROUP' THEN display_name ELSE name END FROM principal
                    WHERE principal_id = :id
                    UNION ALL SELECT name FROM former_principal WHERE principal_id = :id
                    """)
                .bind("id", Long.parseLong(principalId))
                .mapTo(String.class)
                .findFirst());
  }

  /** Whether an active principal is let into a workspace, by itself or through a group. */
  public boolean mayEnter(String principalId, long workspaceId) {
    return identities
        .ofPrincipal(Long.parseLong(principalId))
        .filter(identity -> identity.principal().active())
        .filter(identity -> identity.assignments().containsKey(workspaceId))
        .isPresent();
  }

  /** Ids and names of the groups a principal is in, directly or through another. */
  public Map<Long, String> groupsOf(String principalId) {
    return identities
        .ofPrincipal(Long.parseLong(principalId))
        .map(Identities.Identity::groups)
        .orElse(Map.of());
  }

  /**
   * To be told after anything about any identity changed, by the thread that changed it, which it
   * must not keep waiting: what goes on for somebody should ask {@link #mayEnter} again.
   */
  public void onChange(Runnable listener) {
    identities.onChange(listener);
  }
}
