package dev.tarn;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.SessionProtocol;
import com.linecorp.armeria.server.ClientAddressSource;
import com.linecorp.armeria.server.ServerBuilder;
import dev.tarn.access.Access;
import dev.tarn.access.People;
import dev.tarn.account.Account;
import dev.tarn.account.AwsAccount;
import dev.tarn.account.Step;
import dev.tarn.account.WorkspaceRecord;
import dev.tarn.backup.Snapshots;
import dev.tarn.billing.Billing;
import dev.tarn.catalog.Catalog;
import dev.tarn.cloudformation.Sessions;
import dev.tarn.cloudformation.Stacks;
import dev.tarn.compute.Compute;
import dev.tarn.connect.ConnectDoor;
import dev.tarn.database.Database;
import dev.tarn.database.Leases;
import dev.tarn.database.Seal;
import dev.tarn.database.Unreachable;
import dev.tarn.engine.Engine;
import dev.tarn.engine.Engines;
import dev.tarn.engine.Sandbox;
import dev.tarn.http.Api;
import dev.tarn.http.Authenticator;
import dev.tarn.http.Caller;
import dev.tarn.http.Hosts;
import dev.tarn.http.Network;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
import dev.tarn.http.Watch;
import dev.tarn.http.WebFiles;
import dev.tarn.iam.EffectiveAccess;
import dev.tarn.iam.Iam;
import dev.tarn.iam.StackSessions;
import dev.tarn.iam.StackSessions.Unbound;
import dev.tarn.iam.WorkspaceGroups;
import dev.tarn.keys.Keys;
import dev.tarn.mail.Mail;
import dev.tarn.permissions.Permissions;
import dev.tarn.sql.Sql;
import dev.tarn.storage.Buckets;
import dev.tarn.storage.Disk;
import dev.tarn.telemetry.Audit;
import dev.tarn.telemetry.Metrics;
import dev.tarn.telemetry.Retention;
import dev.tarn.tls.Certificates;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The composition root: every package's facade, built and mounted in reading order. Nothing else
 * knows all packages.
 */
public final class Server implements AutoCloseable {
  /** Owner of buckets that only have their place here. */
  private static final String FOREIGN = "aws";

  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final String FIRST_ADMIN = "admin@tarn.local";

  private final Config config;
  private final Clock clock;
  private final Database database;
  private final Buckets buckets;
  private final Iam iam;
  private final Account account;
  private final Billing billing;
  private final Access access;
  private final Permissions permissions;
  private final Catalog catalog;
  private final Engines engines;
  private final Sql sql;
  private final Compute compute;
  private final Stacks stacks;
  private final AwsAccount aws;
  private final Snapshots snapshots;
  private final Keys keys;
  private final Routes routes = new Routes();
  private final ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor();
  private Audit audit;
  private com.linecorp.armeria.server.Server http;
  private Certificates certificates;
  private final Metrics metrics = new Metrics();
  private final Retention retention = new Retention();
  private final Disk disk;

  /** Builds and mounts everything; nothing runs yet. */
  Server(Config config, Clock clock, Consumer<Routes> more) {
    this.config = config;
    this.clock = clock;
    database = Database.open(config.database());
    disk = new Disk(config.home(), config.upkeep().diskWatermark());
    buckets = new Buckets(database, config.storage(), clock);

    Seal seal = Seal.open(config.keys());
    Sandbox sandbox = Sandbox.open(config.sandbox(), config.home());

    iam =
        new Iam(
            database,
            config.keys(),
            config.network().zones(),
            clock,
            config.sessionIdle(),
            config.sessionLongest());
    Supplier<String> region = () -> iam.region().orElse(config.region());
    stacks =
        new Stacks(
            database,
            seal,
            buckets,
            sandbox,
            sessions(iam.stackSessions()),
            iam::accountId,
            region,
            config.home().resolve("runtime"),
            config.logs(),
            clock,
            () -> ownUrl().toString());
    aws = config.aws() == null ? null : new AwsAccount(config.aws(), region, iam::accountId);
    access = new Access(database, clock, people(iam));
    permissions = new Permissions(database, members(iam));
    catalog = new Catalog(database, buckets, clock, this::place, access, Stacks::reaches, seal);
    engines = new Engines(config, database, seal, sandbox, tokens(iam), access::version, clock);
    engines.onChange(
        engine -> {
          if (!engine.state().isUp()) {
            catalog.engineGone(engine.id());
          }
        });
    sql = new Sql(config, database, engines, this::spec, this::rootFolder, this::url, clock);
    compute =
        new Compute(
            database,
            engines,
            this::clusterSpec,
            permissions,
            clusterMembers(iam),
            workspace -> place(workspace).region(),
            Billing::dbuAnHour,
            clock);
    iam.onChange(
        () -> {
          sql.cancelUnless(iam::mayEnter);
          engines.releaseUnless(iam::mayEnter);
        });
    account =
        new Account(
            database,
            iam,
            buckets,
            clock,
            region,
            deployment -> config.network().workspaceUrl(port(), deployment).toString(),
            arn -> stacks.isRole(arn) || (aws != null && aws.isRole(arn)),
            this::rootBucket,
            catalog::workspaceCatalog,
            List.of(
                new Step(
                    "metastore",
                    "Assigning the region's metastore.",
                    workspace -> catalog.assignMetastore(place(workspace.id()))),
                new Step(
                    "workspace-catalog",
                    "Making the workspace's catalog.",
                    workspace -> catalog.createWorkspaceCatalog(place(workspace.id()))),
                new Step(
                    "starter-warehouse",
                    "Making the Starter Warehouse.",
                    workspace ->
                        sql.createStarterWarehouse(
                            workspace.id(), iam.nameOf(workspace.createdBy()).orElse("System"))),
                new Step(
                    "cluster-policies",
                    "Making the default cluster policies.",
                    workspace ->
                        compute.createDefaultPolicies(
                            workspace.id(),
                            iam.nameOf(workspace.createdBy()).orElse("System"),
                            iam.workspaceGroups(workspace.id(), workspace.name()).users()))),
            List.of(
                workspace -> sql.removeWorkspace(workspace.id()),
                workspace -> compute.removeWorkspace(workspace.id()),
                workspace -> catalog.removeWorkspace(workspace.id()),
                this::removeRootBucket));
    Mail mail = new Mail(config.mail());
    billing =
        new Billing(
            database,
            buckets,
            iam::accountId,
            engines::uptimes,
            id -> Compute.isCluster(id) ? compute.facts(id) : sql.warehouse(id),
            account::workspace,
            () -> audit,
            (to, subject, text) -> mail.isConfigured() && mail.send(to, subject, text).isEmpty(),
            config.logDelivery(),
            clock);
    engines.onChange(engine -> billing.engineChanged());

    snapshots = new Snapshots(config, database, buckets, clock);
    keys =
        new Keys(
            Map.of("sealing", seal, "tokens", iam.tokenKeys(), "engines", engines.keys()),
            List.of(stacks::reseal, engines::reseal, catalog::reseal),
            database,
            clock,
            (why, params) ->
                audit.append(
                    Audit.Entry.ofSystem(
                        clock.millis(), "system-" + why, "keys.Keys.retire", params)));

    iam.routes(
        routes,
        account::workspaceOfDeployment,
        mail,
        region,
        () -> account.workspaces().isEmpty() && stacks.isEmpty());
    account.routes(routes);
    iam.accessRoutes(routes, this::face);
    billing.routes(routes);
    access.routes(routes);
    permissions.routes(routes);
    catalog.routes(routes);
    engines.routes(routes);
    sql.routes(routes);
    compute.routes(routes);
    stacks.routes(routes);
    snapshots.routes(routes);
    keys.routes(routes);
    more.accept(routes);
    routes.complete();
  }

  /**
   * Makes what {@link #start} expects, as far as it is missing: the account, its first admin and
   * that admin's token in {@code keys/admin-token}.
   */
  public static void init(Config config, Clock clock) {
    try (Database database = Database.open(config.database())) {
      new Iam(database, config.keys(), clock).bootstrap(config.accountName(), FIRST_ADMIN);
    }
  }

  /** A bucket that is in an AWS is looked at there, and has a folder of its name here. */
  private void rootBucket(WorkspaceRecord workspace) {
    if (aws != null && !buckets.exists(workspace.bucket())) {
      aws.tryOut(workspace.roleArn(), workspace.bucket());
      buckets.create(workspace.bucket(), workspace.rest().getAwsRegion(), FOREIGN);
    }
  }

  private void removeRootBucket(WorkspaceRecord workspace) {
    boolean foreign =
        buckets.list().stream()
            .anyMatch(b -> b.name().equals(workspace.bucket()) && b.owner().equals(FOREIGN));
    boolean shared =
        account.workspaces().stream()
            .anyMatch(
                other -> other.id() != workspace.id() && other.bucket().equals(workspace.bucket()));
    if (foreign && !shared) {
      buckets.delete(workspace.bucket(), true);
    }
  }

  /**
   * What the stacks ask of identity. No call of its own gives a stack its right or takes it away,
   * so both have audit records of their own: the first beside the call that made the stack go on,
   * the second when nobody calls.
   */
  private Sessions sessions(StackSessions sessions) {
    return new Sessions() {
      @Override
      public String mint(Caller by, String stackId) {
        String token = sessions.mint(by, stackId);
        audited("iam.StackSessions.mint", by, stackId);
        return token;
      }

      @Override
      public Unbound mintUnbound(Caller by) {
        Unbound minted = sessions.mintUnbound(by);
        audited("iam.StackSessions.mint", by, minted.id());
        return minted;
      }

      @Override
      public void close(String stackId) {
        sessions.close(stackId);
        audited(
            "iam.StackSessions.close",
            Caller.system(iam.accountId(), "stack " + stackId + " is done"),
            stackId);
      }
    };
  }

  /** What no call of its own brings about. */
  private void audited(String action, Caller by, String stackId) {
    boolean system = by.kind() == Caller.Kind.SYSTEM;
    audit.append(
        new Audit.Entry(
            clock.millis(),
            by.requestId(),
            system ? null : by.principalId(),
            system ? "system" : by.name(),
            by.tokenId(),
            by.engineId(),
            stackId,
            null,
            action,
            null,
            null,
            Map.of("stack_id", stackId),
            200,
            null,
            List.of(),
            null,
            null));
  }

  /** What the catalog asks of identity. */
  public static People people(Iam iam) {
    return new People() {
      @Override
      public Set<Long> standsFor(long principalId) {
        return iam.standsFor(principalId);
      }

      @Override
      public Map<Long, List<String>> ways(long principalId) {
        return iam.ways(principalId);
      }

      @Override
      public boolean enters(long principalId, long workspaceId) {
        return iam.enters(principalId, workspaceId);
      }

      @Override
      public List<String> groupNames(long principalId) {
        return iam.groupsOf(Long.toString(principalId)).values().stream().sorted().toList();
      }

      @Override
      public Optional<Long> named(String name) {
        return iam.principalNamed(name);
      }

      @Override
      public Groups ofWorkspace(long workspaceId, String workspaceName) {
        WorkspaceGroups groups = iam.workspaceGroups(workspaceId, workspaceName);
        return new Groups(groups.users(), groups.admins());
      }

      @Override
      public long everybody() {
        return WorkspaceGroups.ACCOUNT_USERS;
      }

      @Override
      public String version() {
        return iam.version();
      }
    };
  }

  /** What the permissions of a workspace's objects ask of identity. */
  private static Permissions.People members(Iam iam) {
    return new Permissions.People() {
      @Override
      public Set<Long> standsFor(long principalId) {
        return iam.standsFor(principalId);
      }

      @Override
      public Map<Long, List<String>> ways(long principalId) {
        return iam.ways(principalId);
      }

      @Override
      public Optional<Long> named(long workspaceId, Caller.Kind kind, String name) {
        return iam.principalOf(workspaceId, kind, name);
      }

      @Override
      public Optional<Permissions.Named> name(long principalId) {
        return iam.called(principalId)
            .map(is -> new Permissions.Named(is.kind(), is.name(), is.displayName()));
      }
    };
  }

  /** What clusters ask of identity. */
  private static Compute.Members clusterMembers(Iam iam) {
    return new Compute.Members() {
      @Override
      public boolean isEntitled(Caller caller, String entitlement) {
        return iam.isEntitled(
            caller.workspaceId(), Long.parseLong(caller.principalId()), entitlement);
      }

      @Override
      public Optional<Long> named(long workspaceId, String name) {
        return iam.principalOf(workspaceId, Caller.Kind.USER, name)
            .or(() -> iam.principalOf(workspaceId, Caller.Kind.SERVICE_PRINCIPAL, name));
      }
    };
  }

  /** What engines ask of identity. */
  private static Engines.Tokens tokens(Iam iam) {
    return new Engines.Tokens() {
      @Override
      public String mint(String engineId, long workspaceId) {
        return iam.tokens().mintForEngine(engineId, workspaceId);
      }

      @Override
      public void revoke(String engineId) {
        iam.tokens().revokeOfEngine(engineId);
      }
    };
  }

  /** What the engine of a warehouse sees: its workspace's bucket, the metastore's, the samples. */
  private Engines.Spec spec(long workspaceId, String warehouseId) {
    Catalog.Place place = place(workspaceId);
    Map<String, Boolean> writable = new HashMap<>();
    writable.put(place.rootBucket(), true);
    writable.put("tarn-metastore-" + place.region(), true);
    writable.put("tarn-samples", false);
    writable.keySet().removeIf(bucket -> !buckets.exists(bucket));
    return Engines.Spec.ofWarehouse(
        warehouseId, workspaceId, writable, catalog.defaultCatalog(workspaceId).orElse("main"));
  }

  /** The same for a cluster, which stops by itself when nobody uses it. */
  private Engines.Spec clusterSpec(
      long workspaceId,
      String clusterId,
      Map<String, String> sparkConf,
      Map<String, String> environment,
      int idleMinutes) {
    Engines.Spec spec = spec(workspaceId, clusterId);
    return new Engines.Spec(
        Engine.Kind.CLUSTER,
        clusterId,
        0,
        workspaceId,
        spec.buckets(),
        spec.defaultCatalog(),
        idleMinutes,
        null,
        null,
        sparkConf,
        environment);
  }

  /** A cluster's engine, or a warehouse's. */
  private Sql.Use use(Caller caller, String computeId, Sql.Need need) {
    return Compute.isCluster(computeId)
        ? compute.use(caller, computeId, need)
        : sql.use(caller, computeId, need);
  }

  private Path rootFolder(long workspaceId) {
    return config.storage().resolve(place(workspaceId).rootBucket());
  }

  /** What those who may enter a workspace see of it. */
  private Optional<EffectiveAccess.Face> face(long workspaceId) {
    return account
        .workspace(workspaceId)
        .map(
            workspace ->
                new EffectiveAccess.Face(
                    workspace.name(),
                    workspace.rest().getAwsRegion(),
                    String.valueOf(workspace.status())));
  }

  /** What the catalog asks of a workspace. */
  private Catalog.Place place(long workspaceId) {
    WorkspaceRecord workspace =
        account
            .workspace(workspaceId)
            .orElseThrow(
                () ->
                    new ResourceDoesNotExist("workspace " + workspaceId + " does not exist", null));
    return new Catalog.Place(
        workspace.id(), workspace.name(), workspace.rest().getAwsRegion(), workspace.bucket());
  }

  /**
   * Opens the data directory of {@code config}, finishes what a killed process left, and listens.
   *
   * @throws IllegalStateException the directory, the database or the port cannot be used
   */
  public static Server start(Config config, Clock clock) {
    return start(config, clock, routes -> {});
  }

  static Server start(Config config, Clock clock, Consumer<Routes> more) {
    Server server = new Server(config, clock, more);
    try {
      server.run();
      return server;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private void run() {
    audit = Audit.open(config.audit(), clock);
    database.leases().start(Leases.name(config.home().resolve("run").resolve("control-plane")));
    buckets.recover();
    snapshots.recover();
    catalog.recover();
    Authenticator authenticator =
        iam.authenticator(account::workspaceOfDeployment, account::closed, engines::hasSession);
    Hosts hosts = new Hosts(config.network());
    measure();
    http =
        listen(
            hosts,
            authenticator,
            new Api(hosts, routes, authenticator, audit, clock, calls, watch()),
            new ConnectDoor(
                hosts, authenticator, this::use, engines, audit, watch(), clock, calls));
    try {
      http.start().join();
    } catch (CompletionException e) {
      // The native transport has an exception of its own for what the JDK calls BindException.
      if (e.getCause() instanceof BindException
          || String.valueOf(e.getCause().getMessage()).contains("Address already in use")) {
        throw new IllegalStateException(
            "port "
                + config.port()
                + " is in use (expected: a free port on "
                + config.network().bind().getHostAddress()
                + "; set TARN_PORT to another one)",
            e);
      }
      throw e;
    }
    engines.start(ownUrl());
    sql.start(
        account.workspaces().stream()
            .map(workspace -> config.storage().resolve(workspace.bucket()))
            .toList());
    compute.start();
    account.recover();
    billing.start();
    retention
        .of(
            "audit",
            () ->
                Retention.audit(
                    config.audit(),
                    clock,
                    Duration.ofDays(config.upkeep().auditDays()),
                    billing.undelivered(),
                    disk.isLow()))
        .of("dropped", catalog::sweep)
        .of("engines", engines::forget)
        .of("keys", keys::sweep)
        .start();
    stacks.resume(); // its functions call this server
    database.leases().onFreed(this::seek);
  }

  /** Goes on with what a control plane that is gone, or gave up, has left. */
  private void seek() {
    for (Runnable part :
        List.<Runnable>of(engines::seek, sql::seek, account::recover, stacks::seek)) {
      try {
        part.run();
      } catch (Unreachable e) {
        LOG.warn("what others left is looked at when the database is back", e);
      }
    }
  }

  private com.linecorp.armeria.server.Server listen(
      Hosts hosts, Authenticator authenticator, Api api, ConnectDoor connect) {
    WebFiles web = new WebFiles(hosts);
    var builder = com.linecorp.armeria.server.Server.builder();
    listenOn(builder);
    return builder
        .http1MaxInitialLineLength(256 * 1024) // names of 10,000 characters, percent-encoded
        .http1MaxHeaderSize(256 * 1024)
        .http2MaxHeaderListSize(256 * 1024)
        .maxRequestLength(0) // the operations know how much they read
        .requestTimeoutMillis(0) // a statement may be waited for
        // Who is refused before the body is there reads the answer, not a broken stream.
        .requestAutoAbortDelayMillis(2_000)
        .idleTimeoutMillis(
            120_000) // clients keep connections, and find out late that one is closed
        .gracefulShutdownTimeoutMillis(200, 10_000)
        .disableServerHeader()
        .clientAddressSources(ClientAddressSource.ofHeader("x-forwarded-for"))
        .clientAddressTrustedProxyFilter(config.network()::isTrusted)
        .decorator(hosts::enter)
        .service("/healthz", hosts.only((context, request) -> HttpResponse.of("ok\n")))
        .service(
            "/metrics",
            hosts.only(
                metrics.page(
                    (context, authorization) ->
                        Hosts.isOfThisMachine(context) || mayMeasure(authenticator, authorization),
                    calls)))
        .service("/readyz", hosts.only((context, request) -> HttpResponse.of(readiness())))
        .serviceUnder(ConnectDoor.PATH, connect.service())
        .serviceUnder("/assets", web.assets())
        .serviceUnder("/", web.before(api))
        .build();
  }

  /**
   * One port. With TLS it speaks plain HTTP too, but only to this machine: engines and the
   * functions of stacks ask there, and so outlive a change of certificate.
   */
  private void listenOn(ServerBuilder builder) {
    Network network = config.network();
    InetSocketAddress address = new InetSocketAddress(network.bind(), config.port());
    if (!network.isTls()) {
      builder.http(address);
      return;
    }
    certificates = new Certificates(network, config.keys(), config.tls(), clock);
    builder.tlsProvider(certificates);
    builder.port(address, SessionProtocol.HTTP, SessionProtocol.HTTPS);
    if (!network.bind().isAnyLocalAddress() && !network.bind().isLoopbackAddress()) {
      if (config.port() == 0) {
        throw new IllegalStateException(
            "port: '0' (expected: a number, because loopback and "
                + network.bind().getHostAddress()
                + " are to listen on the same one)");
      }
      builder.http(new InetSocketAddress(InetAddress.getLoopbackAddress(), config.port()));
    }
  }

  private Watch watch() {
    return new Watch() {
      @Override
      public void before(String verb, String action) {
        disk.admit(verb, action);
      }

      @Override
      public void after(String action, int status, long nanos) {
        metrics.call(action, status, nanos);
      }
    };
  }

  /** What is known without a call. */
  private void measure() {
    metrics.gauge("tarn.disk.free", "Bytes free on the disk of the data", disk::free);
    metrics.gauge(
        "tarn.disk.low", "1 while writes are refused for want of room", () -> disk.isLow() ? 1 : 0);
    metrics.gauge(
        "tarn.database.size",
        "Bytes of the embedded database",
        () -> config.databaseFile().toFile().length());
    metrics.gauge(
        "tarn.database.log.size",
        "Bytes of the embedded database's log",
        () -> config.home().resolve("tarn.db-wal").toFile().length());
    metrics.gauge(
        "tarn.database.up",
        "1 while the database answers",
        () -> readiness().join().aggregate().join().status().code() == 200 ? 1 : 0);
    for (Engine.State state : Engine.State.values()) {
      if (state.isUp()) {
        metrics.gauge(
            "tarn.engines",
            "Engines by state",
            () -> engines.count(state),
            "state",
            state.name().toLowerCase(Locale.ROOT));
      }
    }
    metrics.gauge(
        "tarn.audit.size",
        "Bytes of the audit log",
        () -> {
          try {
            long bytes = 0;
            for (Path segment : Audit.segments(config.audit())) {
              bytes += Files.size(segment);
            }
            return bytes;
          } catch (IOException e) {
            return Double.NaN;
          }
        });
    if (config.network().isTls()) {
      metrics.gauge(
          "tarn.certificate.expires",
          "When the certificate ends, seconds since 1970",
          () -> certificates.expires().getEpochSecond());
    }
  }

  private boolean mayMeasure(Authenticator authenticator, String authorization) {
    if (authorization == null) {
      return false;
    }
    Path file = config.upkeep().metricsToken();
    try {
      if (file != null
          && MessageDigest.isEqual(
              ("Bearer " + Files.readString(file).trim()).getBytes(StandardCharsets.UTF_8),
              authorization.getBytes(StandardCharsets.UTF_8))) {
        return true;
      }
      return authenticator
          .authenticate(
              new Authenticator.Credentials(
                  authorization, "127.0.0.1", null, iam.accountId(), null, null, "metrics"))
          .is(Role.ACCOUNT_ADMIN);
    } catch (IOException | DatabricksError e) {
      return false;
    }
  }

  private CompletableFuture<HttpResponse> readiness() {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            database.read(handle -> handle.createQuery("SELECT 1").mapTo(int.class).one());
            return HttpResponse.of("ready\n");
          } catch (RuntimeException e) {
            return HttpResponse.of(
                HttpStatus.SERVICE_UNAVAILABLE,
                MediaType.PLAIN_TEXT_UTF_8,
                "the database does not answer\n");
          }
        },
        calls);
  }

  /** What is mounted, for the coverage list and for tests that try every route. */
  public Routes routes() {
    return routes;
  }

  Account account() {
    return account;
  }

  public int port() {
    return http.activeLocalPort();
  }

  /** What clients are told. */
  public URI url() {
    return config.network().url(port());
  }

  /** Where this machine's own processes ask: engines, functions, the command line. */
  public URI ownUrl() {
    return URI.create("http://127.0.0.1:" + port());
  }

  /**
   * Calls that run have ten seconds to end, then are interrupted; then everything is closed in the
   * opposite order.
   */
  @Override
  public void close() {
    stacks.close(); // first: its functions answer to this server
    if (http != null) {
      http.stop().join();
    }
    retention.close();
    keys.close();
    if (certificates != null) {
      certificates.close();
    }
    calls.shutdownNow();
    calls.close();
    account.close();
    billing.close();
    sql.close();
    engines.close();
    catalog.close();
    if (audit != null) {
      audit.close();
    }
    metrics.close();
    database.close();
  }
}
