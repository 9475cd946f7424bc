package dev.tarn.enforcement;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.time.Instant;
import java.util.Base64;

/**
 * Who a Spark Connect call is made for, as the control plane states it to one driver.
 *
 * <p>The control plane signs with Ed25519; a driver holds only the public key, so a driver that is
 * taken over cannot speak for anybody. The statement is bound to one engine, one Connect session
 * and a short time: it cannot be carried to another engine, into another person's session, or kept.
 * It travels in the gRPC header {@value #HEADER}.
 *
 * @param engineId the engine (warehouse or cluster process) it is meant for
 * @param sessionId the Connect session UUID of the call
 * @param userId the principal's id, decimal, as in SCIM; becomes {@code user_context.user_id}
 * @param userName e-mail of a user, application id of a service principal; what {@code
 *     current_user()} prints
 * @param workspaceId the workspace the call was resolved to
 * @param expiresAtSeconds epoch seconds after which a driver refuses it
 */
public record SignedPrincipal(
    String engineId,
    String sessionId,
    String userId,
    String userName,
    long workspaceId,
    long expiresAtSeconds) {

  /** gRPC metadata key; lower case as HTTP/2 wants it. */
  public static final String HEADER = "x-tarn-principal";

  private static final String VERSION = "tarn2";
  private static final int FIELDS = 7;

  /** {@code base64url(fields).base64url(signature)}: printable, no padding, safe in a header. */
  public String sign(PrivateKey key) {
    String payload =
        String.join(
            "\n",
            VERSION,
            checked("engineId", engineId),
            checked("sessionId", sessionId),
            checked("userId", userId),
            checked("userName", userName),
            Long.toString(workspaceId),
            Long.toString(expiresAtSeconds));
    byte[] bytes = payload.getBytes(UTF_8);
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(key);
      signature.update(bytes);
      Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();
      return encoder.encodeToString(bytes) + "." + encoder.encodeToString(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the JDK cannot sign with Ed25519", e);
    }
  }

  /**
   * Reads a header value, or says why it is not to be believed.
   *
   * @throws SecurityException malformed, wrong signature, meant for another engine, or expired
   */
  public static SignedPrincipal verify(String header, PublicKey key, String engineId, Instant now) {
    int dot = header == null ? -1 : header.indexOf('.');
    if (dot < 0) {
      throw new SecurityException("no signed principal");
    }
    byte[] bytes;
    byte[] signed;
    try {
      bytes = Base64.getUrlDecoder().decode(header.substring(0, dot));
      signed = Base64.getUrlDecoder().decode(header.substring(dot + 1));
      Signature signature = Signature.getInstance("Ed25519");
      signature.initVerify(key);
      signature.update(bytes);
      if (!signature.verify(signed)) {
        throw new SecurityException("the signature of the principal does not verify");
      }
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      throw new SecurityException("the signed principal is malformed", e);
    }
    String[] fields = new String(bytes, UTF_8).split("\n", -1);
    if (fields.length != FIELDS || !fields[0].equals(VERSION)) {
      throw new SecurityException("the signed principal is of another version");
    }
    SignedPrincipal principal =
        new SignedPrincipal(
            fields[1],
            fields[2],
            fields[3],
            fields[4],
            Long.parseLong(fields[5]),
            Long.parseLong(fields[6]));
    if (!principal.engineId.equals(engineId)) {
      throw new SecurityException("the signed principal is meant for another engine");
    }
    principal.requireUnexpired(now);
    return principal;
  }

  /**
   * @throws SecurityException its time is over
   */
  public void requireUnexpired(Instant now) {
    if (now.getEpochSecond() > expiresAtSeconds) {
      throw new SecurityException("the signed principal has expired");
    }
  }

  private static String checked(String name, String value) {
    if (value == null || value.isEmpty() || value.indexOf('\n') >= 0) {
      throw new IllegalArgumentException(
          name + ": '" + value + "' (expected: a non-empty text without line breaks)");
    }
    return value;
  }
}
