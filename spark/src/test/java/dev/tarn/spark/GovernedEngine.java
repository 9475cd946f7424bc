package dev.tarn.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * One engine for the tests of who sees what: Alice may everything, Bob and Carol what is granted.
 */
final class GovernedEngine implements AutoCloseable {
  private static final String TOKEN = "engine-token-of-the-test";

  final InMemoryCatalog catalog;
  final TestEngine engine;
  private final List<ConnectSession> sessions = new ArrayList<>();
  private int version = 1;

  private GovernedEngine() throws Exception {
    Path folder = Files.createTempDirectory("governed");
    Files.createDirectories(folder.resolve("storage/root"));
    catalog = new InMemoryCatalog(TOKEN);
    catalog.createCatalog("main");
    for (String user : List.of("43", "44")) {
      catalog.grants.put(user, ConcurrentHashMap.newKeySet());
    }
    engine = new TestEngine(Engine.class, folder, catalog, TOKEN, 600, TestEngine.UNCOMPILED);
  }

  private static GovernedEngine made() {
    try {
      return new GovernedEngine();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Of the whole run of tests, which ends it. */
  static GovernedEngine of(ExtensionContext context) {
    return context
        .getRoot()
        .getStore(ExtensionContext.Namespace.GLOBAL)
        .getOrComputeIfAbsent(GovernedEngine.class, key -> made(), GovernedEngine.class);
  }

  ConnectSession session(String id, String name) {
    ConnectSession session = engine.session(id, name);
    session.catalogsVersion = catalog.version;
    sessions.add(session);
    return session;
  }

  void grant(String user, String... grants) {
    catalog.grants.get(user).addAll(Set.of(grants));
    changed();
  }

  void revoke(String user, String grant) {
    catalog.grants.get(user).remove(grant);
    changed();
  }

  /** The control plane tells each call that something has changed. */
  void changed() {
    catalog.version = String.valueOf(++version);
    sessions.forEach(session -> session.catalogsVersion = catalog.version);
  }

  @Override
  public void close() throws IOException {
    try {
      engine.stop();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    catalog.close();
  }
}
