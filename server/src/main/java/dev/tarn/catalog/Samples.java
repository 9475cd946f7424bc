package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnTypeName;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.ProvisioningInfo;
import com.databricks.sdk.service.catalog.ProvisioningInfoState;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableType;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.storage.Buckets;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The catalog {@code samples}: Delta tables that the build wrote (module samples), copied into the
 * bucket {@code tarn-samples}, a folder for each region. The catalog is there from the beginning,
 * in the state PROVISIONING; its tables and the state ACTIVE come in one transaction after the
 * files. A copy that a kill cut short goes on with the files that are missing.
 */
final class Samples implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Samples.class);

  static final String CATALOG = "samples";
  static final String SCHEMA = "tpch";
  static final String ROOT = "s3://tarn-samples";
  private static final String BUCKET = "tarn-samples";
  private static final String BUCKET_OWNER = "samples";
  private static final String LOG_FILE = "/_delta_log/00000000000000000000.json";

  private final Database database;
  private final Buckets buckets;
  private final Clock clock;
  private Thread worker;

  Samples(Database database, Buckets buckets, Clock clock) {
    this.database = database;
    this.buckets = buckets;
    this.clock = clock;
  }

  /** Goes on in the background where an earlier process stopped. */
  synchronized void resume() {
    worker =
        Thread.ofVirtual()
            .name("samples")
            .start(
                () -> {
                  try {
                    database
                        .<List<MetastoreInfo>, RuntimeException>read(MetastoreDao::list)
                        .forEach(this::load);
                  } catch (RuntimeException e) {
                    LOG.warn("the samples could not be loaded and are left for the next start", e);
                  }
                });
  }

  /** Makes the samples of a metastore ready; returns at once when they are. */
  void load(MetastoreInfo metastore) {
    if (state(metastore.getMetastoreId()) != ProvisioningInfoState.PROVISIONING) {
      return;
    }
    Path folder = bucket(metastore.getRegion()).resolve(metastore.getRegion());
    copy(folder);
    database.inTransaction(
        handle -> {
          register(handle, metastore);
          return null;
        });
  }

  private Path bucket(String region) {
    try {
      buckets.create(BUCKET, region, BUCKET_OWNER);
    } catch (ResourceAlreadyExists e) {
      // By an earlier metastore, or an earlier try.
    }
    return buckets.folder(BUCKET);
  }

  /** Two at once do the same work twice; a file is moved into its place when it is whole. */
  void copy(Path folder) {
    for (String file : files()) {
      byte[] content = resource(file);
      Path target = folder.resolve(file);
      try {
        if (Files.exists(target) && Files.size(target) == content.length) {
          continue;
        }
        Files.createDirectories(target.getParent());
        Path part = Files.createTempFile(target.getParent(), ".part", ".tmp");
        Files.write(part, content);
        try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
          channel.force(true);
        }
        Files.move(
            part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot write the sample " + target, e);
      }
    }
  }

  private void register(Handle handle, MetastoreInfo metastore) {
    Securable catalog = catalog(handle, metastore.getMetastoreId()).orElse(null);
    if (catalog == null || stateOf(catalog) != ProvisioningInfoState.PROVISIONING) {
      return; // Deleted with its metastore, or made ready by another workspace's provisioning.
    }
    Securable schema =
        Securables.child(handle, catalog, SecurableType.SCHEMA, SCHEMA).orElseThrow();
    long now = clock.millis();
    for (String file : files()) {
      if (file.endsWith(LOG_FILE)) {
        String table = file.substring(0, file.length() - LOG_FILE.length());
        JsonNode metaData = metaData(file);
        Securables.insert(
            handle,
            Securable.of(
                UUID.randomUUID().toString(),
                SecurableType.TABLE,
                TableType.MANAGED.name(),
                schema,
                table.substring(table.lastIndexOf('/') + 1),
                null,
                ROOT + "/" + metastore.getRegion() + "/" + table,
                Json.write(
                    new TableInfo()
                        .setDataSourceFormat(DataSourceFormat.DELTA)
                        .setColumns(columns(metaData))
                        .setComment(metaData.path("description").asText())
                        .setCreatedAt(now)
                        .setCreatedBy(Securable.SYSTEM)
                        .setUpdatedAt(now)
                        .setUpdatedBy(Securable.SYSTEM))));
      }
    }
    Securables.update(
        handle,
        catalog,
        catalog.with(
            Json.write(
                Catalogs.document(catalog)
                    .setProvisioningInfo(
                        new ProvisioningInfo().setState(ProvisioningInfoState.ACTIVE)))));
  }

  private static Optional<Securable> catalog(Handle handle, String metastoreId) {
    return Securables.metastore(handle, metastoreId)
        .flatMap(metastore -> Securables.child(handle, metastore, SecurableType.CATALOG, CATALOG));
  }

  /** {@code loading} while those of any metastore are; null before there is a metastore. */
  String state() {
    List<ProvisioningInfoState> states =
        database.<List<MetastoreInfo>, RuntimeException>read(MetastoreDao::list).stream()
            .map(metastore -> state(metastore.getMetastoreId()))
            .toList();
    return states.isEmpty()
        ? null
        : states.contains(ProvisioningInfoState.PROVISIONING) ? "loading" : "ready";
  }

  private ProvisioningInfoState state(String metastoreId) {
    return database.read(handle -> catalog(handle, metastoreId).map(Samples::stateOf).orElse(null));
  }

  private static ProvisioningInfoState stateOf(Securable catalog) {
    return Catalogs.document(catalog).getProvisioningInfo().getState();
  }

  private static List<String> files() {
    return new String(resource("files.txt"), StandardCharsets.UTF_8).lines().toList();
  }

  private static byte[] resource(String name) {
    try (InputStream in = Samples.class.getResourceAsStream("/samples/" + name)) {
      if (in == null) {
        throw new IllegalStateException(
            "/samples/" + name + " is not on the class path (expected: the jar tarn-samples)");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read /samples/" + name, e);
    }
  }

  /** What the table's own log declares: an engine compares it with what the catalog says. */
  private static JsonNode metaData(String logFile) {
    return new String(resource(logFile), StandardCharsets.UTF_8)
        .lines()
        .map(Json::tree)
        .filter(action -> action.has("metaData"))
        .map(action -> action.path("metaData"))
        .findFirst()
        .orElseThrow();
  }

  private static List<ColumnInfo> columns(JsonNode metaData) {
    List<ColumnInfo> columns = new ArrayList<>();
    for (JsonNode field : Json.tree(metaData.path("schemaString").asText()).path("fields")) {
      String type = field.path("type").asText();
      ColumnInfo column =
          new ColumnInfo()
              .setName(field.path("name").asText())
              .setTypeJson(field.toString())
              .setNullable(true)
              .setPosition((long) columns.size());
      switch (type) {
        case "long" -> column.setTypeName(ColumnTypeName.LONG).setTypeText("bigint");
        case "integer" -> column.setTypeName(ColumnTypeName.INT).setTypeText("int");
        case "string" -> column.setTypeName(ColumnTypeName.STRING).setTypeText("string");
        case "date" -> column.setTypeName(ColumnTypeName.DATE).setTypeText("date");
        case "decimal(18,2)" ->
            column
                .setTypeName(ColumnTypeName.DECIMAL)
                .setTypeText(type)
                .setTypePrecision(18L)
                .setTypeScale(2L);
        default -> throw new IllegalStateException("a sample has a column of type " + type);
      }
      columns.add(column);
    }
    return columns;
  }

  @Override
  public synchronized void close() {
    if (worker != null) {
      try {
        worker.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
