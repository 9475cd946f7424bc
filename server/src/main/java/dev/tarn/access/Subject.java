package dev.tarn.access;

import java.util.Set;

/**
 * For whom rights are looked up.
 *
 * @param principalId null for an engine itself, and for an owner who is gone
 * @param all the principal and its groups
 * @param workspaceId where: what is not bound to it is not there
 * @param isEngine an engine itself, which reads the metadata of all that its workspace sees, for
 *     the bodies of views and policies, and may nothing else
 * @param isAccountAdmin may grant on the metastore
 */
record Subject(
    Long principalId, Set<Long> all, long workspaceId, boolean isEngine, boolean isAccountAdmin) {}
