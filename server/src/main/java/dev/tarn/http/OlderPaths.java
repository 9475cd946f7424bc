package dev.tarn.http;

/**
 * Paths that clients still call, and what the SDK calls them today. Tried only when nothing is
 * mounted at the path itself.
 */
final class OlderPaths {
  private static final String[][] NEWER = {
    {"/api/2.0/clusters/", "/api/2.1/clusters/"},
    {"/api/2.0/jobs/", "/api/2.2/jobs/"},
    {"/api/2.1/jobs/", "/api/2.2/jobs/"},
    {"/api/2.0/scim/v2/", "/api/2.0/preview/scim/v2/"},
    {"/api/2.0/sql/endpoints", "/api/2.0/sql/warehouses"},
    {"/api/2.0/unity-catalog/", "/api/2.1/unity-catalog/"},
  };

  private OlderPaths() {}

  /** The newer spelling, null when the path is not old. */
  static String newer(String path) {
    for (String[] pair : NEWER) {
      if (path.startsWith(pair[0])) {
        return pair[1] + path.substring(pair[0].length());
      }
    }
    return null;
  }
}
