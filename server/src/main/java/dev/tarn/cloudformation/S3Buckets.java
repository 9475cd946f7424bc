package dev.tarn.cloudformation;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import dev.tarn.storage.Buckets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * {@code AWS::S3::Bucket}: a bucket of the embedded object store. Like a deployer on AWS, the
 * runner puts the handlers' jar where the functions of the template look for it.
 *
 * <p>A bucket with objects in it is not deleted, with two exceptions: the staged jar is ours, and
 * what is in the root of a deleted workspace was that workspace's.
 */
final class S3Buckets implements ResourceType {
  /** Encryption and access blocks are recorded, not enforced: nothing here is public. */
  private static final Set<String> PROPERTIES =
      Set.of(
          "BucketName",
          "BucketEncryption",
          "PublicAccessBlockConfiguration",
          "VersioningConfiguration",
          "Tags");

  /** In what the runner adds to the properties of a code bucket: the keys to fill. */
  static final String STAGED_KEYS = "tarn:StagedKeys";

  private final Buckets buckets;
  private final Handlers handlers;
  private final Supplier<String> region;

  S3Buckets(Buckets buckets, Handlers handlers, Supplier<String> region) {
    this.buckets = buckets;
    this.handlers = handlers;
    this.region = region;
  }

  @Override
  public Set<String> properties() {
    return PROPERTIES;
  }

  @Override
  public Done create(Work work) throws Failed {
    String name =
        work.text("BucketName").isEmpty() ? Arns.bucketName(work) : work.text("BucketName");
    try {
      buckets.create(name, region.get(), work.stackId());
    } catch (ResourceAlreadyExists e) {
      if (!owns(work.stackId(), name)) {
        throw new Failed(name + " already exists");
      }
    } catch (DatabricksError e) {
      throw new Failed(e.getMessage());
    }
    try {
      stageAll(name, work);
    } catch (Failed e) {
      throw new Failed(e.getMessage(), name);
    }
    return done(name);
  }

  @Override
  public Set<String> replacedBy() {
    return Set.of("BucketName");
  }

  @Override
  public Done update(Work work, Map<String, Object> oldProperties) throws Failed {
    if (!owns(work.stackId(), work.physicalId())) {
      throw new Failed("The specified bucket does not exist: " + work.physicalId());
    }
    stageAll(work.physicalId(), work);
    return done(work.physicalId());
  }

  /** The jar of an older build is exchanged for that of this one. */
  @Override
  public void refresh(Work work) throws Failed {
    if (owns(work.stackId(), work.physicalId())) {
      stageAll(work.physicalId(), work);
    }
  }

  private Done done(String name) {
    return new Done(
        name,
        Map.of(
            "Arn",
            "arn:aws:s3:::" + name,
            "DomainName",
            name + ".s3.amazonaws.com",
            "RegionalDomainName",
            name + ".s3." + region.get() + ".amazonaws.com"));
  }

  /** Not counted: the staged jar, and results of statements, which are the platform's. */
  @Override
  public Optional<String> holds(Work work) {
    String name = work.physicalId();
    if (!owns(work.stackId(), name)) {
      return Optional.empty();
    }
    Path folder = buckets.folder(name);
    Set<Path> kept = new TreeSet<>(objects(folder));
    stagedKeys(work).forEach(key -> kept.remove(folder.resolve(key)));
    kept.removeIf(path -> path.startsWith(folder.resolve("tarn-results")));
    if (kept.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "The bucket you tried to delete is not empty: "
            + name
            + " holds "
            + folder.relativize(kept.iterator().next())
            + (kept.size() == 1 ? "" : " and " + (kept.size() - 1) + " more")
            + ". Move what is needed; then delete the stack again with --retain "
            + work.logicalId()
            + " (RetainResources), which keeps the bucket, or with --empty-buckets"
            + " (EmptyBuckets), which deletes what is in it.");
  }

  @Override
  public Optional<Map<String, Object>> actual(Work work) {
    String name = work.physicalId();
    if (!owns(work.stackId(), name) || !Files.isDirectory(buckets.folder(name))) {
      return Optional.empty();
    }
    Map<String, Object> actual = new HashMap<>(work.properties());
    if (actual.containsKey("BucketName")) {
      actual.put("BucketName", name);
    }
    // What is looked at is the code: the embedded store has no settings of buckets to differ.
    for (String key : stagedKeys(work)) {
      try {
        String found = Arns.sha256(Files.readAllBytes(buckets.folder(name).resolve(key)));
        if (!found.equals(handlers.sha256())) {
          actual.put(STAGED_KEYS, key + " with SHA-256 " + found);
        }
      } catch (IOException e) {
        actual.put(STAGED_KEYS, key + " is not there");
      }
    }
    return Optional.of(actual);
  }

  @Override
  public void delete(Work work) throws Failed {
    String name = work.physicalId();
    if (!owns(work.stackId(), name)) {
      return;
    }
    Optional<String> held = work.emptied() ? Optional.empty() : holds(work);
    if (held.isPresent()) {
      throw new Failed(held.get());
    }
    buckets.delete(name, true);
  }

  private boolean owns(String stackId, String bucket) {
    return buckets.list().stream()
        .anyMatch(b -> b.name().equals(bucket) && b.owner().equals(stackId));
  }

  private static List<String> stagedKeys(Work work) {
    return work.properties().get(STAGED_KEYS) instanceof List<?> keys
        ? keys.stream().map(String.class::cast).toList()
        : List.of();
  }

  private void stageAll(String bucket, Work work) throws Failed {
    for (String key : stagedKeys(work)) {
      stage(bucket, key);
    }
  }

  private void stage(String bucket, String key) throws Failed {
    Path folder = buckets.folder(bucket);
    Path object = folder.resolve(key).normalize();
    if (!object.startsWith(folder) || object.equals(folder)) {
      throw new Failed("the key '" + key + "' does not lie in its bucket");
    }
    try {
      Files.createDirectories(object.getParent());
      Path temporary = Files.createTempFile(folder, ".staging", ".tmp");
      Files.write(temporary, handlers.jar());
      Files.move(
          temporary, object, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new Failed("cannot put " + key + " into " + bucket + ": " + e);
    }
  }

  private static List<Path> objects(Path folder) {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(path -> !Files.isDirectory(path)).toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look into " + folder, e);
    }
  }
}
