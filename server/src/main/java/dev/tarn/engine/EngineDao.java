package dev.tarn.engine;

import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.engine.Engine.State;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.result.ResultIterable;
import org.jdbi.v3.core.statement.Query;

final class EngineDao {
  /** What control planes tell each other when one asks for the stop of another's engine. */
  static final String TOPIC = "engines";

  private static final String COLUMNS =
      """
      SELECT engine_id, kind, owner_id, slot, workspace_id, state, reason, outer_pid, outer_since,
        jvm_pid, port, terms, key_id, created_at FROM engine
      """;

  private final Database database;

  EngineDao(Database database) {
    this.database = database;
  }

  private String plane() {
    return database.leases().plane();
  }

  /** Whether the owner had none here that is up in this slot, and has this one now. */
  boolean insert(String id, Engines.Spec spec, String terms, String keyId, long now) {
    return database.inTransaction(
        handle ->
            handle
                    .createUpdate(
                        """
                        INSERT INTO engine (engine_id, kind, owner_id, slot, workspace_id, spec, state,
                          terms, key_id, created_at, plane_id)
                        VALUES (:id, :kind, :owner, :slot, :workspace, :spec, 'STARTING', :terms,
                          :key, :now, :plane)
                        ON CONFLICT DO NOTHING
                        """)
                    .bind("id", id)
                    .bind("kind", spec.kind().name())
                    .bind("owner", spec.ownerId())
                    .bind("slot", spec.slot())
                    .bind("workspace", spec.workspaceId())
                    .bind("spec", Json.write(spec))
                    .bind("terms", terms)
                    .bind("key", keyId)
                    .bind("plane", plane())
                    .bind("now", now)
                    .execute()
                > 0);
  }

  void started(String id, long outerPid, String outerSince) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    "UPDATE engine SET outer_pid = :pid, outer_since = :since WHERE engine_id = :id")
                .bind("id", id)
                .bind("pid", outerPid)
                .bind("since", outerSince)
                .execute());
  }

  /** Whether it was still wanted when it became ready. */
  boolean ready(String id, long jvmPid, int port) {
    return database.inTransaction(
        handle ->
            handle
                    .createUpdate(
                        """
                        UPDATE engine SET state = 'RUNNING', jvm_pid = :jvm, port = :port
                        WHERE engine_id = :id AND state = 'STARTING'
                        """)
                    .bind("id", id)
                    .bind("jvm", jvmPid)
                    .bind("port", port)
                    .execute()
                > 0);
  }

  /** Whether this call is the one that stops it. */
  boolean stopping(String id, String reason) {
    return database.inTransaction(
        handle ->
            handle
                    .createUpdate(
                        """
                        UPDATE engine SET state = 'STOPPING', reason = :reason
                        WHERE engine_id = :id AND state IN ('STARTING', 'RUNNING')
                        """)
                    .bind("id", id)
                    .bind("reason", reason)
                    .execute()
                > 0);
  }

  /** Whether this call is the one that lets it take no more statements. */
  boolean draining(String id, String reason) {
    return database.inTransaction(
        handle ->
            handle
                    .createUpdate(
                        """
                        UPDATE engine SET state = 'DRAINING', reason = :reason
                        WHERE engine_id = :id AND state = 'RUNNING'
                        """)
                    .bind("id", id)
                    .bind("reason", reason)
                    .execute()
                > 0);
  }

  /** What was being stopped is STOPPED for the reason it was stopped for; all else FAILED. */
  void ended(String id, String reason, long now) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    """
                    UPDATE engine SET
                      reason = CASE WHEN state IN ('DRAINING', 'STOPPING') THEN reason
                        ELSE :reason END,
                      state = CASE WHEN state IN ('DRAINING', 'STOPPING') THEN 'STOPPED'
                        ELSE 'FAILED' END,
                      ended_at = :now
                    WHERE engine_id = :id AND ended_at IS NULL
                    """)
                .bind("id", id)
                .bind("reason", reason)
                .bind("now", now)
                .execute());
  }

  Optional<Engine> find(String id) {
    return database.read(
        handle ->
            engines(handle.createQuery(COLUMNS + " WHERE engine_id = :id").bind("id", id))
                .findOne());
  }

  /** The one of a slot that is up here, else the newest of this control plane. */
  Optional<Engine> newest(String ownerId, int slot) {
    return database.read(
        handle ->
            engines(
                    handle
                        .createQuery(
                            COLUMNS
                                + """
                                 WHERE owner_id = :owner AND slot = :slot AND plane_id = :plane
                                ORDER BY CASE WHEN ended_at IS NOT NULL THEN 2
                                  WHEN state = 'DRAINING' THEN 1 ELSE 0 END, created_at DESC
                                LIMIT 1
                                """)
                        .bind("owner", ownerId)
                        .bind("slot", slot)
                        .bind("plane", plane()))
                .findOne());
  }

  /** The newest of an owner here. */
  Optional<Engine> newestOf(String ownerId) {
    return database.read(
        handle ->
            engines(
                    handle
                        .createQuery(
                            COLUMNS
                                + """
                                 WHERE owner_id = :owner AND plane_id = :plane
                                ORDER BY created_at DESC LIMIT 1
                                """)
                        .bind("owner", ownerId)
                        .bind("plane", plane()))
                .findFirst());
  }

  /** Those of an owner that are up here, by slot. */
  List<Engine> upOf(String ownerId) {
    return database.read(
        handle ->
            engines(
                    handle
                        .createQuery(
                            COLUMNS
                                + """
                                 WHERE owner_id = :owner AND plane_id = :plane AND ended_at IS NULL
                                ORDER BY slot, created_at
                                """)
                        .bind("owner", ownerId)
                        .bind("plane", plane()))
                .list());
  }

  /** All that this control plane has to answer for. */
  List<Engine> ours() {
    return database.read(
        handle ->
            engines(
                    handle
                        .createQuery(
                            COLUMNS
                                + " WHERE ended_at IS NULL AND plane_id = :plane ORDER BY created_at")
                        .bind("plane", plane()))
                .list());
  }

  /** From before engines belonged to control planes. */
  void claim() {
    database.inTransaction(
        handle ->
            handle
                .createUpdate("UPDATE engine SET plane_id = :plane WHERE plane_id IS NULL")
                .bind("plane", plane())
                .execute());
  }

  /** Those up of control planes that are gone. */
  List<String> orphans() {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT engine_id FROM engine WHERE ended_at IS NULL
                      AND plane_id <> :plane
                      AND plane_id NOT IN (SELECT plane_id FROM control_plane)
                    """)
                .bind("plane", plane())
                .mapTo(String.class)
                .list());
  }

  /** Those of an owner that are up in other control planes. */
  List<Engine> elsewhere(String ownerId) {
    return database.read(
        handle ->
            engines(
                    handle
                        .createQuery(
                            COLUMNS
                                + """
                                 WHERE owner_id = :owner AND plane_id <> :plane
                                  AND state IN ('STARTING', 'RUNNING', 'STOPPING')
                                ORDER BY created_at
                                """)
                        .bind("owner", ownerId)
                        .bind("plane", plane()))
                .list());
  }

  /** Asks the other control planes to stop those of an owner. */
  void stopElsewhere(String ownerId, String reason) {
    database.inTransaction(
        handle -> {
          database.announce(handle, TOPIC, "");
          return handle
              .createUpdate(
                  """
                  UPDATE engine SET state = 'STOPPING', reason = :reason
                  WHERE owner_id = :owner AND plane_id <> :plane
                    AND state IN ('STARTING', 'RUNNING')
                  """)
              .bind("owner", ownerId)
              .bind("plane", plane())
              .bind("reason", reason)
              .execute();
        });
  }

  List<Engine> up() {
    return database.read(
        handle ->
            engines(handle.createQuery(COLUMNS + " WHERE ended_at IS NULL ORDER BY created_at"))
                .list());
  }

  List<Engines.Uptime> uptimes() {
    return database.read(
        handle ->
            handle
                .createQuery(
                    "SELECT engine_id, owner_id, workspace_id, state, ended_at FROM engine")
                .map(
                    (row, context) -> {
                      long ended = row.getLong(5);
                      return new Engines.Uptime(
                          row.getString(1),
                          row.getString(2),
                          row.getLong(3),
                          List.of("RUNNING", "DRAINING").contains(row.getString(4)),
                          row.wasNull() ? null : ended);
                    })
                .list());
  }

  Engines.Spec spec(String id) {
    return database.read(
        handle ->
            handle
                .createQuery("SELECT spec FROM engine WHERE engine_id = :id")
                .bind("id", id)
                .mapTo(String.class)
                .map(json -> Json.read(json, Engines.Spec.class))
                .one());
  }

  /**
   * Forgets all but the newest {@code kept} that ended, of this control plane and of those that are
   * gone.
   *
   * @return the ids of all that there are after that
   */
  Set<String> forget(int kept) {
    return database.inTransaction(
        handle -> {
          handle
              .createUpdate(
                  """
                  DELETE FROM engine WHERE engine_id IN (
                    SELECT engine_id FROM engine
                    WHERE ended_at IS NOT NULL AND (plane_id = :plane
                      OR plane_id NOT IN (SELECT plane_id FROM control_plane))
                    ORDER BY created_at DESC LIMIT 1000000 OFFSET :kept)
                  """)
              .bind("kept", kept)
              .bind("plane", plane())
              .execute();
          return Set.copyOf(
              handle.createQuery("SELECT engine_id FROM engine").mapTo(String.class).list());
        });
  }

  private static ResultIterable<Engine> engines(Query query) {
    return query.map(
        (row, context) ->
            new Engine(
                row.getString(1),
                Engine.Kind.valueOf(row.getString(2)),
                row.getString(3),
                row.getInt(4),
                row.getLong(5),
                State.valueOf(row.getString(6)),
                row.getString(7),
                row.getObject(8) == null ? null : row.getLong(8),
                row.getString(9),
                row.getObject(10) == null ? null : row.getLong(10),
                row.getObject(11) == null ? null : row.getInt(11),
                row.getString(12),
                row.getString(13),
                row.getLong(14)));
  }
}
