package dev.tarn.catalog;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.files.CreateDirectoryRequest;
import com.databricks.sdk.service.files.DeleteDirectoryRequest;
import com.databricks.sdk.service.files.DeleteFileRequest;
import com.databricks.sdk.service.files.DirectoryEntry;
import com.databricks.sdk.service.files.GetDirectoryMetadataRequest;
import com.databricks.sdk.service.files.GetMetadataRequest;
import com.databricks.sdk.service.files.ListDirectoryContentsRequest;
import com.databricks.sdk.service.files.ListDirectoryResponse;
import com.databricks.sdk.service.files.UploadRequest;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Privilege;
import dev.tarn.access.Securable;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.FromHeader;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.storage.Uploads;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * {@code /api/2.0/fs/files} and {@code /fs/directories}: what is in volumes, by paths {@code
 * /Volumes/catalog/schema/volume/…}. Bytes stream through, however many. A file is there whole or
 * not at all, see {@link Uploads}; a symbolic link is nothing, whoever put it there.
 */
public final class VolumeFiles {
  private static final String VOLUMES = "/Volumes/";
  private static final int PAGE = 1000;
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d*)-(\\d*)");

  private final Access access;
  private final Locations locations;

  VolumeFiles(Access access, Locations locations) {
    this.access = access;
    this.locations = locations;
  }

  /**
   * A path in a volume.
   *
   * @param bucket the folder of its bucket
   * @param root the folder of its volume
   * @param file where it is, which may not be there
   */
  private record Place(String path, Path bucket, Path root, Path file) {
    boolean isRoot() {
      return file.equals(root);
    }
  }

  /** Finds a path for who has a privilege on its volume. */
  private Place place(Caller caller, String path, Privilege privilege) {
    String[] parts =
        path != null && path.startsWith(VOLUMES)
            ? path.substring(VOLUMES.length()).split("/", -1)
            : new String[0];
    if (parts.length < 3) {
      throw new InvalidParameterValue(
          "path: " + Names.shown(path) + " (expected: /Volumes/catalog/schema/volume/path)", null);
    }
    List<String> inside = new ArrayList<>();
    for (String part : List.of(parts).subList(3, parts.length)) {
      if (part.equals(".")
          || part.equals("..")
          || part.getBytes(StandardCharsets.UTF_8).length > 255
          || part.codePoints().anyMatch(c -> c < ' ' || c == 0x7f || c == '\\')) {
        throw new InvalidParameterValue(
            "path: "
                + Names.shown(path)
                + " (expected: names of at most 255 bytes, no . or .., control character or"
                + " backslash)",
            null);
      }
      if (!part.isEmpty()) {
        inside.add(part);
      }
    }
    String location =
        access.read(
            caller,
            rights -> {
              Securable volume =
                  rights.get(SecurableType.VOLUME, parts[0] + "." + parts[1] + "." + parts[2]);
              rights.requireVolume(privilege, volume);
              return volume.storageLocation();
            });
    Path root = locations.folder(location);
    Path file = root;
    for (String part : inside) {
      file = file.resolve(part);
      if (Files.isSymbolicLink(file)) {
        throw notThere(path);
      }
    }
    return new Place(
        VOLUMES
            + String.join("/", parts[0], parts[1], parts[2])
            + (inside.isEmpty() ? "" : "/" + String.join("/", inside)),
        locations.bucketFolder(location),
        root,
        file);
  }

  private static NotFound notThere(String path) {
    return new NotFound("NOT_FOUND", "The path " + Names.shown(path) + " does not exist", null);
  }

  private static BasicFileAttributes attributes(Place place) throws IOException {
    try {
      return Files.readAttributes(
          place.file(), BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      throw notThere(place.path());
    }
  }

  private static BasicFileAttributes file(Place place) throws IOException {
    BasicFileAttributes attributes = attributes(place);
    if (!attributes.isRegularFile()) {
      throw notThere(place.path());
    }
    return attributes;
  }

  private static Answer done() {
    return new Answer(204, Map.of(), null, null);
  }

  // Files

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Answer upload(Caller caller, UploadRequest request) throws IOException {
    Place place = place(caller, request.getFilePath(), Privilege.WRITE_VOLUME);
    boolean overwrite = Boolean.TRUE.equals(request.getOverwrite());
    if (place.isRoot() || Files.isDirectory(place.file(), LinkOption.NOFOLLOW_LINKS)) {
      throw new AlreadyExists(Names.shown(place.path()) + " is a directory", null);
    }
    if (!overwrite && Files.exists(place.file())) {
      throw exists(place);
    }
    try (InputStream contents = request.getContents()) {
      Uploads.write(place.bucket(), place.file(), contents, overwrite);
    } catch (FileAlreadyExistsException e) {
      throw exists(place);
    }
    try {
      place(caller, request.getFilePath(), Privilege.WRITE_VOLUME);
    } catch (DatabricksError e) {
      Files.deleteIfExists(
          place.file()); // The volume went meanwhile, and nobody would come for it.
      throw e;
    }
    return done();
  }

  private static AlreadyExists exists(Place place) {
    return new AlreadyExists(
        "The file being created already exists: " + Names.shown(place.path()), null);
  }

  /**
   * @param range one range of bytes; others are answered with all of the file
   */
  public record Download(
      String filePath,
      @FromHeader("range") String range,
      @FromHeader("if-unmodified-since") String ifUnmodifiedSince) {}

  @Operation("GET /api/2.0/fs/files{file_path}")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Answer download(Caller caller, Download request) throws IOException {
    Place place = place(caller, request.filePath(), Privilege.READ_VOLUME);
    BasicFileAttributes attributes = file(place);
    requireUnmodified(attributes, request.ifUnmodifiedSince());
    long size = attributes.size();
    long[] range = range(request.range(), size);
    Map<String, String> headers = new HashMap<>(headers(attributes));
    headers.put("accept-ranges", "bytes");
    if (range == null) {
      return new Answer(200, headers, TYPE, contents(place, 0, size));
    }
    headers.put("content-length", Long.toString(range[1] - range[0] + 1));
    headers.put("content-range", "bytes " + range[0] + "-" + range[1] + "/" + size);
    return new Answer(206, headers, TYPE, contents(place, range[0], range[1] - range[0] + 1));
  }

  private static final String TYPE = "application/octet-stream";

  private static Map<String, String> headers(BasicFileAttributes attributes) {
    return Map.of(
        "content-length",
        Long.toString(attributes.size()),
        "last-modified",
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            attributes.lastModifiedTime().toInstant().atOffset(ZoneOffset.UTC)));
  }

  /** Who takes up a download again must not get the rest of another file. */
  private static void requireUnmodified(BasicFileAttributes attributes, String since) {
    if (since == null) {
      return;
    }
    Instant before;
    try {
      before = ZonedDateTime.parse(since, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
    } catch (DateTimeParseException e) {
      return; // as RFC 9110 has it
    }
    if (attributes.lastModifiedTime().toInstant().getEpochSecond() > before.getEpochSecond()) {
      throw new DatabricksError("PRECONDITION_FAILED", "the file was changed after " + since, 412);
    }
  }

  /** First and last byte, or null for all. */
  private static long[] range(String header, long size) {
    Matcher matcher = RANGE.matcher(header == null ? "" : header.strip());
    if (!matcher.matches() || (matcher.group(1).isEmpty() && matcher.group(2).isEmpty())) {
      return null;
    }
    try {
      long first;
      long last = size - 1;
      if (matcher.group(1).isEmpty()) {
        first = Math.max(0, size - Long.parseLong(matcher.group(2)));
      } else {
        first = Long.parseLong(matcher.group(1));
        if (!matcher.group(2).isEmpty()) {
          last = Math.min(last, Long.parseLong(matcher.group(2)));
        }
      }
      if (first > last) {
        throw new DatabricksError(
            "RANGE_NOT_SATISFIABLE",
            "range: " + header + " (expected: one within " + size + " bytes)",
            416);
      }
      return new long[] {first, last};
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static InputStream contents(Place place, long from, long length) throws IOException {
    SeekableByteChannel channel = FileChannel.open(place.file(), LinkOption.NOFOLLOW_LINKS);
    channel.position(from);
    return new Part(Channels.newInputStream(channel), length);
  }

  /** So many bytes of a file and no more, should it have grown meanwhile. */
  private static final class Part extends FilterInputStream {
    private long left;

    Part(InputStream in, long length) {
      super(in);
      left = length;
    }

    @Override
    public int read() throws IOException {
      int read = left > 0 ? super.read() : -1;
      left -= read < 0 ? 0 : 1;
      return read;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      if (left == 0) {
        return -1;
      }
      int read = super.read(buffer, offset, (int) Math.min(length, left));
      left -= Math.max(read, 0);
      return read;
    }
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Answer getMetadata(Caller caller, GetMetadataRequest request) throws IOException {
    Place place = place(caller, request.getFilePath(), Privilege.READ_VOLUME);
    return new Answer(200, headers(file(place)), TYPE, null);
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Answer delete(Caller caller, DeleteFileRequest request) throws IOException {
    Place place = place(caller, request.getFilePath(), Privilege.WRITE_VOLUME);
    file(place);
    Files.deleteIfExists(place.file());
    return done();
  }

  // Directories

  /** With those above it; one that is there already is no error. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Answer createDirectory(Caller caller, CreateDirectoryRequest request) throws IOException {
    Place place = place(caller, request.getDirectoryPath(), Privilege.WRITE_VOLUME);
    try {
      Files.createDirectories(place.file());
    } catch (FileAlreadyExistsException e) {
      throw new AlreadyExists(Names.shown(place.path()) + " is, or is in, a file", null);
    }
    return done();
  }

  private static void requireDirectory(Place place) throws IOException {
    // The folder of a volume comes to be with the first file in it.
    if ((!place.isRoot() || Files.exists(place.root())) && !attributes(place).isDirectory()) {
      throw notThere(place.path());
    }
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Answer getDirectoryMetadata(Caller caller, GetDirectoryMetadataRequest request)
      throws IOException {
    requireDirectory(place(caller, request.getDirectoryPath(), Privilege.READ_VOLUME));
    return new Answer(200, Map.of(), null, null);
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Answer deleteDirectory(Caller caller, DeleteDirectoryRequest request) throws IOException {
    Place place = place(caller, request.getDirectoryPath(), Privilege.WRITE_VOLUME);
    if (place.isRoot()) {
      throw new BadRequest(
          "path: " + Names.shown(place.path()) + " is a volume (expected: a directory in it)",
          null);
    }
    requireDirectory(place);
    try {
      Files.deleteIfExists(place.file());
    } catch (DirectoryNotEmptyException e) {
      throw new BadRequest(
          "DIRECTORY_NOT_EMPTY", Names.shown(place.path()) + " is not empty", null);
    }
    return done();
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ListDirectoryResponse listDirectoryContents(
      Caller caller, ListDirectoryContentsRequest request) throws IOException {
    int size = Page.size(request.getPageSize(), PAGE, PAGE);
    Place place = place(caller, request.getDirectoryPath(), Privilege.READ_VOLUME);
    requireDirectory(place);
    String after = Page.after(request.getPageToken());
    List<DirectoryEntry> found = new ArrayList<>();
    if (Files.exists(place.file())) {
      try (Stream<Path> entries = Files.list(place.file())) {
        // Attributes are read of those on the page only.
        for (Path entry :
            entries
                .filter(path -> path.getFileName().toString().compareTo(after) > 0)
                .sorted()
                .limit(size + 1L)
                .toList()) {
          entry(place, entry, found);
        }
      }
    }
    Page<DirectoryEntry> page = Page.of(found, size, DirectoryEntry::getName);
    return new ListDirectoryResponse().setContents(page.items()).setNextPageToken(page.next());
  }

  private static void entry(Place place, Path path, List<DirectoryEntry> found) throws IOException {
    String name = path.getFileName().toString();
    DirectoryEntry entry = new DirectoryEntry().setName(name).setPath(place.path() + "/" + name);
    try {
      BasicFileAttributes attributes =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (attributes.isSymbolicLink()) {
        return;
      }
      found.add(
          entry
              .setIsDirectory(attributes.isDirectory())
              .setFileSize(attributes.isDirectory() ? null : attributes.size())
              .setLastModified(attributes.lastModifiedTime().toMillis()));
    } catch (NoSuchFileException e) {
      // Somebody was faster.
    }
  }
}
