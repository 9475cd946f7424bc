package dev.tarn.sql;

import com.google.protobuf.ByteString;
import dev.tarn.engine.EngineLost;
import dev.tarn.engine.Execution.Batch;
import dev.tarn.engine.SparkError;
import dev.tarn.http.Caller;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.Expression.Literal;

/**
 * Engines without Spark: {@code range N} gives the numbers below N in batches of {@link #perBatch},
 * {@code wait} runs until somebody stops it, {@code nothing} is DDL, anything else is an error of
 * Spark's.
 */
final class TestCompute implements Compute {
  final List<TestEngine> engines = new CopyOnWriteArrayList<>();
  final Semaphore mayStart = new Semaphore(1_000);
  final CountDownLatch waits = new CountDownLatch(1);
  String startFailure;
  String lost;
  int perBatch = 2;

  @Override
  public Engine start(long workspaceId, String warehouseId) {
    mayStart.acquireUninterruptibly();
    if (startFailure != null) {
      throw new IllegalStateException(startFailure);
    }
    TestEngine engine = new TestEngine("engine-" + engines.size());
    engines.add(engine);
    return engine;
  }

  @Override
  public List<dev.tarn.engine.Engine.State> elsewhere(String warehouseId) {
    return List.of();
  }

  @Override
  public void stopElsewhere(String warehouseId, String reason) {
    throw new IllegalStateException("there is no other control plane");
  }

  @Override
  public Engine find(long workspaceId, String warehouseId) {
    return null;
  }

  @Override
  public String lost(String warehouseId) {
    return lost;
  }

  final class TestEngine implements Engine {
    private final String id;
    final CompletableFuture<String> died = new CompletableFuture<>();
    final CompletableFuture<Void> gone = new CompletableFuture<>();
    final List<Map<String, Literal>> parameters = new CopyOnWriteArrayList<>();

    TestEngine(String id) {
      this.id = id;
    }

    void die(String cause) {
      died.complete(cause);
      gone.complete(null);
    }

    @Override
    public String id() {
      return id;
    }

    @Override
    public Query execute(
        Caller caller, String catalog, String schema, String sql, Map<String, Literal> given) {
      if (gone.isDone()) {
        throw new EngineLost("nobody answers", null, false);
      }
      parameters.add(given);
      return new TestQuery(this, sql);
    }

    @Override
    public CompletionStage<String> died() {
      return died;
    }

    @Override
    public void stop(String reason) {
      gone.complete(null);
    }
  }

  private final class TestQuery implements Query {
    private final TestEngine engine;
    private final String sql;
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();
    private long at;

    TestQuery(TestEngine engine, String sql) {
      this.engine = engine;
      this.sql = sql;
    }

    @Override
    public Batch next() {
      List<String> words = List.of(sql.split(" ", -1));
      switch (words.getFirst()) {
        case "range" -> {
          long end = Long.parseLong(words.get(1));
          long from = at;
          at = Math.min(end, from + perBatch);
          return from == 0 || from < end ? numbers(from, at) : null;
        }
        case "nothing" -> {
          return at++ == 0 ? new Batch(0, ByteString.EMPTY) : null;
        }
        case "wait" -> {
          waits.countDown();
          CompletableFuture.anyOf(stopped, engine.gone).join();
          if (engine.gone.isDone()) {
            throw new EngineLost("it was killed", null, true);
          }
          throw new SparkError("[OPERATION_CANCELED] canceled", "OPERATION_CANCELED", "HY008");
        }
        default ->
            throw new SparkError(
                "\n[PARSE_SYNTAX_ERROR] Syntax error at or near '"
                    + words.getFirst()
                    + "';\n'Project [*]",
                "PARSE_SYNTAX_ERROR",
                "42601");
      }
    }

    @Override
    public DataType schema() {
      DataType.Struct.Builder struct = DataType.Struct.newBuilder();
      if (sql.startsWith("range")) {
        struct.addFields(
            DataType.StructField.newBuilder()
                .setName("id")
                .setDataType(DataType.newBuilder().setLong(DataType.Long.getDefaultInstance())));
      }
      return DataType.newBuilder().setStruct(struct).build();
    }

    @Override
    public void interrupt() {
      stopped.complete(null);
    }

    @Override
    public void close() {}
  }

  /** The numbers from {@code from} to below {@code to}, as Spark would send them. */
  static Batch numbers(long from, long to) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (BufferAllocator allocator = new RootAllocator();
        BigIntVector vector = new BigIntVector("id", allocator);
        VectorSchemaRoot root = VectorSchemaRoot.of(vector);
        ArrowStreamWriter writer = new ArrowStreamWriter(root, null, Channels.newChannel(bytes))) {
      for (long i = from; i < to; i++) {
        vector.setSafe((int) (i - from), i);
      }
      root.setRowCount((int) (to - from));
      writer.start();
      writer.writeBatch();
      writer.end();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Batch(to - from, ByteString.copyFrom(bytes.toByteArray()));
  }

  /** What is in an Arrow stream of such numbers. */
  static List<Long> read(java.io.InputStream stream) throws IOException {
    List<Long> numbers = new ArrayList<>();
    try (BufferAllocator allocator = new RootAllocator();
        var reader = new org.apache.arrow.vector.ipc.ArrowStreamReader(stream, allocator)) {
      while (reader.loadNextBatch()) {
        BigIntVector vector = (BigIntVector) reader.getVectorSchemaRoot().getVector(0);
        for (int i = 0; i < vector.getValueCount(); i++) {
          numbers.add(vector.get(i));
        }
      }
    }
    return numbers;
  }
}
