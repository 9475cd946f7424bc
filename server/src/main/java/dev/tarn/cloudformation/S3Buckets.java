package dev.tarn.cloudformation;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import dev.tarn.storage.Buckets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

  @Override
  public void delete(Work work) throws Failed {
    String name = work.physicalId();
    if (!owns(work.stackId(), name)) {
      return;
    }
    if (!work.emptied()) {
      Set<Path> foreign = new HashSet<>(objects(buckets.folder(name)));
      stagedKeys(work).forEach(key -> foreign.remove(buckets.folder(name).resolve(key)));
      if (!foreign.isEmpty()) {
        throw new Failed(
            "The bucket you tried to delete is not empty: "
                + name
                + " holds "
                + buckets.folder(name).relativize(foreign.iterator().next())
                + (foreign.size() == 1 ? "" : " and " + (foreign.size() - 1) + " more")
                + ". Empty it and delete the stack again.");
      }
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
