package dev.tarn.spark;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogPlugin;

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

  private static volatile CatalogServer server;
  private static volatile Catalogs catalogs = new Catalogs("", false, List.of());

  private Sessions() {}

  /** Whose session it is, as its latest call stated it. */
  public static final class Session {
    private volatile Call call;
    private volatile Catalogs known;

    Session(Call call) {
      this.call = call;
    }

    public Call call() {
      return call;
    }
  }

  /** The catalogs there were at a version; the control plane changes it with every change. */
  private record Catalogs(String version, boolean fetched, List<String> names) {}

  static void use(CatalogServer catalogServer) {
    server = catalogServer;
  }

  public static CatalogServer server() {
    return server;
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
    return spark.isEmpty() ? null : OPEN.get(spark.get());
  }

  /**
   * A call arrived for {@code spark}.
   *
   * @param version of the list of catalogs as the control plane has it now; null when it did not
   *     say, then what is known stays. The list is fetched only when the version is a new one.
   */
  static void entered(SparkSession spark, Call call, String version) {
    Session session = OPEN.computeIfAbsent(spark, s -> new Session(call));
    session.call = call;
    Catalogs now = current(call, version);
    Catalogs before = session.known;
    if (now.equals(before)) {
      return;
    }
    load(spark, now.names);
    if (before != null) {
      for (String name : before.names) {
        if (!now.names.contains(name)) {
          spark.conf().unset(CATALOG_KEY + name);
        }
      }
    }
    session.known = now;
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

  private static Catalogs current(Call call, String version) {
    Catalogs now = catalogs;
    if (isCurrent(now, version)) {
      return now;
    }
    synchronized (Sessions.class) {
      if (!isCurrent(catalogs, version)) {
        List<String> names =
            server.list(call, "catalogs", "catalogs").stream()
                .map((JsonNode each) -> each.path("name").asText())
                .toList();
        catalogs = new Catalogs(version == null ? "" : version, true, names);
      }
      return catalogs;
    }
  }

  private static boolean isCurrent(Catalogs known, String version) {
    return known.fetched && (version == null || version.equals(known.version));
  }
}
