package dev.tarn.sql;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;

/**
 * An Arrow IPC stream cut into its messages without decoding what they hold. Spark sends every
 * batch as a stream of its own (schema, batch, end); a file for a client is one schema, many
 * batches as they came, and one end.
 *
 * @param schema the schema message, with its framing
 * @param batches the record batches, each with its framing
 */
record ArrowStream(ByteBuffer schema, List<ByteBuffer> batches) {
  private static final int CONTINUATION = 0xffffffff;

  /** What ends a stream. */
  static ByteBuffer end() {
    return ByteBuffer.wrap(new byte[] {-1, -1, -1, -1, 0, 0, 0, 0});
  }

  /**
   * @throws IOException the bytes are not a whole stream, or one with dictionaries, which Spark
   *     never sends
   */
  static ArrowStream split(ByteBuffer stream) throws IOException {
    ByteBuffer bytes = stream.slice().order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer schema = null;
    List<ByteBuffer> batches = new ArrayList<>(1);
    int at = 0;
    while (at + 8 <= bytes.limit()) {
      if (bytes.getInt(at) != CONTINUATION) {
        throw new IOException("an Arrow stream of the engine is not framed as one");
      }
      int length = bytes.getInt(at + 4);
      if (length == 0) {
        break;
      }
      Message message =
          Message.getRootAsMessage(bytes.slice(at + 8, length).order(ByteOrder.LITTLE_ENDIAN));
      long size = 8L + length + message.bodyLength();
      if (at + size > bytes.limit()) {
        throw new IOException("an Arrow stream of the engine ends within a message");
      }
      ByteBuffer whole = bytes.slice(at, (int) size);
      switch (message.headerType()) {
        case MessageHeader.Schema -> schema = whole;
        case MessageHeader.RecordBatch -> batches.add(whole);
        default ->
            throw new IOException("unknown message in an Arrow stream: " + message.headerType());
      }
      at += (int) size;
    }
    if (schema == null) {
      throw new IOException("an Arrow stream of the engine has no schema");
    }
    return new ArrowStream(schema, batches);
  }
}
