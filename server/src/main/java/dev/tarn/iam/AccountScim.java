package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.PermissionDenied;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;

/** One kind of SCIM resource of the account; who manages a group may change its members. */
public final class AccountScim {
  private final ScimResources resources;
  private final Roles roles;

  AccountScim(ScimResources resources, Roles roles) {
    this.resources = resources;
    this.roles = roles;
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public Answer create(Caller caller, ScimRequest request) {
    return ScimRequest.created(
        resources.create(null, request.body(), request.selection(resources.schema)).shown());
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.ACCOUNT_USER})
  public Answer get(Caller caller, ScimRequest request) {
    requireAdminOr(roles.sees(caller, resources.schema.kind, request.id()), caller);
    return ScimRequest.answer(
        resources.get(null, request.id(), request.selection(resources.schema)));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public Answer list(Caller caller, ScimRequest request) {
    return ScimRequest.answer(
        resources.list(null, request.asked(), request.selection(resources.schema)));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.ACCOUNT_USER})
  public Answer update(Caller caller, ScimRequest request) {
    requireAdminOr(roles.managesGroup(caller, resources.schema.kind, request.id()), caller);
    return ScimRequest.answer(
        resources.replace(
            caller.is(Role.ACCOUNT_ADMIN),
            null,
            request.id(),
            request.ifMatch(),
            request.body(),
            request.selection(resources.schema)));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.ACCOUNT_USER})
  public Answer patch(Caller caller, ScimRequest request) {
    requireAdminOr(roles.managesGroup(caller, resources.schema.kind, request.id()), caller);
    return ScimRequest.patched(
        resources.patch(
            caller.is(Role.ACCOUNT_ADMIN),
            null,
            request.id(),
            request.ifMatch(),
            request.body(),
            request.selectionOfPatch(resources.schema)),
        request.answersPatch(resources.schema));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public Answer delete(Caller caller, ScimRequest request) {
    resources.delete(null, request.id(), request.ifMatch());
    return ScimRequest.deleted();
  }

  private static void requireAdminOr(boolean otherwise, Caller caller) {
    if (!caller.is(Role.ACCOUNT_ADMIN) && !otherwise) {
      throw new PermissionDenied(
          caller.name()
              + " may not do this (expected: an account admin, or a manager of the object)",
          null);
    }
  }
}
