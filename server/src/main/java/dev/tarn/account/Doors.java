package dev.tarn.account;

import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import dev.tarn.database.Database;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jdbi.v3.core.HandleCallback;

/**
 * Which workspaces nobody may enter. Each call of a workspace asks, so it is remembered until any
 * workspace changes: whoever writes a status does so by {@link #write}, and a read that overlapped
 * the commit is not used once the write was acknowledged.
 */
final class Doors {
  private static final String TOPIC = "workspaces";

  /** One that is provisioned again, with other credentials, goes on working meanwhile. */
  private static final Set<WorkspaceStatus> OPEN =
      Set.of(
          WorkspaceStatus.NOT_PROVISIONED, WorkspaceStatus.PROVISIONING, WorkspaceStatus.RUNNING);

  private final Database database;
  private final AtomicLong generation = new AtomicLong();
  private final Map<Long, Known> remembered = new ConcurrentHashMap<>();

  private record Known(long generation, Optional<String> closed) {}

  Doors(Database database) {
    this.database = database;
    database.onAnnounced(TOPIC, text -> generation.incrementAndGet());
  }

  <T> T write(HandleCallback<T, RuntimeException> work) {
    try {
      return database.inTransaction(
          handle -> {
            T result = work.withHandle(handle);
            database.announce(handle, TOPIC, "");
            return result;
          });
    } finally {
      generation.incrementAndGet();
    }
  }

  /** The status of a workspace that nobody may enter: it failed, or is being deleted. */
  Optional<String> closed(long id) {
    long now = generation.get();
    Known known = remembered.get(id);
    if (known != null && known.generation() == now) {
      return known.closed();
    }
    Optional<WorkspaceStatus> status =
        database.<Optional<WorkspaceStatus>, RuntimeException>read(
            handle -> WorkspaceDao.status(handle, id));
    Optional<String> closed =
        status.filter(found -> !OPEN.contains(found)).map(WorkspaceStatus::name);
    if (status.isPresent()) {
      remembered.put(id, new Known(now, closed));
    } else {
      remembered.remove(id);
    }
    return closed;
  }
}
