package dev.tarn.http;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A path with variables, as the SDK's operations have it. Three kinds of variable: one segment
 * ({@code /credentials/{credentials_id}}), the rest of the path with its slash ({@code
 * /files{file_path}}), and a resource name of several segments ({@code
 * /postgres/{name=projects/*}/branches}), for which the SDK only says {@code {name}}.
 */
final class PathTemplate implements Comparable<PathTemplate> {
  /** Below these, {@code {name}} and {@code {parent}} are resource names. */
  private static final Set<String> RESOURCE_NAMES =
      Set.of(
          "/api/2.0/ai-search/",
          "/api/2.0/bundle/",
          "/api/2.0/genie/",
          "/api/2.0/postgres/",
          "/api/2.1/",
          "/api/2.1/unity-catalog/",
          "/api/data-classification/v1/",
          "/api/disaster-recovery/v1/",
          "/api/environments/v1/",
          "/api/networking/v1/",
          "/api/warehouses/v1/");

  private enum Kind {
    LITERAL,
    SEGMENT,
    NAME,
    REST
  }

  /** {@code text} is the literal, or the name of the variable; {@code suffix} follows it. */
  private record Part(Kind kind, String text, String suffix) {}

  private final String template;
  private final List<Part> parts = new ArrayList<>();

  PathTemplate(String template) {
    this.template = template;
    for (String segment : template.substring(1).split("/", -1)) {
      int open = segment.indexOf('{');
      int close = segment.indexOf('}');
      if (open < 0) {
        parts.add(new Part(Kind.LITERAL, segment, ""));
        continue;
      }
      String name = segment.substring(open + 1, close);
      if (open > 0) {
        parts.add(new Part(Kind.LITERAL, segment.substring(0, open), ""));
        parts.add(new Part(Kind.REST, name, ""));
      } else {
        String before = template.substring(0, template.indexOf('{'));
        boolean resource =
            RESOURCE_NAMES.contains(before) && (name.equals("name") || name.equals("parent"));
        parts.add(
            new Part(resource ? Kind.NAME : Kind.SEGMENT, name, segment.substring(close + 1)));
      }
    }
  }

  List<String> variables() {
    return parts.stream().filter(part -> part.kind != Kind.LITERAL).map(Part::text).toList();
  }

  boolean isResourceName() {
    return parts.stream().anyMatch(part -> part.kind == Kind.NAME);
  }

  /** The segments of a path as sent; slashes at the end, and doubled ones, are nothing. */
  static List<String> segments(String path) {
    List<String> segments = new ArrayList<>();
    for (String segment : path.split("/", -1)) {
      if (!segment.isEmpty()) {
        segments.add(segment);
      }
    }
    return segments;
  }

  /**
   * The variables, decoded, or null when the path is another one.
   *
   * @param segments still percent-encoded
   */
  Map<String, String> match(List<String> segments) {
    int spare = segments.size() - parts.size();
    boolean spans = parts.stream().anyMatch(part -> part.kind.compareTo(Kind.SEGMENT) > 0);
    if (spare < 0 || (spare > 0 && !spans)) {
      return null;
    }
    Map<String, String> variables = new HashMap<>();
    int at = 0;
    for (Part part : parts) {
      int length = part.kind.compareTo(Kind.SEGMENT) > 0 ? spare + 1 : 1;
      String text =
          length == 1 ? segments.get(at) : String.join("/", segments.subList(at, at + length));
      at += length;
      if (part.kind == Kind.LITERAL) {
        if (!part.text.equals(text)) {
          return null;
        }
      } else if (!text.endsWith(part.suffix)) {
        return null;
      } else {
        String value = decoded(text.substring(0, text.length() - part.suffix.length()));
        variables.put(part.text, part.kind == Kind.REST ? "/" + value : value);
      }
    }
    return variables;
  }

  /** Percent-decoding as in paths, where a plus is a plus. */
  static String decoded(String text) {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw Rejection.malformed("path", text, "percent-encoded UTF-8");
    }
  }

  /** What is said more exactly comes first. */
  @Override
  public int compareTo(PathTemplate other) {
    for (int i = 0; i < Math.min(parts.size(), other.parts.size()); i++) {
      int order = parts.get(i).kind.compareTo(other.parts.get(i).kind);
      if (order != 0) {
        return order;
      }
      order = other.parts.get(i).suffix.length() - parts.get(i).suffix.length();
      if (order != 0) {
        return order;
      }
    }
    int order = other.parts.size() - parts.size();
    return order != 0 ? order : template.compareTo(other.template);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PathTemplate that && that.template.equals(template);
  }

  @Override
  public int hashCode() {
    return template.hashCode();
  }

  @Override
  public String toString() {
    return template;
  }

  /** The same path whatever its variables are called. */
  String shape() {
    return template.replaceAll("\\{[^}]*}", "{}");
  }
}
