package dev.tarn.access;

import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnTypeName;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.iam.MeRequest;
import com.sun.management.OperatingSystemMXBean;
import dev.tarn.Server;
import dev.tarn.TestServer;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.enforcement.Authorize;
import dev.tarn.enforcement.Need;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.Iam;
import java.lang.management.ManagementFactory;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * How long the question of who may takes among 10,000 users, 2,000 groups, 100,000 tables and
 * 1,000,000 grants, for a user in 50 groups. Not a test: it prints. Run it by name with {@code
 * -Dtest=AccessBench}.
 */
class AccessBench {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final int USERS = 10_000;
  private static final int GROUPS = 2_000;
  private static final int TABLES = 100_000;
  private static final int GRANTS = 1_000_000;

  private static long userId;
  private static volatile long cpuBefore;
  private static Database database;

  @BeforeAll
  static void aLargeMetastore() {
    userId = Long.parseLong(server.as("reader").currentUser().me(new MeRequest()).getId());
    database = Database.open(server.config().database());
    long start = System.nanoTime();
    written(AccessBench::people);
    written(AccessBench::schema);
    for (int from = 0; from < TABLES; from += 10_000) {
      int first = from; // the server writes too: nobody is to wait long
      written(handle -> tables(handle, first));
      written(handle -> grants(handle, first));
    }
    server.restart(); // nothing of what was written past it is remembered otherwise
    System.out.printf("filled in %d ms%n", (System.nanoTime() - start) / 1_000_000);
  }

  private static void written(Consumer<Handle> work) {
    database.inTransaction(
        handle -> {
          work.accept(handle);
          return null;
        });
  }

  private static void people(Handle handle) {
    PreparedBatch people =
        handle.prepareBatch(
            "INSERT INTO principal (principal_id, kind, name, display_name, active, account_admin,"
                + " created_at, changed_at, document) VALUES (?, ?, ?, ?, TRUE, FALSE, 0, 1, '{}')");
    for (int i = 0; i < USERS + GROUPS; i++) {
      String name = (i < USERS ? "u" : "g") + i;
      people.add(1_000 + i, i < USERS ? "USER" : "GROUP", name, name);
    }
    people.execute();
    PreparedBatch members = handle.prepareBatch("INSERT INTO group_member VALUES (?, ?)");
    for (int i = 0; i < 50; i++) {
      members.add(1_000 + USERS + i, userId);
    }
    for (int i = 0; i < USERS; i++) {
      for (int j = 0; j < 5; j++) {
        members.add(1_000 + USERS + (i * 7 + j * 311) % GROUPS, 1_000 + i);
      }
    }
    members.execute();
  }

  /** All in one schema, as lists of them are to be paged. */
  private static void schema(Handle handle) {
    Securable metastore = Securables.metastoreOf(handle, TestServer.WORKSPACE_ID).orElseThrow();
    Securable catalog =
        Securables.insert(
            handle,
            Securable.of("bench", SecurableType.CATALOG, "", metastore, "bench", null, null, "{}"));
    Securables.insert(
        handle, Securable.of("bench-s", SecurableType.SCHEMA, "", catalog, "s", null, null, "{}"));
    for (long group = 1_000 + USERS; group < 1_000 + USERS + 2; group++) {
      handle.execute(
          "INSERT INTO securable_grant VALUES ('bench', ?, 'USE_CATALOG', 'x', 'b', 0)", group);
      handle.execute(
          "INSERT INTO securable_grant VALUES ('bench-s', ?, 'USE_SCHEMA', 'bench', 'b', 0)",
          group);
    }
  }

  private static void tables(Handle handle, int first) {
    Securable metastore = Securables.metastoreOf(handle, TestServer.WORKSPACE_ID).orElseThrow();
    List<ColumnInfo> columns = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      columns.add(
          new ColumnInfo()
              .setName("column_" + i)
              .setTypeName(ColumnTypeName.STRING)
              .setTypeText("string")
              .setPosition((long) i));
    }
    String document = Json.write(new TableInfo().setColumns(columns).setComment("one of many"));
    PreparedBatch tables =
        handle.prepareBatch(
            "INSERT INTO securable VALUES (?, ?, 'TABLE', 'EXTERNAL', 'bench-s', ?, NULL, ?, NULL,"
                + " FALSE, FALSE, NULL, ?)");
    for (int i = first; i < first + 10_000; i++) {
      String name = "t%06d".formatted(i);
      tables.add("table-" + i, metastore.id(), name, "s3://test-root/bench/" + name, document);
    }
    tables.execute();
  }

  private static void grants(Handle handle, int first) {
    PreparedBatch grants =
        handle.prepareBatch(
            "INSERT INTO securable_grant VALUES (?, ?, 'SELECT', 'bench-s', 'b', 0)"
                + " ON CONFLICT DO NOTHING");
    int perTable = GRANTS / TABLES;
    for (int i = first; i < first + 10_000; i++) {
      for (int j = 0; j < perTable; j++) {
        grants.add(
            "table-" + i,
            j == 0 && i % 100 == 0
                ? 1_000 + USERS + (i / 100) % 50 // what the reader's groups have: one in 100
                : j % 2 == 0 ? 1_000 + (i * 13 + j) % USERS : 1_000 + USERS + 50 + (i + j) % 1900);
      }
    }
    grants.execute();
  }

  /** Processor time is told too: the machine may have other things to do. */
  private static void print(String what, List<Long> nanos) {
    long cpu =
        ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    long[] sorted = nanos.stream().mapToLong(Long::longValue).sorted().toArray();
    System.out.printf(
        "%-50s p50 %.2f ms, p99 %.2f ms, processor %.2f ms (%d)%n",
        what,
        sorted[sorted.length / 2] / 1e6,
        sorted[sorted.length * 99 / 100] / 1e6,
        (cpu - cpuBefore) / 1e6 / sorted.length,
        sorted.length);
  }

  private static List<Long> timed(int warm, int times, Callable<?> call) throws Exception {
    List<Long> nanos = new ArrayList<>();
    for (int i = -warm; i < times; i++) {
      if (i == 0) {
        cpuBefore =
            ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
      }
      long start = System.nanoTime();
      call.call();
      if (i >= 0) {
        nanos.add(System.nanoTime() - start);
      }
    }
    return nanos;
  }

  @Test
  void aStatementOverTwentyTables() throws Exception {
    Iam iam = new Iam(database, server.config().keys(), Clock.systemUTC());
    Authorization authorization =
        new Authorization(new Access(database, Clock.systemUTC(), Server.people(iam)));
    Caller caller =
        new Caller(
            Long.toString(userId),
            Caller.Kind.USER,
            "reader@example.com",
            Set.of(Role.ENGINE, Role.WORKSPACE_USER),
            TestServer.ACCOUNT_ID,
            TestServer.WORKSPACE_ID,
            null,
            "engine",
            "token",
            "bench");
    Random random = new Random(2);
    print(
        "authorize over 20 tables",
        timed(
            500,
            2_000,
            () -> {
              List<Need> needs = new ArrayList<>();
              for (int i = 0; i < 20; i++) {
                needs.add(
                    new Need(
                        "SELECT",
                        "TABLE",
                        "bench.s.t%06d".formatted(random.nextInt(TABLES / 100) * 100),
                        List.of()));
              }
              return authorization.authorize(caller, new Authorize(needs));
            }));
  }
}
