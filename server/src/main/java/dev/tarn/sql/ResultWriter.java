package dev.tarn.sql;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.service.sql.BaseChunkInfo;
import com.databricks.sdk.service.sql.ColumnInfo;
import com.databricks.sdk.service.sql.Format;
import com.databricks.sdk.service.sql.ResultManifest;
import com.databricks.sdk.service.sql.ResultSchema;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import dev.tarn.engine.Execution.Batch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.spark.connect.proto.DataType;

/**
 * Turns the batches of one statement into the chunks of its result, one batch at a time: a result
 * is never held in memory. Chunks are files {@code chunk-0}, {@code chunk-1}, …; a result of one
 * small text chunk stays in memory and becomes a column of the statement's row.
 *
 * <p>{@code ARROW_STREAM} batches are written as they came; only a limit that cuts through a batch
 * makes that one be decoded. Sizes are those of the Arrow batches, whatever the format.
 */
final class ResultWriter implements AutoCloseable {
  static final long INLINE_LIMIT = 25L << 20;
  private static final long EXTERNAL_LIMIT = 100L << 30;
  private static final long INLINE_CHUNK = 4L << 20;
  private static final long EXTERNAL_CHUNK = 16L << 20;
  private static final int SMALL = 128 << 10;

  private static final JsonFactory JSON =
      JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();

  private final BufferAllocator allocator;
  private final Path folder;
  private final Format format;
  private final boolean inline;
  private final long rowLimit;
  private final long byteLimit;
  private final boolean failsAtLimit;

  private final List<BaseChunkInfo> chunks = new ArrayList<>();
  private final List<Future<?>> syncs = new ArrayList<>();
  private List<ColumnInfo> columns = List.of();
  private Chunk out;
  private String content;
  private JsonGenerator json;
  private long chunkRows;
  private long chunkArrowBytes;
  private long rows;
  private long arrowBytes;
  private boolean truncated;

  /**
   * @param folder where chunks go; made when the first is written
   * @param rowLimit null for none
   * @param byteLimit null for that of the disposition
   */
  ResultWriter(
      BufferAllocator allocator,
      Path folder,
      Format format,
      boolean inline,
      Long rowLimit,
      Long byteLimit) {
    this.allocator = allocator;
    this.folder = folder;
    this.format = format;
    this.inline = inline;
    this.rowLimit = rowLimit == null ? Long.MAX_VALUE : rowLimit;
    this.failsAtLimit = inline && (byteLimit == null || byteLimit >= INLINE_LIMIT);
    this.byteLimit =
        Math.min(
            byteLimit == null ? Long.MAX_VALUE : byteLimit, inline ? INLINE_LIMIT : EXTERNAL_LIMIT);
  }

  /** To be called once, before the first batch. */
  void schema(DataType struct) {
    columns = Columns.of(struct);
  }

  /**
   * Writes a batch.
   *
   * @return whether more are wanted; false when a limit is reached
   * @throws BadRequest an INLINE result is too large
   */
  boolean add(Batch batch) throws IOException {
    if (columns.isEmpty() || batch.rows() == 0) {
      return true;
    }
    long size = batch.data().size();
    long wanted = Math.min(batch.rows(), rowLimit - rows);
    if (arrowBytes + size > byteLimit) {
      if (failsAtLimit) {
        throw new BadRequest(
            "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a"
                + " result size of at most "
                + INLINE_LIMIT
                + " bytes. Please execute the statement with disposition=EXTERNAL_LINKS if you want"
                + " to download the full result.",
            null);
      }
      wanted = Math.min(wanted, batch.rows() * (byteLimit - arrowBytes) / size);
    }
    truncated = wanted < batch.rows();
    if (wanted > 0) {
      if (out == null) {
        open();
      }
      write(batch, (int) wanted);
      rows += wanted;
      chunkRows += wanted;
      arrowBytes += size;
      chunkArrowBytes += size;
      if (chunkArrowBytes >= (inline ? INLINE_CHUNK : EXTERNAL_CHUNK)) {
        finishChunk();
      }
    }
    return !truncated;
  }

  /**
   * What was written, on disk where it is in files.
   *
   * @param content the one chunk when it is small text, else null
   */
  record Result(ResultManifest manifest, String content) {}

  /** Ends the result. */
  Result finish() throws IOException {
    if (out != null) {
      finishChunk();
    }
    for (Future<?> each : syncs) {
      synced(each);
    }
    ResultManifest manifest =
        new ResultManifest()
            .setFormat(format)
            .setSchema(
                new ResultSchema()
                    .setColumnCount((long) columns.size())
                    .setColumns(columns.isEmpty() ? null : columns))
            .setTotalChunkCount((long) chunks.size())
            .setChunks(chunks.isEmpty() ? null : chunks)
            .setTotalRowCount(rows)
            .setTruncated(truncated);
    if (!inline) {
      manifest.setTotalByteCount(chunks.stream().mapToLong(BaseChunkInfo::getByteCount).sum());
    }
    return new Result(manifest, chunks.size() == 1 ? content : null);
  }

  Path chunk(int index) {
    return folder.resolve("chunk-" + index);
  }

  private void open() throws IOException {
    chunkRows = 0;
    chunkArrowBytes = 0;
    out = new Chunk();
    switch (format) {
      case JSON_ARRAY -> {
        json = JSON.createGenerator(out);
        json.writeStartArray();
      }
      case CSV -> {
        if (chunks.isEmpty()) {
          writeCsv(columns.stream().map(ColumnInfo::getName).toList());
        }
      }
      case ARROW_STREAM -> out.toFile();
    }
  }

  /** A chunk being written: in memory while it is small and the first, then in its file. */
  private final class Chunk extends OutputStream {
    private ByteArrayOutputStream memory;
    private FileChannel file;

    Chunk() throws IOException {
      if (chunks.isEmpty()) {
        memory = new ByteArrayOutputStream();
      } else {
        toFile();
      }
    }

    void toFile() throws IOException {
      if (file != null) {
        return;
      }
      Files.createDirectories(folder);
      file =
          FileChannel.open(
              chunk(chunks.size()), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      if (memory != null) {
        write(ByteBuffer.wrap(memory.toByteArray()));
        memory = null;
      }
    }

    void write(ByteBuffer bytes) throws IOException {
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (memory != null && memory.size() + length > SMALL) {
        toFile();
      }
      if (memory == null) {
        write(ByteBuffer.wrap(bytes, offset, length));
      } else {
        memory.write(bytes, offset, length);
      }
    }

    long size() throws IOException {
      return memory == null ? file.position() : memory.size();
    }

    /** Null when it is in its file. */
    String text() {
      return memory == null ? null : memory.toString(UTF_8);
    }

    /** Goes to disk while the next chunk is written. */
    @Override
    public void close() {
      FileChannel complete = file;
      if (complete != null) {
        FutureTask<?> sync =
            new FutureTask<>(
                () -> {
                  try (complete) {
                    complete.force(false);
                  }
                  return null;
                });
        syncs.add(sync);
        Thread.ofVirtual().name("sync-result").start(sync);
      }
    }

    void abandon() throws IOException {
      if (file != null) {
        file.close();
      }
    }
  }

  private void write(Batch batch, int wanted) throws IOException {
    if (format == Format.ARROW_STREAM) {
      writeArrow(
          wanted == batch.rows()
              ? ArrowStream.split(batch.data().asReadOnlyByteBuffer())
              : ArrowStream.split(ByteBuffer.wrap(cut(batch, wanted))));
      return;
    }
    try (ArrowStreamReader reader = new ArrowStreamReader(batch.data().newInput(), allocator)) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      int left = wanted;
      while (left > 0 && reader.loadNextBatch()) {
        int count = Math.min(left, root.getRowCount());
        writeRows(root, count);
        left -= count;
      }
    }
  }

  private void writeRows(VectorSchemaRoot root, int count) throws IOException {
    List<Values> values = new ArrayList<>();
    for (FieldVector vector : root.getFieldVectors()) {
      values.add(Values.of(vector));
    }
    for (int row = 0; row < count; row++) {
      if (format == Format.CSV) {
        List<String> texts = new ArrayList<>(values.size());
        for (Values each : values) {
          texts.add(each.text(row));
        }
        writeCsv(texts);
      } else {
        json.writeStartArray();
        for (Values each : values) {
          String text = each.text(row);
          if (text == null) {
            json.writeNull();
          } else {
            json.writeString(text);
          }
        }
        json.writeEndArray();
      }
    }
  }

  /** RFC 4180; null is the word null, as the service writes it. */
  private void writeCsv(List<String> texts) throws IOException {
    String line =
        texts.stream()
            .map(
                text ->
                    text == null
                        ? "null"
                        : text.matches("(?s).*[\",\r\n].*")
                            ? '"' + text.replace("\"", "\"\"") + '"'
                            : text)
            .collect(Collectors.joining(",", "", "\r\n"));
    out.write(line.getBytes(UTF_8));
  }

  private void writeArrow(ArrowStream stream) throws IOException {
    if (out.size() == 0) {
      out.write(stream.schema());
    }
    for (ByteBuffer each : stream.batches()) {
      out.write(each);
    }
  }

  private byte[] cut(Batch batch, int wanted) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ArrowStreamReader reader = new ArrowStreamReader(batch.data().newInput(), allocator)) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      reader.loadNextBatch();
      try (VectorSchemaRoot part = root.slice(0, wanted);
          ArrowStreamWriter writer = new ArrowStreamWriter(part, null, bytes)) {
        writer.start();
        writer.writeBatch();
      }
    }
    return bytes.toByteArray();
  }

  private void finishChunk() throws IOException {
    if (json != null) {
      json.writeEndArray();
      json.close();
      json = null;
    }
    if (format == Format.ARROW_STREAM) {
      out.write(ArrowStream.end());
    }
    BaseChunkInfo chunk =
        new BaseChunkInfo()
            .setChunkIndex((long) chunks.size())
            .setRowOffset(rows - chunkRows)
            .setRowCount(chunkRows);
    if (!inline) {
      chunk.setByteCount(out.size());
    }
    content = out.text();
    out.close();
    chunks.add(chunk);
    out = null;
  }

  private static void synced(Future<?> sync) throws IOException {
    try {
      sync.get();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while a result went to disk");
    }
  }

  @Override
  public void close() throws IOException {
    if (out != null) {
      out.abandon();
    }
  }
}
