package dev.tarn.account;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.storage.Buckets;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** Tries out the root bucket of a workspace the way the workspace will use it. */
final class RootBucket {
  private RootBucket() {}

  /**
   * @throws InvalidState there is no such bucket, or something cannot be done in it
   */
  static void tryOut(Buckets buckets, WorkspaceRecord workspace) {
    Path root;
    try {
      root = buckets.folder(workspace.bucket());
    } catch (ResourceDoesNotExist e) {
      throw new InvalidState(
          "Failed storage configuration validation checks: the root bucket "
              + workspace.bucket()
              + " does not exist",
          null);
    }
    Path trial = root.resolve(".tarn-trial-" + workspace.id());
    String content = UUID.randomUUID().toString();
    String doing = "write";
    try {
      Files.writeString(trial, content);
      doing = "read";
      boolean same = Files.readString(trial).equals(content);
      doing = "list";
      boolean listed = false;
      try (DirectoryStream<Path> objects = Files.newDirectoryStream(root, ".tarn-trial-*")) {
        for (Path object : objects) {
          listed |= object.equals(trial);
        }
      }
      doing = "delete";
      Files.delete(trial);
      if (!same || !listed) {
        throw new IOException(same ? "the object is not in the list" : "another content is read");
      }
    } catch (IOException e) {
      throw new InvalidState(
          "Failed storage configuration validation checks: cannot "
              + doing
              + " an object in the root bucket "
              + workspace.bucket()
              + ": "
              + e.getClass().getSimpleName(),
          null);
    }
  }
}
