package dev.tarn.iam;

import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;

/** One kind of SCIM resource as a workspace has it: everybody in it sees, its admins change. */
public final class WorkspaceScim {
  private final ScimResources resources;
  private final Roles roles;

  WorkspaceScim(ScimResources resources, Roles roles) {
    this.resources = resources;
    this.roles = roles;
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public Answer create(Caller caller, ScimRequest request) {
    ScimResources.Made made =
        resources.create(caller.workspaceId(), request.body(), request.selection(resources.schema));
    if (made.isNew() && resources.schema.kind == Caller.Kind.SERVICE_PRINCIPAL) {
      roles.give(made.id(), Roles.MANAGER, Long.parseLong(caller.principalId()));
    }
    return ScimRequest.created(made.shown());
  }

  @Allow(Role.WORKSPACE_USER)
  public Answer get(Caller caller, ScimRequest request) {
    return ScimRequest.answer(
        resources.get(caller.workspaceId(), request.id(), request.selection(resources.schema)));
  }

  @Allow(Role.WORKSPACE_USER)
  public Answer list(Caller caller, ScimRequest request) {
    return ScimRequest.answer(
        resources.list(caller.workspaceId(), request.asked(), request.selection(resources.schema)));
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public Answer update(Caller caller, ScimRequest request) {
    return ScimRequest.answer(
        resources.replace(
            false,
            caller.workspaceId(),
            request.id(),
            request.ifMatch(),
            request.body(),
            request.selection(resources.schema)));
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public Answer patch(Caller caller, ScimRequest request) {
    return ScimRequest.patched(
        resources.patch(
            false,
            caller.workspaceId(),
            request.id(),
            request.ifMatch(),
            request.body(),
            request.selectionOfPatch(resources.schema)),
        request.answersPatch(resources.schema));
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public Answer delete(Caller caller, ScimRequest request) {
    resources.delete(caller.workspaceId(), request.id(), request.ifMatch());
    return ScimRequest.deleted();
  }
}
