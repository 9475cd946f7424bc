package dev.tarn.spark;

import dev.tarn.enforcement.SignedPrincipal;

/**
 * A call of the control plane: for whom it is, which is proven, and the request id under which
 * client, server and driver log it, which proves nothing.
 *
 * @param principal null when the engine asks for itself
 */
public record Call(SignedPrincipal principal, String requestId) {

  /**
   * The same, asked by the engine for itself: it may read what a view of another's rights needs.
   */
  public Call byEngine() {
    return new Call(null, requestId);
  }
}
