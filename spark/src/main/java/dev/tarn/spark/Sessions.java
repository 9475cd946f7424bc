package dev.tarn.spark;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.spark.governance.Decisions;
import java.lang.reflect.Method;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.CurrentUserContext;
import org.apache.spark.sql.catalyst.analysis.AnalysisContext;
import org.apache.spark.sql.connector.catalog.CatalogManager;
import org.apache.spark.sql.connector.catalog.CatalogPlugin;
import org.apache.spark.sql.connector.catalog.DefaultCatalogManager;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Whose session is it? The interceptor writes it down from the signed principal of each call; the
 * catalog reads it. It is not in Spark's configuration, which a user can SET.
 *
 * <p>Spark makes catalogs and interceptors itself, by class name, so this one place is static.
 */
public final class Sessions {
  private static final String CATALOG_CLASS = "io.unitycatalog.spark.UCSingleCatalog";
  private static final String CATALOG_KEY = "spark.sql.catalog.";
  private static final Map<SparkSession, Session> OPEN =
      Collections.synchronizedMap(new WeakHashMap<>());

  /** Sessions Spark makes of another while it works for it, to cache a result say. */
  private static final Map<SparkSession, Session> COPIES =
      Collections.synchronizedMap(new WeakHashMap<>());

  /** What is remembered of a principal, whichever of its sessions asks: one small entry each. */
  private static final Map<String, Subject> SUBJECTS = new ConcurrentHashMap<>();

  private static volatile CatalogServer server;
  private static volatile String newestVersion = "";

  private Sessions() {}

  /** Whose session it is, as its latest call stated it. */
  public static final class Session {
    private final Subject subject;
    private volatile Call call;
    private volatile String version;
    private volatile Catalogs known;

    Session(Call call) {
      this.call = call;
      this.subject = SUBJECTS.computeIfAbsent(call.principal().userId(), userId -> new Subject());
    }

    public Call call() {
      return call;
    }

    /**
     * As whom metadata is read: within the body of a view or a function by the engine itself, for
     * these have their owner's rights and who calls them need not know what they read. Who may is
     * decided on the plan.
     */
    public Call reader() {
      AnalysisContext context = AnalysisContext.get();
      // The first entry is the home of a function's body, which whoever creates it writes; further
      // ones are the stored functions that the body is in.
      boolean stored =
          context.resolutionPathEntries().isDefined()
              && context.resolutionPathEntries().get().size() > 1;
      return context.nestedViewDepth() > 0 || stored ? call.byEngine() : call;
    }

    /** Of all that decides, as the latest call stated it; null when it did not. */
    public String version() {
      return version;
    }

    public Decisions decisions() {
      return subject.decisions;
    }
  }

  private static final class Subject {
    private final Decisions decisions = new Decisions();
    private Catalogs catalogs = new Catalogs("", false, List.of());

    /** The catalogs the principal sees; asked for only when the version is a new one. */
    synchronized Catalogs catalogs(Call call, String version) {
      if (!catalogs.fetched || (version != null && !version.equals(catalogs.version))) {
        List<String> names =
            server.list(call, "catalogs", "catalogs").stream()
                .map((JsonNode each) -> each.path("name").asText())
                .toList();
        catalogs = new Catalogs(version == null ? "" : version, true, names);
      }
      return catalogs;
    }
  }

  /** The catalogs a principal sees at a version; the control plane changes it with every change. */
  private record Catalogs(String version, boolean fetched, List<String> names) {}

  static void use(CatalogServer catalogServer) {
    server = catalogServer;
  }

  public static CatalogServer server() {
    return server;
  }

  /**
   * Of all that decides, as any call stated it last, for what works for no session; empty when that
   * call did not.
   */
  static String newestVersion() {
    return newestVersion;
  }

  /** The session Spark works for on this thread. */
  public static Session active() {
    Session session = activeOrNull();
    if (session == null) {
      throw new IllegalStateException(
          "This Spark session belongs to no signed principal, so the catalog cannot be asked");
    }
    return session;
  }

  public static Session activeOrNull() {
    scala.Option<SparkSession> spark = SparkSession.getActiveSession();
    return spark.isEmpty() ? null : of(spark.get());
  }

  /** Whose session {@code spark} is; null for the engine's own, which belong to nobody. */
  public static Session of(SparkSession spark) {
    Session session = OPEN.get(spark);
    return session == null ? COPIES.get(spark) : session;
  }

  /**
   * Spark has made {@code spark}. When it did so at work for somebody, it is a copy of that one's;
   * a client's session is entered before it is used, and counts as what its own calls state.
   */
  public static void made(SparkSession spark) {
    Session parent = activeOrNull();
    if (parent != null
        && parent.call.principal().userName().equals(CurrentUserContext.CURRENT_USER().get())) {
      COPIES.put(spark, parent);
    }
  }

  /**
   * A call arrived for {@code spark}.
   *
   * @param version of all that decides as the control plane has it now; null when it did not say,
   *     then the catalogs that are known stay, and each decision is asked for
   */
  static void entered(SparkSession spark, Call call, String version) {
    Session session = OPEN.computeIfAbsent(spark, s -> new Session(call));
    session.call = call;
    session.version = version;
    newestVersion = version == null ? "" : version;
    Catalogs now = session.subject.catalogs(call, version);
    Catalogs before = session.known;
    if (now.equals(before)) {
      return;
    }
    load(spark, now.names);
    if (before != null) {
      for (String name : before.names) {
        if (!now.names.contains(name)) {
          spark.conf().unset(CATALOG_KEY + name);
          unload(spark, name);
        }
      }
    }
    session.known = now;
  }

  /** Spark keeps, and lists, what a session has once loaded; it can only forget all at once. */
  private static void unload(SparkSession spark, String name) {
    CatalogManager loaded =
        ((org.apache.spark.sql.classic.SparkSession) spark).sessionState().catalogManager();
    synchronized (loaded) {
      try {
        Method catalogs = DefaultCatalogManager.class.getDeclaredMethod("catalogs");
        catalogs.setAccessible(true);
        CollectionConverters.asJava((scala.collection.mutable.Map<?, ?>) catalogs.invoke(loaded))
            .remove(name);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("Spark keeps its catalogs elsewhere", e);
      }
    }
  }

  /** SHOW CATALOGS lists what is loaded, not what is set. */
  private static void load(SparkSession spark, List<String> names) {
    scala.Option<SparkSession> before = SparkSession.getActiveSession();
    SparkSession.setActiveSession(spark);
    try {
      for (String name : names) {
        spark.conf().set(CATALOG_KEY + name, CATALOG_CLASS);
        CatalogPlugin unused =
            ((org.apache.spark.sql.classic.SparkSession) spark)
                .sessionState()
                .catalogManager()
                .catalog(name);
      }
    } finally {
      if (before.isDefined()) {
        SparkSession.setActiveSession(before.get());
      } else {
        SparkSession.clearActiveSession();
      }
    }
  }
}
