package dev.tarn.engine;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.ExecutePlanResponse;
import org.apache.spark.connect.proto.Expression;

/**
 * One running statement. The thread that reads {@link #next} sets the pace: what it does not read
 * stays in the driver. Close it always; closing it before the end gives the statement up.
 */
public final class Execution implements AutoCloseable {
  private final String operationId;
  private final GrpcCall<ExecutePlanResponse> call;
  private final ConnectClient client;
  private final Session session;
  private final Map<String, Expression.Literal> metrics = new LinkedHashMap<>();
  private DataType schema;

  Execution(
      String operationId,
      GrpcCall<ExecutePlanResponse> call,
      ConnectClient client,
      Session session) {
    this.operationId = operationId;
    this.call = call;
    this.client = client;
    this.session = session;
  }

  /**
   * Rows as Spark sent them: {@code data} is a whole Arrow IPC stream (schema, record batches, end
   * of stream).
   */
  public record Batch(long rows, ByteString data) {}

  /** What {@link ConnectClient#interrupt} takes. */
  public String operationId() {
    return operationId;
  }

  /**
   * The next rows, or null after the last; even an empty result has one batch, with its schema.
   * Blocks.
   *
   * @throws SparkError Spark refused or failed
   * @throws EngineLost the engine went away
   */
  public Batch next() {
    try {
      for (ExecutePlanResponse answer = call.next(); answer != null; answer = call.next()) {
        if (answer.hasSchema()) {
          schema = answer.getSchema();
        }
        for (var observed : answer.getObservedMetricsList()) {
          for (int i = 0; i < observed.getKeysCount(); i++) {
            metrics.put(observed.getKeys(i), observed.getValues(i));
          }
        }
        if (answer.hasArrowBatch()) {
          var batch = answer.getArrowBatch();
          return new Batch(batch.getRowCount(), batch.getData());
        }
      }
      return null;
    } catch (IOException e) {
      throw client.explained(e, session);
    }
  }

  /** Spark's type of the result (a struct); null before the first {@link #next} returned. */
  public DataType schema() {
    return schema;
  }

  /** Observed metrics, complete after {@link #next} returned null. */
  public Map<String, Expression.Literal> metrics() {
    return metrics;
  }

  @Override
  public void close() {
    call.close();
  }
}
