package dev.tarn.stack;

import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;

/**
 * {@code Custom::CreateWorkspace}: done when the workspace is RUNNING, failed when it is not.
 *
 * <p>Properties {@code workspace_name}, {@code aws_region}, {@code credentials_id}, {@code
 * storage_config_id}, optional {@code pricing_tier}; id {@code workspace_id} as decimal text;
 * attributes {@code DeploymentName}, {@code WorkspaceUrl}, {@code WorkspaceStatus}, {@code
 * WorkspaceStatusMsg}, {@code PricingTier}, {@code WorkspaceCatalogName}.
 */
public final class CreateWorkspace extends CustomResource {
  private static final Duration FIRST_LOOK = Duration.ofMillis(100);
  private static final Duration LATER_LOOKS = Duration.ofSeconds(5);

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
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("workspace_name", event.required("workspace_name"));
    body.put("aws_region", event.required("aws_region"));
    body.put("credentials_id", event.required("credentials_id"));
    body.put("storage_configuration_id", event.required("storage_config_id"));
    if (!event.optional("pricing_tier").isEmpty()) {
      body.put("pricing_tier", event.optional("pricing_tier"));
    }
    String id = text(api.create("/workspaces", body, mine(event)), "workspace_id");
    madeSoFar.set(id);
    return running(event, api, id);
  }

  /**
   * The credentials of a workspace can be exchanged; for anything else it is another workspace, and
   * CloudFormation deletes the former when the new one is there.
   */
  @Override
  Made update(Event event, AccountApi api, AtomicReference<String> madeSoFar)
      throws InterruptedException {
    if (event.changed("workspace_name")
        || event.changed("aws_region")
        || event.changed("storage_config_id")
        || event.changed("pricing_tier")) {
      return create(event, api, madeSoFar);
    }
    if (event.changed("credentials_id")) {
      api.patch(
          path(event.physicalId()) + "?update_mask=credentials_id",
          Map.of("credentials_id", event.required("credentials_id")));
    }
    return running(event, api, event.physicalId());
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
