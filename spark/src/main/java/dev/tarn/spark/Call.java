package dev.tarn.spark;

import dev.tarn.enforcement.SignedPrincipal;

/**
 * A call of the control plane: for whom it is, which is proven, and the request id under which
 * client, server and driver log it, which proves nothing.
 */
public record Call(SignedPrincipal principal, String requestId) {}
