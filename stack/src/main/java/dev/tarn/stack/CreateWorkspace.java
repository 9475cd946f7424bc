package dev.tarn.stack;

import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;

/**
 * {@code Custom::CreateWorkspace}: done when the workspace is RUNNING, failed when it is not.
 *
 * <p>Properties {@code workspace_name}, {@code aws_region}, {@code credentials_id}, {@code
 * storage_config_id}, optional {@code pricing_tier}, {@code network_id}, {@code
 * private_access_settings_id}, {@code managed_services_customer_managed_key_id} and {@code
 * storage_customer_managed_key_id}; id {@code workspace_id} as decimal text; attributes {@code
 * DeploymentName}, {@code WorkspaceUrl}, {@code WorkspaceStatus}, {@code WorkspaceStatusMsg},
 * {@code PricingTier}, {@code WorkspaceCatalogName}.
 */
public final class CreateWorkspace extends CustomResource {
  /** The properties and what the account API calls them, the first four being needed. */
  private static final Map<String, String> FIELDS = fields();

  private static final Duration FIRST_LOOK = Duration.ofMillis(100);
  private static final Duration LATER_LOOKS = Duration.ofSeconds(5);

  private static Map<String, String> fields() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("workspace_name", "workspace_name");
    fields.put("aws_region", "aws_region");
    fields.put("credentials_id", "credentials_id");
    fields.put("storage_config_id", "storage_configuration_id");
    fields.put("pricing_tier", "pricing_tier");
    fields.put("network_id", "network_id");
    fields.put("private_access_settings_id", "private_access_settings_id");
    fields.put(
        "managed_services_customer_managed_key_id", "managed_services_customer_managed_key_id");
    fields.put("storage_customer_managed_key_id", "storage_customer_managed_key_id");
    return fields;
  }

  /** What the Lambda runtime calls. */
  public CreateWorkspace() {
    this(Patience.real());
  }

  CreateWorkspace(Patience patience) {
    super(patience);
  }

  @Override
  Made create(Event event, AccountApi api, AtomicReference<String> madeSoFar)
      throws InterruptedException {
    for (String needed :
        List.of("workspace_name", "aws_region", "credentials_id", "storage_config_id")) {
      event.required(needed);
    }
    Map<String, Object> body = new LinkedHashMap<>();
    FIELDS.forEach(
        (property, field) -> {
          if (!event.optional(property).isEmpty()) {
            body.put(field, event.optional(property));
          }
        });
    String id = text(api.create("/workspaces", body, mine(event)), "workspace_id");
    madeSoFar.set(id);
    return running(event, api, id);
  }

  /**
   * A workspace stays the workspace it is: what differs from what is wanted is asked of the account
   * API, which knows what may change and refuses the rest. So nobody loses a workspace, with all in
   * it, to a changed parameter; and what is already as it is to be (after a lost answer, or when a
   * refused update is taken back) is not asked again.
   */
  @Override
  Made update(Event event, AccountApi api, AtomicReference<String> madeSoFar)
      throws InterruptedException {
    String id = event.physicalId();
    Map<String, Object> actual = api.get(path(id));
    Map<String, Object> body = new LinkedHashMap<>();
    FIELDS.forEach(
        (property, field) -> {
          String wanted = event.optional(property);
          boolean meant = !wanted.isEmpty() || event.changed(property);
          if (meant && !wanted.equals(text(actual, field))) {
            body.put(field, wanted.isEmpty() ? null : wanted);
          }
        });
    if (!body.isEmpty()) {
      api.patch(path(id) + "?update_mask=" + String.join(",", body.keySet()), body);
    }
    return running(event, api, id);
  }

  @Override
  boolean isId(String physicalId) {
    return physicalId.matches("\\d{1,19}");
  }

  @Override
  Optional<String> lost(Event event, AccountApi api) throws InterruptedException {
    return api.find("/workspaces", mine(event)).map(workspace -> text(workspace, "workspace_id"));
  }

  @Override
  void delete(String id, AccountApi api) throws InterruptedException {
    if (!api.delete(path(id))) {
      return;
    }
    // Deleted means gone: what the workspace uses can be deleted only then.
    for (Duration wait = FIRST_LOOK; ; wait = longer(wait)) {
      try {
        api.get(path(id));
      } catch (ApiError e) {
        if (e.notFound()) {
          return;
        }
        throw e;
      }
      api.patience().pause(wait);
    }
  }

  private static Made running(Event event, AccountApi api, String id) throws InterruptedException {
    for (Duration wait = FIRST_LOOK; ; wait = longer(wait)) {
      Map<String, Object> workspace = api.get(path(id));
      String status = text(workspace, "workspace_status");
      switch (status) {
        case "RUNNING" -> {
          return new Made(id, attributes(event, workspace));
        }
        case "NOT_PROVISIONED", "PROVISIONING" -> api.patience().pause(wait);
        default ->
            throw new ApiError(
                200,
                status,
                "workspace "
                    + event.required("workspace_name")
                    + " is "
                    + status
                    + ": "
                    + text(workspace, "workspace_status_message"));
      }
    }
  }

  private static Map<String, String> attributes(Event event, Map<String, Object> workspace) {
    String deployment = text(workspace, "deployment_name");
    String url = text(workspace, "workspace_url");
    return Map.of(
        "DeploymentName",
        deployment,
        "WorkspaceUrl",
        url.isEmpty() ? url(event.required("accountApiUrl"), deployment) : url,
        "WorkspaceStatus",
        text(workspace, "workspace_status"),
        "WorkspaceStatusMsg",
        text(workspace, "workspace_status_message"),
        "PricingTier",
        text(workspace, "pricing_tier"),
        "WorkspaceCatalogName",
        text(workspace, "workspace_catalog_name"));
  }

  /** A workspace lives beside the account's host: the label {@code accounts} is exchanged. */
  private static String url(String accountApiUrl, String deployment) {
    URI account = URI.create(accountApiUrl);
    String host = account.getHost().toLowerCase(Locale.ROOT);
    String port = account.getPort() < 0 ? "" : ":" + account.getPort();
    return account.getScheme()
        + "://"
        + (host.startsWith("accounts.") ? deployment + host.substring("accounts".length()) : host)
        + port;
  }

  /** Name, credentials and storage: the latter two belong to this stack alone. */
  private static Predicate<Map<String, Object>> mine(Event event) {
    String name = event.required("workspace_name");
    String credentials = event.required("credentials_id");
    String storage = event.required("storage_config_id");
    return workspace ->
        text(workspace, "workspace_name").equals(name)
            && text(workspace, "credentials_id").equals(credentials)
            && text(workspace, "storage_configuration_id").equals(storage);
  }

  private static String path(String id) {
    return "/workspaces/" + id;
  }

  private static Duration longer(Duration wait) {
    Duration next = wait.multipliedBy(3).dividedBy(2);
    return next.compareTo(LATER_LOOKS) > 0 ? LATER_LOOKS : next;
  }
}
