package dev.tarn.iam;

import com.databricks.sdk.service.iam.DeleteServicePrincipalRequest;
import com.databricks.sdk.service.iam.GetServicePrincipalRequest;
import com.databricks.sdk.service.iam.ListServicePrincipalResponse;
import com.databricks.sdk.service.iam.ListServicePrincipalsRequest;
import com.databricks.sdk.service.iam.ServicePrincipal;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.time.Clock;

/**
 * Service principals of a workspace, over SCIM: those of the account that are assigned to it.
 * Making one that the account does not have makes it there too; deleting one takes the assignment
 * away.
 */
public final class ServicePrincipals {
  private final Principals principals;
  private final Clock clock;

  ServicePrincipals(Principals principals, Clock clock) {
    this.principals = principals;
    this.clock = clock;
  }

  @Allow(Role.WORKSPACE_ADMIN)
  @Ignores({
    "groups: whoever is assigned to a workspace is in its system groups",
    "schemas: there is one",
    "roles: a workspace makes no account admins"
  })
  public Answer create(Caller caller, ServicePrincipal request) {
    // Administering a workspace does not make account admins.
    Principal asked = Scim.principal(Principals.newId(), request.setRoles(null), clock.millis());
    return Answer.json(201, Scim.servicePrincipal(principals.join(caller.workspaceId(), asked)));
  }

  @Allow(Role.WORKSPACE_USER)
  public ServicePrincipal get(Caller caller, GetServicePrincipalRequest request) {
    return Scim.servicePrincipal(
        principals.assigned(caller.workspaceId(), Caller.Kind.SERVICE_PRINCIPAL, request.getId()));
  }

  @Allow(Role.WORKSPACE_USER)
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered",
    "sortBy: always by name",
    "sortOrder: always ascending"
  })
  public ListServicePrincipalResponse list(Caller caller, ListServicePrincipalsRequest request) {
    return AccountServicePrincipals.listed(
        principals,
        caller.workspaceId(),
        Page.of(
            request.getFilter(),
            request.getStartIndex(),
            request.getCount(),
            AccountServicePrincipals.FILTERS));
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public void delete(Caller caller, DeleteServicePrincipalRequest request) {
    principals.leave(caller.workspaceId(), Caller.Kind.SERVICE_PRINCIPAL, request.getId());
  }
}
