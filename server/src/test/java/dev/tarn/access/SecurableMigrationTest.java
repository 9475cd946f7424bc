package dev.tarn.access;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.database.Database;
import dev.tarn.database.DatabaseUrl;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A data directory of the version before securables were one table. */
@Tag("database-blind")
class SecurableMigrationTest {
  @TempDir Path home;

  @Test
  void catalogsSchemasTablesAndTheirOwnersAreStillThere() throws Exception {
    Path file = home.resolve("tarn.db");
    Flyway.configure()
        .dataSource("jdbc:sqlite:" + file, null, null)
        .locations("classpath:db/migration")
        .outOfOrder(true)
        .target("90")
        .load()
        .migrate();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      for (String sql :
          """
          INSERT INTO principal (principal_id, kind, name, display_name, active, account_admin, created_at, document) VALUES (70, 'USER', 'alice@tarn.dev', 'Alice', 1, 1, 0, '{}')
          INSERT INTO principal (principal_id, kind, name, display_name, active, account_admin, created_at, document) VALUES (71, 'GROUP', 'data team', 'Data Team', 1, 0, 0, '{}')
          INSERT INTO former_principal VALUES (72, 'USER', 'gone@tarn.dev', 0)
          INSERT INTO metastore VALUES ('m', 'meta', 'us-east-1', 's3://meta/m', 7, '{"owner":"alice@tarn.dev","cloud":"aws"}')
          INSERT INTO metastore_assignment VALUES (1001, 'm', 'own')
          INSERT INTO catalog VALUES ('c1', 'm', 'main', 's3://meta/m', 0, 0, NULL, NULL, '{"owner":"Data Team","properties":{"owner":"a property"}}')
          INSERT INTO catalog VALUES ('c2', 'm', 'own', 's3://root/unity-catalog/1001', 1, 0, 1001, 1001, '{"owner":"_workspace_admins_own_1001"}')
          INSERT INTO catalog VALUES ('c3', 'm', 'samples', 's3://tarn-samples', 0, 1, NULL, NULL, '{"owner":"System user"}')
          INSERT INTO catalog_schema VALUES ('s1', 'c1', 'default', NULL, '{"owner":"gone@tarn.dev"}')
          INSERT INTO catalog_table VALUES ('t1', 's1', 'kept', 'EXTERNAL', 's3://root/kept', '{"owner":"alice@tarn.dev","comment":"c"}')
          INSERT INTO staging_table VALUES ('g1', 's1', 'half', 's3://meta/m/half', 'e', 5)
          """
              .lines()
              .toList()) {
        statement.execute(sql);
      }
    }
    try (Database database = Database.open(DatabaseUrl.ofFile(file))) {
      database.read(
          handle -> {
            Securable metastore = Securables.metastoreOf(handle, 1001).orElseThrow();
            assertThat(metastore.owner()).isEqualTo("alice@tarn.dev");
            Securable main =
                Securables.child(handle, metastore, SecurableType.CATALOG, "main").orElseThrow();
            assertThat(main.owner()).isEqualTo("Data Team");
            assertThat(main.storageLocation()).isNull();
            assertThat(main.document()).isEqualTo("{\"properties\":{\"owner\":\"a property\"}}");
            Securable own =
                Securables.child(handle, metastore, SecurableType.CATALOG, "own").orElseThrow();
            assertThat(own.isolated()).isTrue();
            assertThat(own.owner()).isEqualTo(Securable.SYSTEM);
            assertThat(own.storageLocation()).isEqualTo("s3://root/unity-catalog/1001");
            Securable samples =
                Securables.child(handle, metastore, SecurableType.CATALOG, "samples").orElseThrow();
            assertThat(samples.readOnly()).isTrue();
            Securable schema =
                Securables.child(handle, main, SecurableType.SCHEMA, "default").orElseThrow();
            assertThat(schema.owner()).isEqualTo("gone@tarn.dev");
            Securable table =
                Securables.child(handle, schema, SecurableType.TABLE, "kept").orElseThrow();
            assertThat(table.fullName()).isEqualTo("main.default.kept");
            assertThat(table.kind()).isEqualTo("EXTERNAL");
            assertThat(table.owner()).isEqualTo("alice@tarn.dev");
            assertThat(table.document()).isEqualTo("{\"comment\":\"c\"}");
            assertThat(
                    handle
                        .createQuery("SELECT schema_id FROM staged_table")
                        .mapTo(String.class)
                        .list())
                .containsExactly("s1");
            assertThat(
                    handle
                        .createQuery(
                            """
                            SELECT s.name || ' ' || g.privilege FROM securable_grant g
                            JOIN securable s ON s.securable_id = g.securable_id ORDER BY 1
                            """)
                        .mapTo(String.class)
                        .list())
                .containsExactly(
                    "main USE_CATALOG",
                    "samples SELECT",
                    "samples USE_CATALOG",
                    "samples USE_SCHEMA");
            return null;
          });
    }
  }
}
