package dev.tarn.access;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.GetBindingsRequest;
import com.databricks.sdk.service.catalog.GetCatalogWorkspaceBindingsResponse;
import com.databricks.sdk.service.catalog.GetWorkspaceBindingRequest;
import com.databricks.sdk.service.catalog.GetWorkspaceBindingsResponse;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UpdateCatalogWorkspaceBindingsResponse;
import com.databricks.sdk.service.catalog.UpdateWorkspaceBindings;
import com.databricks.sdk.service.catalog.UpdateWorkspaceBindingsParameters;
import com.databricks.sdk.service.catalog.UpdateWorkspaceBindingsResponse;
import com.databricks.sdk.service.catalog.WorkspaceBinding;
import com.databricks.sdk.service.catalog.WorkspaceBindingBindingType;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * {@code /api/2.1/unity-catalog/bindings} and {@code /workspace-bindings}: in which workspaces an
 * isolated securable is there. Bindings of one that is open are kept, and count when it is
 * isolated.
 */
public final class Bindings {
  private static final Set<SecurableType> BINDABLE =
      Set.of(SecurableType.CATALOG, SecurableType.EXTERNAL_LOCATION, SecurableType.CREDENTIAL);

  private final Access access;

  Bindings(Access access) {
    this.access = access;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public GetWorkspaceBindingsResponse getBindings(Caller caller, GetBindingsRequest request) {
    SecurableType type = bindable(request.getSecurableType());
    int size = Page.size(request.getMaxResults(), 1000, Page.ALL);
    return access.read(
        caller,
        rights -> {
          Securable securable = managed(rights, type, request.getSecurableName());
          Page<WorkspaceBinding> page =
              Page.of(
                  of(rights.handle(), securable).stream()
                      .filter(
                          binding ->
                              Page.after(request.getPageToken()).isEmpty()
                                  || binding.getWorkspaceId()
                                      > Long.parseLong(request.getPageToken()))
                      .limit(size + 1L)
                      .toList(),
                  size,
                  binding -> Long.toString(binding.getWorkspaceId()));
          return new GetWorkspaceBindingsResponse()
              .setBindings(page.items())
              .setNextPageToken(page.next());
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public GetCatalogWorkspaceBindingsResponse get(
      Caller caller, GetWorkspaceBindingRequest request) {
    return access.read(
        caller,
        rights ->
            new GetCatalogWorkspaceBindingsResponse()
                .setWorkspaces(
                    ids(rights, managed(rights, SecurableType.CATALOG, request.getName()))));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public UpdateWorkspaceBindingsResponse updateBindings(
      Caller caller, UpdateWorkspaceBindingsParameters request) {
    SecurableType type = bindable(request.getSecurableType());
    return access.write(
        caller,
        rights -> {
          Securable securable = managed(rights, type, request.getSecurableName());
          for (WorkspaceBinding binding : given(request.getRemove())) {
            unbind(rights.handle(), securable, workspace(binding.getWorkspaceId()));
          }
          for (WorkspaceBinding binding : given(request.getAdd())) {
            bind(
                rights.handle(),
                securable,
                workspace(binding.getWorkspaceId()),
                binding.getBindingType() == null
                    ? WorkspaceBindingBindingType.BINDING_TYPE_READ_WRITE
                    : binding.getBindingType());
          }
          return new UpdateWorkspaceBindingsResponse().setBindings(of(rights.handle(), securable));
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public UpdateCatalogWorkspaceBindingsResponse update(
      Caller caller, UpdateWorkspaceBindings request) {
    return access.write(
        caller,
        rights -> {
          Securable securable = managed(rights, SecurableType.CATALOG, request.getName());
          for (Long workspace : given(request.getUnassignWorkspaces())) {
            unbind(rights.handle(), securable, workspace(workspace));
          }
          for (Long workspace : given(request.getAssignWorkspaces())) {
            bind(
                rights.handle(),
                securable,
                workspace(workspace),
                WorkspaceBindingBindingType.BINDING_TYPE_READ_WRITE);
          }
          return new UpdateCatalogWorkspaceBindingsResponse().setWorkspaces(ids(rights, securable));
        });
  }

  private static <T> Collection<T> given(Collection<T> list) {
    return list == null ? List.of() : list;
  }

  private static SecurableType bindable(String text) {
    SecurableType type = Access.type(text);
    if (!BINDABLE.contains(type)) {
      throw new InvalidParameterValue(
          "securable_type: "
              + Names.shown(text)
              + " (expected: catalog, external_location, storage_credential or credential)",
          null);
    }
    return type;
  }

  private static Securable managed(Rights rights, SecurableType type, String name) {
    Securable securable = rights.get(type, name);
    rights.requireManages(securable);
    return securable;
  }

  private static long workspace(Long id) {
    if (id == null) {
      throw new InvalidParameterValue("workspace_id: null (expected: the id of a workspace)", null);
    }
    return id;
  }

  private static List<Long> ids(Rights rights, Securable securable) {
    return of(rights.handle(), securable).stream().map(WorkspaceBinding::getWorkspaceId).toList();
  }

  private static List<WorkspaceBinding> of(Handle handle, Securable securable) {
    return handle
        .createQuery(
            """
            SELECT workspace_id, binding_type FROM workspace_binding
            WHERE securable_id = :id ORDER BY workspace_id
            """)
        .bind("id", securable.id())
        .map(
            (row, context) ->
                new WorkspaceBinding()
                    .setWorkspaceId(row.getLong(1))
                    .setBindingType(WorkspaceBindingBindingType.valueOf(row.getString(2))))
        .list();
  }

  /** Binds, or changes how; nothing is asked. */
  public static void bind(
      Handle handle, Securable securable, long workspaceId, WorkspaceBindingBindingType type) {
    if (type == WorkspaceBindingBindingType.BINDING_TYPE_READ_ONLY
        && securable.type() != SecurableType.CATALOG) {
      throw new InvalidParameterValue(
          "binding_type: BINDING_TYPE_READ_ONLY (expected: BINDING_TYPE_READ_WRITE, as "
              + securable.shown()
              + " is not a catalog)",
          null);
    }
    if (handle
        .createQuery(
            """
            SELECT 1 FROM metastore_assignment
            WHERE workspace_id = :workspace AND metastore_id = :metastore
            """)
        .bind("workspace", workspaceId)
        .bind("metastore", securable.metastoreId())
        .mapTo(Integer.class)
        .findOne()
        .isEmpty()) {
      throw new InvalidParameterValue(
          "workspace_id: " + workspaceId + " (expected: a workspace of the same metastore)", null);
    }
    handle
        .createUpdate(
            """
            INSERT INTO workspace_binding (securable_id, workspace_id, binding_type)
            VALUES (:id, :workspace, :type)
            ON CONFLICT (securable_id, workspace_id) DO UPDATE SET binding_type = :type
            """)
        .bind("id", securable.id())
        .bind("workspace", workspaceId)
        .bind("type", type.name())
        .execute();
    Securables.changed(handle, securable.metastoreId());
  }

  private static void unbind(Handle handle, Securable securable, long workspaceId) {
    handle
        .createUpdate(
            "DELETE FROM workspace_binding WHERE securable_id = :id AND workspace_id = :workspace")
        .bind("id", securable.id())
        .bind("workspace", workspaceId)
        .execute();
    Securables.changed(handle, securable.metastoreId());
  }

  /** Isolates, bound to {@code workspaceId} when it is bound to nothing yet; or opens. */
  public static Securable isolate(
      Handle handle, Securable securable, boolean isolated, long workspaceId) {
    if (isolated && of(handle, securable).isEmpty()) {
      bind(handle, securable, workspaceId, WorkspaceBindingBindingType.BINDING_TYPE_READ_WRITE);
    }
    return securable.isolated(isolated);
  }
}
