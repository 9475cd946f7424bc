package dev.tarn.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.CreateEntityTagAssignmentRequest;
import com.databricks.sdk.service.catalog.CreateVolumeRequestContent;
import com.databricks.sdk.service.catalog.DeleteEntityTagAssignmentRequest;
import com.databricks.sdk.service.catalog.EntityTagAssignment;
import com.databricks.sdk.service.catalog.GenerateTemporaryPathCredentialRequest;
import com.databricks.sdk.service.catalog.GenerateTemporaryVolumeCredentialRequest;
import com.databricks.sdk.service.catalog.GetEntityTagAssignmentRequest;
import com.databricks.sdk.service.catalog.ListEntityTagAssignmentsRequest;
import com.databricks.sdk.service.catalog.PathOperation;
import com.databricks.sdk.service.catalog.UpdateEntityTagAssignmentRequest;
import com.databricks.sdk.service.catalog.UpdateVolumeRequestContent;
import com.databricks.sdk.service.catalog.VolumeInfo;
import com.databricks.sdk.service.catalog.VolumeOperation;
import com.databricks.sdk.service.catalog.VolumeType;
import com.databricks.sdk.service.files.CreateDirectoryRequest;
import com.databricks.sdk.service.files.DirectoryEntry;
import com.databricks.sdk.service.files.ListDirectoryContentsRequest;
import com.databricks.sdk.service.files.UploadRequest;
import dev.tarn.TestServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Volumes, the files in them, and tags, as the official SDK sees them. */
class VolumesTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static WorkspaceClient admin;
  private static WorkspaceClient bob;

  @BeforeAll
  static void people() {
    admin = server.as("admin");
    bob = server.as("bob");
  }

  private static VolumeInfo volume(WorkspaceClient by, String name) {
    return by.volumes()
        .create(
            new CreateVolumeRequestContent()
                .setCatalogName("test")
                .setSchemaName("default")
                .setName(name)
                .setVolumeType(VolumeType.MANAGED)
                .setComment("c"));
  }

  private static void grant(String type, String name, String privilege) throws Exception {
    assertThat(
            server
                .send(
                    "admin",
                    "PATCH",
                    "/api/2.1/unity-catalog/permissions/" + type + "/" + name,
                    "{\"changes\":[{\"principal\":\"bob@example.com\",\"add\":[\"%s\"]}]}"
                        .formatted(privilege))
                .statusCode())
        .isEqualTo(200);
  }

  private static void upload(WorkspaceClient by, String path, String text, boolean overwrite) {
    by.files()
        .upload(
            new UploadRequest()
                .setFilePath(path)
                .setContents(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))
                .setOverwrite(overwrite));
  }

  private static String download(WorkspaceClient by, String path) throws IOException {
    try (InputStream contents = by.files().download(path).getContents()) {
      return new String(contents.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static Path folder(VolumeInfo volume) {
    return server
        .config()
        .storage()
        .resolve(volume.getStorageLocation().substring("s3://".length()));
  }

  @Test
  void aVolumeIsWhatWasWrittenUntilItIsGone() {
    VolumeInfo made = volume(admin, "round");
    assertThat(admin.volumes().read("test.default.round")).isEqualTo(made);
    assertThat(made.getStorageLocation())
        .startsWith("s3://" + TestServer.ROOT_BUCKET + "/unity-catalog/")
        .endsWith("/volumes/" + made.getVolumeId());
    assertThatThrownBy(() -> volume(admin, "round"))
        .isInstanceOf(BadRequest.class)
        .hasMessage("Volume 'round' already exists");
    upload(admin, "/Volumes/test/default/round/a.txt", "a", false);
    VolumeInfo changed =
        admin
            .volumes()
            .update(
                new UpdateVolumeRequestContent()
                    .setName("test.default.round")
                    .setNewName("Rounder")
                    .setComment("d"));
    assertThat(admin.volumes().read("test.default.rounder")).isEqualTo(changed);
    assertThat(changed.getComment()).isEqualTo("d");
    assertThat(changed.getStorageLocation()).isEqualTo(made.getStorageLocation());
    assertThat(admin.volumes().list("test", "default"))
        .extracting(VolumeInfo::getName)
        .contains("rounder")
        .doesNotContain("round");
    admin.volumes().delete("test.default.rounder");
    assertThatThrownBy(() -> admin.volumes().read("test.default.rounder"))
        .isInstanceOf(NotFound.class)
        .hasMessage("Volume 'test.default.rounder' does not exist.");
    assertThatThrownBy(() -> admin.files().download("/Volumes/test/default/rounder/a.txt"))
        .isInstanceOf(NotFound.class);
    while (Files.exists(folder(made))) {
      Thread.onSpinWait(); // the trash is emptied beside us
    }
  }

  @Test
  void anExternalVolumeNeedsALocationAndLeavesItsFiles() throws Exception {
    String url = "s3://" + TestServer.ROOT_BUCKET + "/shared/in";
    CreateVolumeRequestContent wanted =
        new CreateVolumeRequestContent()
            .setCatalogName("test")
            .setSchemaName("default")
            .setName("ext")
            .setVolumeType(VolumeType.EXTERNAL)
            .setStorageLocation(url);
    assertThatThrownBy(() -> bob.volumes().create(wanted))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageStartingWith("User does not have CREATE EXTERNAL VOLUME on External location");
    VolumeInfo made = admin.volumes().create(wanted);
    assertThat(made.getStorageLocation()).isEqualTo(url);
    for (String twin :
        new String[] {url, url + "/x", "s3://" + TestServer.ROOT_BUCKET + "/shared"}) {
      assertThatThrownBy(
              () -> admin.volumes().create(wanted.setName("twin").setStorageLocation(twin)))
          .isInstanceOf(BadRequest.class)
          .hasMessageStartingWith("LOCATION_OVERLAP");
    }
    upload(admin, "/Volumes/test/default/ext/b.txt", "b", false);
    assertThat(folder(made).resolve("b.txt")).hasContent("b");
    admin.volumes().delete("test.default.ext");
    assertThat(folder(made).resolve("b.txt")).hasContent("b");
  }

  @Test
  void filesComeBackAsTheyWereSent() throws Exception {
    VolumeInfo made = volume(admin, "files");
    String top = "/Volumes/test/default/files";
    assertThat(admin.files().listDirectoryContents(top)).isEmpty();
    String name = top + "/dir/it's.txt";
    upload(admin, name, "one", false);
    assertThat(download(admin, name)).isEqualTo("one");
    assertThatThrownBy(() -> upload(admin, name, "two", false)).isInstanceOf(AlreadyExists.class);
    assertThat(download(admin, name)).isEqualTo("one");
    upload(admin, name, "three", true);
    assertThat(download(admin, name)).isEqualTo("three");
    assertThat(admin.files().getMetadata(name).getContentLength()).isEqualTo(5);
    assertThat(admin.files().getMetadata(name).getLastModified()).endsWith(" GMT");
    admin.files().getDirectoryMetadata(top + "/dir");
    assertThatThrownBy(() -> admin.files().getDirectoryMetadata(top + "/none"))
        .isInstanceOf(DatabricksError.class);
    assertThatThrownBy(() -> admin.files().getMetadata(top + "/none"))
        .isInstanceOf(DatabricksError.class);
    admin
        .files()
        .createDirectory(new CreateDirectoryRequest().setDirectoryPath(top + "/empty/inner"));
    assertThat(admin.files().listDirectoryContents(top))
        .extracting(DirectoryEntry::getPath)
        .containsExactly(top + "/dir", top + "/empty");
    assertThat(
            admin
                .files()
                .listDirectoryContents(
                    new ListDirectoryContentsRequest().setDirectoryPath(top).setPageSize(1L)))
        .extracting(DirectoryEntry::getIsDirectory)
        .containsExactly(true, true);
    assertThatThrownBy(() -> admin.files().deleteDirectory(top + "/empty"))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("is not empty");
    admin.files().deleteDirectory(top + "/empty/inner");
    admin.files().deleteDirectory(top + "/empty");
    admin.files().delete(name);
    assertThatThrownBy(() -> download(admin, name)).isInstanceOf(NotFound.class);
    assertThatThrownBy(() -> admin.files().delete(name)).isInstanceOf(NotFound.class);
    assertThat(folder(made).resolve("../../../../../../tarn-uploads").normalize()).doesNotExist();
  }

  /** The Java SDK itself does not encode paths. */
  @Test
  void namesOfFilesMayHaveAnyCharacters() throws Exception {
    volume(admin, "names");
    String url =
        "/api/2.0/fs/files/Volumes/test/default/names/d%20%C3%BC/100%25%20%F0%9F%A6%86.txt";
    assertThat(server.send("admin", "PUT", url, "duck").statusCode()).isEqualTo(204);
    assertThat(server.send("admin", "GET", url, null).body()).isEqualTo("duck");
    assertThat(
            server
                .send(
                    "admin",
                    "GET",
                    "/api/2.0/fs/directories/Volumes/test/default/names/d%20%C3%BC",
                    null)
                .body())
        .contains("\"path\":\"/Volumes/test/default/names/d ü/100% 🦆.txt\"");
  }

  @Test
  void aRangeIsAnsweredWithThatPart() throws Exception {
    volume(admin, "ranges");
    String path = "/Volumes/test/default/ranges/digits";
    upload(admin, path, "0123456789", false);
    String url = "/api/2.0/fs/files" + path;
    for (Map.Entry<String, String> range :
        Map.of("bytes=0-0", "0", "bytes=7-", "789", "bytes=-2", "89", "bytes=5-99", "56789")
            .entrySet()) {
      HttpResponse<String> part =
          server.send("admin", "GET", url, null, Map.of("Range", range.getKey()));
      assertThat(part.statusCode()).isEqualTo(206);
      assertThat(part.body()).isEqualTo(range.getValue());
      assertThat(part.headers().firstValue("content-range").orElseThrow()).endsWith("/10");
    }
    HttpResponse<String> all = server.send("admin", "GET", url, null);
    assertThat(all.body()).isEqualTo("0123456789");
    String changed = all.headers().firstValue("last-modified").orElseThrow();
    assertThat(
            server
                .send("admin", "GET", url, null, Map.of("If-Unmodified-Since", changed))
                .statusCode())
        .isEqualTo(200);
    assertThat(
            server
                .send(
                    "admin",
                    "GET",
                    url,
                    null,
                    Map.of("If-Unmodified-Since", "Mon, 1 Jan 2024 00:00:00 GMT"))
                .statusCode())
        .isEqualTo(412);
    assertThat(server.send("admin", "GET", url, null, Map.of("Range", "bytes=10-")).statusCode())
        .isEqualTo(416);
  }

  @Test
  void whoMayReadDoesNotWriteAndNobodyLeavesTheVolume() throws Exception {
    VolumeInfo made = volume(admin, "guarded");
    String path = "/Volumes/test/default/guarded/secret.txt";
    upload(admin, path, "secret", false);
    assertThatThrownBy(() -> download(bob, path))
        .isInstanceOf(PermissionDenied.class)
        .hasMessage("User does not have READ VOLUME on Volume 'test.default.guarded'.");
    assertThatThrownBy(
            () ->
                bob.files()
                    .listDirectoryContents("/Volumes/test/default/guarded")
                    .iterator()
                    .next())
        .isInstanceOf(PermissionDenied.class);
    grant("volume", "test.default.guarded", "READ_VOLUME");
    assertThat(download(bob, path)).isEqualTo("secret");
    assertThatThrownBy(() -> upload(bob, path, "mine", true))
        .isInstanceOf(PermissionDenied.class)
        .hasMessage("User does not have WRITE VOLUME on Volume 'test.default.guarded'.");
    assertThatThrownBy(() -> bob.files().delete(path)).isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(
            () ->
                bob.files()
                    .createDirectory(
                        new CreateDirectoryRequest()
                            .setDirectoryPath("/Volumes/test/default/guarded/d")))
        .isInstanceOf(PermissionDenied.class);
    Files.createSymbolicLink(folder(made).resolve("link"), Path.of("/etc"));
    for (String way :
        new String[] {
          "/Volumes/test/default/guarded/link/passwd",
          "/Volumes/test/default/guarded/%2e%2e/x",
          "/Volumes/test/default/guarded/..%2F..%2Fx",
          "/Volumes/test/default",
          "/etc/passwd"
        }) {
      assertThat(server.send("bob", "GET", "/api/2.0/fs/files" + way, null).statusCode())
          .as(way)
          .isBetween(400, 404);
    }
    assertThat(bob.files().listDirectoryContents("/Volumes/test/default/guarded"))
        .extracting(DirectoryEntry::getName)
        .containsExactly("secret.txt");
    grant("volume", "test.default.guarded", "WRITE_VOLUME");
    upload(bob, path, "mine", true);
    assertThat(download(admin, path)).isEqualTo("mine");
  }

  /** As many bytes as asked for, without ever holding them. */
  private static final class Zeros extends InputStream {
    private final boolean breaks;
    private long left;

    /**
     * @param breaks whether it fails where it should end
     */
    Zeros(long length, boolean breaks) {
      left = length;
      this.breaks = breaks;
    }

    @Override
    public int read() throws IOException {
      return read(new byte[1], 0, 1) < 0 ? -1 : 0;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      int read = (int) Math.min(left, length);
      left -= read;
      if (read == 0 && breaks) {
        throw new IOException("the sender's disk failed");
      }
      return read == 0 ? -1 : read;
    }
  }

  @Test
  void bytesStreamThroughAndAnUploadThatBreaksOffLeavesNothing() throws Exception {
    VolumeInfo made = volume(admin, "large");
    long size = 300L << 20; // the test's JVM has less heap than would hold it twice
    String url = server.url() + "/api/2.0/fs/files/Volumes/test/default/large/";
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest put =
          HttpRequest.newBuilder(URI.create(url + "zeros"))
              .header("Authorization", "Bearer " + server.token("admin"))
              .PUT(HttpRequest.BodyPublishers.ofInputStream(() -> new Zeros(size, false)))
              .build();
      assertThat(client.send(put, HttpResponse.BodyHandlers.discarding()).statusCode())
          .isEqualTo(204);
      assertThat(folder(made).resolve("zeros")).hasSize(size);
      HttpRequest broken =
          HttpRequest.newBuilder(URI.create(url + "broken"))
              .header("Authorization", "Bearer " + server.token("admin"))
              .PUT(HttpRequest.BodyPublishers.ofInputStream(() -> new Zeros(1 << 20, true)))
              .build();
      assertThatThrownBy(() -> client.send(broken, HttpResponse.BodyHandlers.discarding()))
          .isInstanceOf(IOException.class);
    }
    assertThat(folder(made).resolve("broken")).doesNotExist();
  }

  @Test
  void foldersHaveNoTemporaryCredentials() throws Exception {
    VolumeInfo made = volume(admin, "keys");
    GenerateTemporaryVolumeCredentialRequest request =
        new GenerateTemporaryVolumeCredentialRequest()
            .setVolumeId(made.getVolumeId())
            .setOperation(VolumeOperation.READ_VOLUME);
    assertThatThrownBy(
            () -> bob.temporaryVolumeCredentials().generateTemporaryVolumeCredentials(request))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("READ VOLUME");
    assertThatThrownBy(
            () -> admin.temporaryVolumeCredentials().generateTemporaryVolumeCredentials(request))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("EXTERNAL USE SCHEMA");
    assertThatThrownBy(
            () ->
                admin
                    .temporaryPathCredentials()
                    .generateTemporaryPathCredentials(
                        new GenerateTemporaryPathCredentialRequest()
                            .setUrl(made.getStorageLocation())
                            .setOperation(PathOperation.PATH_READ)))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("managed storage");
  }

  private static EntityTagAssignment tag(String type, String name, String key, String value) {
    return new EntityTagAssignment()
        .setEntityType(type)
        .setEntityName(name)
        .setTagKey(key)
        .setTagValue(value);
  }

  private static EntityTagAssignment assign(WorkspaceClient by, EntityTagAssignment tag) {
    return by.entityTagAssignments()
        .create(new CreateEntityTagAssignmentRequest().setTagAssignment(tag));
  }

  @Test
  void aTagIsWhatWasWrittenUntilItIsGone() throws Exception {
    volume(admin, "tagged");
    String name = "test.default.tagged";
    EntityTagAssignment made = assign(admin, tag("volumes", name, "pii", "high"));
    GetEntityTagAssignmentRequest get =
        new GetEntityTagAssignmentRequest()
            .setEntityType("volumes")
            .setEntityName(name)
            .setTagKey("pii");
    assertThat(admin.entityTagAssignments().get(get)).isEqualTo(made);
    assertThat(made.getTagValue()).isEqualTo("high");
    assertThat(made.getUpdatedBy()).isEqualTo("admin@tarn.local");
    assertThatThrownBy(() -> assign(admin, tag("volumes", name, "pii", "low")))
        .isInstanceOf(AlreadyExists.class);
    assertThatThrownBy(() -> assign(admin, tag("volumes", name, "a=b", null)))
        .isInstanceOf(BadRequest.class);
    assertThatThrownBy(() -> assign(admin, tag("tables", name, "pii", null)))
        .isInstanceOf(NotFound.class);
    assertThatThrownBy(() -> assign(bob, tag("volumes", name, "mine", null)))
        .isInstanceOf(PermissionDenied.class)
        .hasMessage("User does not have APPLY TAG on Volume 'test.default.tagged'.");
    grant("volume", name, "APPLY_TAG");
    assign(bob, tag("volumes", name, "mine", null));
    assign(admin, tag("schemas", "test.default", "team", "data"));
    assertThat(
            admin
                .entityTagAssignments()
                .update(
                    new UpdateEntityTagAssignmentRequest()
                        .setEntityType("volumes")
                        .setEntityName(name)
                        .setTagKey("pii")
                        .setUpdateMask("tag_value")
                        .setTagAssignment(new EntityTagAssignment().setTagValue("low")))
                .getTagValue())
        .isEqualTo("low");
    assertThat(
            admin
                .entityTagAssignments()
                .list(
                    new ListEntityTagAssignmentsRequest()
                        .setEntityType("volumes")
                        .setEntityName(name)))
        .extracting(EntityTagAssignment::getTagKey)
        .containsExactly("mine", "pii");
    admin
        .entityTagAssignments()
        .delete(
            new DeleteEntityTagAssignmentRequest()
                .setEntityType("volumes")
                .setEntityName(name)
                .setTagKey("pii"));
    assertThatThrownBy(() -> admin.entityTagAssignments().get(get)).isInstanceOf(NotFound.class);
  }
}
