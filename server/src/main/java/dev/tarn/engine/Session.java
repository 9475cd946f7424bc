package dev.tarn.engine;

/**
 * A Spark Connect session of one principal on one engine.
 *
 * @param id UUID
 * @param principalId decimal, as in SCIM
 * @param principalName what {@code current_user()} prints
 * @param workspaceId the workspace the principal came through
 * @param catalog the current catalog it began with, or null for the engine's default
 * @param schema the current schema it began with, or null for {@code default}
 */
public record Session(
    String id,
    String principalId,
    String principalName,
    long workspaceId,
    String catalog,
    String schema) {}
