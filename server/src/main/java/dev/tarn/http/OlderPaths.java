package dev.tarn.http;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Paths that clients still call, and what the SDK calls them today. Tried only when nothing is
 * mounted at the path itself.
 */
final class OlderPaths {
  private static final Map<String, String> NEWER = new LinkedHashMap<>();

  static {
    NEWER.put("/api/2.0/clusters/", "/api/2.1/clusters/");
    NEWER.put("/api/2.0/jobs/", "/api/2.2/jobs/");
    NEWER.put("/api/2.1/jobs/", "/api/2.2/jobs/");
    NEWER.put("/api/2.0/permissions/sql/", "/api/2.0/permissions/");
    NEWER.put("/api/2.0/scim/v2/", "/api/2.0/preview/scim/v2/");
    NEWER.put("/api/2.0/sql/endpoints", "/api/2.0/sql/warehouses");
    NEWER.put("/api/2.0/unity-catalog/", "/api/2.1/unity-catalog/");
    // Here the SDK has the older one, and clients of the open Unity Catalog the newer.
    NEWER.put("/api/2.1/unity-catalog/temporary-", "/api/2.0/unity-catalog/temporary-");
  }

  private OlderPaths() {}

  /** Older beginning of a path, and the newer one. */
  static Map<String, String> all() {
    return Collections.unmodifiableMap(NEWER);
  }

  /** The newer spelling, null when the path is not old. */
  static String newer(String path) {
    for (Map.Entry<String, String> pair : NEWER.entrySet()) {
      if (path.startsWith(pair.getKey())) {
        return pair.getValue() + path.substring(pair.getKey().length());
      }
    }
    return null;
  }
}
