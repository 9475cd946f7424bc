package dev.tarn.account;

/** What is done to a workspace in a step of provisioning, or when it is taken apart. */
@FunctionalInterface
public interface StepAction {
  /**
   * @throws Exception it cannot be done; the message is shown as the reason why the workspace
   *     FAILED
   */
  void run(WorkspaceRecord workspace) throws Exception;
}
