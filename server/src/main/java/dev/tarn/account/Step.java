package dev.tarn.account;

/**
 * Something that is done to every new workspace before it is RUNNING. It may be run again after a
 * kill, so it must be idempotent.
 *
 * @param name unique among the steps, such as {@code root-bucket}
 * @param message what {@code workspace_status_message} says meanwhile
 */
public record Step(String name, String message, StepAction action) {}
