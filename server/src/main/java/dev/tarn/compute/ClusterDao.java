package dev.tarn.compute;

import com.databricks.sdk.service.compute.ClusterEvent;
import com.databricks.sdk.service.compute.ClusterSource;
import com.databricks.sdk.service.compute.ClusterSpec;
import com.databricks.sdk.service.compute.EventDetails;
import com.databricks.sdk.service.compute.EventType;
import com.databricks.sdk.service.compute.State;
import com.databricks.sdk.service.compute.TerminationReason;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.statement.Query;

/** Rows of clusters and of what happened to them. */
final class ClusterDao {
  private static final RowMapper<Row> ROW = (row, context) -> row(row);

  private final Database database;

  ClusterDao(Database database) {
    this.database = database;
  }

  /**
   * A cluster.
   *
   * @param spec as it was asked for
   * @param settings checked, with its defaults
   * @param startedAt epoch milliseconds of the last start; null before the first
   * @param restartedAt null when it never was
   * @param terminatedAt null while it is up
   * @param reason why it is TERMINATED, else null
   * @param engineId while RUNNING, else null
   * @param pinnedAt null when it is not
   */
  record Row(
      String id,
      long workspaceId,
      State state,
      String stateMessage,
      ClusterSpec spec,
      ClusterSpec settings,
      ClusterSource source,
      long creatorId,
      String creatorName,
      long createdAt,
      Long startedAt,
      Long restartedAt,
      Long terminatedAt,
      TerminationReason reason,
      String engineId,
      Long pinnedAt) {}

  private static Row row(ResultSet row) throws SQLException {
    String reason = row.getString("termination_reason");
    return new Row(
        row.getString("cluster_id"),
        row.getLong("workspace_id"),
        State.valueOf(row.getString("state")),
        row.getString("state_message"),
        Json.read(row.getString("spec"), ClusterSpec.class),
        Json.read(row.getString("settings"), ClusterSpec.class),
        ClusterSource.valueOf(row.getString("source")),
        row.getLong("creator_id"),
        row.getString("creator_name"),
        row.getLong("created_at"),
        number(row, "started_at"),
        number(row, "restarted_at"),
        number(row, "terminated_at"),
        reason == null ? null : Json.read(reason, TerminationReason.class),
        row.getString("engine_id"),
        number(row, "pinned_at"));
  }

  private static Long number(ResultSet row, String column) throws SQLException {
    long number = row.getLong(column);
    return row.wasNull() ? null : number;
  }

  <T> T write(HandleCallback<T, RuntimeException> work) {
    return database.inTransaction(work);
  }

  <T> T read(HandleCallback<T, RuntimeException> work) {
    return database.read(work);
  }

  String plane() {
    return database.leases().plane();
  }

  void insert(Handle handle, Row row) {
    handle
        .createUpdate(
            """
            INSERT INTO cluster (cluster_id, workspace_id, cluster_name, state, state_message, spec,
              settings, source, policy_id, creator_id, creator_name, created_at, plane_id)
            VALUES (:id, :workspace, :name, :state, :message, :spec, :settings, :source, :policy,
              :creator, :creatorName, :created, :plane)
            """)
        .bind("id", row.id())
        .bind("workspace", row.workspaceId())
        .bind("name", row.settings().getClusterName())
        .bind("state", row.state().name())
        .bind("message", row.stateMessage())
        .bind("spec", Json.write(row.spec()))
        .bind("settings", Json.write(row.settings()))
        .bind("source", row.source().name())
        .bind("policy", row.settings().getPolicyId())
        .bind("creator", row.creatorId())
        .bind("creatorName", row.creatorName())
        .bind("created", row.createdAt())
        .bind("plane", plane())
        .execute();
  }

  /** Whether it was in one of these states, and is now in that one. */
  boolean become(Handle handle, String id, Collection<State> from, State to, String message) {
    return handle
            .createUpdate(
                """
                UPDATE cluster SET state = :to, state_message = :message, plane_id = :plane
                WHERE cluster_id = :id AND state IN (<from>)
                """)
            .bind("id", id)
            .bind("to", to.name())
            .bind("message", message)
            .bind("plane", plane())
            .bindList("from", from.stream().map(Enum::name).toList())
            .execute()
        > 0;
  }

  void began(Handle handle, String id, long now, boolean again) {
    handle
        .createUpdate(
            """
            UPDATE cluster SET started_at = CASE WHEN :again THEN started_at ELSE :now END,
              restarted_at = CASE WHEN :again THEN :now ELSE restarted_at END,
              terminated_at = NULL, termination_reason = NULL, engine_id = NULL
            WHERE cluster_id = :id
            """)
        .bind("id", id)
        .bind("now", now)
        .bind("again", again)
        .execute();
  }

  void runs(Handle handle, String id, String engineId) {
    handle
        .createUpdate("UPDATE cluster SET engine_id = :engine WHERE cluster_id = :id")
        .bind("id", id)
        .bind("engine", engineId)
        .execute();
  }

  void terminated(Handle handle, String id, TerminationReason reason, long now) {
    handle
        .createUpdate(
            """
            UPDATE cluster SET engine_id = NULL, terminated_at = :now, termination_reason = :reason
            WHERE cluster_id = :id
            """)
        .bind("id", id)
        .bind("now", now)
        .bind("reason", Json.write(reason))
        .execute();
  }

  void reasonOf(Handle handle, String id, TerminationReason reason) {
    handle
        .createUpdate("UPDATE cluster SET termination_reason = :reason WHERE cluster_id = :id")
        .bind("id", id)
        .bind("reason", Json.write(reason))
        .execute();
  }

  void setSettings(Handle handle, String id, ClusterSpec spec, ClusterSpec settings) {
    handle
        .createUpdate(
            """
            UPDATE cluster SET cluster_name = :name, policy_id = :policy, spec = :spec,
              settings = :settings
            WHERE cluster_id = :id
            """)
        .bind("id", id)
        .bind("name", settings.getClusterName())
        .bind("policy", settings.getPolicyId())
        .bind("spec", Json.write(spec))
        .bind("settings", Json.write(settings))
        .execute();
  }

  void setOwner(Handle handle, String id, long principalId, String name) {
    handle
        .createUpdate(
            "UPDATE cluster SET creator_id = :creator, creator_name = :name WHERE cluster_id = :id")
        .bind("id", id)
        .bind("creator", principalId)
        .bind("name", name)
        .execute();
  }

  void setPinned(Handle handle, String id, Long at) {
    handle
        .createUpdate("UPDATE cluster SET pinned_at = :at WHERE cluster_id = :id")
        .bind("id", id)
        .bind("at", at)
        .execute();
  }

  void delete(Handle handle, String id) {
    handle.createUpdate("DELETE FROM cluster WHERE cluster_id = :id").bind("id", id).execute();
  }

  Optional<Row> find(Handle handle, String id) {
    return handle
        .createQuery("SELECT * FROM cluster WHERE cluster_id = :id")
        .bind("id", id)
        .map(ROW)
        .findOne();
  }

  List<Row> of(Handle handle, long workspaceId) {
    return handle
        .createQuery("SELECT * FROM cluster WHERE workspace_id = :id")
        .bind("id", workspaceId)
        .map(ROW)
        .list();
  }

  /** All that are up, or should be, by this control plane or by one that is gone. */
  List<Row> ours() {
    return read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT * FROM cluster WHERE state <> 'TERMINATED' AND (plane_id = :plane
                      OR plane_id NOT IN (SELECT plane_id FROM control_plane))
                    """)
                .bind("plane", plane())
                .map(ROW)
                .list());
  }

  /** Those that ended before {@code limit} and are not pinned. */
  List<Row> forgettable(Handle handle, long limit) {
    return handle
        .createQuery(
            """
            SELECT * FROM cluster
            WHERE state = 'TERMINATED' AND pinned_at IS NULL AND terminated_at < :limit
            """)
        .bind("limit", limit)
        .map(ROW)
        .list();
  }

  /** How many of a policy somebody made that are not TERMINATED. */
  long active(Handle handle, String policyId, long creatorId) {
    return handle
        .createQuery(
            """
            SELECT count(*) FROM cluster
            WHERE policy_id = :policy AND creator_id = :creator AND state <> 'TERMINATED'
            """)
        .bind("policy", policyId)
        .bind("creator", creatorId)
        .mapTo(Long.class)
        .one();
  }

  void happened(Handle handle, String id, long now, EventType type, EventDetails details) {
    handle
        .createUpdate(
            """
            INSERT INTO cluster_event (cluster_id, number, at, event_type, details)
            SELECT :id, coalesce(max(number), 0) + 1, :now, :type, :details
            FROM cluster_event WHERE cluster_id = :id
            """)
        .bind("id", id)
        .bind("now", now)
        .bind("type", type.name())
        .bind("details", Json.write(details))
        .execute();
  }

  /**
   * Which events are asked for.
   *
   * @param since epoch milliseconds, inclusive
   * @param until epoch milliseconds, inclusive
   * @param types none: all
   */
  record Wanted(String id, long since, long until, List<EventType> types) {}

  private static final String EVENTS =
      """
      FROM cluster_event WHERE cluster_id = :id AND at >= :since AND at <= :until
        AND (:all OR event_type IN (<types>))
      """;

  List<ClusterEvent> events(
      Handle handle, Wanted wanted, boolean ascending, long offset, long limit) {
    String order = ascending ? "ASC" : "DESC";
    return wanted(
            handle.createQuery(
                "SELECT * "
                    + EVENTS
                    + " ORDER BY number "
                    + order
                    + " LIMIT :limit OFFSET :offset"),
            wanted)
        .bind("limit", limit)
        .bind("offset", offset)
        .map(
            (row, context) ->
                new ClusterEvent()
                    .setClusterId(row.getString("cluster_id"))
                    .setTimestamp(row.getLong("at"))
                    .setType(EventType.valueOf(row.getString("event_type")))
                    .setDetails(Json.read(row.getString("details"), EventDetails.class)))
        .list();
  }

  long countEvents(Handle handle, Wanted wanted) {
    return wanted(handle.createQuery("SELECT count(*) " + EVENTS), wanted).mapTo(Long.class).one();
  }

  private static Query wanted(Query query, Wanted wanted) {
    return query
        .bind("id", wanted.id())
        .bind("since", wanted.since())
        .bind("until", wanted.until())
        .bind("all", wanted.types().isEmpty())
        .bindList(
            "types",
            wanted.types().isEmpty()
                ? List.of("")
                : wanted.types().stream().map(Enum::name).toList());
  }
}
