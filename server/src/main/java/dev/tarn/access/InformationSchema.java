package dev.tarn.access;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.SecurableType;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The views of {@code information_schema}, of a catalog or of all: what the reader sees, row by
 * row. An engine asks for it when a query reads such a view; it is the same as lists and grants
 * tell, so nothing is shown here that they would not show.
 */
public final class InformationSchema {
  /** Objects looked at for one page. */
  private static final int PAGE = 500;

  /** Catalogs and schemas passed for one page, when there is little in them. */
  private static final int CONTAINERS = 500;

  private final Access access;

  InformationSchema(Access access) {
    this.access = access;
  }

  /**
   * @param catalogName null or {@code system}: all catalogs
   */
  public record Wanted(String view, String catalogName, Long maxResults, String pageToken) {}

  public record Rows(List<Map<String, Object>> rows, String nextPageToken) {}

  /** What a view is of, and the rows that one of these has. */
  private record View(SecurableType type, Beside beside, Of of) {
    /** What is looked up for a page beside the securables themselves. */
    enum Beside {
      NOTHING,
      GRANTS,
      TAGS
    }

    View(SecurableType type, Of of) {
      this(type, Beside.NOTHING, of);
    }
  }

  /**
   * @param column "" when it is on the securable itself
   */
  private record Tag(String column, String key, String value) {}

  private interface Of {
    void add(Walk walk, Securable securable, JsonNode document);
  }

  private static final Map<String, View> VIEWS =
      Map.ofEntries(
          Map.entry("catalogs", new View(SecurableType.CATALOG, InformationSchema::catalog)),
          Map.entry("schemata", new View(SecurableType.SCHEMA, InformationSchema::schema)),
          Map.entry("tables", new View(SecurableType.TABLE, InformationSchema::table)),
          Map.entry("columns", new View(SecurableType.TABLE, InformationSchema::columns)),
          Map.entry("views", new View(SecurableType.TABLE, InformationSchema::view)),
          Map.entry("volumes", new View(SecurableType.VOLUME, InformationSchema::volume)),
          Map.entry("routines", new View(SecurableType.FUNCTION, InformationSchema::routine)),
          Map.entry("parameters", new View(SecurableType.FUNCTION, InformationSchema::parameters)),
          Map.entry(
              "external_locations",
              new View(SecurableType.EXTERNAL_LOCATION, InformationSchema::location)),
          Map.entry(
              "storage_credentials",
              new View(SecurableType.CREDENTIAL, InformationSchema::credential)),
          Map.entry(
              "connections", new View(SecurableType.CONNECTION, InformationSchema::connection)),
          Map.entry("catalog_tags", tags(SecurableType.CATALOG)),
          Map.entry("schema_tags", tags(SecurableType.SCHEMA)),
          Map.entry("table_tags", tags(SecurableType.TABLE)),
          Map.entry(
              "column_tags",
              new View(
                  SecurableType.TABLE,
                  View.Beside.TAGS,
                  (walk, table, document) -> walk.tags(table, true))),
          Map.entry("volume_tags", tags(SecurableType.VOLUME)),
          Map.entry("row_filters", new View(SecurableType.TABLE, InformationSchema::filter)),
          Map.entry("column_masks", new View(SecurableType.TABLE, InformationSchema::masks)),
          Map.entry(
              "table_constraints", new View(SecurableType.TABLE, InformationSchema::constraints)),
          Map.entry("key_column_usage", new View(SecurableType.TABLE, InformationSchema::keys)),
          Map.entry("catalog_privileges", privileges(SecurableType.CATALOG, "catalog")),
          Map.entry("schema_privileges", privileges(SecurableType.SCHEMA, "schema")),
          Map.entry("table_privileges", privileges(SecurableType.TABLE, "table")),
          Map.entry("volume_privileges", privileges(SecurableType.VOLUME, "volume")),
          Map.entry("routine_privileges", privileges(SecurableType.FUNCTION, "routine")),
          Map.entry(
              "external_location_privileges",
              privileges(SecurableType.EXTERNAL_LOCATION, "external_location")),
          Map.entry(
              "storage_credential_privileges",
              privileges(SecurableType.CREDENTIAL, "storage_credential")),
          Map.entry("connection_privileges", privileges(SecurableType.CONNECTION, "connection")),
          Map.entry(
              "metastore_privileges",
              new View(
                  SecurableType.METASTORE,
                  View.Beside.GRANTS,
                  (walk, metastore, document) -> walk.privileges(metastore, "metastore"))));

  /** Everybody, about what they see. */
  @Operation("GET /api/2.1/unity-catalog/tarn/information-schema/{view}")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Rows get(Caller caller, Wanted wanted) {
    View view = VIEWS.get(String.valueOf(wanted.view()).toLowerCase(Locale.ROOT));
    if (view == null) {
      throw new NotFound(
          "TABLE_DOES_NOT_EXIST",
          "Table " + Names.shown("information_schema." + wanted.view()) + " does not exist.",
          null);
    }
    int size = Math.max(1, Page.size(wanted.maxResults(), PAGE, PAGE));
    List<String> from = position(wanted.pageToken());
    Set<Long> mine = access.people().standsFor(Long.parseLong(caller.principalId()));
    return access.read(
        caller,
        rights -> {
          Walk walk = new Walk(rights, mine, view, size);
          walk.from(wanted.catalogName(), from);
          return new Rows(walk.rows, token(walk.position));
        });
  }

  private static String token(List<String> position) {
    return position == null
        ? null
        : Base64.getUrlEncoder()
            .withoutPadding()
            .encodeToString(Json.write(position).getBytes(StandardCharsets.UTF_8));
  }

  private static List<String> position(String token) {
    if (token == null || token.isEmpty()) {
      return List.of();
    }
    try {
      return List.of(Json.MAPPER.readValue(Base64.getUrlDecoder().decode(token), String[].class));
    } catch (IllegalArgumentException | java.io.IOException e) {
      throw new InvalidParameterValue(
          "page_token: " + Names.shown(token) + " (expected: one that an answer had)", null);
    }
  }

  /** From one object to the next, in the order of their names, until a page is full. */
  private static final class Walk {
    final List<Map<String, Object>> rows = new ArrayList<>();

    /** Names down to the last object looked at; null when all were. */
    List<String> position;

    private final Rights rights;
    private final Set<Long> mine;

    /** Grants by securable: of what the reader manages all, of the rest the reader's own. */
    private final Map<String, List<Grants.Given>> all = new HashMap<>();

    private final Map<String, List<Grants.Given>> own = new HashMap<>();

    private final Map<String, List<Tag>> tags = new HashMap<>();
    private final View view;
    private final int depth;
    private int objectsLeft;
    private int containersLeft = CONTAINERS;

    Walk(Rights rights, Set<Long> mine, View view, int size) {
      this.rights = rights;
      this.mine = mine;
      this.view = view;
      this.objectsLeft = size;
      depth =
          switch (view.type()) {
            case SCHEMA -> 2;
            case TABLE, VOLUME, FUNCTION -> 3;
            default -> 1;
          };
    }

    void from(String catalogName, List<String> from) {
      boolean all = catalogName == null || catalogName.equalsIgnoreCase("system");
      if (view.type() == SecurableType.METASTORE) {
        loadBeside(List.of(rights.metastore()));
        visit(rights.metastore());
      } else if (depth == 1 && view.type() != SecurableType.CATALOG) {
        level(rights.metastore(), 1, from, List.of());
      } else if (all) {
        level(rights.metastore(), 1, from, List.of());
      } else {
        Securable catalog = rights.get(SecurableType.CATALOG, catalogName);
        if (depth == 1) {
          if (rights.sees(catalog) != Rights.Sight.NOTHING) {
            loadBeside(List.of(catalog));
            visit(catalog);
          }
        } else {
          level(catalog, 2, from, List.of(catalog.name()));
        }
      }
    }

    /**
     * What is in {@code parent}, at {@code level}; the names above it are {@code path}.
     *
     * @param from the position to go on after
     * @return whether the page is full
     */
    private boolean level(Securable parent, int level, List<String> from, List<String> path) {
      if (!rights.seesInto(parent)) {
        return false;
      }
      boolean here = level == depth;
      SecurableType type = here ? view.type() : Rights.levelType(level - 1);
      String after = "";
      if (from.size() >= level && from.subList(0, level - 1).equals(path)) {
        after = from.get(level - 1);
        // The one that a page ended in is gone on with; what was looked at last is done.
        if (from.size() > level && resume(parent, level, type, from, and(path, after))) {
          return true;
        }
      }
      Page<Securable> page;
      do {
        page =
            rights.page(
                parent, type, "", true, after, here ? objectsLeft : Math.min(containersLeft, 100));
        if (here) {
          loadBeside(page.items());
        }
        for (Securable child : page.items()) {
          after = child.name();
          if (here) {
            visit(child);
          } else if (level(child, level + 1, List.of(), and(path, after))) {
            return true;
          }
          if ((here ? --objectsLeft : --containersLeft) <= 0) {
            position = and(path, after);
            return true;
          }
        }
      } while (page.next() != null);
      return false;
    }

    private boolean resume(
        Securable parent, int level, SecurableType type, List<String> from, List<String> path) {
      Securable container;
      try {
        container = rights.child(parent, type, path.getLast());
      } catch (NotFound e) {
        return false;
      }
      return level(container, level + 1, from, path);
    }

    private static List<String> and(List<String> path, String name) {
      List<String> longer = new ArrayList<>(path);
      longer.add(name);
      return longer;
    }

    private void visit(Securable securable) {
      view.of().add(this, securable, Json.tree(securable.document()));
    }

    Row row() {
      Map<String, Object> row = new LinkedHashMap<>();
      rows.add(row);
      return new Row(row);
    }

    /** Grants on it and those that it inherits, as far as the reader may see them. */
    void privileges(Securable on, String noun) {
      Map<String, List<Grants.Given>> known = rights.manages(on) ? all : own;
      Set<Privilege> here = Privilege.grantableOn(on);
      for (Securable at : on.chain()) {
        boolean direct = at.id().equals(on.id());
        for (Grants.Given given : known.getOrDefault(at.id(), List.of())) {
          if (!direct && !here.contains(given.privilege())) {
            continue;
          }
          Row row = row().put("grantor", given.grantor()).put("grantee", given.grantee());
          named(row, on, noun);
          row.put("privilege_type", given.privilege().words())
              .put("is_grantable", "NO")
              .put("inherited_from", direct ? "NONE" : at.type().name());
        }
      }
    }

    /** Looks up at once what the view says of these beside what is in their documents. */
    private void loadBeside(List<Securable> page) {
      if (view.beside() == View.Beside.TAGS) {
        tags.clear();
        loadTags(page);
      } else if (view.beside() == View.Beside.GRANTS) {
        loadGrants(page);
      }
    }

    private void loadGrants(List<Securable> page) {
      rights.load(page);
      Set<String> managed = new HashSet<>();
      Set<String> others = new HashSet<>();
      for (Securable on : page) {
        (rights.manages(on) ? managed : others)
            .addAll(on.chain().stream().map(Securable::id).toList());
      }
      load(all, managed, null);
      load(own, others, mine);
    }

    private void load(Map<String, List<Grants.Given>> known, Set<String> ids, Set<Long> only) {
      ids.removeAll(known.keySet());
      if (!ids.isEmpty() && (only == null || !only.isEmpty())) {
        known.putAll(Grants.given(rights.handle(), ids, only));
        ids.forEach(id -> known.putIfAbsent(id, List.of()));
      }
    }

    private void loadTags(List<Securable> page) {
      if (!page.isEmpty()) {
        rights
            .handle()
            .createQuery(
                """
                SELECT securable_id, column_name, tag_key, tag_value FROM entity_tag
                WHERE securable_id IN (<ids>) ORDER BY column_name, tag_key
                """)
            .bindList("ids", page.stream().map(Securable::id).toList())
            .map(
                (row, context) ->
                    Map.entry(
                        row.getString(1),
                        new Tag(row.getString(2), row.getString(3), row.getString(4))))
            .forEach(
                tag ->
                    tags.computeIfAbsent(tag.getKey(), id -> new ArrayList<>())
                        .add(tag.getValue()));
      }
    }

    /** Tags on it, or on its columns. */
    void tags(Securable on, boolean ofColumns) {
      for (Tag tag : tags.getOrDefault(on.id(), List.of())) {
        if (tag.column().isEmpty() == ofColumns) {
          continue;
        }
        Row row = row();
        for (Securable at = on; at.type() != SecurableType.METASTORE; at = at.parent()) {
          row.put(at.type().name().toLowerCase(Locale.ROOT) + "_name", at.name());
        }
        if (ofColumns) {
          row.put("column_name", tag.column());
        }
        row.put("tag_name", tag.key()).put("tag_value", tag.value() == null ? "" : tag.value());
      }
    }

    private void named(Row row, Securable on, String noun) {
      switch (on.type()) {
        case METASTORE -> row.put("metastore_id", on.id()).put("metastore_name", on.name());
        case CATALOG -> row.put("catalog_name", on.name());
        case SCHEMA -> row.put("catalog_name", on.parent().name()).put("schema_name", on.name());
        case TABLE, VOLUME -> row.of(noun, on);
        case FUNCTION -> row.of("specific", on).of("routine", on);
        case CREDENTIAL -> row.put("credential_name", on.name());
        default -> row.put(noun + "_name", on.name());
      }
    }
  }

  /** One row, whose columns are named as the platform names them. */
  private record Row(Map<String, Object> values) {
    Row put(String column, Object value) {
      values.put(column, value);
      return this;
    }

    /** The three names of something in a schema. */
    Row of(String prefix, Securable securable) {
      return put(prefix + "_catalog", securable.parent().parent().name())
          .put(prefix + "_schema", securable.parent().name())
          .put(prefix + "_name", securable.name());
    }

    /** Comment and times. */
    Row stamped(JsonNode document) {
      return copy("comment", document, "comment")
          .copy("created", document, "created_at")
          .copy("created_by", document, "created_by")
          .copy("last_altered", document, "updated_at")
          .copy("last_altered_by", document, "updated_by");
    }

    Row copy(String column, JsonNode document, String field) {
      JsonNode value = document.path(field);
      if (value.isNumber()) {
        return put(column, value.asLong());
      }
      return value.isValueNode() && !value.isNull() ? put(column, value.asText()) : this;
    }
  }

  private static View privileges(SecurableType type, String noun) {
    return new View(
        type, View.Beside.GRANTS, (walk, securable, document) -> walk.privileges(securable, noun));
  }

  private static View tags(SecurableType type) {
    return new View(
        type, View.Beside.TAGS, (walk, securable, document) -> walk.tags(securable, false));
  }

  private static void catalog(Walk walk, Securable catalog, JsonNode document) {
    walk.row()
        .put("catalog_name", catalog.name())
        .put("catalog_owner", catalog.owner())
        .stamped(document);
  }

  private static void schema(Walk walk, Securable schema, JsonNode document) {
    walk.row()
        .put("catalog_name", schema.parent().name())
        .put("schema_name", schema.name())
        .put("schema_owner", schema.owner())
        .stamped(document);
  }

  private static void table(Walk walk, Securable table, JsonNode document) {
    walk.row()
        .of("table", table)
        .put("table_type", table.kind())
        .put("is_insertable_into", yes(!table.isView()))
        .put("commit_action", "PRESERVE")
        .put("table_owner", table.owner())
        .put("storage_path", table.storageLocation())
        .copy("data_source_format", document, "data_source_format")
        .stamped(document);
  }

  private static void columns(Walk walk, Securable table, JsonNode document) {
    for (JsonNode column : document.path("columns")) {
      walk.row()
          .of("table", table)
          .copy("column_name", column, "name")
          .copy("ordinal_position", column, "position")
          .put("is_nullable", yes(column.path("nullable").asBoolean(true)))
          .copy("full_data_type", column, "type_text")
          .copy("data_type", column, "type_name")
          .copy("numeric_precision", column, "type_precision")
          .copy("numeric_scale", column, "type_scale")
          .copy("partition_index", column, "partition_index")
          .copy("comment", column, "comment");
    }
  }

  private static void view(Walk walk, Securable table, JsonNode document) {
    if (table.isView()) {
      Row row =
          walk.row()
              .of("table", table)
              .put("check_option", "NONE")
              .put("is_updatable", "NO")
              .put("is_insertable_into", "NO")
              .put("is_materialized", yes(table.kind().equals("MATERIALIZED_VIEW")));
      // What a view is made of is its owner's to know.
      if (walk.rights.manages(table)) {
        row.copy("view_definition", document, "view_definition");
      }
    }
  }

  private static void volume(Walk walk, Securable volume, JsonNode document) {
    walk.row()
        .of("volume", volume)
        .put("volume_type", volume.kind())
        .put("volume_owner", volume.owner())
        .put("storage_location", volume.storageLocation())
        .stamped(document);
  }

  private static boolean isModel(Securable function) {
    return function.kind().equals("MODEL");
  }

  private static void routine(Walk walk, Securable function, JsonNode document) {
    if (isModel(function)) {
      return;
    }
    Row row =
        walk.row()
            .of("specific", function)
            .of("routine", function)
            .put("routine_owner", function.owner())
            .put("routine_type", "FUNCTION")
            .copy("data_type", document, "data_type")
            .copy("full_data_type", document, "full_data_type")
            .copy("routine_body", document, "routine_body")
            .copy("external_language", document, "external_language")
            .copy("parameter_style", document, "parameter_style")
            .put("is_deterministic", yes(document.path("is_deterministic").asBoolean()))
            .copy("sql_data_access", document, "sql_data_access")
            .put("is_null_call", yes(document.path("is_null_call").asBoolean()))
            .copy("security_type", document, "security_type")
            .copy("sql_path", document, "sql_path")
            .stamped(document);
    if (walk.rights.manages(function)) {
      row.copy("routine_definition", document, "routine_definition");
    }
  }

  private static void parameters(Walk walk, Securable function, JsonNode document) {
    for (JsonNode parameter : document.path("input_params").path("parameters")) {
      walk.row()
          .of("specific", function)
          .copy("ordinal_position", parameter, "position")
          .copy("parameter_mode", parameter, "parameter_mode")
          .put("is_result", "NO")
          .copy("parameter_name", parameter, "name")
          .copy("data_type", parameter, "type_name")
          .copy("full_data_type", parameter, "type_text")
          .copy("parameter_default", parameter, "parameter_default")
          .copy("comment", parameter, "comment");
    }
  }

  private static void location(Walk walk, Securable location, JsonNode document) {
    walk.row()
        .put("external_location_name", location.name())
        .put("external_location_owner", location.owner())
        .put("url", location.storageLocation())
        .put("storage_credential_id", location.usesId())
        .put(
            "storage_credential_name",
            Securables.find(walk.rights.handle(), location.usesId())
                .map(Securable::name)
                .orElse(null))
        .put("read_only", yes(document.path("read_only").asBoolean()))
        .stamped(document);
  }

  private static void connection(Walk walk, Securable connection, JsonNode document) {
    walk.row()
        .put("connection_id", connection.id())
        .put("connection_name", connection.name())
        .put("connection_owner", connection.owner())
        .copy("connection_type", document, "connection_type")
        .copy("credential_type", document, "credential_type")
        .stamped(document);
  }

  private static void filter(Walk walk, Securable table, JsonNode document) {
    JsonNode filter = document.path("row_filter");
    if (filter.isObject()) {
      walk.row()
          .of("table", table)
          .copy("filter_name", filter, "function_name")
          .put("target_columns", joined(filter.path("input_column_names")));
    }
  }

  private static void masks(Walk walk, Securable table, JsonNode document) {
    for (JsonNode column : document.path("columns")) {
      if (column.path("mask").isObject()) {
        walk.row()
            .of("table", table)
            .copy("column_name", column, "name")
            .copy("mask_name", column.path("mask"), "function_name")
            .put("using_columns", joined(column.path("mask").path("using_column_names")));
      }
    }
  }

  private static String joined(JsonNode names) {
    List<String> all = new ArrayList<>();
    names.forEach(name -> all.add(name.asText()));
    return String.join(", ", all);
  }

  /** What of a table's constraint is there: the primary key, or a foreign one. */
  private static JsonNode key(JsonNode constraint) {
    JsonNode primary = constraint.path("primary_key_constraint");
    return primary.isObject() ? primary : constraint.path("foreign_key_constraint");
  }

  private static Row constraint(Walk walk, Securable table, JsonNode constraint) {
    return walk.row()
        .put("constraint_catalog", table.parent().parent().name())
        .put("constraint_schema", table.parent().name())
        .copy("constraint_name", key(constraint), "name")
        .of("table", table);
  }

  private static void constraints(Walk walk, Securable table, JsonNode document) {
    for (JsonNode constraint : document.path("table_constraints")) {
      constraint(walk, table, constraint)
          .put(
              "constraint_type",
              constraint.path("primary_key_constraint").isObject() ? "PRIMARY KEY" : "FOREIGN KEY")
          .put("is_deferrable", "YES")
          .put("initially_deferred", "YES")
          .put("enforced", "NO");
    }
  }

  private static void keys(Walk walk, Securable table, JsonNode document) {
    for (JsonNode constraint : document.path("table_constraints")) {
      int position = 0;
      for (JsonNode column : key(constraint).path("child_columns")) {
        constraint(walk, table, constraint)
            .put("column_name", column.asText())
            .put("ordinal_position", ++position);
      }
    }
  }

  private static void credential(Walk walk, Securable credential, JsonNode document) {
    if (credential.kind().equals("STORAGE")) {
      walk.row()
          .put("storage_credential_id", credential.id())
          .put("storage_credential_name", credential.name())
          .put("storage_credential_owner", credential.owner())
          .stamped(document);
    }
  }

  private static String yes(boolean value) {
    return value ? "YES" : "NO";
  }
}
