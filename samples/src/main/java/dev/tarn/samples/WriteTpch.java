package dev.tarn.samples;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.trino.tpch.TpchColumn;
import io.trino.tpch.TpchEntity;
import io.trino.tpch.TpchTable;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.Util;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;

/**
 * Writes {@code samples.tpch}: TPC-H at scale factor 0.01 as eight Delta tables of one Parquet file
 * each, with the column types of the platform's own {@code samples.tpch}. Every run writes the same
 * bytes. Run by the build, so that an installation has the tables before it has an engine.
 *
 * <p>{@code files.txt} beside them lists all files in the order in which they can be copied: a
 * table's log last, so that it is not there before its data is.
 */
public final class WriteTpch {
  private static final double SCALE = 0.01;
  private static final long MADE_AT = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

  private WriteTpch() {}

  /**
   * @param arguments the folder below which {@code samples/} is written
   */
  public static void main(String[] arguments) throws Exception {
    Path root = Path.of(arguments[0], "samples");
    Path list = root.resolve("files.txt");
    Path self =
        Path.of(WriteTpch.class.getProtectionDomain().getCodeSource().getLocation().toURI())
            .resolve(WriteTpch.class.getName().replace('.', '/') + ".class");
    if (Files.exists(list)
        && Files.getLastModifiedTime(list).compareTo(Files.getLastModifiedTime(self)) >= 0) {
      return;
    }
    List<String> files = new ArrayList<>();
    for (TpchTable<?> table : TpchTable.getTables()) {
      Path folder = root.resolve("tpch").resolve(table.getTableName());
      Files.createDirectories(folder.resolve("_delta_log"));
      String file = "part-00000-" + id(table) + "-c000.snappy.parquet";
      long rows = writeData(table, folder.resolve(file));
      Path log = folder.resolve("_delta_log").resolve("%020d.json".formatted(0));
      Files.writeString(log, log(table, file, Files.size(folder.resolve(file)), rows));
      files.add(root.relativize(folder.resolve(file)).toString());
      files.add(root.relativize(log).toString());
    }
    Files.write(list, files);
  }

  private static UUID id(TpchTable<?> table) {
    return UUID.nameUUIDFromBytes(
        ("tarn samples.tpch." + table.getTableName()).getBytes(StandardCharsets.UTF_8));
  }

  private static <E extends TpchEntity> long writeData(TpchTable<E> table, Path file)
      throws IOException {
    Types.MessageTypeBuilder types = Types.buildMessage();
    for (TpchColumn<E> column : table.getColumns()) {
      switch (column.getType().getBase()) {
        case IDENTIFIER -> types.optional(PrimitiveTypeName.INT64).named(column.getColumnName());
        case INTEGER -> types.optional(PrimitiveTypeName.INT32).named(column.getColumnName());
        case DOUBLE ->
            types
                .optional(PrimitiveTypeName.INT64)
                .as(LogicalTypeAnnotation.decimalType(2, 18))
                .named(column.getColumnName());
        case VARCHAR ->
            types
                .optional(PrimitiveTypeName.BINARY)
                .as(LogicalTypeAnnotation.stringType())
                .named(column.getColumnName());
        case DATE ->
            types
                .optional(PrimitiveTypeName.INT32)
                .as(LogicalTypeAnnotation.dateType())
                .named(column.getColumnName());
      }
    }
    MessageType schema = types.named("spark_schema");
    Files.deleteIfExists(file);
    long rows = 0;
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withConf(new PlainParquetConfiguration())
            .withType(schema)
            .withCompressionCodec(CompressionCodecName.SNAPPY)
            .build()) {
      for (E entity : table.createGenerator(SCALE, 1, 1)) {
        Group row = new SimpleGroup(schema);
        for (TpchColumn<E> column : table.getColumns()) {
          String name = column.getColumnName();
          switch (column.getType().getBase()) {
            case IDENTIFIER -> row.add(name, column.getIdentifier(entity));
            case INTEGER -> row.add(name, column.getInteger(entity));
            case DOUBLE -> row.add(name, Math.round(column.getDouble(entity) * 100));
            case VARCHAR -> row.add(name, Binary.fromString(column.getString(entity)));
            case DATE -> row.add(name, column.getDate(entity));
          }
        }
        writer.write(row);
        rows++;
      }
    }
    sortFooter(file);
    return rows;
  }

  /**
   * The writer lists the encodings of a column in the order of a hash set of enum constants, which
   * is another one in every JVM.
   */
  private static void sortFooter(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int end = bytes.capacity() - MAGIC.length - Integer.BYTES;
    int start = end - bytes.getInt(end);
    FileMetaData footer =
        Util.readFileMetaData(new ByteArrayInputStream(bytes.array(), start, end - start));
    for (RowGroup group : footer.getRow_groups()) {
      for (ColumnChunk column : group.getColumns()) {
        column.getMeta_data().getEncodings().sort(null);
      }
    }
    ByteArrayOutputStream sorted = new ByteArrayOutputStream();
    sorted.write(bytes.array(), 0, start);
    Util.writeFileMetaData(footer, sorted);
    byte[] length = new byte[Integer.BYTES];
    ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).putInt(sorted.size() - start);
    sorted.write(length);
    sorted.write(MAGIC);
    Files.write(file, sorted.toByteArray());
  }

  private static String log(TpchTable<?> table, String file, long size, long rows)
      throws IOException {
    ObjectNode commit = JSON.createObjectNode();
    commit
        .putObject("commitInfo")
        .put("timestamp", MADE_AT)
        .put("operation", "CREATE TABLE AS SELECT")
        .put("isBlindAppend", true)
        .put("engineInfo", "Tarn samples")
        .putObject("operationParameters")
        .put("isManaged", "true");
    ObjectNode protocol = JSON.createObjectNode();
    protocol.putObject("protocol").put("minReaderVersion", 1).put("minWriterVersion", 2);

    ObjectNode schema = JSON.createObjectNode().put("type", "struct");
    ArrayNode fields = schema.putArray("fields");
    for (TpchColumn<?> column : table.getColumns()) {
      fields
          .addObject()
          .put("name", column.getColumnName())
          .put("type", type(column))
          .put("nullable", true)
          .putObject("metadata");
    }
    ObjectNode metaData = JSON.createObjectNode();
    ObjectNode meta = metaData.putObject("metaData");
    meta.put("id", id(table).toString());
    meta.put("name", "tpch." + table.getTableName());
    meta.put("description", "TPC-H, scale factor " + SCALE);
    meta.putObject("format").put("provider", "parquet").putObject("options");
    meta.put("schemaString", schema.toString());
    meta.putArray("partitionColumns");
    meta.putObject("configuration");
    meta.put("createdTime", MADE_AT);

    ObjectNode add = JSON.createObjectNode();
    ObjectNode added = add.putObject("add");
    added.put("path", file);
    added.putObject("partitionValues");
    added.put("size", size).put("modificationTime", MADE_AT).put("dataChange", true);
    added.put("stats", JSON.createObjectNode().put("numRecords", rows).toString());
    return commit + "\n" + protocol + "\n" + metaData + "\n" + add + "\n";
  }

  private static String type(TpchColumn<?> column) {
    return switch (column.getType().getBase()) {
      case IDENTIFIER -> "long";
      case INTEGER -> "integer";
      case DOUBLE -> "decimal(18,2)";
      case VARCHAR -> "string";
      case DATE -> "date";
    };
  }
}
