package dev.tarn.iam;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.OAuth2Error;
import com.nimbusds.openid.connect.sdk.OIDCError;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.http.Visit;
import dev.tarn.iam.CustomApps.App;
import java.net.URLEncoder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where a program sends a person's browser so that the person lets it act (RFC 6749 §4.1, with
 * PKCE): who is not signed in is sent to the sign-in page and comes back. A program of the person's
 * own machine needs a click, for any program there, and any web page, can ask in its name; one that
 * an administrator registered with its address does not.
 */
public final class Authorize {
  private final Principals principals;
  private final Identities identities;
  private final Grants grants;
  private final Oidc oidc;

  Authorize(Principals principals, Identities identities, Grants grants, Oidc oidc) {
    this.principals = principals;
    this.identities = identities;
    this.grants = grants;
    this.oidc = oidc;
  }

  /**
   * @param approval what the page that asked the person makes of it, see {@link #approval}
   */
  public record Request(
      Visit visit,
      String accountId,
      String responseType,
      String clientId,
      String redirectUri,
      String scope,
      String state,
      String nonce,
      String prompt,
      String codeChallenge,
      String codeChallengeMethod,
      String approval) {

    /** All but the approval, as a query. */
    String query() {
      Map<String, String> parameters = new LinkedHashMap<>();
      parameters.put("response_type", responseType);
      parameters.put("client_id", clientId);
      parameters.put("redirect_uri", redirectUri);
      parameters.put("scope", scope);
      parameters.put("state", state);
      parameters.put("nonce", nonce);
      parameters.put("code_challenge", codeChallenge);
      parameters.put("code_challenge_method", codeChallengeMethod);
      return encoded(parameters);
    }
  }

  @Allow(Role.ANYONE)
  @Operation("GET /oidc/v1/authorize")
  public Answer authorize(Caller caller, Request request) {
    return answer(caller, request, "/oidc/v1/authorize");
  }

  @Allow(Role.ANYONE)
  @Operation("GET /oidc/accounts/{account_id}/v1/authorize")
  public Answer accountAuthorize(Caller caller, Request request) {
    oidc.requireThisAccount(request.accountId());
    return answer(caller, request, "/oidc/accounts/" + request.accountId() + "/v1/authorize");
  }

  private Answer answer(Caller caller, Request request, String path) {
    App app = principals.read(handle -> CustomApps.find(handle, request.clientId())).orElse(null);
    if (app == null) {
      throw new InvalidParameterValue(
          "client_id: '" + Scim.shortened(request.clientId()) + "' (expected: a registered one)",
          null);
    }
    if (request.redirectUri() == null || !app.allows(request.redirectUri())) {
      // Told here, not there: an address that was not registered must get nothing.
      throw new InvalidParameterValue(
          "redirect_uri: '"
              + Scim.shortened(request.redirectUri())
              + "' (expected: "
              + (app.isBuiltIn() ? "http://localhost:<port>/…" : "one of the app's redirect_urls")
              + ")",
          null);
    }
    ErrorObject wrong = wrong(app, request);
    if (wrong != null) {
      return back(
          request, Map.of("error", wrong.getCode(), "error_description", wrong.getDescription()));
    }
    Optional<Identities.Token> session = session(caller, request.visit());
    if (session.isEmpty()) {
      return "none".equals(request.prompt())
          ? back(
              request,
              Map.of(
                  "error",
                  OIDCError.LOGIN_REQUIRED.getCode(),
                  "error_description",
                  "nobody is signed in"))
          : to("/login?next=" + URLEncoder.encode(path + "?" + request.query(), UTF_8));
    }
    if (app.isBuiltIn() && !approval(request, path).equals(request.approval())) {
      return ask(caller, request, path);
    }
    String code =
        grants.code(
            session.get().id(),
            app.clientId(),
            request.redirectUri(),
            request.codeChallenge(),
            scope(request),
            request.nonce());
    return back(request, Map.of("code", code));
  }

  private static String scope(Request request) {
    return request.scope() == null || request.scope().isBlank()
        ? CustomApps.ALL_APIS
        : request.scope().strip().replaceAll("\\s+", " ");
  }

  private static ErrorObject wrong(App app, Request request) {
    if (!"code".equals(request.responseType())) {
      return OAuth2Error.UNSUPPORTED_RESPONSE_TYPE.setDescription(
          "response_type: '" + Scim.shortened(request.responseType()) + "' (expected: code)");
    }
    for (String scope : scope(request).split(" ", -1)) {
      if (!CustomApps.SCOPES.contains(scope) || !allowed(app, scope)) {
        return OAuth2Error.INVALID_SCOPE.setDescription(
            "scope: '" + Scim.shortened(scope) + "' (expected: of " + app.scopes() + ")");
      }
    }
    if (request.codeChallenge() == null) {
      return app.isConfidential()
          ? null
          : OAuth2Error.INVALID_REQUEST.setDescription(
              "code_challenge is missing (expected: S256)");
    }
    if (!"S256".equals(request.codeChallengeMethod())
        || !request.codeChallenge().matches("[A-Za-z0-9_-]{43}")) {
      return OAuth2Error.INVALID_REQUEST.setDescription(
          "code_challenge_method: '"
              + Scim.shortened(request.codeChallengeMethod())
              + "' (expected: S256, with a code_challenge of 43 characters)");
    }
    return null;
  }

  /** Who somebody is, an app may always ask; what it may do, its registration says. */
  private static boolean allowed(App app, String scope) {
    return app.scopes().contains(scope)
        || Set.of("openid", "profile", "email", CustomApps.OFFLINE).contains(scope);
  }

  /** The browser's session; a bearer token is no person at a browser. */
  private Optional<Identities.Token> session(Caller caller, Visit visit) {
    if (visit.session() == null || caller.kind() != Caller.Kind.USER) {
      return Optional.empty();
    }
    return identities
        .ofSession(Tokens.hash(visit.session()))
        .map(Identities.Identity::token)
        .filter(token -> token.id().equals(caller.tokenId()));
  }

  /** Says of this very request, in this very session, that the person was asked. */
  private static String approval(Request request, String path) {
    return Tokens.hash(
        "approval " + request.visit().session() + " " + path + "?" + request.query());
  }

  private static Answer ask(Caller caller, Request request, String path) {
    String allow = path + "?" + request.query() + "&approval=" + approval(request, path);
    String deny =
        located(
            request, Map.of("error", "access_denied", "error_description", "the person said no"));
    String page =
        """
        <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tarn: allow access?</title>
        <meta name="viewport" content="width=device-width"></head><body><main>
        <h1>Allow access?</h1>
        <p>A program on your computer, %s, asks to act as <strong>%s</strong>. Allow this only if \
        you have just started it.</p>
        <p><a href="%s" id="allow">Allow</a> &nbsp; <a href="%s" id="deny">Deny</a></p>
        </main></body></html>
        """
            .formatted(
                html(request.clientId() + " at " + request.redirectUri()),
                html(caller.name()),
                html(allow),
                html(deny));
    return new Answer(
        200,
        Map.of(
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            "x-frame-options",
            "DENY",
            "referrer-policy",
            "no-referrer"),
        "text/html; charset=utf-8",
        page.getBytes(UTF_8));
  }

  private static String html(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }

  private static Answer back(Request request, Map<String, String> parameters) {
    return to(located(request, parameters));
  }

  private static String located(Request request, Map<String, String> parameters) {
    Map<String, String> all = new LinkedHashMap<>(parameters);
    all.put("state", request.state());
    return request.redirectUri() + (request.redirectUri().contains("?") ? "&" : "?") + encoded(all);
  }

  private static Answer to(String location) {
    return new Answer(
        302, Map.of("location", location, "referrer-policy", "no-referrer"), null, null);
  }

  private static String encoded(Map<String, String> parameters) {
    StringBuilder text = new StringBuilder();
    parameters.forEach(
        (name, value) -> {
          if (value != null) {
            text.append(text.isEmpty() ? "" : "&")
                .append(name)
                .append('=')
                .append(URLEncoder.encode(value, UTF_8));
          }
        });
    return text.toString();
  }
}
