package dev.tarn.spark.governance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.enforcement.Authorize;
import dev.tarn.enforcement.Decision;
import dev.tarn.enforcement.Need;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.Sessions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the server decided for one principal. A decision holds while the version that comes with
 * each call is the one it was made under, so a statement that is run again asks nobody, and a
 * REVOKE bites on the next execution.
 */
public final class Decisions {
  private static final ObjectMapper JSON =
      CatalogServer.JSON.copy().setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);

  private volatile Known known = new Known(null, Set.of(), List.of());

  private volatile Seen seen = new Seen("", Map.of());

  /** What the principal sees of tables, by their full names in lower case. */
  private record Seen(String version, Map<String, Policy> policies) {}

  private record Known(String version, Set<Need> allowed, List<String> groups) {}

  /** Whether all of it is known to be allowed, without asking. */
  boolean known(Sessions.Session session, Set<Need> needs) {
    Known now = known;
    return isCurrent(now, session) && now.allowed.containsAll(needs);
  }

  /**
   * Returns when all needs hold.
   *
   * @throws CatalogError the server does not answer: nothing is allowed then
   */
  void require(Sessions.Session session, Set<Need> needs) {
    Known now = known;
    Set<Need> open = new LinkedHashSet<>(needs);
    if (isCurrent(now, session)) {
      open.removeAll(now.allowed);
    }
    if (!open.isEmpty()) {
      ask(session, open);
    }
  }

  /** Returns when files of a path may be loaded into a table. */
  public void requireCopy(Sessions.Session session, String table, String path) {
    Set<Need> needs = new LinkedHashSet<>();
    for (String privilege : List.of("MODIFY", "SELECT")) {
      needs.add(new Need(privilege, "TABLE", table, List.of()));
    }
    needs.add(new Need("READ_FILES", "PATH", Sources.asked(path), List.of()));
    require(session, needs);
  }

  /** Returns when all rows of a table may be copied. */
  public void requireClone(Sessions.Session session, String table) {
    require(session, Set.of(new Need("SELECT", "TABLE", table, List.of())));
    Policy policy = policy(session, table);
    if (!policy.isEmpty()) {
      throw Refused.ofProtected("DEEP CLONE", policy);
    }
  }

  /**
   * What the principal sees of a table, however it is reached: filters and masks are of whoever
   * reads, also within what runs with its owner's rights.
   */
  Policy policy(Sessions.Session session, String table) {
    String key = table.toLowerCase(Locale.ROOT);
    Seen now = seen;
    boolean current = now.version.equals(session.version());
    Policy known = current ? now.policies.get(key) : null;
    if (known != null) {
      return known;
    }
    JsonNode rules =
        Sessions.server()
            .get(
                session.call(),
                "tarn/tables/" + CatalogServer.fullName(key.split("\\.", -1)) + "/policies");
    String version = rules.path("version").asText();
    ((ObjectNode) rules).remove("version");
    Policy plain = new Policy(key, rules, List.of());
    Policy policy = plain.isEmpty() ? plain : new Policy(key, rules, groups(session));
    remember(version, policy);
    return policy;
  }

  private synchronized void remember(String version, Policy policy) {
    if (!version.equals(seen.version)) {
      seen = new Seen(version, new ConcurrentHashMap<>());
    }
    seen.policies.put(policy.table(), policy);
  }

  /** Names of the groups the principal is in. */
  List<String> groups(Sessions.Session session) {
    Known now = known;
    return isCurrent(now, session) ? now.groups : ask(session, Set.of()).groups();
  }

  private static boolean isCurrent(Known known, Sessions.Session session) {
    return known.version != null && known.version.equals(session.version());
  }

  private Decision ask(Sessions.Session session, Set<Need> needs) {
    Decision decision;
    try {
      JsonNode answer =
          Sessions.server()
              .post(
                  session.call(),
                  "tarn/authorize",
                  JSON.valueToTree(new Authorize(new ArrayList<>(needs))));
      decision = JSON.treeToValue(answer, Decision.class);
    } catch (CatalogError e) {
      if (e.isForbidden()) {
        throw Refused.because(e);
      }
      throw e;
    } catch (JsonProcessingException e) {
      throw new CatalogError(
          503, "TEMPORARILY_UNAVAILABLE", "The catalog server's decision cannot be read");
    }
    remember(decision, needs);
    return decision;
  }

  private synchronized void remember(Decision decision, Set<Need> needs) {
    if (decision.version() == null) {
      return;
    }
    if (!decision.version().equals(known.version)) {
      List<String> groups = decision.groups() == null ? List.of() : List.copyOf(decision.groups());
      known = new Known(decision.version(), ConcurrentHashMap.newKeySet(), groups);
    }
    known.allowed.addAll(needs);
  }
}
