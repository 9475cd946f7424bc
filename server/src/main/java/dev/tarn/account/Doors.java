package dev.tarn.account;

import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import dev.tarn.database.Database;
import dev.tarn.database.Remembered;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.HandleCallback;

/**
 * Which workspaces nobody may enter. Each call of a workspace asks, so it is remembered until any
 * workspace changes: whoever writes a status does so by {@link #write}.
 */
final class Doors {
  private static final String TOPIC = "workspaces";

  /** One that is provisioned again, with other credentials, goes on working meanwhile. */
  private static final Set<WorkspaceStatus> OPEN =
      Set.of(
          WorkspaceStatus.NOT_PROVISIONED, WorkspaceStatus.PROVISIONING, WorkspaceStatus.RUNNING);

  private final Database database;
  private final Remembered<Long, WorkspaceStatus> statuses;

  Doors(Database database) {
    this.database = database;
    this.statuses = new Remembered<>(database, TOPIC);
  }

  <T> T write(HandleCallback<T, RuntimeException> work) {
    try {
      return database.inTransaction(
          handle -> {
            T result = work.withHandle(handle);
            statuses.announce(handle);
            return result;
          });
    } finally {
      statuses.changed();
    }
  }

  /** The status of a workspace that nobody may enter: it failed, or is being deleted. */
  Optional<String> closed(long id) {
    return statuses
        .get(id, handle -> WorkspaceDao.status(handle, id))
        .filter(found -> !OPEN.contains(found))
        .map(WorkspaceStatus::name);
  }
}
