package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.http.SessionCookie;
import dev.tarn.http.Visit;
import java.time.Clock;
import java.util.List;
import java.util.function.Consumer;
import org.jdbi.v3.core.Handle;

/** Signing in with a browser, by e-mail and password, and out again. */
public final class SignIn {
  private final Principals principals;
  private final Identities identities;
  private final BrowserSessions sessions;
  private final Passwords passwords;
  private final Throttle throttle;
  private final WorkspaceHosts hosts;
  private final Clock clock;

  SignIn(
      Principals principals,
      Identities identities,
      BrowserSessions sessions,
      Passwords passwords,
      Throttle throttle,
      WorkspaceHosts hosts,
      Clock clock) {
    this.principals = principals;
    this.identities = identities;
    this.sessions = sessions;
    this.passwords = passwords;
    this.throttle = throttle;
    this.hosts = hosts;
    this.clock = clock;
    principals
        .read(
            handle ->
                handle
                    .createQuery("SELECT DISTINCT address FROM browser_session")
                    .mapTo(String.class)
                    .list())
        .forEach(throttle::know);
  }

  public record Credentials(Visit visit, String userName, String password) {}

  /** Who came, and whether with a browser. */
  public record Here(Visit visit) {}

  /**
   * Who is signed in.
   *
   * @param workspaceId the workspace of the host where that was done, null at the account's
   * @param csrfToken for header {@code X-CSRF-Token} of what is to change something
   */
  public record SignedIn(
      String principalId,
      String userName,
      String displayName,
      String accountId,
      String accountName,
      boolean accountAdmin,
      Long workspaceId,
      String csrfToken) {}

  @Allow(Role.ANYONE)
  @Operation("POST /api/2.0/tarn/session")
  public Answer create(Caller caller, Credentials request) {
    String name = request.userName() == null ? "" : Principals.folded(request.userName());
    Principal user = known(name, request.password(), request.visit().address());
    return begin(user, request.visit(), handle -> {});
  }

  private record Found(Principal user, String hash) {}

  /**
   * @throws Unauthenticated there is no such user, it has no such password, or it is deactivated:
   *     who does not know the password is not told which
   */
  private Principal known(String name, String password, String address) {
    throttle.guess(Tokens.hash(name), address);
    Found found =
        principals.read(
            handle ->
                Principals.named(handle, Caller.Kind.USER, name)
                    .map(user -> new Found(user, Passwords.of(handle, user.id()).orElse(null)))
                    .orElse(new Found(null, null)));
    if (!passwords.matches(password, found.hash(), throttle.isKnown(address))
        || !found.user().active()) {
      throw new Unauthenticated("user name or password is wrong", null);
    }
    throttle.right(Tokens.hash(name), address);
    if (Passwords.isDated(found.hash())) {
      String hash = passwords.hash(password);
      principals.write(
          handle -> {
            Passwords.set(handle, found.user().id(), hash, clock.millis());
            return null;
          });
    }
    return found.user();
  }

  /**
   * A new session for who has just proved to be that user, and the cookie of it.
   *
   * @param first what else is done in the same transaction, before
   * @throws PermissionDenied the visit is to the host of a workspace that is not the user's
   */
  Answer begin(Principal user, Visit visit, Consumer<Handle> first) {
    Long workspace = workspace(visit);
    try {
      String value =
          principals.write(
              handle -> {
                first.accept(handle);
                return begin(handle, user, workspace, visit);
              });
      return answer(user.id(), workspace, value, visit);
    } catch (RuntimeException e) {
      if (Database.isForeignKeyViolation(e)) {
        throw new Unauthenticated(user.name() + " was deleted meanwhile", null);
      }
      throw e;
    }
  }

  private String begin(Handle handle, Principal user, Long workspace, Visit visit) {
    if (workspace != null && Principals.permission(handle, workspace, user.id()).isEmpty()) {
      throw new PermissionDenied(
          user.name() + " is not assigned to the workspace of this host", null);
    }
    return sessions.begin(handle, user.id(), workspace, visit);
  }

  private Long workspace(Visit visit) {
    if (!hosts.isOfOne(visit.host())) {
      return null;
    }
    return hosts
        .workspace(visit.host())
        .orElseThrow(
            () ->
                new InvalidParameterValue(
                    "host: '" + visit.host() + "' (expected: the host of a workspace)", null));
  }

  private Answer answer(long principalId, Long workspace, String value, Visit visit) {
    return Answer.json(200, signedIn(principalId, workspace, value))
        .withHeader("set-cookie", SessionCookie.given(value, visit.isSecure()));
  }

  private SignedIn signedIn(long principalId, Long workspace, String value) {
    boolean admin =
        identities.ofPrincipal(principalId).filter(Identities.Identity::accountAdmin).isPresent();
    return principals.read(
        handle -> {
          Principal user = Principals.find(handle, principalId).orElseThrow();
          return handle
              .createQuery("SELECT account_id, account_name FROM account")
              .map(
                  (row, context) ->
                      new SignedIn(
                          Long.toString(user.id()),
                          user.name(),
                          user.displayName(),
                          row.getString(1),
                          row.getString(2),
                          admin,
                          workspace,
                          SessionCookie.csrfToken(value)))
              .one();
        });
  }

  @Allow({Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  @Operation("GET /api/2.0/tarn/session")
  public SignedIn get(Caller caller, Here request) {
    requireSession(caller, request.visit());
    return signedIn(
        Long.parseLong(caller.principalId()),
        workspace(request.visit()),
        request.visit().session());
  }

  @Allow({Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  @Operation("DELETE /api/2.0/tarn/session")
  public Answer delete(Caller caller, Here request) {
    requireSession(caller, request.visit());
    sessions.end(Long.parseLong(caller.principalId()), caller.tokenId());
    return Answer.json(200, java.util.Map.of())
        .withHeader("set-cookie", SessionCookie.taken(request.visit().isSecure()));
  }

  /** Who came with a bearer token is known, but is not signed in. */
  private void requireSession(Caller caller, Visit visit) {
    if (visit.session() == null || !sessions.isOf(visit.session(), caller.tokenId())) {
      throw new Unauthenticated("nobody is signed in (expected: the session's cookie)", null);
    }
  }

  /** All of one's own. */
  public record Sessions(List<BrowserSessions.Session> sessions) {}

  @Allow({Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  @Operation("GET /api/2.0/tarn/sessions")
  public Sessions list(Caller caller) {
    return new Sessions(sessions.list(Long.parseLong(caller.principalId()), caller.tokenId()));
  }

  public record OneSession(String sessionId) {}

  @Allow({Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  @Operation("DELETE /api/2.0/tarn/sessions/{session_id}")
  public void end(Caller caller, OneSession request) {
    if (!sessions.end(Long.parseLong(caller.principalId()), request.sessionId())) {
      throw new ResourceDoesNotExist(
          "Session " + Scim.shortened(request.sessionId()) + " does not exist", null);
    }
  }

  public record ChangePassword(Visit visit, String oldPassword, String newPassword) {}

  /** All other sessions of the person end, and what programs were let do. */
  @Allow({Role.ACCOUNT_USER, Role.WORKSPACE_USER})
  @Operation("POST /api/2.0/tarn/password")
  public void changePassword(Caller caller, ChangePassword request) {
    Passwords.check("new_password", request.newPassword(), caller.name());
    Principal user = known(caller.name(), request.oldPassword(), request.visit().address());
    String hash = passwords.hash(request.newPassword());
    principals.write(
        handle -> {
          Passwords.set(handle, user.id(), hash, clock.millis());
          BrowserSessions.endAll(handle, user.id(), caller.tokenId());
          Grants.endAll(handle, user.id(), null);
          return null;
        });
  }
}
