package dev.tarn.iam;

import com.databricks.sdk.service.iam.DeleteAccountServicePrincipalRequest;
import com.databricks.sdk.service.iam.GetAccountServicePrincipalRequest;
import com.databricks.sdk.service.iam.ListAccountServicePrincipalsRequest;
import com.databricks.sdk.service.iam.ListResponseSchema;
import com.databricks.sdk.service.iam.ListServicePrincipalResponse;
import com.databricks.sdk.service.iam.PartialUpdate;
import com.databricks.sdk.service.iam.ServicePrincipal;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.List;
import java.util.function.UnaryOperator;

/** Service principals of the account, over SCIM. */
public final class AccountServicePrincipals {
  static final List<String> FILTERS = List.of("applicationId", "displayName", "id");

  private final Principals principals;
  private final Clock clock;

  AccountServicePrincipals(Principals principals, Clock clock) {
    this.principals = principals;
    this.clock = clock;
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores({
    "groups: whoever is assigned to a workspace is in its system groups",
    "schemas: there is one"
  })
  public Answer create(Caller caller, ServicePrincipal request) {
    Principal made = principals.add(Scim.principal(Principals.newId(), request, clock.millis()));
    return Answer.json(201, Scim.servicePrincipal(made));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public ServicePrincipal get(Caller caller, GetAccountServicePrincipalRequest request) {
    return Scim.servicePrincipal(principals.get(Caller.Kind.SERVICE_PRINCIPAL, request.getId()));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores({
    "attributes: whole resources are answered",
    "excludedAttributes: whole resources are answered",
    "sortBy: always by name",
    "sortOrder: always ascending"
  })
  public ListServicePrincipalResponse list(
      Caller caller, ListAccountServicePrincipalsRequest request) {
    return listed(
        principals,
        null,
        Page.of(request.getFilter(), request.getStartIndex(), request.getCount(), FILTERS));
  }

  static ListServicePrincipalResponse listed(Principals principals, Long workspaceId, Page page) {
    Principals.Listed listed = principals.list(Caller.Kind.SERVICE_PRINCIPAL, workspaceId, page);
    return new ListServicePrincipalResponse()
        .setTotalResults(listed.total())
        .setStartIndex(page.start())
        .setItemsPerPage((long) listed.page().size())
        .setSchemas(List.of(ListResponseSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_LIST_RESPONSE))
        .setResources(listed.page().stream().map(Scim::servicePrincipal).toList());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores({
    "groups: whoever is assigned to a workspace is in its system groups",
    "schemas: there is one"
  })
  public ServicePrincipal update(Caller caller, ServicePrincipal request) {
    return change(
        request.getId(),
        before ->
            request.getApplicationId() == null
                ? request.setApplicationId(before.getApplicationId())
                : request);
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Ignores("schemas: there is one")
  public ServicePrincipal patch(Caller caller, PartialUpdate request) {
    return change(
        request.getId(),
        before ->
            Json.read(
                Scim.patched(before, request.getOperations()).toString(), ServicePrincipal.class));
  }

  private ServicePrincipal change(String id, UnaryOperator<ServicePrincipal> change) {
    return Scim.servicePrincipal(
        principals.change(
            Caller.Kind.SERVICE_PRINCIPAL,
            id,
            before ->
                Scim.principal(
                    before.id(), change.apply(Scim.servicePrincipal(before)), before.createdAt())));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public void delete(Caller caller, DeleteAccountServicePrincipalRequest request) {
    principals.remove(Caller.Kind.SERVICE_PRINCIPAL, request.getId());
  }
}
