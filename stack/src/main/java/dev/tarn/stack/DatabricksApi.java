package dev.tarn.stack;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * {@code databricksApiFunction}: one function for all custom resources, told apart by {@code
 * action}.
 */
public final class DatabricksApi implements RequestStreamHandler {
  private final Patience patience;

  /** What the Lambda runtime calls. */
  public DatabricksApi() {
    this(Patience.real());
  }

  DatabricksApi(Patience patience) {
    this.patience = patience;
  }

  @Override
  public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
    Event event = Event.read(in);
    CustomResource resource =
        switch (event.optional("action")) {
          case "CREATE_CREDENTIALS" -> new CreateCredentials(patience);
          case "CREATE_STORAGE_CONFIGURATIONS" -> new CreateStorageConfiguration(patience);
          case "CREATE_NETWORKS" -> new CreateNetwork(patience);
          case "CREATE_VPC_ENDPOINT" -> new CreateVpcEndpoint(patience);
          case "CREATE_PRIVATE_ACCESS_CONFIGURATION" -> new CreatePrivateAccess(patience);
          case "CREATE_CUSTOMER_MANAGED_KEY" -> new CreateCustomerManagedKey(patience);
          case "CREATE_WORKSPACES" -> new CreateWorkspace(patience);
          default -> new Unsupported(patience);
        };
    resource.answer(event, context);
  }

  /** An action nobody knows: it is never created, so its Delete has nothing to do. */
  private static final class Unsupported extends CustomResource {
    Unsupported(Patience patience) {
      super(patience);
    }

    @Override
    Made create(Event event, AccountApi api, AtomicReference<String> madeSoFar) {
      throw new IllegalArgumentException(
          "No supported action specified: '"
              + event.optional("action")
              + "' (expected: CREATE_CREDENTIALS, CREATE_STORAGE_CONFIGURATIONS, CREATE_NETWORKS,"
              + " CREATE_VPC_ENDPOINT, CREATE_PRIVATE_ACCESS_CONFIGURATION,"
              + " CREATE_CUSTOMER_MANAGED_KEY or CREATE_WORKSPACES)");
    }

    @Override
    Made update(Event event, AccountApi api, AtomicReference<String> madeSoFar) {
      return create(event, api, madeSoFar);
    }

    @Override
    boolean isId(String physicalId) {
      return false;
    }

    @Override
    Optional<String> lost(Event event, AccountApi api) {
      return Optional.empty();
    }

    @Override
    void delete(String id, AccountApi api) {
      throw new IllegalStateException("nothing of this kind was ever made: " + id);
    }
  }
}
