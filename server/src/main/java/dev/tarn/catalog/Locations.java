package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import dev.tarn.storage.Buckets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * Paths {@code s3://bucket/key}: which ones a workspace may give to a table or a catalog, and
 * whether two of them overlap.
 */
final class Locations {
  private static final String SCHEME = "s3://";
  private static final int LONGEST_KEY = 1024;

  /** Characters by which Hadoop would read a path as a pattern, or cut it. */
  private static final String FORBIDDEN = "*?[]{}\\#%";

  /** Folders of a root bucket in which the platform itself keeps things. */
  private static final Set<String> RESERVED = Set.of("unity-catalog", "tarn-results");

  private final Buckets buckets;

  Locations(Buckets buckets) {
    this.buckets = buckets;
  }

  /**
   * A path that a user gave, in the form in which it is stored.
   *
   * @throws InvalidParameterValue it is not a path inside the root bucket of {@code place}, or one
   *     that belongs to the platform
   */
  static String given(String field, String location, Catalog.Place place) {
    String path = canonical(field, location);
    String root = SCHEME + place.rootBucket();
    if (!path.startsWith(root + "/")) {
      throw new InvalidParameterValue(
          field
              + ": "
              + Names.shown(location)
              + " (expected: a path in the bucket of workspace "
              + place.workspaceId()
              + ", such as "
              + root
              + "/my/table)",
          null);
    }
    List<String> folders = List.of(path.substring(root.length() + 1).split("/"));
    if (RESERVED.contains(folders.getFirst()) || folders.contains(CatalogDao.MANAGED_FOLDER)) {
      throw overlap(location, "managed storage");
    }
    return path;
  }

  /** The path without a trailing slash, its scheme spelled {@code s3}. */
  static String canonical(String field, String location) {
    String path = location == null ? "" : location.replaceFirst("^s3[an]?://", SCHEME);
    path = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    String[] parts =
        path.startsWith(SCHEME) ? path.substring(SCHEME.length()).split("/", -1) : new String[0];
    boolean well = parts.length > 0 && path.length() <= LONGEST_KEY;
    for (String part : parts) {
      well &=
          !part.isEmpty()
              && !part.equals(".")
              && !part.equals("..")
              && part.codePoints()
                  .noneMatch(c -> c < ' ' || c == 0x7f || FORBIDDEN.indexOf(c) >= 0);
    }
    if (!well) {
      throw new InvalidParameterValue(
          field
              + ": "
              + Names.shown(location)
              + " (expected: s3://bucket/folder, at most 1024 characters, without . .. or any of "
              + FORBIDDEN
              + ")",
          null);
    }
    return path;
  }

  static InvalidParameterValue overlap(String location, String with) {
    return new InvalidParameterValue(
        "LOCATION_OVERLAP: Input path url " + Names.shown(location) + " overlaps with " + with,
        null);
  }

  /** Refuses a path that lies above or below a table's folder, or in the same place. */
  static void refuseOverlapWithTables(Handle handle, String location) {
    handle
        .createQuery(
            """
            SELECT c.catalog_name || '.' || s.schema_name || '.' || t.table_name
            FROM catalog_table t
            JOIN catalog_schema s ON s.schema_id = t.schema_id
            JOIN catalog c ON c.catalog_id = s.catalog_id
            WHERE t.storage_location IN (<above>)
               OR (t.storage_location > :below AND t.storage_location < :end)
            LIMIT 1
            """)
        .bindList("above", above(location))
        .bind("below", location + "/")
        .bind("end", location + "0")
        .mapTo(String.class)
        .findOne()
        .ifPresent(
            table -> {
              throw overlap(
                  location, "other external tables or volumes. Conflicting tables: " + table);
            });
  }

  /** Refuses a path above, in or below the managed storage of a catalog or schema. */
  static void refuseOverlapWithManagedStorage(Handle handle, String location) {
    handle
        .createQuery(
            """
            SELECT storage_root FROM catalog WHERE own_root = 1
               AND (storage_root IN (<above>) OR (storage_root > :below AND storage_root < :end))
            UNION ALL
            SELECT storage_root FROM catalog_schema WHERE storage_root IS NOT NULL
               AND (storage_root IN (<above>) OR (storage_root > :below AND storage_root < :end))
            LIMIT 1
            """)
        .bindList("above", above(location))
        .bind("below", location + "/")
        .bind("end", location + "0")
        .mapTo(String.class)
        .findOne()
        .ifPresent(
            root -> {
              throw overlap(location, "managed storage " + root);
            });
  }

  /** The path and every folder above it: few, so an index finds them. '0' follows '/'. */
  private static List<String> above(String location) {
    List<String> folders = new ArrayList<>();
    for (int end = location.length();
        end > SCHEME.length();
        end = location.lastIndexOf('/', end - 1)) {
      folders.add(location.substring(0, end));
    }
    return folders;
  }

  /** Runs what deletes folders. */
  void deleting(Runnable work) {
    buckets.deleting(work);
  }

  /** Whether the bucket of a canonical path is there. */
  boolean bucketExists(String location) {
    return buckets.exists(bucket(location));
  }

  /** Where a canonical path is on this machine. */
  Path folder(String location) {
    String bucket = bucket(location);
    Path root = buckets.folder(bucket);
    return location.length() == SCHEME.length() + bucket.length()
        ? root
        : root.resolve(location.substring(SCHEME.length() + bucket.length() + 1));
  }

  private static String bucket(String location) {
    int end = location.indexOf('/', SCHEME.length());
    return location.substring(SCHEME.length(), end < 0 ? location.length() : end);
  }
}
