package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.AlterVolumeContext;
import dev.tarn.spark.sql.TarnSqlParser.CreateVolumeContext;
import dev.tarn.spark.sql.TarnSqlParser.DescribeVolumeContext;
import dev.tarn.spark.sql.TarnSqlParser.DropVolumeContext;
import dev.tarn.spark.sql.TarnSqlParser.ListFilesContext;
import dev.tarn.spark.sql.TarnSqlParser.MoveFileContext;
import dev.tarn.spark.sql.TarnSqlParser.RemoveFileContext;
import dev.tarn.spark.sql.TarnSqlParser.ShowVolumesContext;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** Volumes, and the files in them. */
final class Volumes extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;

  Volumes(Texts texts) {
    this.texts = texts;
  }

  @Override
  public LogicalPlan visitCreateVolume(CreateVolumeContext create) {
    List<String> name = texts.name(create.multipartIdentifier());
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    body.put("volume_type", create.EXTERNAL() == null ? "MANAGED" : "EXTERNAL");
    if (create.location != null) {
      body.put("storage_location", texts.text(create.location));
    }
    if ((create.EXTERNAL() == null) != (create.location == null)) {
      throw new Wrong(create.start, "LOCATION for an EXTERNAL volume, and for no other");
    }
    if (create.comment != null) {
      body.put("comment", texts.text(create.comment));
    }
    return ServerCommand.create(
        "CREATE VOLUME",
        create.ifNotExists() != null,
        server -> {
          List<String> whole = server.complete(Kind.VOLUME, name);
          body.put("catalog_name", whole.get(0))
              .put("schema_name", whole.get(1))
              .put("name", whole.get(2));
          server.post("volumes", body);
        });
  }

  @Override
  public LogicalPlan visitAlterVolume(AlterVolumeContext alter) {
    List<String> name = texts.name(alter.multipartIdentifier(0));
    List<String> to = texts.name(alter.multipartIdentifier(1));
    return ServerCommand.change(
        "ALTER VOLUME RENAME TO",
        server -> {
          List<String> from = server.complete(Kind.VOLUME, name);
          List<String> target = to.size() == 1 ? List.of(from.get(0), from.get(1), to.get(0)) : to;
          List<String> whole = server.complete(Kind.VOLUME, target);
          if (!whole.subList(0, 2).equals(from.subList(0, 2))) {
            throw new IllegalArgumentException(
                "ALTER VOLUME "
                    + String.join(".", from)
                    + " RENAME TO "
                    + String.join(".", whole)
                    + " (expected: a name in the same schema)");
          }
          server.patch(
              server.path(Kind.VOLUME, from),
              CatalogServer.JSON.createObjectNode().put("new_name", whole.get(2)));
        });
  }

  @Override
  public LogicalPlan visitDropVolume(DropVolumeContext drop) {
    return ServerCommand.drop(
        Kind.VOLUME, texts.name(drop.multipartIdentifier()), drop.ifExists() != null, false);
  }

  @Override
  public LogicalPlan visitDescribeVolume(DescribeVolumeContext describe) {
    List<String> name = texts.name(describe.multipartIdentifier());
    return ServerCommand.rows(
        "DESCRIBE VOLUME",
        "name STRING NOT NULL, catalog STRING NOT NULL, database STRING NOT NULL,"
            + " owner STRING NOT NULL, storageLocation STRING, volumeType STRING NOT NULL,"
            + " comment STRING",
        server -> {
          JsonNode volume = server.get(server.path(Kind.VOLUME, name));
          return List.<Object[]>of(
              new Object[] {
                volume.path("name").asText(),
                volume.path("catalog_name").asText(),
                volume.path("schema_name").asText(),
                volume.path("owner").asText(),
                OnServer.text(volume.path("storage_location")),
                volume.path("volume_type").asText(),
                OnServer.text(volume.path("comment"))
              });
        });
  }

  @Override
  public LogicalPlan visitShowVolumes(ShowVolumesContext show) {
    List<String> schema = texts.name(show.multipartIdentifier());
    String pattern = show.text() == null ? "*" : texts.text(show.text());
    return ServerCommand.rows(
        "SHOW VOLUMES",
        "database STRING NOT NULL, volumeName STRING NOT NULL",
        server -> {
          String database = server.complete(Kind.SCHEMA, schema).get(1);
          return Texts.matching(
                  server.list("volumes?" + server.schemaQuery(schema), "volumes").stream()
                      .map(volume -> volume.path("name").asText()),
                  pattern)
              .map(name -> new Object[] {database, name})
              .toList();
        });
  }

  // ---- files ----

  @Override
  public LogicalPlan visitListFiles(ListFilesContext list) {
    String path = volumePath(list.text());
    long limit = list.limit == null ? Long.MAX_VALUE : Long.parseLong(list.limit.getText());
    return ServerCommand.rows(
        "LIST",
        "path STRING NOT NULL, name STRING NOT NULL, size BIGINT NOT NULL,"
            + " modification_time BIGINT NOT NULL",
        server ->
            server.list("/api/2.0/fs/directories" + encoded(path), "contents").stream()
                .limit(limit)
                .map(
                    file -> {
                      String slash = file.path("is_directory").asBoolean() ? "/" : "";
                      return new Object[] {
                        file.path("path").asText() + slash,
                        file.path("name").asText() + slash,
                        file.path("file_size").asLong(),
                        file.path("last_modified").asLong()
                      };
                    })
                .toList());
  }

  @Override
  public LogicalPlan visitRemoveFile(RemoveFileContext remove) {
    String path = volumePath(remove.text());
    return ServerCommand.change(
        "REMOVE", server -> server.delete("/api/2.0/fs/files" + encoded(path)));
  }

  /** The file is at the client, and no client of an engine sends it with a statement. */
  @Override
  public LogicalPlan visitMoveFile(MoveFileContext move) {
    String verb = move.start.getText().toUpperCase(Locale.ROOT);
    throw new UnsupportedOperationException(
        verb + " moves a file of the client, which an engine does not see; use the Files API");
  }

  private String volumePath(TarnSqlParser.TextContext text) {
    String path = texts.text(text);
    path = path.startsWith("dbfs:/Volumes/") ? path.substring("dbfs:".length()) : path;
    if (!path.startsWith("/Volumes/")) {
      throw new Wrong(text.start, "a path in a volume, /Volumes/catalog/schema/volume/...");
    }
    return path;
  }

  private static String encoded(String path) {
    return Arrays.stream(path.split("/", -1))
        .map(CatalogServer::encoded)
        .collect(Collectors.joining("/"));
  }
}
