package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.access.Names;
import dev.tarn.access.Paths;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.storage.Buckets;
import java.nio.file.Path;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/** Paths {@code s3://bucket/key} that are given to tables and catalogs, and where they are here. */
final class Locations {
  private final Buckets buckets;

  Locations(Buckets buckets) {
    this.buckets = buckets;
  }

  /**
   * A path that a caller gives to something new.
   *
   * @param path canonical
   * @param privilege asked of the external location that covers it
   * @throws InvalidParameterValue no external location covers it, or it belongs to the platform
   */
  static void requireGiven(Rights rights, String field, String path, Privilege privilege) {
    Securable location = rights.location(path);
    if (location == null) {
      throw new InvalidParameterValue(
          field
              + ": "
              + Names.shown(path)
              + " (expected: a path that an external location of this workspace covers)",
          null);
    }
    if (Paths.isPlatforms(path)) {
      throw overlap(path, "managed storage");
    }
    rights.require(privilege, location);
  }

  static InvalidParameterValue overlap(String location, String with) {
    return new InvalidParameterValue(
        "LOCATION_OVERLAP: Input path url " + Names.shown(location) + " overlaps with " + with,
        null);
  }

  /** Refuses a path that lies above or below the data of a table, volume or model, or there. */
  static void refuseOverlapWithData(Handle handle, String location) {
    Securables.overlapping(
            handle,
            location,
            Set.of(SecurableType.TABLE, SecurableType.VOLUME, SecurableType.FUNCTION))
        .stream()
        .findFirst()
        .ifPresent(
            other -> {
              throw overlap(
                  location,
                  "other external tables or volumes. Conflicting tables: " + other.fullName());
            });
  }

  /** Refuses a path above, in or below the managed storage of a catalog or schema. */
  static void refuseOverlapWithManagedStorage(Handle handle, String location) {
    Securables.overlapping(handle, location, Set.of(SecurableType.CATALOG, SecurableType.SCHEMA))
        .stream()
        .findFirst()
        .ifPresent(
            other -> {
              throw overlap(location, "managed storage " + other.storageLocation());
            });
  }

  /** Runs what deletes folders. */
  void deleting(Runnable work) {
    buckets.deleting(work);
  }

  /** Whether the bucket of a canonical path is there. */
  boolean bucketExists(String location) {
    return buckets.exists(bucket(location));
  }

  /** The folder of the bucket in which a canonical path is. */
  Path bucketFolder(String location) {
    return buckets.folder(bucket(location));
  }

  /** Where a canonical path is on this machine. */
  Path folder(String location) {
    String bucket = bucket(location);
    Path root = buckets.folder(bucket);
    int prefix = Paths.SCHEME.length() + bucket.length();
    return location.length() == prefix ? root : root.resolve(location.substring(prefix + 1));
  }

  static String bucket(String location) {
    int start = Paths.SCHEME.length();
    int end = location.indexOf('/', start);
    return location.substring(start, end < 0 ? location.length() : end);
  }
}
