package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import dev.tarn.http.Authenticator;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.Identities.Identity;
import dev.tarn.iam.Identities.Token;
import java.time.Clock;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.LongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * From what a request carries to who it is from and which workspace it is about.
 *
 * <p>One listener serves the account and all workspaces. The workspace of a call is said by the
 * token (a PAT belongs to one), by a header, or by the host name; what says it must agree. A call
 * that says nothing means the principal's only workspace; with several it is refused and told which
 * header to send. Calls below {@code /accounts/{account_id}/} need no workspace.
 */
final class TokenAuthenticator implements Authenticator {
  /** What stands behind {@code /accounts/} in paths of workspaces that name no account. */
  private static final Set<String> NO_ACCOUNTS = Set.of("servicePrincipals", "access-control");

  private final Identities identities;
  private final AccessTokens accessTokens;
  private final String accountId;
  private final Clock clock;
  private final WorkspaceHosts hosts;
  private final LongFunction<Optional<String>> closed;
  private final BiPredicate<String, String> sessions;
  private final BrowserSessions browserSessions;
  private final StackSessions stackSessions;

  TokenAuthenticator(
      Identities identities,
      AccessTokens accessTokens,
      String accountId,
      Clock clock,
      WorkspaceHosts hosts,
      LongFunction<Optional<String>> closed,
      BiPredicate<String, String> sessions,
      BrowserSessions browserSessions,
      StackSessions stackSessions) {
    this.identities = identities;
    this.accessTokens = accessTokens;
    this.accountId = accountId;
    this.clock = clock;
    this.hosts = hosts;
    this.closed = closed;
    this.sessions = sessions;
    this.browserSessions = browserSessions;
    this.stackSessions = stackSessions;
  }

  @Override
  public Caller authenticate(Credentials sent) {
    Credentials credentials =
        sent.accountId() != null && NO_ACCOUNTS.contains(sent.accountId())
            ? new Credentials(
                sent.authorization(),
                sent.host(),
                sent.workspaceId(),
                null,
                sent.stackId(),
                sent.onBehalfOf(),
                sent.requestId(),
                sent.session())
            : sent;
    if (credentials.authorization() == null && credentials.session() != null) {
      return session(credentials);
    }
    String bearer = bearer(credentials.authorization());
    if (bearer == null) {
      return new Caller(
          "0",
          Caller.Kind.ANONYMOUS,
          "anonymous",
          Set.of(Role.ANYONE),
          accountId,
          null,
          null,
          null,
          null,
          credentials.requestId());
    }
    if (bearer.chars().filter(c -> c == '.').count() == 2) {
      AccessTokens.Claims claims =
          accessTokens
              .verify(bearer)
              .filter(c -> c.accountId().equals(accountId))
              .orElseThrow(TokenAuthenticator::invalid);
      Identity identity =
          (claims.grantId() == null
                  ? identities.ofPrincipal(claims.principalId())
                  : identities.ofGrant(claims.grantId()))
              .orElseThrow(TokenAuthenticator::invalid);
      return claims.isForApis()
          ? principal(identity, claims.id(), claims.workspaceId(), credentials)
          : known(identity, claims.id(), credentials);
    }
    Identity identity =
        identities.ofToken(Tokens.hash(bearer)).orElseThrow(TokenAuthenticator::invalid);
    Token token = identity.token();
    if (token.expiresAt() != Tokens.NEVER && token.expiresAt() <= clock.millis()) {
      throw invalid();
    }
    return switch (token.kind()) {
      case PERSONAL -> principal(identity, token.id(), token.workspaceId(), credentials);
      case STACK -> stack(identity, credentials);
      case ENGINE -> engine(token, credentials);
      case SESSION -> throw invalid(); // is a cookie's, and no bearer token
    };
  }

  /**
   * Who is signed in with a browser, on the host where that was done. One of a workspace's host is
   * of that workspace; another acts at the account and where a header says, never in a workspace
   * that nobody named.
   */
  private Caller session(Credentials credentials) {
    Identity identity =
        identities
            .ofSession(Tokens.hash(credentials.session()))
            .filter(found -> found.token().holder().equals(credentials.host()))
            .filter(found -> browserSessions.use(found.token()))
            .orElseThrow(
                () -> new Unauthenticated("the session has ended (expected: sign in again)", null));
    return principal(identity, identity.token().id(), identity.token().workspaceId(), credentials);
  }

  /** Whose token says who somebody is and nothing else. */
  private Caller known(Identity identity, String tokenId, Credentials credentials) {
    Principal principal = identity.principal();
    requireActive(principal);
    return new Caller(
        Long.toString(principal.id()),
        principal.kind(),
        principal.name(),
        Set.of(Role.ANYONE),
        accountId,
        null,
        null,
        null,
        tokenId,
        credentials.requestId());
  }

  /** The token of {@code Bearer …}; another scheme is for the one endpoint that takes it. */
  private static String bearer(String authorization) {
    if (authorization == null || !authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return null;
    }
    return authorization.substring(7).trim();
  }

  private static Unauthenticated invalid() {
    return new Unauthenticated("Invalid access token.", null);
  }

  private Caller principal(
      Identity identity, String tokenId, Long boundTo, Credentials credentials) {
    Principal principal = identity.principal();
    requireActive(principal);
    requireThisAccount(credentials);
    Long workspace = workspace(boundTo, credentials);
    boolean atAccount = credentials.accountId() != null;
    if (workspace == null && !atAccount && credentials.session() == null) {
      workspace = onlyWorkspace(principal, identity.assignments());
    } else if (workspace != null && !atAccount && !identity.assignments().containsKey(workspace)) {
      throw new PermissionDenied(
          principal.name() + " is not assigned to a workspace " + workspace, null);
    }
    if (workspace != null && !atAccount) {
      requireOpen(workspace);
    }
    // A token of one workspace is for that workspace: it cannot administer the account around it.
    EnumSet<Role> roles = workspaceRoles(identity, workspace);
    if (boundTo == null) {
      roles.add(Role.ACCOUNT_USER);
      if (identity.accountAdmin()) {
        roles.add(Role.ACCOUNT_ADMIN);
      }
    }
    return new Caller(
        Long.toString(principal.id()),
        principal.kind(),
        principal.name(),
        roles,
        accountId,
        workspace,
        null,
        null,
        tokenId,
        credentials.requestId());
  }

  private Caller stack(Identity identity, Credentials credentials) {
    Principal startedBy = identity.principal();
    requireActive(startedBy);
    requireThisAccount(credentials);
    String stackId = stackSessions.bind(identity.token(), credentials.stackId());
    if (credentials.stackId() != null && !credentials.stackId().equals(stackId)) {
      throw new PermissionDenied(
          "this session token belongs to another stack than " + credentials.stackId(), null);
    }
    return new Caller(
        Long.toString(startedBy.id()),
        Caller.Kind.STACK,
        stackId,
        identity.accountAdmin() ? Set.of(Role.ANYONE, Role.STACK) : Set.of(Role.ANYONE),
        accountId,
        null,
        stackId,
        null,
        identity.token().id(),
        credentials.requestId());
  }

  private Caller engine(Token token, Credentials credentials) {
    requireThisAccount(credentials);
    long workspace = workspace(token.workspaceId(), credentials);
    String engineId = token.holder();
    if (credentials.onBehalfOf() == null) {
      return new Caller(
          "0",
          Caller.Kind.SYSTEM,
          "engine " + engineId,
          Set.of(Role.ANYONE, Role.ENGINE),
          accountId,
          workspace,
          null,
          engineId,
          token.id(),
          credentials.requestId());
    }
    String on = credentials.onBehalfOf();
    if (!on.matches("\\d{1,18}") || !sessions.test(engineId, on)) {
      throw new PermissionDenied(
          "engine " + engineId + " speaks for no principal " + on + ": it has no session there",
          null);
    }
    Identity identity =
        identities.ofPrincipal(Long.parseLong(on)).orElseThrow(TokenAuthenticator::invalid);
    requireActive(identity.principal());
    EnumSet<Role> roles = workspaceRoles(identity, workspace);
    roles.add(Role.ENGINE);
    return new Caller(
        on,
        identity.principal().kind(),
        identity.principal().name(),
        roles,
        accountId,
        workspace,
        null,
        engineId,
        token.id(),
        credentials.requestId());
  }

  private static void requireActive(Principal principal) {
    if (!principal.active()) {
      throw new Unauthenticated(principal.name() + " is deactivated", null);
    }
  }

  /** Engines are not asked: they end with the workspace, and finish what they were told before. */
  private void requireOpen(long workspace) {
    closed
        .apply(workspace)
        .ifPresent(
            status -> {
              throw new InvalidState(
                  "workspace "
                      + workspace
                      + " is "
                      + status
                      + " and cannot be entered (expected: RUNNING; an account admin sees why in the"
                      + " account API)",
                  null);
            });
  }

  private void requireThisAccount(Credentials credentials) {
    if (credentials.accountId() != null && !credentials.accountId().equals(accountId)) {
      throw new PermissionDenied(
          "account_id: '"
              + credentials.accountId()
              + "' (expected: the account this token belongs to)",
          null);
    }
  }

  private static EnumSet<Role> workspaceRoles(Identity identity, Long workspace) {
    EnumSet<Role> roles = EnumSet.of(Role.ANYONE);
    Boolean admin = workspace == null ? null : identity.assignments().get(workspace);
    if (admin != null) {
      roles.add(Role.WORKSPACE_USER);
      if (admin) {
        roles.add(Role.WORKSPACE_ADMIN);
      }
    }
    return roles;
  }

  /** The one workspace that token, header and host speak of, or null when none does. */
  private Long workspace(Long boundTo, Credentials credentials) {
    Long byHost = byHost(credentials.host());
    if (Stream.of(boundTo, credentials.workspaceId(), byHost)
            .filter(java.util.Objects::nonNull)
            .distinct()
            .count()
        > 1) {
      throw new InvalidParameterValue(
          "workspace: the token is of "
              + or(boundTo)
              + ", the header says "
              + or(credentials.workspaceId())
              + ", the host is of "
              + or(byHost)
              + " (expected: one and the same)",
          null);
    }
    return boundTo != null
        ? boundTo
        : credentials.workspaceId() != null ? credentials.workspaceId() : byHost;
  }

  private static String or(Long workspace) {
    return workspace == null ? "none" : Long.toString(workspace);
  }

  private Long byHost(String host) {
    if (!hosts.isOfOne(host)) {
      return null;
    }
    return hosts
        .workspace(host)
        .orElseThrow(
            () ->
                new InvalidParameterValue(
                    "host: '" + host + "' (expected: the host of a workspace)", null));
  }

  private static Long onlyWorkspace(Principal principal, Map<Long, Boolean> assignments) {
    if (assignments.size() > 1) {
      throw new InvalidParameterValue(
          principal.name()
              + " is assigned to several workspaces: say which one in the header"
              + " X-Databricks-Workspace-Id (expected: one of "
              + assignments.keySet().stream()
                  .sorted()
                  .map(String::valueOf)
                  .limit(20)
                  .collect(Collectors.joining(", "))
              + ")",
          null);
    }
    return assignments.isEmpty() ? null : assignments.keySet().iterator().next();
  }
}
