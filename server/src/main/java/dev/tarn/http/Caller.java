package dev.tarn.http;

import com.databricks.sdk.core.error.platform.PermissionDenied;
import java.util.Arrays;
import java.util.Set;

/**
 * Who asks. Made once per request from the token, handed to the operation as an argument, never
 * kept in a thread-local. Background work makes one too, and must name whom it works for.
 *
 * @param principalId decimal id of the user or service principal, as in SCIM
 * @param kind user, service principal, or the machinery
 * @param name e-mail of a user, application id of a service principal, name of a stack or engine
 * @param roles what {@link Allow} is checked against
 * @param accountId the account of this installation
 * @param workspaceId the workspace the call was resolved to, or null when none
 * @param stackId the CloudFormation stack id when {@link Kind#STACK}, else null
 * @param engineId the engine the call came through when it holds {@link Role#ENGINE}, else null
 * @param tokenId id (never the value) of the token used, for audit; null for background work
 * @param requestId what client, server, driver and log call this request
 */
public record Caller(
    String principalId,
    Kind kind,
    String name,
    Set<Role> roles,
    String accountId,
    Long workspaceId,
    String stackId,
    String engineId,
    String tokenId,
    String requestId) {

  /** What stands behind a caller. */
  public enum Kind {
    USER,
    SERVICE_PRINCIPAL,
    /** A principal that is given rights, and never calls. */
    GROUP,
    /** A group that follows from who is where, such as everybody; only grants know it. */
    SYSTEM_GROUP,
    STACK,
    SYSTEM,
    ANONYMOUS
  }

  public Caller {
    roles = Set.copyOf(roles);
  }

  /** The machinery itself, for work that goes on when nobody asks; it names its purpose. */
  public static Caller system(String accountId, String purpose) {
    return new Caller(
        "0",
        Kind.SYSTEM,
        purpose,
        Set.of(Role.ACCOUNT_USER, Role.ACCOUNT_ADMIN, Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN),
        accountId,
        null,
        null,
        null,
        null,
        "system-" + purpose);
  }

  public boolean is(Role role) {
    return roles.contains(role);
  }

  /**
   * @throws PermissionDenied when the caller has none of the roles
   */
  public void require(Role... anyOf) {
    if (Arrays.stream(anyOf).noneMatch(roles::contains)) {
      throw new PermissionDenied(
          name + " is not allowed to do this (expected: " + Arrays.toString(anyOf) + ")", null);
    }
  }

  /** The same caller, acting in a workspace. */
  public Caller in(long workspace) {
    return new Caller(
        principalId,
        kind,
        name,
        roles,
        accountId,
        workspace,
        stackId,
        engineId,
        tokenId,
        requestId);
  }
}
