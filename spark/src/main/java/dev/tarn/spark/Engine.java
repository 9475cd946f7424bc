package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tarn.enforcement.SignedPrincipal;
import dev.tarn.spark.governance.Governance;
import dev.tarn.spark.sql.SqlExtension;
import dev.tarn.spark.sql.SystemCatalog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connect.service.SparkConnectService;
import org.apache.spark.sql.connect.service.SparkConnectService$;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One warehouse or cluster: a Spark application with a Spark Connect server on a loopback port.
 *
 * <p>The launcher starts it as {@code java FLAGS -cp 'runtime/jars/*' dev.tarn.spark.Engine},
 * writes the {@link EngineSpec} to its standard input and closes it, and waits for {@code
 * ready_file}. Standard error is the driver log. SIGTERM ends it in order. The environment needs a
 * UTF-8 locale ({@code LC_ALL=C.UTF-8}), or names beyond ASCII cannot be written to disk, and
 * {@code SPARK_LOCAL_IP=127.0.0.1}, or Spark looks for an address of the machine to use.
 *
 * <p>FLAGS on JDK 25, all needed but the last group:
 *
 * <pre>
 * -XX:+IgnoreUnrecognizedVMOptions --add-modules=jdk.incubator.vector
 * --add-opens=java.base/java.lang=ALL-UNNAMED
 * --add-opens=java.base/java.lang.invoke=ALL-UNNAMED
 * --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
 * --add-opens=java.base/java.io=ALL-UNNAMED
 * --add-opens=java.base/java.net=ALL-UNNAMED
 * --add-opens=java.base/java.nio=ALL-UNNAMED
 * --add-opens=java.base/java.util=ALL-UNNAMED
 * --add-opens=java.base/java.util.concurrent=ALL-UNNAMED
 * --add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED
 * --add-opens=java.base/jdk.internal.ref=ALL-UNNAMED
 * --add-opens=java.base/sun.nio.ch=ALL-UNNAMED
 * --add-opens=java.base/sun.nio.cs=ALL-UNNAMED
 * --add-opens=java.base/sun.security.action=ALL-UNNAMED
 * --add-opens=java.base/sun.util.calendar=ALL-UNNAMED
 * --add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED
 * -Dio.netty.tryReflectionSetAccessible=true -Dio.netty.allocator.type=pooled
 * --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED
 *
 * -Xmx... -Djava.io.tmpdir=...      the launcher's choice
 * -XX:AOTCache=FILE                 when there is one: about half the CPU time up to the first answer
 * </pre>
 *
 * <p>An AOT cache is trained by the same flags and class path with {@code -XX:AOTCacheOutput=FILE}
 * in place of {@code -XX:AOTCache=FILE}, some statements, and SIGTERM: the JVM writes the file (240
 * MB) before it exits, which takes a minute or more of one core, so wait long before a kill. A
 * cache that does not fit (another JDK, jar or flag) is ignored by the JVM with a warning.
 */
public final class Engine {
  private static volatile EngineSpec spec;

  /** Headers that were verified: the control plane sends one for half a minute. */
  private static final Recent<String, SignedPrincipal> BELIEVED = new Recent<>(1000);

  private Engine() {}

  public static void main(String[] args) {
    try {
      run();
    } catch (Throwable e) {
      // Spark's threads would keep a half-started process alive.
      e.printStackTrace();
      System.exit(1);
    }
  }

  private static void run() throws IOException, InterruptedException {
    // Before the first logger: the threads Spark makes for a call log its request id.
    System.setProperty("log4j2.isThreadContextMapInheritable", "true");
    EngineSpec told = EngineSpec.read(System.in);
    spec = told;
    LocalFiles.keepFree(spec.diskWatermark());
    Logger log = LoggerFactory.getLogger(Engine.class);
    if (!System.getProperty("sun.jnu.encoding").equalsIgnoreCase("UTF-8")) {
      throw new IllegalStateException(
          "locale: file names are '"
              + System.getProperty("sun.jnu.encoding")
              + "' (expected: UTF-8; start with LC_ALL=C.UTF-8)");
    }
    CatalogServer catalog =
        new CatalogServer(told.catalogUri(), told.catalogToken(), told.workspaceId());
    Sessions.use(catalog);
    SparkSession spark = SparkSession.builder().config(conf(told)).getOrCreate();
    spark.sparkContext().addSparkListener(new LateJobs(spark.sparkContext()));
    SparkConnectService.start(spark.sparkContext());
    warmUp(spark);
    endWhenOrphaned(catalog, told.orphanAfter(), log);
    writeReady(told.readyFile(), SparkConnectService$.MODULE$.localPort());
    log.info("engine {} serves port {}", told.engineId(), SparkConnectService$.MODULE$.localPort());
    SparkConnectService$.MODULE$.server().awaitTermination();
  }

  /** Who a call is for, or why it is not believed. */
  static SignedPrincipal verify(String header, Instant now) {
    SignedPrincipal principal = header == null ? null : BELIEVED.get(header);
    if (principal == null) {
      principal = SignedPrincipal.verify(header, spec.publicKey(), spec.engineId(), now);
      BELIEVED.put(header, principal);
    }
    principal.requireUnexpired(now);
    return principal;
  }

  private static SparkConf conf(EngineSpec spec) {
    String cores = Integer.toString(Runtime.getRuntime().availableProcessors());
    Map<String, String> conf = new TreeMap<>();
    conf.put("spark.master", "local[*]");
    conf.put("spark.app.name", spec.engineId());
    conf.put("spark.driver.host", "127.0.0.1");
    conf.put("spark.driver.bindAddress", "127.0.0.1");
    conf.put("spark.ui.enabled", "false");
    conf.put("spark.scheduler.mode", "FAIR");
    if (spec.maxResultBytes() > 0) {
      conf.put("spark.driver.maxResultSize", Long.toString(spec.maxResultBytes()));
    }

    conf.put("spark.connect.grpc.binding.address", "127.0.0.1");
    conf.put("spark.connect.grpc.binding.port", "0");
    conf.put("spark.connect.grpc.interceptor.classes", IdentityInterceptor.class.getName());

    // A machine of a few cores: what is sized for a cluster by default costs seconds here.
    conf.put("spark.sql.shuffle.partitions", cores);
    conf.put("spark.sql.adaptive.enabled", "true");
    conf.put("spark.databricks.delta.snapshotPartitions", cores);
    conf.put("spark.sql.sources.parallelPartitionDiscovery.parallelism", cores);

    conf.put("spark.sql.session.timeZone", "UTC");
    conf.put("spark.sql.sources.default", "delta");
    conf.put(
        "spark.sql.extensions",
        ParametersPastDelta.EXTENSIONS
            + ","
            + SqlExtension.class.getName()
            + ","
            + Governance.class.getName());
    // ${env:X} and ${spark.x} in a statement would read what nobody may.
    conf.put("spark.sql.variable.substitute", "false");
    // Otherwise ansi.enabled, which anybody may set, decides what NULL IN (nothing) is in a filter.
    conf.put("spark.sql.legacy.nullInEmptyListBehavior", "false");
    // The other resolver does not run the rules of extensions that stand ahead of resolution.
    conf.put("spark.sql.analyzer.singlePassResolver.enabled", "false");
    // A plan that was analyzed for an earlier call has that call's answers in it.
    conf.put("spark.connect.session.planCache.maxSize", "0");
    conf.put("spark.sql.catalog.spark_catalog", PathsOnlyCatalog.class.getName());
    conf.put("spark.sql.catalog.system", SystemCatalog.class.getName());
    conf.put("spark.sql.catalog." + spec.defaultCatalog(), "io.unitycatalog.spark.UCSingleCatalog");
    conf.put("spark.sql.defaultCatalog", spec.defaultCatalog());
    // A relation cached by name would outlive a table that another session drops and makes anew.
    conf.put("spark.sql.filesourceTableRelationCacheSize", "0");

    conf.put("spark.hadoop." + LocalFiles.STORAGE_ROOT, spec.storageRoot().toString());
    for (String scheme : new String[] {"s3", "s3a"}) {
      conf.put("spark.hadoop.fs." + scheme + ".impl", BucketFileSystem.class.getName());
    }
    conf.put("spark.hadoop.fs.file.impl", EngineFiles.class.getName());
    conf.put("spark.hadoop.fs.dbfs.impl", VolumeFileSystem.class.getName());
    // A path without a scheme is one of a volume, and of nothing else.
    conf.put("spark.hadoop.fs.defaultFS", VolumePath.SCHEME + ":///");
    for (String scheme : new String[] {"s3", "s3a", "dbfs", "file"}) {
      conf.put("spark.delta.logStore." + scheme + ".impl", FolderLogStore.class.getName());
    }
    conf.putAll(spec.sparkConf());

    SparkConf all = new SparkConf();
    conf.forEach(all::set);
    return all;
  }

  /** The first query of a JVM costs seconds; nobody should wait for it. */
  private static void warmUp(SparkSession spark) {
    SparkSession own = spark.newSession();
    // No principal, so no catalog of the server: even a function's name is looked up in it.
    own.conf().set("spark.sql.defaultCatalog", "spark_catalog");
    own.range(2).selectExpr("sum(id)").collectAsList();
  }

  private static void endWhenOrphaned(CatalogServer catalog, Duration patience, Logger log) {
    ScheduledExecutorService watch =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "control-plane-watch");
              thread.setDaemon(true);
              return thread;
            });
    AtomicLong lastSeen = new AtomicLong(System.nanoTime());
    long period = Math.max(1, Math.min(30, patience.toSeconds() / 4));
    var unused =
        watch.scheduleWithFixedDelay(
            () -> {
              if (catalog.isHealthy()) {
                lastSeen.set(System.nanoTime());
              } else if (System.nanoTime() - lastSeen.get() > patience.toNanos()) {
                log.error("the control plane was silent for {}: this engine ends", patience);
                System.exit(3);
              }
            },
            period,
            period,
            TimeUnit.SECONDS);
  }

  private static void writeReady(Path file, int port) throws IOException {
    Path hidden = file.resolveSibling("." + file.getFileName() + ".tmp");
    Files.write(hidden, ("{\"port\":" + port + "}\n").getBytes(UTF_8));
    Files.move(hidden, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
