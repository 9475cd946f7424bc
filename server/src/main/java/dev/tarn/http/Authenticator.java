package dev.tarn.http;

/**
 * Tells who a request is from; given to the HTTP door, which knows nothing of tokens and people.
 */
@FunctionalInterface
public interface Authenticator {
  /**
   * @param credentials what the request carried
   * @return the caller, {@link Caller.Kind#ANONYMOUS} with {@link Role#ANYONE} when it carried no
   *     credentials
   * @throws com.databricks.sdk.core.error.platform.Unauthenticated unknown, expired or revoked
   *     token
   * @throws com.databricks.sdk.core.error.platform.BadRequest the workspace named does not fit the
   *     token or the host
   */
  Caller authenticate(Credentials credentials);

  /**
   * What a request says of itself; absent parts are null.
   *
   * @param authorization the header as sent, {@code Bearer …}
   * @param host the Host header without port, already on the allow-list
   * @param workspaceId from {@code X-Databricks-Workspace-Id}, {@code X-Databricks-Org-Id}, {@code
   *     ?o=} or {@code ?w=}
   * @param accountId from a path {@code /api/…/accounts/{account_id}/…}
   * @param stackId from {@code X-Tarn-Stack-Id}
   * @param onBehalfOf principal id from {@code X-Tarn-Principal-Id}, heeded for engines only
   * @param requestId the request's id
   * @param session value of the cookie of who is signed in with a browser; a header of {@code
   *     Authorization} goes before it
   */
  record Credentials(
      String authorization,
      String host,
      Long workspaceId,
      String accountId,
      String stackId,
      String onBehalfOf,
      String requestId,
      String session) {

    /** What is no browser says. */
    public Credentials(
        String authorization,
        String host,
        Long workspaceId,
        String accountId,
        String stackId,
        String onBehalfOf,
        String requestId) {
      this(authorization, host, workspaceId, accountId, stackId, onBehalfOf, requestId, null);
    }
  }
}
