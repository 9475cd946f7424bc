package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;

/**
 * Who may. Until grants are enforced nobody but a workspace admin sees or changes what is in the
 * catalog: a list of tables that cannot hide one must not be shown.
 */
final class Access {
  private Access() {}

  /**
   * The workspace in which the caller may read.
   *
   * @throws PermissionDenied the caller is not an admin of it, nor its engine
   */
  static long read(Caller caller) {
    // Not one that speaks for somebody: then that principal's own roles decide.
    boolean engineItself = caller.is(Role.ENGINE) && caller.kind() == Caller.Kind.SYSTEM;
    return engineItself ? workspace(caller) : write(caller);
  }

  /**
   * The workspace in which the caller may write.
   *
   * @throws PermissionDenied the caller is not an admin of it
   */
  static long write(Caller caller) {
    long workspace = workspace(caller);
    if (!caller.is(Role.WORKSPACE_ADMIN)) {
      throw new PermissionDenied(
          "Only admins of workspace "
              + workspace
              + " may use Unity Catalog until access control is enforced; "
              + caller.name()
              + " is not one",
          null);
    }
    return workspace;
  }

  static long workspace(Caller caller) {
    if (caller.workspaceId() == null) {
      throw new BadRequest(
          "No workspace: call this on a workspace's host, with its token, or with the header"
              + " X-Databricks-Workspace-Id",
          null);
    }
    return caller.workspaceId();
  }
}
