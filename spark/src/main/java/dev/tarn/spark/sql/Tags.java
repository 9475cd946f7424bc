package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.AlterTagsContext;
import dev.tarn.spark.sql.TarnSqlParser.KindContext;
import dev.tarn.spark.sql.TarnSqlParser.MultipartIdentifierContext;
import dev.tarn.spark.sql.TarnSqlParser.SetTagContext;
import dev.tarn.spark.sql.TarnSqlParser.TagContext;
import dev.tarn.spark.sql.TarnSqlParser.UnsetTagContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** Tags on catalogs, schemas, tables, columns, volumes. */
final class Tags extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;

  Tags(Texts texts) {
    this.texts = texts;
  }

  @Override
  public LogicalPlan visitAlterTags(AlterTagsContext alter) {
    Kind kind = Texts.kind(alter.kind());
    List<String> name = texts.name(alter.name);
    On on =
        alter.column == null
            ? new On(kind, name, null)
            : new On(kind, name, texts.name(alter.column));
    if (alter.UNSET() == null) {
      return set(on, tags(alter.tag()));
    }
    return unset(on, List.copyOf(tags(alter.tag()).keySet()));
  }

  private Map<String, String> tags(List<TagContext> tags) {
    Map<String, String> all = new LinkedHashMap<>();
    for (TagContext tag : tags) {
      all.put(texts.tag(tag.key), tag.value == null ? "" : texts.tag(tag.value));
    }
    return all;
  }

  @Override
  public LogicalPlan visitSetTag(SetTagContext set) {
    String value = set.value == null ? "" : texts.tag(set.value);
    return set(
        on(set.COLUMN() != null, set.kind(), set.multipartIdentifier()),
        Map.of(texts.tag(set.key), value));
  }

  @Override
  public LogicalPlan visitUnsetTag(UnsetTagContext unset) {
    return unset(
        on(unset.COLUMN() != null, unset.kind(), unset.multipartIdentifier()),
        List.of(texts.tag(unset.key)));
  }

  /** A tag's object: {@code column} is null, or one of the table's. */
  private record On(Kind kind, List<String> name, List<String> column) {
    String type() {
      return column == null ? kind.collection : "columns";
    }

    String fullName(OnServer server) {
      List<String> whole = new ArrayList<>(server.complete(kind, name));
      if (column != null) {
        whole.addAll(column);
      }
      return String.join(".", whole);
    }

    String tags(OnServer server) {
      return "entity-tag-assignments/"
          + type()
          + "/"
          + CatalogServer.encoded(fullName(server))
          + "/tags/";
    }
  }

  private On on(boolean column, KindContext kind, MultipartIdentifierContext context) {
    List<String> name = texts.name(context);
    if (!column) {
      return new On(Texts.kind(kind), name, null);
    }
    Texts.Column of = Texts.column(context, name);
    return new On(Kind.TABLE, of.table(), of.column());
  }

  /** The API makes a tag or changes it; SQL does whichever is needed. */
  private static LogicalPlan set(On on, Map<String, String> tags) {
    return ServerCommand.change(
        "SET TAGS",
        server ->
            tags.forEach(
                (key, value) -> {
                  ObjectNode tag =
                      CatalogServer.JSON
                          .createObjectNode()
                          .put("entity_type", on.type())
                          .put("entity_name", on.fullName(server))
                          .put("tag_key", key)
                          .put("tag_value", value);
                  try {
                    server.post("entity-tag-assignments", tag);
                  } catch (CatalogError e) {
                    if (!e.isAlreadyExists()) {
                      throw e;
                    }
                    server.patch(
                        on.tags(server) + CatalogServer.encoded(key) + "?update_mask=tag_value",
                        tag);
                  }
                }));
  }

  private static LogicalPlan unset(On on, List<String> keys) {
    return ServerCommand.change(
        "UNSET TAGS",
        server -> keys.forEach(key -> server.delete(on.tags(server) + CatalogServer.encoded(key))));
  }
}
