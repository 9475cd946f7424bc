package dev.tarn.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.linecorp.armeria.client.ClientFactory;
import dev.tarn.Config;
import dev.tarn.database.Database;
import dev.tarn.database.KeyRing;
import dev.tarn.database.Seal;
import dev.tarn.engine.Engine.Kind;
import dev.tarn.engine.Engine.State;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
import dev.tarn.storage.Folders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Spark applications behind warehouses and clusters. An engine is a row first: its partial
 * unique index says which of two starts is the one, and each later change is an UPDATE that names
 * the state it comes from. Then a process in the {@link Sandbox}, which survives a control plane
 * that is killed: the next one finds it by the marks on its command line and takes it over when
 * row, process, port and terms fit, and kills it when not. So there is no process that no row
 * speaks of.
 *
 * <p>What a driver is told (its token, the key that signs principals, where the catalog is) goes to
 * its standard input and nowhere else. The hash of the lasting part, its <em>terms</em>, is in the
 * row: a driver that was told something else cannot be taken over.
 */
public final class Engines implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Engines.class);
  private static final int KILLS = 5;
  private static final int LOG_TAIL = 1 << 20;
  private static final long TERM_SECONDS = 8;

  /** One that was trained writes a cache of 200 MB first, on one core. */
  private static final long WRITE_SECONDS = 600;

  private static final String FOREIGN =
      "it was started by another build of Tarn, or with other keys or another address, and was"
          + " ended; the next statement starts one of this build";

  private static final long ACQUIRE_SECONDS = 600;
  private static final long TICK_SECONDS = 15;

  private final Config config;
  private final EngineDao dao;
  private final SigningKeys keys;
  private final Tokens tokens;
  private final LongFunction<String> catalogsVersion;
  private final Clock clock;
  private final Sandbox sandbox;
  private final Launcher launcher;
  private final ClientFactory connections = ConnectClient.connections();
  private final Map<String, Driver> drivers = new ConcurrentHashMap<>();
  private final List<Consumer<Engine>> watchers = new CopyOnWriteArrayList<>();
  private final CompletableFuture<URI> catalog = new CompletableFuture<>();
  private final ExecutorService work = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledExecutorService ticks =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("engines").daemon().factory());

  /** Makes and revokes the bearer tokens with which drivers ask the catalog. */
  public interface Tokens {
    String mint(String engineId, long workspaceId);

    void revoke(String engineId);
  }

  /**
   * What an engine is for. It is kept in its row, so there is no secret in it.
   *
   * @param ownerId the warehouse or cluster
   * @param slot which of its owner's engines it is: one a slot at a time
   * @param buckets what it sees of the storage, and whether it may write there
   * @param defaultCatalog where its sessions start
   * @param idleMinutes after which it stops by itself; 0 for never
   * @param memory its heap, as Java spells it; null for that of {@link Config}
   * @param cores how many it uses; null for those of {@link Config}, 0 for all
   * @param sparkConf further settings, which go before all others: who asks has judged them
   * @param environment further variables of its process, set within the walls
   */
  public record Spec(
      @JsonProperty("kind") Kind kind,
      @JsonProperty("owner_id") String ownerId,
      @JsonProperty("slot") int slot,
      @JsonProperty("workspace_id") long workspaceId,
      @JsonProperty("buckets") Map<String, Boolean> buckets,
      @JsonProperty("default_catalog") String defaultCatalog,
      @JsonProperty("idle_minutes") int idleMinutes,
      @JsonProperty("memory") String memory,
      @JsonProperty("cores") Integer cores,
      @JsonProperty("spark_conf") Map<String, String> sparkConf,
      @JsonProperty("environment") Map<String, String> environment) {

    /** Rows from before there was more than one kind do not say it. */
    public Spec {
      kind = kind == null ? Kind.WAREHOUSE : kind;
      sparkConf = sparkConf == null ? Map.of() : Map.copyOf(sparkConf);
      environment = environment == null ? Map.of() : Map.copyOf(environment);
    }

    /**
     * The first engine of a warehouse, of the size in {@link Config}; it does not end by itself.
     */
    public static Spec ofWarehouse(
        String ownerId, long workspaceId, Map<String, Boolean> buckets, String defaultCatalog) {
      return new Spec(
          Kind.WAREHOUSE,
          ownerId,
          0,
          workspaceId,
          buckets,
          defaultCatalog,
          0,
          null,
          null,
          Map.of(),
          Map.of());
    }

    /** The same in another slot. */
    public Spec in(int otherSlot) {
      return new Spec(
          kind,
          ownerId,
          otherSlot,
          workspaceId,
          buckets,
          defaultCatalog,
          idleMinutes,
          memory,
          cores,
          sparkConf,
          environment);
    }

    /** The same of another size, with other settings. */
    public Spec shaped(String otherMemory, int otherCores, Map<String, String> otherConf) {
      return new Spec(
          kind,
          ownerId,
          slot,
          workspaceId,
          buckets,
          defaultCatalog,
          idleMinutes,
          otherMemory,
          otherCores,
          otherConf,
          environment);
    }
  }

  /**
   * @param catalogsVersion changes when the set of catalogs that a workspace sees changed; told to
   *     drivers with each call
   * @throws IllegalStateException the sandbox that is required does not work here
   */
  public Engines(
      Config config,
      Database database,
      Seal seal,
      Sandbox sandbox,
      Tokens tokens,
      LongFunction<String> catalogsVersion,
      Clock clock) {
    this.config = config;
    this.dao = new EngineDao(database);
    database.onAnnounced(
        EngineDao.TOPIC,
        text -> {
          if (text != null) { // what was missed is seen by seek()
            Thread.ofVirtual().name("engines").start(this::obeyRows);
          }
        });
    this.keys = new SigningKeys(config.keys().resolve("engine-key"), seal);
    this.tokens = tokens;
    this.catalogsVersion = catalogsVersion;
    this.clock = clock;
    this.sandbox = sandbox;
    this.launcher = new Launcher(config, sandbox);
  }

  /**
   * Takes over or ends what an earlier control plane left running, and begins to serve; nothing is
   * started before.
   *
   * @param address of this control plane, which drivers ask for the catalog
   */
  public void start(URI address) {
    recover(address);
    catalog.complete(address);
    var unused =
        ticks.scheduleWithFixedDelay(this::tick, TICK_SECONDS, TICK_SECONDS, TimeUnit.SECONDS);
  }

  /** Whether the engines of this build start with an AOT cache. */
  public static boolean isTrained(Config config) throws IOException {
    return new Launcher(config, Sandbox.open("off", config.home())).isTrained();
  }

  public void routes(Routes routes) {
    routes.mountOwn(this);
  }

  /** Told of every change of every engine, on the thread that made it. */
  public void onChange(Consumer<Engine> watcher) {
    watchers.add(watcher);
  }

  /**
   * What is known of how long an engine was there.
   *
   * @param running whether it may be used now
   * @param endedAt epoch milliseconds, null while it is up
   */
  public record Uptime(
      String engineId, String ownerId, long workspaceId, boolean running, Long endedAt) {}

  /** All engines that are up, and the newest of those that ended. */
  public List<Uptime> uptimes() {
    return dao.uptimes();
  }

  /** The engine in an owner's slot that is up, else the newest that was. */
  public Optional<Engine> current(String ownerId, int slot) {
    return dao.newest(ownerId, slot);
  }

  /** The newest of all slots, whether it is up or not. */
  public Optional<Engine> newest(String ownerId) {
    return dao.newestOf(ownerId);
  }

  public Optional<Engine> find(String engineId) {
    return dao.find(engineId);
  }

  /** What an engine was started for. */
  public Spec spec(String engineId) {
    return dao.spec(engineId);
  }

  /** Those of an owner that are up here, by slot; of a slot, one that drains may be another. */
  public List<Engine> up(String ownerId) {
    return dao.upOf(ownerId);
  }

  /**
   * Whether {@code principalId} has a session on the engine, so that its driver may speak for it.
   */
  public boolean hasSession(String engineId, String principalId) {
    Driver driver = drivers.get(engineId);
    return driver != null && driver.sessions() != null && driver.sessions().isOpenFor(principalId);
  }

  /**
   * The engine in the slot: the one that is up, else a new one, which is starting when this
   * returns.
   */
  public Engine start(Spec spec) {
    return dao.find(driver(spec).id()).orElseThrow();
  }

  /**
   * The engine in the slot, started where it is not up, once it may be used.
   *
   * @throws InvalidState it does not start; says why
   */
  public Lease acquire(Spec spec) {
    Driver driver = driver(spec);
    while (!driver.take()) {
      driver.gone().join();
      driver = driver(spec);
    }
    try {
      driver.ready().get(ACQUIRE_SECONDS, TimeUnit.SECONDS);
      return new Lease(driver);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      driver.giveBack();
      throw new InvalidState("interrupted while the engine was starting", null);
    } catch (ExecutionException | TimeoutException e) {
      driver.giveBack();
      throw new InvalidState(
          "The engine of "
              + spec.ownerId()
              + " did not start: "
              + dao.find(driver.id()).map(Engine::reason).orElse("it takes too long"),
          null);
    }
  }

  /**
   * Ends the sessions that clients of Spark Connect have here, of those who lost their workspace.
   *
   * @param mayEnter whether a principal (first) is still let into a workspace (second)
   */
  public void releaseUnless(BiPredicate<String, Long> mayEnter) {
    for (Driver driver : drivers.values()) {
      if (driver.sessions() != null) {
        work.execute(
            () -> {
              try {
                driver.sessions().releaseUnless(mayEnter);
              } catch (EngineLost e) {
                LOG.info("engine {} took its sessions along", driver.id());
              }
            });
      }
    }
  }

  /** The engine of that id while it may be used; never starts one. */
  public Optional<Lease> lease(String engineId) {
    Driver driver = drivers.get(engineId);
    return driver != null
            && driver.ready().isDone()
            && !driver.ready().isCompletedExceptionally()
            && driver.take()
        ? Optional.of(new Lease(driver))
        : Optional.empty();
  }

  /** Stops all engines of an owner, and returns when they are gone. */
  public void stop(String ownerId, String reason) {
    stop(
        drivers.values().stream()
            .filter(driver -> driver.spec().ownerId().equals(ownerId))
            .toList(),
        reason);
  }

  /** Stops one engine and returns when it is gone; one that is not up is left alone. */
  public void stopEngine(String engineId, String reason) {
    Driver driver = drivers.get(engineId);
    if (driver != null) {
      stop(driver, reason);
    }
  }

  /**
   * Frees the slot of an engine for another, as its row then says; what runs there goes on. Who has
   * work there gives it no more, and calls {@link #stopEngine} after the last.
   */
  public void drain(String engineId, String reason) {
    if (dao.draining(engineId, reason)) {
      changed(engineId);
    }
  }

  /** Stops one, and returns when it is gone; one that is not up here is left alone. */
  public void stopOne(String engineId, String reason) {
    Driver driver = drivers.get(String.valueOf(engineId));
    if (driver != null) {
      stop(driver, reason);
    }
  }

  private Driver driver(Spec spec) {
    URI address = catalog.join();
    while (true) {
      String id = HexFormat.of().formatHex(SigningKeys.random(16));
      Driver made = new Driver(id, spec, keys.current(), clock);
      drivers.put(id, made);
      boolean first = false;
      try {
        first = dao.insert(id, spec, terms(address, made.key()), made.key().id(), clock.millis());
      } finally {
        if (!first) {
          drivers.remove(id);
        }
      }
      if (first) {
        changed(id);
        var unused = work.submit(() -> launch(made, address));
        return made;
      }
      Optional<Engine> up =
          dao.newest(spec.ownerId(), spec.slot()).filter(engine -> engine.state().isUp());
      Driver other = up.map(engine -> drivers.get(engine.id())).orElse(null);
      if (other != null && up.get().state() != State.STOPPING) {
        return other;
      }
      if (other != null) {
        other.gone().join();
      }
    }
  }

  private void launch(Driver driver, URI address) {
    String id = driver.id();
    try {
      Map<String, Object> told = new HashMap<>();
      told.put("engine_id", id);
      told.put("workspace_id", Long.toString(driver.spec().workspaceId()));
      told.put("public_key", driver.key().told());
      told.put("catalog_uri", address.toString());
      told.put("catalog_token", tokens.mint(id, driver.spec().workspaceId()));
      told.put("default_catalog", driver.spec().defaultCatalog());
      Launcher.Started started = launcher.start(id, told, driver.spec());
      ProcessHandle outer = started.process().toHandle();
      dao.started(id, outer.pid(), HostProcesses.identity(outer.pid()));
      driver.runsAs(outer);
      if (dao.find(id).orElseThrow().state() != State.STARTING) {
        outer.destroyForcibly(); // It was stopped before there was anything to stop.
      }
      Integer port = launcher.awaitPort(started);
      if (port == null) {
        ended(driver);
        return;
      }
      ProcessHandle jvm = Launcher.jvm(outer);
      if (dao.ready(id, jvm.pid(), port)) {
        driver.serves(jvm, client(driver, port));
        changed(id);
      } else {
        kill(driver);
      }
      watch(driver);
    } catch (Exception e) {
      LOG.warn("engine {} did not start", id, e);
      if (driver.outer() != null) {
        kill(driver);
      }
      ended(driver, "it did not start: " + e.getMessage());
    }
  }

  private void watch(Driver driver) {
    var unused = driver.outer().onExit().thenRunAsync(() -> ended(driver), work);
  }

  private ConnectClient client(Driver driver, int port) {
    return new ConnectClient(
        connections,
        driver.id(),
        port,
        driver.key().privateKey(),
        clock,
        () -> catalogsVersion.apply(driver.spec().workspaceId()));
  }

  private void stop(List<Driver> those, String reason) {
    those.stream()
        .map(driver -> CompletableFuture.runAsync(() -> stop(driver, reason), work))
        .toList()
        .forEach(CompletableFuture::join);
  }

  private void stop(Driver driver, String reason) {
    driver.retire();
    if (dao.stopping(driver.id(), reason)) {
      changed(driver.id());
      kill(driver);
    } else if (dao.find(driver.id()).filter(e -> e.state() == State.DRAINING).isPresent()) {
      kill(driver); // It was about to end; now it is not waited for.
    }
    driver.gone().join();
  }

  private void drain(Driver driver, String reason) {
    work.execute(
        () -> {
          if (driver.ready().handle((nothing, failure) -> failure).join() != null) {
            return; // It never was in use.
          }
          driver.retire();
          if (dao.draining(driver.id(), reason)) {
            changed(driver.id());
            driver.unused().join();
            kill(driver);
          }
        });
  }

  /** First as a request to the driver, then to all of it. */
  private void kill(Driver driver) {
    ProcessHandle outer = driver.outer();
    if (outer == null) {
      return; // Not started yet: whoever starts it sees in the row that it is not wanted.
    }
    if (driver.jvm() != null && driver.jvm().destroy()) {
      try {
        outer
            .onExit()
            .get(config.engineTraining() ? WRITE_SECONDS : TERM_SECONDS, TimeUnit.SECONDS);
        return;
      } catch (TimeoutException e) {
        LOG.info("engine {} did not end on request", driver.id());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (ExecutionException e) {
        throw new IllegalStateException(e);
      }
    }
    outer.destroyForcibly();
  }

  private void ended(Driver driver) {
    ended(driver, causeOfEnd(driver.id()));
  }

  private void ended(Driver driver, String cause) {
    if (!driver.end()) {
      return;
    }
    try {
      end(driver.id(), cause);
    } finally {
      drivers.remove(driver.id());
      driver.ready().completeExceptionally(new CompletionException(cause, null));
      driver.gone().complete(null);
    }
  }

  private void end(String id, String cause) {
    // What was killed while it was putting up its walls may not yet die with its parent.
    List<ProcessHandle> left = marked(id);
    for (int round = 0; round < KILLS && !left.isEmpty(); round++) {
      left.forEach(Engines::kill);
      left = marked(id);
    }
    dao.ended(id, cause, clock.millis());
    tokens.revoke(id);
    if (config.engineTraining()) {
      try {
        launcher.learned(id);
      } catch (IOException e) {
        LOG.error("engine {} was trained in vain", id, e);
      }
    }
    Folders.delete(launcher.folder(id).resolve("scratch"));
    changed(id);
  }

  private String causeOfEnd(String id) {
    String tail = "";
    String code = "";
    try {
      tail = new String(launcher.log(id).tail(64 << 10), UTF_8);
      code = Files.readString(launcher.exitCode(id)).trim();
    } catch (IOException e) {
      // It was killed with all around it, or had nothing to say.
    }
    if (tail.contains("java.lang.OutOfMemoryError")) {
      return "the driver ran out of memory (its heap is " + launcher.memory(dao.spec(id)) + ")";
    }
    if (code.isEmpty()) {
      return "the driver was killed";
    }
    int number = Integer.parseInt(code);
    if (number > 128) {
      return "the driver was killed by signal " + (number - 128);
    }
    String last = tail.lines().filter(line -> !line.isBlank()).reduce((a, b) -> b).orElse("");
    return "the driver ended with exit code "
        + number
        + (last.isEmpty() ? "" : "; its last words: " + last);
  }

  private void changed(String id) {
    dao.find(id)
        .ifPresent(
            engine -> {
              LOG.info(
                  "engine {} of {} is {}{}",
                  id,
                  engine.ownerId(),
                  engine.state(),
                  engine.reason() == null ? "" : ": " + engine.reason());
              watchers.forEach(watcher -> watcher.accept(engine));
            });
  }

  private void recover(URI address) {
    dao.claim();
    seek();
    List<String> adopted = new ArrayList<>();
    for (Engine engine : dao.ours()) {
      Optional<SigningKeys.Pair> pair = pairOf(engine, address);
      if (pair.isPresent() && adopt(engine, pair.get())) {
        adopted.add(engine.id());
        LOG.info("engine {} of {} was taken over", engine.id(), engine.ownerId());
      } else if (pair.isEmpty()) {
        // Calls end with their control plane, so nothing that it does is lost.
        dao.stopping(engine.id(), FOREIGN);
      }
    }
    Set<ProcessHandle> left = new HashSet<>(marked());
    adopted.forEach(id -> left.removeAll(marked(id)));
    left.forEach(Engines::kill);
    for (Engine engine : dao.ours()) {
      if (!adopted.contains(engine.id())) {
        end(
            engine.id(),
            engine.state() == State.STARTING
                ? "the control plane ended while it was starting"
                : causeOfEnd(engine.id()));
      }
    }
    forget();
  }

  /** Deletes what is left of engines that ended, but for the newest. */
  public void forget() {
    List<Path> folders = new ArrayList<>();
    try (DirectoryStream<Path> there = Files.newDirectoryStream(config.engines())) {
      there.forEach(folders::add);
    } catch (NoSuchFileException e) {
      // None was ever started here.
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look into " + config.engines(), e);
    }
    // Looked at before: a row comes before its folder, and goes before it.
    Set<String> known = dao.forget(config.upkeep().enginesKept());
    for (Path folder : folders) {
      if (!known.contains(folder.getFileName().toString())) {
        Folders.delete(folder);
      }
    }
  }

  /** How many are in a state in which they are up. */
  public long count(State state) {
    return dao.up().stream().filter(engine -> engine.state() == state).count();
  }

  /**
   * Notes the end of engines whose control plane is gone. They end by themselves when nobody speaks
   * to them, or are ended by that control plane when it comes back.
   */
  public void seek() {
    obeyRows();
    for (String orphan : dao.orphans()) {
      dao.ended(orphan, "its control plane is gone", clock.millis());
      tokens.revoke(orphan);
      changed(orphan);
    }
  }

  /** Ends each whose row says that it is to end, or has: another control plane wrote that. */
  private void obeyRows() {
    for (Driver driver : drivers.values()) {
      boolean wanted =
          dao.find(driver.id())
              .filter(engine -> engine.state().isUp() && engine.state() != State.STOPPING)
              .isPresent();
      if (!wanted) {
        driver.retire();
        kill(driver);
      }
    }
  }

  /** The states of the owner's engines in other control planes. */
  public List<State> elsewhere(String ownerId) {
    return dao.elsewhere(ownerId).stream().map(Engine::state).toList();
  }

  /** Asks the other control planes to stop theirs; returns before they have. */
  public void stopElsewhere(String ownerId, String reason) {
    dao.stopElsewhere(ownerId, reason);
  }

  private boolean adopt(Engine engine, SigningKeys.Pair pair) {
    if (engine.state() != State.RUNNING
        || !marked(engine.id()).contains(ProcessHandle.of(engine.outerPid()).orElse(null))
        || !engine.outerSince().equals(HostProcesses.identity(engine.outerPid()))) {
      return false;
    }
    Optional<ProcessHandle> jvm = ProcessHandle.of(engine.jvmPid());
    if (jvm.isEmpty()) {
      return false;
    }
    Driver driver = new Driver(engine.id(), dao.spec(engine.id()), pair, clock);
    drivers.put(engine.id(), driver);
    ProcessHandle outer = ProcessHandle.of(engine.outerPid()).orElseThrow();
    driver.runsAs(outer);
    driver.serves(jvm.get(), client(driver, engine.port()));
    watch(driver);
    return true;
  }

  /** The pair whose public half an engine was told, with all else that it would be told now. */
  private Optional<SigningKeys.Pair> pairOf(Engine engine, URI address) {
    return keys.all().stream()
        .filter(pair -> engine.terms().equals(terms(address, pair)))
        .findFirst();
  }

  private List<ProcessHandle> marked(String... engineId) {
    List<String> words = new ArrayList<>(List.of(Launcher.homeMark(config.home())));
    for (String id : engineId) {
      words.add(Launcher.engineMark(id));
    }
    return HostProcesses.with(words);
  }

  private static void kill(ProcessHandle process) {
    process.destroyForcibly();
    try {
      process.onExit().get(TERM_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("process {} of a former engine does not end", process.pid());
    }
  }

  /**
   * Ends what a killed control plane left running, where there is no control plane any more.
   *
   * @return how many processes there were
   */
  public static int reap(Path home) {
    List<ProcessHandle> left = HostProcesses.with(List.of(Launcher.homeMark(home)));
    left.forEach(Engines::kill);
    return left.size();
  }

  /** A hash of what it runs, whom it believes, and where it asks. */
  private String terms(URI address, SigningKeys.Pair key) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256")
                  .digest((address + "\n" + launcher.build() + "\n" + key.told()).getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The pairs that sign for engines; a former one goes when no engine has it any more. */
  public KeyRing keys() {
    return new KeyRing() {
      @Override
      public List<Key> keys() {
        String current = keys.current().id();
        return keys.all().stream()
            .map(pair -> new Key(pair.id(), pair.id().equals(current), null))
            .toList();
      }

      @Override
      public void rotate(Instant now) {
        keys.rotate();
      }

      @Override
      public List<String> retire(Instant now, boolean all) {
        List<Engine> up = dao.up();
        boolean unknown = up.stream().anyMatch(engine -> engine.keyId() == null);
        List<String> gone =
            keys.keepOnly(
                id -> !all && (unknown || up.stream().anyMatch(e -> id.equals(e.keyId()))));
        reload();
        return gone;
      }

      @Override
      public void reload() {
        for (Driver driver : drivers.values()) {
          if (keys.find(driver.key().id()).isEmpty()) {
            drain(
                driver, "its key was retired; the next statement starts an engine with a new one");
          }
        }
      }
    };
  }

  /** Brings the pairs to the current sealing key; how many were not. */
  public int reseal() {
    return keys.reseal();
  }

  /** Stops what is idle, bounds logs. */
  void tick() {
    for (Driver driver : drivers.values()) {
      try {
        launcher.log(driver.id()).bound();
        if (driver.retireWhenIdle()) {
          var unused =
              work.submit(
                  () -> stop(driver, "idle for " + driver.spec().idleMinutes() + " minutes"));
        } else if (driver.sessions() != null) {
          driver.sessions().releaseIdle();
        }
      } catch (IOException | RuntimeException e) {
        LOG.warn("cannot look after engine {}", driver.id(), e);
      }
    }
  }

  /** Stops all engines. */
  @Override
  public void close() {
    ticks.shutdownNow();
    stop(List.copyOf(drivers.values()), "the control plane was stopped");
    work.close();
    var unused = connections.closeAsync();
  }

  /** One line of {@code ./tarn status}. */
  public record Listed(
      String id,
      String kind,
      String state,
      Long pid,
      @JsonProperty("workspace_id") long workspaceId,
      @JsonProperty("owner_id") String ownerId) {}

  /** {@code notice} is what an administrator must know about this machine, else null. */
  public record ListResponse(List<Listed> engines, String notice) {}

  public record ListRequest(String accountId) {}

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/tarn/engines")
  public ListResponse list(Caller caller, ListRequest request) {
    return new ListResponse(
        dao.up().stream()
            .map(
                engine ->
                    new Listed(
                        engine.id(),
                        engine.kind().name(),
                        engine.state().name(),
                        engine.jvmPid() == null ? engine.outerPid() : engine.jvmPid(),
                        engine.workspaceId(),
                        engine.ownerId()))
            .toList(),
        sandbox.isolating()
            ? null
            : "sandbox=off: engines run without walls, one person may use this instance");
  }

  public record LogRequest(String engineId) {}

  /** The last of a driver's log, as text. */
  @Allow(Role.WORKSPACE_ADMIN)
  @Operation("GET /api/2.0/tarn/engines/{engine_id}/log")
  public Answer log(Caller caller, LogRequest request) {
    String id = request.engineId();
    boolean its =
        caller.workspaceId() != null
            && dao.find(id).filter(e -> e.workspaceId() == caller.workspaceId()).isPresent();
    if (!its) {
      throw new ResourceDoesNotExist("No engine with id '" + id + "' in this workspace", null);
    }
    try {
      return new Answer(
          200, Map.of(), "text/plain; charset=utf-8", launcher.log(id).tail(LOG_TAIL));
    } catch (NoSuchFileException e) {
      return new Answer(200, Map.of(), "text/plain; charset=utf-8", new byte[0]);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the log of engine " + id, e);
    }
  }
}
