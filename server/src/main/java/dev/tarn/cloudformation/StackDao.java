package dev.tarn.cloudformation;

import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.Leases;
import dev.tarn.database.Slice;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The rows of stacks. Whatever changes a status writes its event in the same transaction. */
final class StackDao {
  static final String PENDING = "PENDING";
  static final String SKIPPED = "DELETE_SKIPPED";

  /** Of a resource before an update, while the update has not come by. */
  static final String CURRENT = "CURRENT";

  private static final String STACK_TYPE = "AWS::CloudFormation::Stack";
  private static final String STACK =
      """
      SELECT stack_id, stack_name, status, status_reason, template, parameters, sealed, outputs,
        created_by, created_at, updated_at, termination_protection, empty_buckets FROM stack
      """;

  private static final String RESOURCE =
      """
      SELECT stack_id, logical_id, type, status, status_reason, physical_id, attributes,
        request_id, updated_at, update_id FROM stack_resource
      """;

  private final Database database;
  private final Leases leases;
  private final Clock clock;

  StackDao(Database database, Clock clock) {
    this.database = database;
    this.leases = database.leases();
    this.clock = clock;
  }

  /** What whoever moves the stack must have. */
  static String lease(String stackId) {
    return "stack/" + stackId;
  }

  /**
   * Public for Jdbi, which reads it by reflection; the class around it is not.
   *
   * @param updatedAt null when it never was
   * @param emptyBuckets whether its deletion also deletes what is in its buckets
   */
  public record StackRow(
      String stackId,
      String stackName,
      String status,
      String statusReason,
      String template,
      Map<String, String> parameters,
      String sealed,
      Map<String, String> outputs,
      String createdBy,
      long createdAt,
      Long updatedAt,
      boolean terminationProtection,
      boolean emptyBuckets) {}

  /** The other side of an update: see {@link StackRun.Other}. */
  record UpdateRow(
      String updateId,
      String template,
      Map<String, String> parameters,
      String sealed,
      Map<String, String> outputs) {}

  /**
   * {@code physicalId} and {@code requestId} are null when there is none; {@code updateId} is the
   * last update, or rollback of one, that came by.
   */
  public record ResourceRow(
      String stackId,
      String logicalId,
      String type,
      String status,
      String statusReason,
      String physicalId,
      Map<String, String> attributes,
      String requestId,
      long updatedAt,
      String updateId) {

    ResourceRow moved(String status, String reason, String physicalId, String requestId) {
      return new ResourceRow(
          stackId, logicalId, type, status, reason, physicalId, attributes, requestId, 0, updateId);
    }

    ResourceRow having(Map<String, String> attributes) {
      return new ResourceRow(
          stackId,
          logicalId,
          type,
          status,
          statusReason,
          physicalId,
          attributes,
          requestId,
          0,
          updateId);
    }

    ResourceRow partOf(String updateId) {
      return new ResourceRow(
          stackId,
          logicalId,
          type,
          status,
          statusReason,
          physicalId,
          attributes,
          requestId,
          0,
          updateId);
    }
  }

  record EventRow(
      String eventId,
      String logicalId,
      String physicalId,
      String type,
      String status,
      String statusReason,
      long createdAt) {}

  /**
   * Makes the stack with all its resources pending.
   *
   * @throws ResourceAlreadyExists the name is taken
   */
  void insert(StackRow stack, Map<String, String> typeOfResource) {
    try {
      database.inTransaction(
          handle -> {
            handle
                .createUpdate(
                    """
                    INSERT INTO stack (stack_id, stack_name, status, status_reason, template,
                      parameters, sealed, outputs, created_by, created_at)
                    VALUES (:stackId, :stackName, :status, :statusReason, :template,
                      :parametersJson, :sealed, '{}', :createdBy, :createdAt)
                    """)
                .bindMethods(stack)
                .bind("parametersJson", Json.write(stack.parameters()))
                .execute();
            pending(handle, stack.stackId(), typeOfResource);
            stackEvent(handle, stack.stackId(), stack.status(), stack.statusReason());
            return null;
          });
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw new ResourceAlreadyExists("Stack [" + stack.stackName() + "] already exists", null);
      }
      throw e;
    }
  }

  private void pending(Handle handle, String stackId, Map<String, String> typeOfResource) {
    typeOfResource.forEach(
        (logicalId, type) ->
            handle
                .createUpdate(
                    """
                    INSERT INTO stack_resource (stack_id, logical_id, type, status,
                      status_reason, attributes, updated_at)
                    VALUES (:stackId, :logicalId, :type, 'PENDING', '', '{}', :now)
                    ON CONFLICT (stack_id, logical_id) DO NOTHING
                    """)
                .bind("stackId", stackId)
                .bind("logicalId", logicalId)
                .bind("type", type)
                .bind("now", clock.millis())
                .execute());
  }

  /**
   * Keeps how the stack is, and gives it what it is to become.
   *
   * @param wanted the template, and the parameters, shown and sealed
   * @param sealedBefore what nobody sees of the former, to go back with
   * @return whether the stack could be updated: its status decides
   */
  boolean beginUpdate(
      StackRow wanted, String sealedBefore, String updateId, Map<String, String> typeOfResource) {
    return database.inTransaction(
        handle -> {
          int kept =
              handle
                  .createUpdate(
                      """
                      INSERT INTO stack_update (stack_id, update_id, template, parameters, sealed,
                        outputs)
                      SELECT stack_id, :updateId, template, parameters, :sealed, outputs FROM stack
                      WHERE stack_id = :stackId
                        AND status IN ('CREATE_COMPLETE', 'UPDATE_COMPLETE',
                          'UPDATE_ROLLBACK_COMPLETE')
                      """)
                  .bind("updateId", updateId)
                  .bind("sealed", sealedBefore)
                  .bind("stackId", wanted.stackId())
                  .execute();
          if (kept == 0) {
            return false;
          }
          handle
              .createUpdate(
                  """
                  DELETE FROM stack_resource WHERE stack_id = :stackId
                    AND status IN ('PENDING', 'DELETE_COMPLETE', 'DELETE_SKIPPED')
                  """)
              .bind("stackId", wanted.stackId())
              .execute();
          handle
              .createUpdate(
                  """
                  INSERT INTO stack_update_resource (stack_id, logical_id, type, status,
                    physical_id, attributes)
                  SELECT stack_id, logical_id, type, 'CURRENT', physical_id, attributes
                  FROM stack_resource WHERE stack_id = :stackId
                  """)
              .bind("stackId", wanted.stackId())
              .execute();
          pending(handle, wanted.stackId(), typeOfResource);
          handle
              .createUpdate(
                  """
                  UPDATE stack SET status = 'UPDATE_IN_PROGRESS', status_reason = 'User Initiated',
                    template = :template, parameters = :parameters, sealed = :sealed,
                    updated_at = :now
                  WHERE stack_id = :stackId
                  """)
              .bind("template", wanted.template())
              .bind("parameters", Json.write(wanted.parameters()))
              .bind("sealed", wanted.sealed())
              .bind("now", clock.millis())
              .bind("stackId", wanted.stackId())
              .execute();
          stackEvent(handle, wanted.stackId(), "UPDATE_IN_PROGRESS", "User Initiated");
          return true;
        });
  }

  Optional<UpdateRow> update(String stackId) {
    return database.read(handle -> update(handle, stackId));
  }

  private static Optional<UpdateRow> update(Handle handle, String stackId) {
    return handle
        .createQuery(
            """
            SELECT update_id, template, parameters, sealed, outputs FROM stack_update
            WHERE stack_id = :stackId
            """)
        .bind("stackId", stackId)
        .map(
            (row, context) ->
                new UpdateRow(
                    row.getString(1),
                    row.getString(2),
                    texts(row.getString(3)),
                    row.getString(4),
                    texts(row.getString(5))))
        .findOne();
  }

  /** The resources as they were before the update under way. */
  List<ResourceRow> formerResources(String stackId) {
    return database.read(handle -> formerResources(handle, stackId));
  }

  private static List<ResourceRow> formerResources(Handle handle, String stackId) {
    return handle
        .createQuery(
            """
            SELECT stack_id, logical_id, type, status, '', physical_id, attributes, request_id, 0,
              NULL
            FROM stack_update_resource WHERE stack_id = :stackId ORDER BY logical_id
            """)
        .bind("stackId", stackId)
        .map((row, context) -> resource(row))
        .list();
  }

  /** Writes what became of a former resource, with its event. */
  void former(ResourceRow row) {
    database.inTransaction(
        handle -> {
          leases.require(handle, lease(row.stackId()));
          handle
              .createUpdate(
                  """
                  UPDATE stack_update_resource SET status = :status, request_id = :requestId
                  WHERE stack_id = :stackId AND logical_id = :logicalId
                  """)
              .bindMethods(row)
              .execute();
          event(handle, row);
          return null;
        });
  }

  /** The update, or its rollback, came by and this resource is as it is to be. */
  void visited(String stackId, String logicalId, String updateId) {
    database.inTransaction(
        handle -> {
          leases.require(handle, lease(stackId));
          return handle
              .createUpdate(
                  """
                    UPDATE stack_resource SET update_id = :updateId, status =
                      CASE WHEN status LIKE '%FAILED' THEN 'UPDATE_COMPLETE' ELSE status END
                    WHERE stack_id = :stackId AND logical_id = :logicalId
                    """)
              .bind("updateId", updateId)
              .bind("stackId", stackId)
              .bind("logicalId", logicalId)
              .execute();
        });
  }

  /**
   * The end of a rollback: the stack is what it was, what it was to become is the other side, and
   * what was to be in the place of another is to be deleted.
   */
  void exchange(String stackId, String rollbackId) {
    database.inTransaction(
        handle -> {
          leases.require(handle, lease(stackId));
          UpdateRow was = update(handle, stackId).orElseThrow();
          handle
              .createUpdate(
                  """
                  UPDATE stack_update SET
                    template = (SELECT template FROM stack WHERE stack_id = :stackId),
                    parameters = (SELECT parameters FROM stack WHERE stack_id = :stackId),
                    sealed = (SELECT sealed FROM stack WHERE stack_id = :stackId),
                    outputs = '{}'
                  WHERE stack_id = :stackId
                  """)
              .bind("stackId", stackId)
              .execute();
          handle
              .createUpdate(
                  """
                  UPDATE stack SET status = 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
                    status_reason = '', template = :template, parameters = :parameters,
                    sealed = :sealed, outputs = :outputs
                  WHERE stack_id = :stackId
                  """)
              .bind("template", was.template())
              .bind("parameters", Json.write(was.parameters()))
              .bind("sealed", was.sealed())
              .bind("outputs", Json.write(was.outputs()))
              .bind("stackId", stackId)
              .execute();
          for (ResourceRow former : formerResources(handle, stackId)) {
            ResourceRow tried =
                handle
                    .createQuery(RESOURCE + "WHERE stack_id = :stackId AND logical_id = :logicalId")
                    .bindMethods(former)
                    .map((row, context) -> resource(row))
                    .one();
            if (tried.physicalId() != null && !tried.physicalId().equals(former.physicalId())) {
              handle
                  .createUpdate(
                      """
                      UPDATE stack_update_resource SET physical_id = :physicalId,
                        attributes = :attributesJson, status = 'CHANGED'
                      WHERE stack_id = :stackId AND logical_id = :logicalId
                      """)
                  .bindMethods(tried)
                  .bind("attributesJson", Json.write(tried.attributes()))
                  .execute();
              write(
                  handle,
                  former
                      .moved("UPDATE_COMPLETE", "", former.physicalId(), null)
                      .partOf(rollbackId));
            }
          }
          stackEvent(handle, stackId, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "");
          return null;
        });
  }

  /**
   * The end of an update, or of its rollback.
   *
   * @param current the logical ids of the resources of the stack from now on
   */
  void endUpdate(String stackId, String from, String to, String reason, Set<String> current) {
    database.inTransaction(
        handle -> {
          leases.require(handle, lease(stackId));
          int moved =
              handle
                  .createUpdate(
                      """
                      UPDATE stack SET status = :to, status_reason = :reason
                      WHERE stack_id = :stackId AND status = :from
                      """)
                  .bind("to", to)
                  .bind("reason", reason)
                  .bind("stackId", stackId)
                  .bind("from", from)
                  .execute();
          if (moved > 0) {
            for (ResourceRow row : resources(handle, stackId)) {
              if (!current.contains(row.logicalId()) && !row.status().equals("DELETE_COMPLETE")) {
                handle
                    .createUpdate(
                        """
                        DELETE FROM stack_resource
                        WHERE stack_id = :stackId AND logical_id = :logicalId
                        """)
                    .bindMethods(row)
                    .execute();
              }
            }
            forgetUpdate(handle, stackId);
            stackEvent(handle, stackId, to, reason);
          }
          return null;
        });
  }

  /** A sealed text, and where it is. */
  record Sealed(String table, String stackId, String text) {}

  List<Sealed> sealed() {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT 'stack', stack_id, sealed FROM stack WHERE sealed <> ''
                    UNION ALL
                    SELECT 'stack_update', stack_id, sealed FROM stack_update WHERE sealed <> ''
                    """)
                .map(
                    (row, context) ->
                        new Sealed(row.getString(1), row.getString(2), row.getString(3)))
                .list());
  }

  /** Unless it has changed meanwhile. */
  void replace(Sealed old, String sealed) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    "UPDATE <table> SET sealed = :sealed WHERE stack_id = :id AND sealed = :old")
                .define("table", old.table())
                .bind("sealed", sealed)
                .bind("id", old.stackId())
                .bind("old", old.text())
                .execute());
  }

  /** Tries again what could not be taken back. */
  boolean continueRollback(String stackId, String sealed, String sealedOther) {
    return database.inTransaction(
        handle -> {
          int moved =
              handle
                  .createUpdate(
                      """
                      UPDATE stack SET status = 'UPDATE_ROLLBACK_IN_PROGRESS',
                        status_reason = 'User Initiated', sealed = :sealed
                      WHERE stack_id = :stackId AND status = 'UPDATE_ROLLBACK_FAILED'
                      """)
                  .bind("sealed", sealed)
                  .bind("stackId", stackId)
                  .execute();
          if (moved > 0) {
            sealOther(handle, stackId, sealedOther);
            handle
                .createUpdate(
                    """
                    UPDATE stack_resource SET update_id = NULL
                    WHERE stack_id = :stackId AND status = 'UPDATE_FAILED'
                    """)
                .bind("stackId", stackId)
                .execute();
            stackEvent(handle, stackId, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated");
          }
          return moved > 0;
        });
  }

  private static void sealOther(Handle handle, String stackId, String sealed) {
    handle
        .createUpdate(
            "UPDATE stack_update SET sealed = COALESCE(:sealed, sealed) WHERE stack_id = :stackId")
        .bind("sealed", sealed)
        .bind("stackId", stackId)
        .execute();
  }

  private static void forgetUpdate(Handle handle, String stackId) {
    for (String table : List.of("stack_update_resource", "stack_update")) {
      handle
          .createUpdate("DELETE FROM " + table + " WHERE stack_id = :stackId")
          .bind("stackId", stackId)
          .execute();
    }
  }

  Optional<StackRow> find(String nameOrId) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    STACK
                        + """
                        WHERE stack_id = :key OR (stack_name = :key AND status <> 'DELETE_COMPLETE')
                        """)
                .bind("key", nameOrId)
                .map((row, context) -> stack(row))
                .findOne());
  }

  /** Those that are there, the oldest first. */
  List<StackRow> list() {
    return database.read(
        handle ->
            handle
                .createQuery(
                    STACK + "WHERE status <> 'DELETE_COMPLETE' ORDER BY created_at, stack_name")
                .map((row, context) -> stack(row))
                .list());
  }

  Slice<StackRow> page(Slice.Wanted wanted) {
    return database.read(
        handle ->
            Slice.read(
                handle,
                STACK + "WHERE status <> 'DELETE_COMPLETE'",
                "stack_name",
                "stack_id",
                wanted,
                Map.of(),
                (row, context) -> stack(row)));
  }

  void protect(String stackId, boolean enabled) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    "UPDATE stack SET termination_protection = :enabled WHERE stack_id = :stackId")
                .bind("enabled", enabled)
                .bind("stackId", stackId)
                .execute());
  }

  List<String> inProgress() {
    return database.read(
        handle ->
            handle
                .createQuery("SELECT stack_id FROM stack WHERE status LIKE '%_IN_PROGRESS'")
                .mapTo(String.class)
                .list());
  }

  /**
   * Moves the stack on; the row decides when two want to.
   *
   * @return whether its status was {@code from}
   */
  boolean transition(
      String stackId, String from, String to, String reason, Map<String, String> outputs) {
    return database.inTransaction(
        handle -> {
          leases.require(handle, lease(stackId));
          int moved =
              handle
                  .createUpdate(
                      """
                      UPDATE stack SET status = :to, status_reason = :reason, outputs = :outputs
                      WHERE stack_id = :stackId AND status = :from
                      """)
                  .bind("to", to)
                  .bind("reason", reason)
                  .bind("outputs", Json.write(outputs))
                  .bind("stackId", stackId)
                  .bind("from", from)
                  .execute();
          if (moved > 0) {
            stackEvent(handle, stackId, to, reason);
            if (to.equals("DELETE_COMPLETE")) {
              forgetUpdate(handle, stackId);
            }
          }
          return moved > 0;
        });
  }

  /**
   * Asks for the deletion: also of what could not be deleted before, and by a new request.
   *
   * @param sealed what the parameters that nobody sees are from now on
   * @param sealedOther the same of the other side of an update that broke off, or null
   * @param retained logical ids of resources that could not be deleted, and are left as they are
   * @param emptyBuckets whether what is in the buckets is deleted with them
   */
  void requestDelete(
      String stackId,
      String sealed,
      String sealedOther,
      List<String> retained,
      boolean emptyBuckets) {
    database.inTransaction(
        handle -> {
          int moved =
              handle
                  .createUpdate(
                      """
                      UPDATE stack SET status = 'DELETE_IN_PROGRESS',
                        status_reason = 'User Initiated', sealed = :sealed,
                        empty_buckets = :emptyBuckets
                      WHERE stack_id = :stackId
                        AND status NOT IN ('DELETE_IN_PROGRESS', 'DELETE_COMPLETE')
                      """)
                  .bind("sealed", sealed)
                  .bind("emptyBuckets", emptyBuckets)
                  .bind("stackId", stackId)
                  .execute();
          if (moved > 0) {
            sealOther(handle, stackId, sealedOther);
            for (ResourceRow row : resources(handle, stackId)) {
              if (retained.contains(row.logicalId())) {
                write(handle, row.moved(SKIPPED, "", row.physicalId(), null));
              }
            }
            for (String table : List.of("stack_resource", "stack_update_resource")) {
              handle
                  .createUpdate(
                      "UPDATE "
                          + table
                          + " SET status = 'DELETE_IN_PROGRESS', request_id = NULL"
                          + " WHERE stack_id = :stackId AND status = 'DELETE_FAILED'")
                  .bind("stackId", stackId)
                  .execute();
            }
            stackEvent(handle, stackId, "DELETE_IN_PROGRESS", "User Initiated");
          }
          return null;
        });
  }

  List<ResourceRow> resources(String stackId) {
    return database.read(handle -> resources(handle, stackId));
  }

  private static List<ResourceRow> resources(Handle handle, String stackId) {
    return handle
        .createQuery(RESOURCE + "WHERE stack_id = :stackId ORDER BY logical_id")
        .bind("stackId", stackId)
        .map((row, context) -> resource(row))
        .list();
  }

  /** Writes what became of a resource, with its event. */
  void resource(ResourceRow row) {
    database.inTransaction(
        handle -> {
          leases.require(handle, lease(row.stackId()));
          if (row.status().equals("UPDATE_IN_PROGRESS")) {
            handle
                .createUpdate(
                    """
                    UPDATE stack_update_resource SET status = 'CHANGED'
                    WHERE stack_id = :stackId AND logical_id = :logicalId
                    """)
                .bindMethods(row)
                .execute();
          }
          write(handle, row);
          return null;
        });
  }

  private void write(Handle handle, ResourceRow row) {
    handle
        .createUpdate(
            """
            UPDATE stack_resource SET status = :status, status_reason = :statusReason,
              physical_id = :physicalId, attributes = :attributesJson,
              request_id = :requestId, updated_at = :now, update_id = :updateId
            WHERE stack_id = :stackId AND logical_id = :logicalId
            """)
        .bindMethods(row)
        .bind("attributesJson", Json.write(row.attributes()))
        .bind("now", clock.millis())
        .execute();
    event(handle, row);
  }

  /** Says what happens to a resource, and leaves its row as it is. */
  void event(ResourceRow row) {
    database.inTransaction(
        handle -> {
          event(handle, row);
          return null;
        });
  }

  private void event(Handle handle, ResourceRow row) {
    event(
        handle,
        row.stackId(),
        row.logicalId(),
        row.physicalId(),
        row.type(),
        row.status(),
        row.statusReason());
  }

  List<EventRow> events(String stackId) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT event_id, logical_id, physical_id, type, status, status_reason, created_at
                    FROM stack_event WHERE stack_id = :stackId ORDER BY position
                    """)
                .bind("stackId", stackId)
                .map(
                    (row, context) ->
                        new EventRow(
                            row.getString(1),
                            row.getString(2),
                            row.getString(3),
                            row.getString(4),
                            row.getString(5),
                            row.getString(6),
                            row.getLong(7)))
                .list());
  }

  /**
   * Expects an answer to a request at a URL nobody used; a former URL of it is void.
   *
   * @return whether it was expected before
   */
  boolean expectAnswer(String requestId, String stackId, String logicalId, String tokenHash) {
    return database.inTransaction(
        handle -> {
          int renewed =
              handle
                  .createUpdate(
                      """
                      UPDATE stack_response SET token_hash = :tokenHash
                      WHERE request_id = :requestId
                      """)
                  .bind("tokenHash", tokenHash)
                  .bind("requestId", requestId)
                  .execute();
          if (renewed == 0) {
            handle
                .createUpdate(
                    """
                    INSERT INTO stack_response (request_id, stack_id, logical_id, token_hash)
                    VALUES (:requestId, :stackId, :logicalId, :tokenHash)
                    """)
                .bind("requestId", requestId)
                .bind("stackId", stackId)
                .bind("logicalId", logicalId)
                .bind("tokenHash", tokenHash)
                .execute();
          }
          return renewed > 0;
        });
  }

  /** Keeps the answer if the token is one that is waited for, and takes the token. */
  boolean answer(
      String tokenHash, String stackId, String requestId, String logicalId, String json) {
    return database.inTransaction(
            handle ->
                handle
                    .createUpdate(
                        """
                        UPDATE stack_response SET answer = :json, token_hash = NULL
                        WHERE token_hash = :tokenHash AND answer IS NULL AND stack_id = :stackId
                          AND request_id = :requestId AND logical_id = :logicalId
                        """)
                    .bind("json", json)
                    .bind("tokenHash", tokenHash)
                    .bind("stackId", stackId)
                    .bind("requestId", requestId)
                    .bind("logicalId", logicalId)
                    .execute())
        > 0;
  }

  Optional<String> answerTo(String requestId) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT answer FROM stack_response
                    WHERE request_id = :requestId AND answer IS NOT NULL
                    """)
                .bind("requestId", requestId)
                .mapTo(String.class)
                .findOne());
  }

  private void stackEvent(Handle handle, String stackId, String status, String reason) {
    String name =
        handle
            .createQuery("SELECT stack_name FROM stack WHERE stack_id = :stackId")
            .bind("stackId", stackId)
            .mapTo(String.class)
            .one();
    event(handle, stackId, name, stackId, STACK_TYPE, status, reason);
  }

  private void event(
      Handle handle,
      String stackId,
      String logicalId,
      String physicalId,
      String type,
      String status,
      String reason) {
    handle
        .createUpdate(
            """
            INSERT INTO stack_event (stack_id, position, event_id, logical_id, physical_id, type,
              status, status_reason, created_at)
            SELECT :stackId, 1 + COALESCE(MAX(position), 0), :eventId, :logicalId, :physicalId,
              :type, :status, :reason, :now
            FROM stack_event WHERE stack_id = :stackId
            """)
        .bind("stackId", stackId)
        .bind("eventId", UUID.randomUUID().toString())
        .bind("logicalId", logicalId)
        .bind("physicalId", physicalId)
        .bind("type", type)
        .bind("status", status)
        .bind("reason", reason)
        .bind("now", clock.millis())
        .execute();
  }

  private static StackRow stack(ResultSet row) throws SQLException {
    return new StackRow(
        row.getString(1),
        row.getString(2),
        row.getString(3),
        row.getString(4),
        row.getString(5),
        texts(row.getString(6)),
        row.getString(7),
        texts(row.getString(8)),
        row.getString(9),
        row.getLong(10),
        row.getObject(11) == null ? null : row.getLong(11),
        row.getBoolean(12),
        row.getBoolean(13));
  }

  private static ResourceRow resource(ResultSet row) throws SQLException {
    return new ResourceRow(
        row.getString(1),
        row.getString(2),
        row.getString(3),
        row.getString(4),
        row.getString(5),
        row.getString(6),
        texts(row.getString(7)),
        row.getString(8),
        row.getLong(9),
        row.getString(10));
  }

  static Map<String, String> texts(String json) {
    return Json.MAPPER.convertValue(Json.tree(json), new TypeReference<Map<String, String>>() {});
  }
}
