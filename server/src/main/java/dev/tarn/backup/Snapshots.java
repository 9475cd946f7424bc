package dev.tarn.backup;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tarn.Config;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
import dev.tarn.storage.Buckets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.UUID;

/**
 * What a running instance does for {@code tarn backup}: it holds still what it would delete, and
 * makes the {@link Snapshot} that the command then reads. Only who is on this machine can read it.
 */
public final class Snapshots {
  private final Config config;
  private final Database database;
  private final Buckets buckets;
  private final Clock clock;

  public Snapshots(Config config, Database database, Buckets buckets, Clock clock) {
    this.config = config;
    this.database = database;
    this.buckets = buckets;
    this.clock = clock;
  }

  public void routes(Routes routes) {
    routes.mountOwn(this);
  }

  /** Deletes what backups of a former process left. */
  public void recover() {
    try {
      Snapshot.discardAll(config.storage());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete an old snapshot in " + config.storage(), e);
    }
  }

  /**
   * @param processId of the command that will read it, on this machine
   */
  public record TakeRequest(String accountId, Long processId) {}

  /**
   * @param path on this machine
   */
  public record Taken(
      @JsonProperty("snapshot_id") String snapshotId,
      @JsonProperty("path") String path,
      @JsonProperty("created_at") long createdAt) {}

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("POST /api/2.0/accounts/{account_id}/tarn/snapshots")
  public Taken take(Caller caller, TakeRequest request) {
    if (request.processId() == null) {
      throw new InvalidParameterValue(
          "process_id: missing (expected: the process on this machine that reads the snapshot)",
          null);
    }
    String id = UUID.randomUUID().toString();
    long now = clock.millis();
    try {
      Path path =
          buckets.whileNothingIsDeleted(
              () -> Snapshot.take(config, id, request.processId(), database::copyTo).folder());
      return new Taken(id, path.toString(), now);
    } catch (IllegalStateException e) {
      throw new InvalidState(e.getMessage(), null);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot take a snapshot", e);
    }
  }

  public record DiscardRequest(String accountId, String snapshotId) {}

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("DELETE /api/2.0/accounts/{account_id}/tarn/snapshots/{snapshot_id}")
  public void discard(Caller caller, DiscardRequest request) {
    String id = request.snapshotId();
    Path folder = config.storage().resolve(".backup-" + id);
    if (!id.matches("[0-9a-f-]{36}") || !Files.isDirectory(folder)) {
      throw new NotFound("RESOURCE_DOES_NOT_EXIST", "there is no snapshot " + id, null);
    }
    try {
      Snapshot.at(folder).discard();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete the snapshot " + id, e);
    }
  }
}
