package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.settings.CreateTokenRequest;
import com.databricks.sdk.service.settings.CreateTokenResponse;
import com.databricks.sdk.service.settings.ListPublicTokensResponse;
import com.databricks.sdk.service.settings.PublicTokenInfo;
import com.databricks.sdk.service.settings.RevokeTokenRequest;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.time.Duration;

/** Personal access tokens: made, listed and revoked by their owner. */
public final class PersonalTokens {
  /** What a token without a lifetime gets, and the most one can ask for. */
  static final Duration LONGEST = Duration.ofDays(730);

  private static final int LONGEST_COMMENT = 1024;

  private final Tokens tokens;
  private final Principals principals;

  PersonalTokens(Tokens tokens, Principals principals) {
    this.tokens = tokens;
    this.principals = principals;
  }

  @Allow(Role.WORKSPACE_USER)
  @Ignores("autoscope_enabled: tokens are not scoped")
  public CreateTokenResponse create(Caller caller, CreateTokenRequest request) {
    if (request.getScopes() != null && !request.getScopes().isEmpty()) {
      throw new InvalidParameterValue(
          "scopes: " + request.getScopes() + " (expected: none, tokens are not scoped)", null);
    }
    String comment = request.getComment();
    if (comment != null && comment.length() > LONGEST_COMMENT) {
      throw new InvalidParameterValue(
          "comment: '"
              + Scim.shortened(comment)
              + "' (expected: at most "
              + LONGEST_COMMENT
              + " characters)",
          null);
    }
    Tokens.Issued issued =
        tokens.personal(
            Long.parseLong(caller.principalId()),
            caller.workspaceId(),
            comment,
            lifetime(request.getLifetimeSeconds()),
            caller.name());
    return new CreateTokenResponse()
        .setTokenValue(issued.value())
        .setTokenInfo(
            shown(new Tokens.Shown(issued.id(), comment, issued.createdAt(), issued.expiresAt())));
  }

  private static Duration lifetime(Long seconds) {
    if (seconds == null) {
      return LONGEST;
    }
    if (seconds < 1 || seconds > LONGEST.toSeconds()) {
      throw new InvalidParameterValue(
          "lifetime_seconds: " + seconds + " (expected: 1 to " + LONGEST.toSeconds() + ")", null);
    }
    return Duration.ofSeconds(seconds);
  }

  @Allow(Role.WORKSPACE_USER)
  public ListPublicTokensResponse list(Caller caller) {
    return new ListPublicTokensResponse()
        .setTokenInfos(
            tokens.list(Long.parseLong(caller.principalId()), caller.workspaceId()).stream()
                .map(PersonalTokens::shown)
                .toList());
  }

  private static PublicTokenInfo shown(Tokens.Shown token) {
    return new PublicTokenInfo()
        .setTokenId(token.id())
        .setComment(token.comment())
        .setCreationTime(token.createdAt())
        .setExpiryTime(token.expiresAt());
  }

  @Allow(Role.WORKSPACE_USER)
  public void delete(Caller caller, RevokeTokenRequest request) {
    if (!tokens.revoke(
        Long.parseLong(caller.principalId()), caller.workspaceId(), request.getTokenId())) {
      throw new ResourceDoesNotExist(
          "Token " + Scim.shortened(request.getTokenId()) + " does not exist", null);
    }
  }

  /**
   * @param userName whose token, the caller's own when null
   * @param workspaceId what it is good for, the account when null
   */
  public record CreateForRequest(String accountId, String userName, Long workspaceId) {}

  /** The value is shown once. */
  public record CreateForResponse(
      @JsonProperty("token_value") String tokenValue, @JsonProperty("token_id") String tokenId) {}

  /** A token for somebody else, for who operates the machine: {@code ./tarn env --as USER}. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("POST /api/2.0/accounts/{account_id}/tarn/tokens")
  public CreateForResponse createFor(Caller caller, CreateForRequest request) {
    Tokens.Issued issued =
        principals.write(
            handle -> {
              Principal owner =
                  request.userName() == null
                      ? Principals.get(handle, caller.kind(), caller.principalId())
                      : Principals.named(handle, Caller.Kind.USER, request.userName())
                          .or(
                              () ->
                                  Principals.named(
                                      handle, Caller.Kind.SERVICE_PRINCIPAL, request.userName()))
                          .orElseThrow(
                              () ->
                                  new ResourceDoesNotExist(
                                      "User "
                                          + Scim.shortened(request.userName())
                                          + " does not exist",
                                      null));
              if (request.workspaceId() != null
                  && Principals.permission(handle, request.workspaceId(), owner.id()).isEmpty()) {
                throw new ResourceDoesNotExist(
                    "User "
                        + owner.name()
                        + " is not assigned to a workspace "
                        + request.workspaceId(),
                    null);
              }
              return tokens.personal(
                  handle,
                  owner.id(),
                  request.workspaceId(),
                  "made by " + caller.name(),
                  LONGEST,
                  caller.name());
            });
    return new CreateForResponse(issued.value(), issued.id());
  }
}
