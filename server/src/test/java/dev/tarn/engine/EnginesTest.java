package dev.tarn.engine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.Config;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.Seal;
import dev.tarn.database.TestDatabase;
import dev.tarn.engine.Engine.Kind;
import dev.tarn.engine.Engine.State;
import dev.tarn.http.Caller;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes as they come and go; the driver in them is a small double, all around it is real. */
class EnginesTest {
  private static final URI HERE = URI.create("http://127.0.0.1:8484");
  private static final String TOKEN = "deng-not-to-be-seen";

  @TempDir Path home;
  private final AtomicLong millis = new AtomicLong(1_700_000_000_000L);
  private final Set<String> revoked = ConcurrentHashMap.newKeySet();
  private final LinkedBlockingQueue<Engine> changes = new LinkedBlockingQueue<>();
  private final Map<String, String> driverConf = new TreeMap<>();
  private Database database;
  private Engines engines;

  private final Clock clock =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return Instant.ofEpochMilli(millis.get());
        }
      };

  @BeforeEach
  void open() throws Exception {
    for (String folder :
        List.of("keys", "engines", "storage/root", "storage/samples", "storage/others")) {
      Files.createDirectories(home.resolve(folder));
    }
    Path jars = Files.createDirectories(home.resolve("distribution/spark/target/runtime/jars"));
    String name = "dev/tarn/spark/Engine.class";
    try (OutputStream file = Files.newOutputStream(jars.resolve("driver.jar"));
        JarOutputStream jar = new JarOutputStream(file);
        var bytes = getClass().getClassLoader().getResourceAsStream(name)) {
      jar.putNextEntry(new JarEntry(name));
      bytes.transferTo(jar);
    }
    database = Database.open(TestDatabase.of(home));
    engines = opened(HERE);
  }

  private Engines opened(URI address) {
    Properties properties = new Properties();
    driverConf.forEach((key, value) -> properties.put("engine.conf." + key, value));
    try (Writer writer = Files.newBufferedWriter(home.resolve("tarn.properties"))) {
      properties.store(writer, null);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Config config =
        Config.load(
            home,
            home.resolve("distribution"),
            Map.of(
                "TARN_PORT",
                "0",
                "TARN_ENGINE_MEMORY",
                "64m",
                "TARN_ENGINE_CORES",
                "1",
                "TARN_ENGINES_KEPT",
                "2"));
    Engines made =
        new Engines(
            config,
            database,
            Seal.open(config.keys()),
            Sandbox.open("required", home),
            new Engines.Tokens() {
              @Override
              public String mint(String engineId, long workspaceId) {
                return TOKEN;
              }

              @Override
              public void revoke(String engineId) {
                revoked.add(engineId);
              }
            },
            workspace -> "0",
            clock);
    made.onChange(changes::add);
    made.start(address);
    return made;
  }

  @AfterEach
  void close() {
    engines.close();
    database.close();
    assertThat(Engines.reap(home)).as("processes left").isZero();
  }

  private static Engines.Spec spec(String owner) {
    return spec(Map.of("root", true, "samples", false), Map.of("owner_id", owner));
  }

  /** As it was stored before engines had kinds, slots and sizes. */
  private static Engines.Spec spec(Map<String, Boolean> buckets, Map<String, Object> more) {
    Map<String, Object> fields = new TreeMap<>(more);
    fields.put("workspace_id", 42);
    fields.put("buckets", buckets);
    fields.put("default_catalog", "main");
    fields.put("idle_minutes", 10);
    return Json.read(Json.write(fields), Engines.Spec.class);
  }

  private Engine ended() throws InterruptedException {
    while (true) {
      Engine change = changes.poll(60, TimeUnit.SECONDS);
      assertThat(change).as("a change within a minute").isNotNull();
      if (!change.state().isUp()) {
        return change;
      }
    }
  }

  private static Caller caller(String principalId) {
    return new Caller(
        principalId,
        Caller.Kind.USER,
        "alice@example.org",
        Set.of(),
        "account",
        42L,
        null,
        null,
        null,
        "request");
  }

  @Test
  void anEngineIsStartedListedAndStopped() throws Exception {
    Engine starting = engines.start(spec("w1"));
    assertThat(starting.state()).isEqualTo(State.STARTING);
    engines.acquire(spec("w1")).close();
    Engine running = engines.current("w1", 0).orElseThrow();
    assertThat(running.id()).isEqualTo(starting.id());
    assertThat(running.state()).isEqualTo(State.RUNNING);
    var listed = engines.list(caller("1"), new Engines.ListRequest("account")).engines();
    assertThat(listed).hasSize(1);
    assertThat(ProcessHandle.of(listed.getFirst().pid()).orElseThrow().info().command())
        .hasValueSatisfying(command -> assertThat(command).endsWith("/java"));

    engines.stop("w1", "stopped by alice");
    Engine stopped = engines.current("w1", 0).orElseThrow();
    assertThat(stopped.state()).isEqualTo(State.STOPPED);
    assertThat(stopped.reason()).isEqualTo("stopped by alice");
    assertThat(revoked).containsExactly(running.id());
    assertThat(ProcessHandle.of(running.outerPid())).isEmpty();
    assertThat(home.resolve("engines/" + running.id() + "/scratch")).doesNotExist();
    assertThat(engines.list(caller("1"), new Engines.ListRequest("account")).engines()).isEmpty();
  }

  @Test
  void aKilledEngineSaysItsCauseAndTheNextStatementStartsANewOne() throws Exception {
    engines.acquire(spec("w1")).close();
    Engine first = engines.current("w1", 0).orElseThrow();
    ProcessHandle.of(first.jvmPid()).orElseThrow().destroyForcibly();
    Engine failed = ended();
    assertThat(failed.state()).isEqualTo(State.FAILED);
    assertThat(failed.reason()).isEqualTo("the driver was killed by signal 9");
    try (Lease lease = engines.acquire(spec("w1"))) {
      assertThat(lease.engineId()).isNotEqualTo(first.id());
    }
    ProcessHandle outer =
        ProcessHandle.of(engines.current("w1", 0).orElseThrow().outerPid()).orElseThrow();
    List<ProcessHandle> inside = outer.descendants().toList();
    outer.destroyForcibly();
    assertThat(ended().reason()).isEqualTo("the driver was killed");
    for (ProcessHandle process : inside) {
      process.onExit().get(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void anEngineThatDoesNotStartSaysWhy() {
    driverConf.put("test.does", "say cannot begin: no such thing");
    reopen();
    assertThatThrownBy(() -> engines.acquire(spec("w1")))
        .isInstanceOf(InvalidState.class)
        .hasMessageContaining("w1")
        .hasMessageContaining("exit code 5")
        .hasMessageContaining("cannot begin: no such thing");
    assertThat(engines.current("w1", 0).orElseThrow().state()).isEqualTo(State.FAILED);

    driverConf.put("test.does", "say java.lang.OutOfMemoryError: Java heap space");
    reopen();
    assertThatThrownBy(() -> engines.acquire(spec("w1")))
        .hasMessageContaining("ran out of memory (its heap is 64m)");
  }

  @Test
  void aBucketThatIsNotThereFailsTheStartAndSaysSo() {
    Engines.Spec spec = spec(Map.of("gone", true), Map.of("owner_id", "w1"));
    assertThatThrownBy(() -> engines.acquire(spec)).hasMessageContaining("storage/gone");
  }

  private void reopen() {
    engines.close();
    engines = opened(HERE);
  }

  @Test
  void anOwnerHasOneEngineInEachSlotAndEachIsStoppedAloneOrAllTogether() {
    for (int slot : List.of(0, 1, 2, 1)) {
      engines.acquire(spec("w1").in(slot)).close();
    }
    List<Engine> up = engines.up("w1");
    assertThat(up).extracting(Engine::slot).containsExactly(0, 1, 2);
    assertThat(up).extracting(Engine::kind).containsOnly(Kind.WAREHOUSE);
    engines.stopEngine(up.get(1).id(), "less to do");
    assertThat(engines.up("w1")).extracting(Engine::slot).containsExactly(0, 2);
    assertThat(engines.current("w1", 1).orElseThrow().reason()).isEqualTo("less to do");
    engines.stop("w1", "enough");
    assertThat(engines.up("w1")).isEmpty();
  }

  @Test
  void anEngineThatDrainsLeavesItsSlotAndGoesOnUntilItsOwnerStopsIt() {
    try (Lease running = engines.acquire(spec("w1"))) {
      engines.drain(running.engineId(), "another size");
      try (Lease next = engines.acquire(spec("w1"))) {
        assertThat(next.engineId()).isNotEqualTo(running.engineId());
        engines.lease(running.engineId()).orElseThrow().close();
        assertThat(engines.up("w1"))
            .extracting(Engine::state)
            .containsExactlyInAnyOrder(State.DRAINING, State.RUNNING);
        engines.stopEngine(running.engineId(), "it has nothing left");
        assertThat(engines.up("w1")).extracting(Engine::id).containsExactly(next.engineId());
      }
    }
  }

  @Test
  void anEngineHasTheSizeTheSettingsAndTheVariablesThatItsOwnerAskedFor() throws Exception {
    Engines.Spec spec =
        spec(
            Map.of("root", true),
            Map.of(
                "kind",
                "CLUSTER",
                "owner_id",
                "c1",
                "memory",
                "80m",
                "cores",
                2,
                "spark_conf",
                Map.of("test.variables", "TEAM HOME LD_PRELOAD"),
                "environment",
                Map.of("TEAM", "a 'b'\n$c", "HOME", "/elsewhere", "LD_PRELOAD", "/no/such.so")));
    engines.acquire(spec).close();
    Engine engine = engines.current("c1", 0).orElseThrow();
    assertThat(engine.kind()).isEqualTo(Kind.CLUSTER);
    assertThat(log(caller("1"), engine.id()))
        .contains("TEAM=a 'b'\n$c\n", "HOME=/scratch\n", "LD_PRELOAD=/no/such.so\n");
    assertThat(Files.readString(Path.of("/proc/" + engine.jvmPid(), "cmdline")))
        .contains("-Xmx80m", "-XX:ActiveProcessorCount=2")
        .doesNotContain("TEAM");
    // What puts up the walls is not within them.
    assertThat(Files.readString(Path.of("/proc/" + engine.outerPid(), "environ")))
        .doesNotContain("LD_PRELOAD", "TEAM");
    assertThat(home.resolve("engines/" + engine.id() + "/scratch/environment")).doesNotExist();
  }

  @Test
  void statementsThatComeAtOnceShareOneEngine() {
    List<CompletableFuture<String>> all =
        java.util.stream.IntStream.range(0, 20)
            .mapToObj(
                i ->
                    CompletableFuture.supplyAsync(
                        () -> {
                          try (Lease lease = engines.acquire(spec("w1"))) {
                            return lease.engineId();
                          }
                        },
                        Thread::startVirtualThread))
            .toList();
    assertThat(all.stream().map(CompletableFuture::join).distinct()).hasSize(1);
  }

  @Test
  void anEngineIsStoppedWhenNobodyUsedItForAsLongAsItsOwnerSaid() throws Exception {
    Lease lease = engines.acquire(spec("w1"));
    millis.addAndGet(11 * 60_000);
    engines.tick();
    assertThat(engines.current("w1", 0).orElseThrow().state()).isEqualTo(State.RUNNING);
    lease.close();
    millis.addAndGet(9 * 60_000);
    engines.tick();
    assertThat(engines.current("w1", 0).orElseThrow().state()).isEqualTo(State.RUNNING);
    millis.addAndGet(60_000);
    engines.tick();
    Engine stopped = ended();
    assertThat(stopped.state()).isEqualTo(State.STOPPED);
    assertThat(stopped.reason()).isEqualTo("idle for 10 minutes");
  }

  @Test
  void anEngineStoppedWhileItStartsIsGone() {
    engines.start(spec("w1"));
    engines.stop("w1", "changed my mind");
    assertThat(engines.current("w1", 0).orElseThrow().state()).isEqualTo(State.STOPPED);
  }

  @Test
  void aControlPlaneThatWasKilledFindsItsEngineAgain() throws Exception {
    engines.acquire(spec("w1")).close();
    Engine before = engines.current("w1", 0).orElseThrow();
    try (Engines next = opened(HERE)) {
      try (Lease lease = next.acquire(spec("w1"))) {
        assertThat(lease.engineId()).isEqualTo(before.id());
        assertThat(lease.client()).isNotNull();
      }
      changes.clear();
      ProcessHandle.of(before.jvmPid()).orElseThrow().destroyForcibly();
      assertThat(ended().reason()).isEqualTo("the driver was killed by signal 9");
    }
  }

  @Test
  void anEngineKeepsTheKeyItWasToldAndIsFoundAgainAndTheNextIsToldTheNewOne() throws Exception {
    engines.acquire(spec("w1")).close();
    Engine before = engines.current("w1", 0).orElseThrow();
    String former = engines.keys().keys().getFirst().id();
    engines.keys().rotate(clock.instant());
    assertThat(engines.keys().retire(clock.instant(), false)).isEmpty();
    engines.acquire(spec("w2")).close();
    assertThat(before.keyId()).isEqualTo(former);
    assertThat(engines.current("w2", 0).orElseThrow().keyId()).isNotEqualTo(former);
    try (Engines next = opened(HERE)) {
      for (String owner : List.of("w1", "w2")) {
        String id = engines.current(owner, 0).orElseThrow().id();
        try (Lease lease = next.acquire(spec(owner))) {
          assertThat(lease.engineId()).isEqualTo(id);
        }
      }
      next.stop("w1", "enough");
      assertThat(next.keys().retire(clock.instant(), false)).containsExactly(former);
      assertThat(next.keys().keys()).hasSize(1);
    }
  }

  @Test
  void anEngineWhoseKeyIsRetiredEndsWithItsLastStatementAndTheNextHasAnother() throws Exception {
    Lease running = engines.acquire(spec("w1"));
    engines.keys().rotate(clock.instant());
    changes.clear();
    assertThat(engines.keys().retire(clock.instant(), true)).hasSize(1);
    Engine change = changes.poll(60, TimeUnit.SECONDS);
    while (change.state() == State.RUNNING) { // that it came up may be told late
      change = changes.poll(60, TimeUnit.SECONDS);
    }
    assertThat(change.state()).isEqualTo(State.DRAINING);
    Engine draining = engines.current("w1", 0).orElseThrow();
    assertThat(draining.id()).isEqualTo(running.engineId());
    assertThat(engines.lease(draining.id())).isEmpty();
    try (Lease lease = engines.acquire(spec("w1"))) {
      assertThat(lease.engineId()).isNotEqualTo(draining.id());
      assertThat(ProcessHandle.of(draining.jvmPid()).orElseThrow().isAlive()).isTrue();
      changes.clear();
      running.close();
      Engine over = ended();
      assertThat(over.id()).isEqualTo(draining.id());
      assertThat(over.state()).isEqualTo(State.STOPPED);
      assertThat(over.reason()).startsWith("its key was retired");
      assertThat(engines.current("w1", 0).orElseThrow().id()).isEqualTo(lease.engineId());
    }
  }

  @Test
  void ofEnginesThatEndedTheNewestAreKeptWithTheirLogsAndAllThatRun() throws Exception {
    engines.acquire(spec("running")).close();
    List<String> ended = new ArrayList<>();
    for (String owner : List.of("w1", "w2", "w3")) {
      millis.incrementAndGet();
      engines.acquire(spec(owner)).close();
      engines.stop(owner, "enough");
      ended.add(engines.current(owner, 0).orElseThrow().id());
    }
    // A sweep that was killed after it had forgotten the row.
    Files.createDirectories(home.resolve("engines/" + "0".repeat(32) + "/scratch"));
    engines.forget();
    try (var folders = Files.list(home.resolve("engines"))) {
      assertThat(folders.map(folder -> folder.getFileName().toString()))
          .containsExactlyInAnyOrder(
              engines.current("running", 0).orElseThrow().id(), ended.get(1), ended.get(2));
    }
    assertThat(home.resolve("engines/" + ended.get(2) + "/driver.log")).exists();
    assertThat(engines.current("w1", 0)).isEmpty();
    assertThat(engines.current("w2", 0).orElseThrow().state()).isEqualTo(State.STOPPED);
  }

  @Test
  void anEngineOfAnotherBuildIsEndedAndTheNextStatementStartsOneOfThis() throws Exception {
    engines.acquire(spec("w1")).close();
    Engine before = engines.current("w1", 0).orElseThrow();
    ProcessHandle outer = ProcessHandle.of(before.outerPid()).orElseThrow();
    // What is started from now on runs another jar.
    Path jar = home.resolve("distribution/spark/target/runtime/jars/driver.jar");
    Files.setLastModifiedTime(jar, java.nio.file.attribute.FileTime.fromMillis(1));
    try (Engines next = opened(HERE)) {
      assertThat(outer.isAlive()).isFalse();
      Engine ended = next.current("w1", 0).orElseThrow();
      assertThat(ended.state()).isEqualTo(State.STOPPED);
      assertThat(ended.reason())
          .contains("another build of Tarn")
          .contains("the next statement starts one of this build");
      try (Lease lease = next.acquire(spec("w1"))) {
        assertThat(lease.engineId()).isNotEqualTo(before.id());
      }
    }
  }

  @Test
  void anEngineThatWasToldAnotherAddressIsReaped() throws Exception {
    engines.acquire(spec("w1")).close();
    ProcessHandle outer =
        ProcessHandle.of(engines.current("w1", 0).orElseThrow().outerPid()).orElseThrow();
    try (Engines next = opened(URI.create("http://127.0.0.1:9999"))) {
      assertThat(outer.isAlive()).isFalse();
      assertThat(next.current("w1", 0).orElseThrow().state()).isEqualTo(State.STOPPED);
    }
  }

  @Test
  void aProcessThatNoRowSpeaksOfIsReaped() throws Exception {
    engines.acquire(spec("w1")).close();
    Engine engine = engines.current("w1", 0).orElseThrow();
    ProcessHandle outer = ProcessHandle.of(engine.outerPid()).orElseThrow();
    database.inTransaction(handle -> handle.execute("DELETE FROM engine"));
    try (Engines next = opened(HERE)) {
      assertThat(next.current("w1", 0)).isEmpty();
      outer.onExit().get(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void theTokenIsNowhereButInTheDriver() throws Exception {
    engines.acquire(spec("w1")).close();
    Engine engine = engines.current("w1", 0).orElseThrow();
    List<ProcessHandle> all =
        java.util.stream.Stream.concat(
                java.util.stream.Stream.of(ProcessHandle.of(engine.outerPid()).orElseThrow()),
                ProcessHandle.of(engine.outerPid()).orElseThrow().descendants())
            .toList();
    assertThat(all).hasSizeGreaterThanOrEqualTo(4);
    for (ProcessHandle process : all) {
      for (String file : List.of("cmdline", "environ")) {
        assertThat(Files.readString(Path.of("/proc/" + process.pid(), file))).doesNotContain(TOKEN);
      }
    }
    try (var files = Files.walk(home)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(contains(file, TOKEN)).as(file + "").isFalse();
      }
    }
  }

  private static boolean contains(Path file, String text) {
    try {
      return new String(Files.readAllBytes(file), java.nio.charset.StandardCharsets.ISO_8859_1)
          .contains(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void anEngineSeesItsBucketsAndNothingElseOfTheHome() throws Exception {
    driverConf.put(
        "test.read",
        String.join(
            ":",
            "/storage/root",
            "/storage/samples",
            "/storage/others",
            home + "/keys/seal.json",
            home + "/tarn.db",
            home + "/storage/others",
            home + "/storage/root",
            home + ""));
    driverConf.put(
        "test.write", String.join(":", "/storage/root", "/storage/samples", "/runtime/jars", "/"));
    reopen();
    engines.acquire(spec("w1")).close();
    String id = engines.current("w1", 0).orElseThrow().id();
    assertThat(log(caller("1"), id).lines().filter(line -> line.contains("/")))
        .containsExactly(
            "READABLE /storage/root",
            "READABLE /storage/samples",
            "HIDDEN /storage/others",
            "HIDDEN " + home + "/keys/seal.json",
            "HIDDEN " + home + "/tarn.db",
            "HIDDEN " + home + "/storage/others",
            "HIDDEN " + home + "/storage/root",
            "HIDDEN " + home,
            "WRITTEN /storage/root",
            "REFUSED /storage/samples",
            "REFUSED /runtime/jars",
            "REFUSED /");
    assertThatThrownBy(() -> log(caller("1").in(43), id)).isInstanceOf(ResourceDoesNotExist.class);
  }

  private String log(Caller caller, String id) {
    return new String((byte[]) engines.log(caller, new Engines.LogRequest(id)).body(), UTF_8);
  }

  @Test
  void aDriverSpeaksOnlyForWhomHasASessionOnIt() {
    try (Lease lease = engines.acquire(spec("w1"))) {
      assertThat(engines.hasSession(lease.engineId(), "7")).isFalse();
      Session session = lease.session(caller("7"), null, null);
      assertThat(lease.session(caller("7"), null, null)).isEqualTo(session);
      assertThat(lease.session(caller("8"), null, null)).isNotEqualTo(session);
      assertThat(engines.hasSession(lease.engineId(), "7")).isTrue();
      assertThat(engines.hasSession(lease.engineId(), "9")).isFalse();
      assertThat(engines.hasSession("another", "7")).isFalse();
    }
  }

  @Test
  void aLogThatGrowsTooLargeKeepsItsNewestLines() throws Exception {
    DriverLog log = new DriverLog(home.resolve("driver.log"));
    Files.writeString(log.file(), ("0123456789".repeat(10) + "\n").repeat(200_000) + "last\n");
    log.bound();
    assertThat(log.file()).isEmptyFile();
    String kept = Files.readString(home.resolve("driver.log.1"));
    assertThat(kept).startsWith("0123456789").endsWith("last\n").hasSizeLessThan(4 << 20);
  }
}
