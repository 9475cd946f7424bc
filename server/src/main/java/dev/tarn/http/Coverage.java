package dev.tarn.http;

import dev.tarn.http.Routes.Route;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** {@code docs/api-coverage.md}: every operation of the SDK, and whether it is built here. */
public final class Coverage {
  private Coverage() {}

  /** The page for what is mounted. */
  public static String page(Routes routes) {
    Map<String, Route> built = new HashMap<>();
    List<Route> own = new ArrayList<>();
    for (Route route : routes.all()) {
      built.put(key(route.verb(), route.path().toString()) + route.collection(), route);
      if (route.operation() == null) {
        own.add(route);
      }
    }
    StringBuilder rows = new StringBuilder();
    StringBuilder ignored = new StringBuilder();
    StringBuilder recorded = new StringBuilder();
    int count = 0;
    String service = "";
    for (SdkOperation operation : routes.operations()) {
      Route route = built.get(key(operation.verb(), operation.path()) + operation.collection());
      if (!operation.service().equals(service)) {
        service = operation.service();
        rows.append("\n### ").append(operation.name().replaceFirst("\\.[^.]*$", "")).append("\n\n");
        rows.append("| operation | verb and path | |\n|---|---|---|\n");
      }
      boolean isBuilt = route != null || routes.isAnswered(operation);
      count += isBuilt ? 1 : 0;
      rows.append("| ").append(operation.method()).append(" | `");
      rows.append(operation.verb()).append(' ').append(operation.path()).append("` | ");
      rows.append(isBuilt ? "built" : "404").append(" |\n");
    }
    for (Route route : routes.all()) {
      Ignores ignores = route.method().getAnnotation(Ignores.class);
      if (ignores != null) {
        add(ignored, route, ignores.value());
      }
      Recorded records = route.method().getAnnotation(Recorded.class);
      if (records != null) {
        add(recorded, route, records.value());
      }
    }
    StringBuilder page = new StringBuilder();
    page.append(
        "# API coverage\n\nGenerated from the match of methods to operations when the server");
    page.append(" starts (`Main coverage`); do not edit.\n\n");
    page.append(count).append(" of ").append(routes.operations().size());
    page.append(" operations of databricks-sdk-java are built. Every other one answers");
    page.append(" `404 ENDPOINT_NOT_FOUND`.\n\n## Fields accepted and ignored\n\n");
    page.append(
        ignored.isEmpty()
            ? "None.\n"
            : "| operation | field: what becomes of it |\n|---|---|\n" + ignored);
    page.append("\n## Fields recorded, not enforced\n\n");
    page.append("| operation | field: why, and what is checked |\n|---|---|\n").append(recorded);
    page.append("\n## Paths beside the SDK's\n\n| operation | verb and path |\n|---|---|\n");
    for (Route route : own) {
      page.append("| ").append(route.action()).append(" | `").append(route.verb());
      page.append(' ').append(route.path()).append("` |\n");
    }
    page.append("\nOlder paths that lead to the same operations:\n\n");
    OlderPaths.all()
        .forEach((older, newer) -> page.append("- `" + older + "` → `" + newer + "`\n"));
    return page.append("\n## Operations of the SDK\n").append(rows).toString();
  }

  private static void add(StringBuilder rows, Route route, String[] fields) {
    for (String field : fields) {
      rows.append("| ").append(route.action()).append(" | ").append(field).append(" |\n");
    }
  }

  private static String key(String verb, String path) {
    return verb + " " + new PathTemplate(path).shape() + " ";
  }
}
