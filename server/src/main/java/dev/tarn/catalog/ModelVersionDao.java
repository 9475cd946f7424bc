package dev.tarn.catalog;

import com.databricks.sdk.service.catalog.ModelVersionInfo;
import com.databricks.sdk.service.catalog.RegisteredModelAlias;
import dev.tarn.access.Securable;
import dev.tarn.database.Json;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Rows of the versions and aliases of registered models. */
final class ModelVersionDao {
  private ModelVersionDao() {}

  /** To be called when the model's securable is there. */
  static void insertModel(Handle handle, Securable model) {
    handle
        .createUpdate("INSERT INTO registered_model VALUES (:model, 0)")
        .bind("model", model.id())
        .execute();
  }

  /** A number that no version of the model had. */
  static long nextVersion(Handle handle, Securable model) {
    handle
        .createUpdate(
            "UPDATE registered_model SET last_version = last_version + 1 WHERE securable_id = :model")
        .bind("model", model.id())
        .execute();
    return handle
        .createQuery("SELECT last_version FROM registered_model WHERE securable_id = :model")
        .bind("model", model.id())
        .mapTo(Long.class)
        .one();
  }

  static void insert(Handle handle, Securable model, ModelVersionInfo document) {
    handle
        .createUpdate("INSERT INTO model_version VALUES (:model, :version, :document)")
        .bind("model", model.id())
        .bind("version", document.getVersion())
        .bind("document", Json.write(document))
        .execute();
  }

  static void update(Handle handle, Securable model, ModelVersionInfo document) {
    handle
        .createUpdate(
            """
            UPDATE model_version SET document = :document
            WHERE securable_id = :model AND version = :version
            """)
        .bind("model", model.id())
        .bind("version", document.getVersion())
        .bind("document", Json.write(document))
        .execute();
  }

  static Optional<ModelVersionInfo> find(Handle handle, Securable model, long version) {
    return handle
        .createQuery(
            "SELECT document FROM model_version WHERE securable_id = :model AND version = :version")
        .bind("model", model.id())
        .bind("version", version)
        .mapTo(String.class)
        .findOne()
        .map(ModelVersionDao::read);
  }

  private static ModelVersionInfo read(String document) {
    return Json.read(document, ModelVersionInfo.class);
  }

  /** The newest first, as the platform lists them. */
  static List<ModelVersionInfo> before(Handle handle, Securable model, long version, int limit) {
    return handle
        .createQuery(
            """
            SELECT document FROM model_version
            WHERE securable_id = :model AND version < :version ORDER BY version DESC LIMIT :limit
            """)
        .bind("model", model.id())
        .bind("version", version)
        .bind("limit", limit)
        .mapTo(String.class)
        .map(ModelVersionDao::read)
        .list();
  }

  /** With the aliases of it. */
  static boolean delete(Handle handle, Securable model, long version) {
    return handle
            .createUpdate(
                "DELETE FROM model_version WHERE securable_id = :model AND version = :version")
            .bind("model", model.id())
            .bind("version", version)
            .execute()
        == 1;
  }

  static List<RegisteredModelAlias> aliases(Handle handle, Securable model) {
    return handle
        .createQuery(
            "SELECT alias, version FROM model_alias WHERE securable_id = :model ORDER BY alias")
        .bind("model", model.id())
        .map((row, context) -> alias(model, row.getString(1), row.getLong(2)))
        .list();
  }

  static RegisteredModelAlias alias(Securable model, String alias, long version) {
    return new RegisteredModelAlias()
        .setAliasName(alias)
        .setVersionNum(version)
        .setCatalogName(model.parent().parent().name())
        .setSchemaName(model.parent().name())
        .setModelName(model.name())
        .setId(model.id() + "/" + alias);
  }

  static Optional<Long> ofAlias(Handle handle, Securable model, String alias) {
    return handle
        .createQuery(
            "SELECT version FROM model_alias WHERE securable_id = :model AND alias = :alias")
        .bind("model", model.id())
        .bind("alias", alias)
        .mapTo(Long.class)
        .findOne();
  }

  static void setAlias(Handle handle, Securable model, String alias, long version) {
    handle
        .createUpdate(
            """
            INSERT INTO model_alias VALUES (:model, :alias, :version)
            ON CONFLICT (securable_id, alias) DO UPDATE SET version = :version
            """)
        .bind("model", model.id())
        .bind("alias", alias)
        .bind("version", version)
        .execute();
  }

  static boolean deleteAlias(Handle handle, Securable model, String alias) {
    return handle
            .createUpdate("DELETE FROM model_alias WHERE securable_id = :model AND alias = :alias")
            .bind("model", model.id())
            .bind("alias", alias)
            .execute()
        == 1;
  }

  /** Schemas of a metastore that have models, by their full names, after one. */
  static List<String> schemasWithModels(Handle handle, Securable metastore, String from) {
    return handle
        .createQuery(
            """
            SELECT c.name || '.' || s.name AS full_name FROM securable s
            JOIN securable c ON c.securable_id = s.parent_id
            WHERE c.parent_id = :metastore AND s.securable_type = 'SCHEMA'
              AND s.deleted_at IS NULL AND c.deleted_at IS NULL
              AND EXISTS (SELECT 1 FROM securable m WHERE m.parent_id = s.securable_id
                AND m.securable_type = 'FUNCTION' AND m.kind = 'MODEL' AND m.deleted_at IS NULL)
              AND c.name || '.' || s.name >= :from
            ORDER BY full_name
            """)
        .bind("metastore", metastore.id())
        .bind("from", from)
        .mapTo(String.class)
        .list();
  }
}
