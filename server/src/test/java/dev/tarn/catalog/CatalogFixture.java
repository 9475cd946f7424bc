package dev.tarn.catalog;

import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Caller;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import dev.tarn.storage.Buckets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
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
  final MovableClock clock = new MovableClock();

  final Caller admin = caller("alice@tarn.dev", DATA, Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN);
  final Caller user = caller("bob@tarn.dev", DATA, Role.WORKSPACE_USER);
  final Caller elsewhere =
      caller("carol@tarn.dev", OTHER, Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN);

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

  static Caller caller(String name, Catalog.Place place, Role... roles) {
    return new Caller(
        "7",
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
    catalog = open();
    for (Catalog.Place place : new Catalog.Place[] {DATA, OTHER}) {
      catalog.assignMetastore(place);
      catalog.createWorkspaceCatalog(place);
    }
  }

  /** Another catalog on the same database, as after a restart. */
  Catalog open() {
    return new Catalog(
        database,
        buckets,
        clock,
        id -> id == DATA.workspaceId() ? DATA : OTHER,
        name -> name.endsWith("@tarn.dev"));
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
