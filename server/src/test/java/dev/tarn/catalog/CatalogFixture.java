package dev.tarn.catalog;

import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.Server;
import dev.tarn.access.Access;
import dev.tarn.access.Grants;
import dev.tarn.access.Privilege;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Caller;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import dev.tarn.iam.Iam;
import dev.tarn.storage.Buckets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The catalog alone on a fresh database and two workspaces, as the services' callers see it. */
final class CatalogFixture implements BeforeEachCallback, AfterEachCallback {
  static final Catalog.Place DATA = new Catalog.Place(1001, "Data-Team", "us-east-1", "root-data");
  static final Catalog.Place OTHER = new Catalog.Place(1002, "other", "us-east-1", "root-other");

  Path home;
  Database database;
  Buckets buckets;
  Catalog catalog;
  Access access;
  final MovableClock clock = new MovableClock();

  final Caller admin =
      caller("7", "alice@tarn.dev", DATA, Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN);
  final Caller user = caller("8", "bob@tarn.dev", DATA, Role.WORKSPACE_USER);
  final Caller elsewhere =
      caller("9", "carol@tarn.dev", OTHER, Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN);
  private Iam iam;

  /** Time that a test moves. */
  static final class MovableClock extends Clock {
    private final AtomicLong millis =
        new AtomicLong(Instant.parse("2026-11-01T00:00:00Z").toEpochMilli());

    void forward(java.time.Duration by) {
      millis.addAndGet(by.toMillis());
    }

    @Override
    public Instant instant() {
      return Instant.ofEpochMilli(millis.get());
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  static Caller caller(String id, String name, Catalog.Place place, Role... roles) {
    return new Caller(
        id,
        Caller.Kind.USER,
        name,
        Set.of(roles),
        "account",
        place.workspaceId(),
        null,
        null,
        "token",
        "request");
  }

  static Presence present(String... names) {
    return new Presence(Set.of(names));
  }

  @Override
  public void beforeEach(ExtensionContext context) throws Exception {
    home = java.nio.file.Files.createTempDirectory("catalog");
    database = Database.open(TestDatabase.of(home));
    buckets = new Buckets(database, home.resolve("storage"), clock);
    buckets.create(DATA.rootBucket(), "us-east-1", "test");
    buckets.create(OTHER.rootBucket(), "us-east-1", "test");
    java.nio.file.Files.createDirectories(home.resolve("keys"));
    iam = new Iam(database, home.resolve("keys"), clock);
    database.inTransaction(
        handle -> {
          handle.execute("INSERT INTO credential VALUES ('c', 'c', 'arn', NULL, 0, 0)");
          handle.execute(
              "INSERT INTO storage_configuration VALUES ('s', 's', 'b', NULL, NULL, 0, 0)");
          for (Catalog.Place place : new Catalog.Place[] {DATA, OTHER}) {
            workspace(handle, place.workspaceId());
          }
          principal(handle, admin, "ADMIN");
          principal(handle, user, "USER");
          principal(handle, elsewhere, "ADMIN");
          return null;
        });
    catalog = open();
    for (Catalog.Place place : new Catalog.Place[] {DATA, OTHER}) {
      catalog.assignMetastore(place);
      catalog.createWorkspaceCatalog(place);
    }
  }

  /** The row that a workspace has before the catalog hears of it. */
  void workspace(long id) {
    database.inTransaction(
        handle -> {
          workspace(handle, id);
          return null;
        });
  }

  private static void workspace(Handle handle, long id) {
    handle.execute(
        "INSERT INTO workspace VALUES (?, ?, ?, 'c', 's', 'RUNNING', '', NULL, 0, 0, '{}')",
        id,
        "w" + id,
        "d" + id);
  }

  private static void principal(Handle handle, Caller caller, String permission) {
    handle.execute(
        "INSERT INTO principal (principal_id, kind, name, display_name, active, account_admin,"
            + " created_at, changed_at, document) VALUES (?, 'USER', ?, ?, TRUE, FALSE, 0, 1, '{}')",
        Long.parseLong(caller.principalId()),
        caller.name(),
        caller.name());
    handle.execute(
        "INSERT INTO workspace_assignment VALUES (?, ?, ?)",
        caller.workspaceId(),
        Long.parseLong(caller.principalId()),
        permission);
  }

  void grant(String catalog, long principal, Privilege privilege) {
    database.inTransaction(
        handle -> {
          Securable metastore = Securables.metastoreOf(handle, DATA.workspaceId()).orElseThrow();
          Grants.give(
              handle,
              Securables.child(handle, metastore, SecurableType.CATALOG, catalog).orElseThrow(),
              principal,
              List.of(privilege),
              "test",
              0);
          return null;
        });
  }

  /** Another catalog on the same database, as after a restart. */
  Catalog open() {
    access = new Access(database, clock, Server.people(iam));
    return new Catalog(
        database,
        buckets,
        clock,
        id -> id == DATA.workspaceId() ? DATA : OTHER,
        access,
        (handle, role, bucket) -> false,
        null); // no connection is made here
  }

  @Override
  public void afterEach(ExtensionContext context) throws Exception {
    catalog.close();
    database.close();
    try (var files = java.nio.file.Files.walk(home)) {
      files.sorted(java.util.Comparator.reverseOrder()).map(Path::toFile).forEach(f -> f.delete());
    }
  }
}
