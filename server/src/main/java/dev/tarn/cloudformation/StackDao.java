package dev.tarn.cloudformation;

import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The rows of stacks. Whatever changes a status writes its event in the same transaction. */
final class StackDao {
  static final String PENDING = "PENDING";
  private static final String STACK_TYPE = "AWS::CloudFormation::Stack";
  private static final String STACK =
      """
      SELECT stack_id, stack_name, status, status_reason, template, parameters, sealed, outputs,
        created_by, created_at FROM stack
      """;

  private final Database database;
  private final Clock clock;

  StackDao(Database database, Clock clock) {
    this.database = database;
    this.clock = clock;
  }

  /** Public for Jdbi, which reads it by reflection; the class around it is not. */
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
      long createdAt) {}

  /** {@code physicalId} and {@code requestId} are null when there is none. */
  public record ResourceRow(
      String stackId,
      String logicalId,
      String type,
      String status,
      String statusReason,
      String physicalId,
      Map<String, String> attributes,
      String requestId,
      long updatedAt) {}

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
            typeOfResource.forEach(
                (logicalId, type) ->
                    handle
                        .createUpdate(
                            """
                            INSERT INTO stack_resource (stack_id, logical_id, type, status,
                              status_reason, attributes, updated_at)
                            VALUES (:stackId, :logicalId, :type, 'PENDING', '', '{}', :now)
                            """)
                        .bind("stackId", stack.stackId())
                        .bind("logicalId", logicalId)
                        .bind("type", type)
                        .bind("now", clock.millis())
                        .execute());
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
          }
          return moved > 0;
        });
  }

  /**
   * Asks for the deletion: also of what could not be deleted before, and by a new request.
   *
   * @param sealed what the parameters that nobody sees are from now on
   */
  void requestDelete(String stackId, String sealed) {
    database.inTransaction(
        handle -> {
          int moved =
              handle
                  .createUpdate(
                      """
                      UPDATE stack SET status = 'DELETE_IN_PROGRESS',
                        status_reason = 'User Initiated', sealed = :sealed
                      WHERE stack_id = :stackId
                        AND status NOT IN ('DELETE_IN_PROGRESS', 'DELETE_COMPLETE')
                      """)
                  .bind("sealed", sealed)
                  .bind("stackId", stackId)
                  .execute();
          if (moved > 0) {
            handle
                .createUpdate(
                    """
                    UPDATE stack_resource SET status = 'DELETE_IN_PROGRESS', request_id = NULL
                    WHERE stack_id = :stackId AND status = 'DELETE_FAILED'
                    """)
                .bind("stackId", stackId)
                .execute();
            stackEvent(handle, stackId, "DELETE_IN_PROGRESS", "User Initiated");
          }
          return null;
        });
  }

  List<ResourceRow> resources(String stackId) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT stack_id, logical_id, type, status, status_reason, physical_id,
                      attributes, request_id, updated_at
                    FROM stack_resource WHERE stack_id = :stackId ORDER BY logical_id
                    """)
                .bind("stackId", stackId)
                .map((row, context) -> resource(row))
                .list());
  }

  /** Writes what became of a resource, with its event; the request under way stays the same. */
  void resource(ResourceRow row) {
    database.inTransaction(
        handle -> {
          handle
              .createUpdate(
                  """
                  UPDATE stack_resource SET status = :status, status_reason = :statusReason,
                    physical_id = :physicalId, attributes = :attributesJson,
                    request_id = :requestId, updated_at = :now
                  WHERE stack_id = :stackId AND logical_id = :logicalId
                  """)
              .bindMethods(row)
              .bind("attributesJson", Json.write(row.attributes()))
              .bind("now", clock.millis())
              .execute();
          event(
              handle,
              row.stackId(),
              row.logicalId(),
              row.physicalId(),
              row.type(),
              row.status(),
              row.statusReason());
          return null;
        });
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
        row.getLong(10));
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
        row.getLong(9));
  }

  static Map<String, String> texts(String json) {
    return Json.MAPPER.convertValue(Json.tree(json), new TypeReference<Map<String, String>>() {});
  }
}
