package dev.tarn.telemetry;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tarn.database.Leases;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Who asked for what, and what became of it: one line of JSON for each call, allowed or refused, in
 * segments that are only ever appended to. {@link #append} returns when the line is on disk, and
 * the answer leaves after that; calls that wait at the same time share one sync.
 */
public final class Audit implements AutoCloseable {
  private static final long SEGMENT = 64L * 1024 * 1024;
  private static final DateTimeFormatter NAME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final ObjectMapper MAPPER =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  private final Path folder;
  private final Clock clock;
  private final long segmentBytes;
  private final String id;
  private final BlockingQueue<Line> waiting = new LinkedBlockingQueue<>();
  private final Thread writer;
  private FileChannel segment;
  private long good;
  private volatile Position end;
  private boolean closed;

  /**
   * One call.
   *
   * @param time epoch milliseconds
   * @param principalId decimal id, null when nobody was recognised
   * @param tokenId id of the token, never its value
   * @param engineId the engine through which the principal asked, or null
   * @param stackId the stack whose session token it was, or null
   * @param action {@code package.Service.method}, null when no operation was found
   * @param path template of the path, never its query string; the path itself when unknown
   * @param params what was asked for, secrets already taken out
   * @param unknownFields names sent that the operation does not know
   */
  public record Entry(
      long time,
      String requestId,
      String principalId,
      String principal,
      String tokenId,
      String engineId,
      String stackId,
      Long workspaceId,
      String action,
      String verb,
      String path,
      Map<String, Object> params,
      int status,
      String errorCode,
      Collection<String> unknownFields,
      String sourceIp,
      String userAgent) {
    /** What happened when nobody called. */
    public static Entry ofSystem(
        long time, String requestId, String action, Map<String, Object> params) {
      return new Entry(
          time, requestId, null, "system", null, null, null, null, action, null, null, params, 200,
          null, List.of(), null, null);
    }
  }

  /** A place between two lines. */
  public record Position(String segment, long offset) {
    /** What {@link #toString} gave. */
    public static Position of(String text) {
      int colon = text.lastIndexOf(':');
      return new Position(text.substring(0, colon), Long.parseLong(text.substring(colon + 1)));
    }

    @Override
    public String toString() {
      return segment + ":" + offset;
    }
  }

  private record Line(ByteBuffer bytes, CompletableFuture<Void> synced) {}

  private static final Line LAST = new Line(ByteBuffer.allocate(0), new CompletableFuture<>());

  private Audit(Path folder, Clock clock, long segmentBytes) throws IOException {
    this.folder = folder;
    this.clock = clock;
    this.segmentBytes = segmentBytes;
    this.id = Leases.name(folder.resolve("log-id"));
    openNewest();
    writer = Thread.ofPlatform().name("audit-writer").daemon().start(this::write);
  }

  /**
   * Opens the newest segment in {@code folder}, without the half line that a killed process left.
   *
   * @throws UncheckedIOException it cannot be written
   */
  public static Audit open(Path folder, Clock clock) {
    return open(folder, clock, SEGMENT);
  }

  static Audit open(Path folder, Clock clock, long segmentBytes) {
    try {
      Files.createDirectories(folder);
      return new Audit(folder, clock, segmentBytes);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the audit log in " + folder, e);
    }
  }

  /**
   * Returns when the entry is on disk.
   *
   * @throws UncheckedIOException it is not, and the call must not be answered as if it were
   */
  public void append(Entry entry) {
    Line line;
    try {
      byte[] json = MAPPER.writeValueAsBytes(entry);
      line =
          new Line(
              ByteBuffer.allocate(json.length + 1).put(json).put((byte) '\n').flip(),
              new CompletableFuture<>());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write an audit record", e);
    }
    synchronized (waiting) {
      if (closed) {
        throw new UncheckedIOException(new IOException("the audit log is closed"));
      }
      waiting.add(line);
    }
    try {
      line.synced.join();
    } catch (CompletionException e) {
      throw new UncheckedIOException("cannot write the audit log", (IOException) e.getCause());
    }
  }

  private void write() {
    List<Line> lines = new ArrayList<>();
    boolean going = true;
    while (going) {
      lines.clear();
      try {
        lines.add(waiting.take());
      } catch (InterruptedException e) {
        going = false;
      }
      waiting.drainTo(lines);
      going &= !lines.remove(LAST);
      if (lines.isEmpty()) {
        continue;
      }
      try {
        append(lines);
        lines.forEach(line -> line.synced.complete(null));
      } catch (IOException e) {
        lines.forEach(line -> line.synced.completeExceptionally(e));
      }
    }
  }

  private void append(List<Line> lines) throws IOException {
    if (segment == null || good >= segmentBytes) {
      openNext();
    }
    int length = lines.stream().mapToInt(line -> line.bytes.remaining()).sum();
    ByteBuffer buffer = ByteBuffer.allocate(length);
    lines.forEach(line -> buffer.put(line.bytes));
    buffer.flip();
    try {
      while (buffer.hasRemaining()) {
        segment.write(buffer, good + buffer.position());
      }
      segment.force(false);
      good += length;
      end = new Position(end.segment, good);
    } catch (IOException e) {
      cutOff(e);
      throw e;
    }
  }

  /**
   * What was not acknowledged must not stay; if even that fails, the next line begins a segment.
   */
  private void cutOff(IOException e) {
    try {
      segment.truncate(good);
    } catch (IOException again) {
      e.addSuppressed(again);
      closeSegment();
    }
  }

  private void closeSegment() {
    try {
      segment.close();
    } catch (IOException e) {
      // Nothing acknowledged is in its buffers: every line was forced before.
    }
    segment = null;
  }

  private void openNewest() throws IOException {
    List<Path> segments = segments(folder);
    if (segments.isEmpty()) {
      openNext();
      return;
    }
    Path newest = segments.getLast();
    segment = FileChannel.open(newest, StandardOpenOption.READ, StandardOpenOption.WRITE);
    good = endOfLastLine(segment);
    if (good < segment.size()) {
      segment.truncate(good);
      segment.force(true);
    }
    end = new Position(newest.getFileName().toString(), good);
  }

  private void openNext() throws IOException {
    if (segment != null) {
      closeSegment();
    }
    Path file = segment(0);
    for (int i = 1; Files.exists(file); i++) {
      file = segment(i);
    }
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    segment = FileChannel.open(file, StandardOpenOption.WRITE);
    good = 0;
    end = new Position(file.getFileName().toString(), 0);
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  private Path segment(int number) {
    String time = NAME.format(clock.instant());
    return folder.resolve(String.format(Locale.ROOT, "audit-%s-%04d.jsonl", time, number));
  }

  private static long endOfLastLine(FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
    long end = channel.size();
    while (end > 0) {
      long start = Math.max(0, end - buffer.capacity());
      buffer.clear().limit((int) (end - start));
      while (buffer.hasRemaining() && channel.read(buffer, start + buffer.position()) >= 0) {}
      for (int i = buffer.position() - 1; i >= 0; i--) {
        if (buffer.get(i) == '\n') {
          return start + i + 1;
        }
      }
      end = start;
    }
    return 0;
  }

  /** The segments, oldest first. */
  public static List<Path> segments(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().matches("audit-.*\\.jsonl"))
          .sorted()
          .toList();
    }
  }

  /** Which log this is: positions of another one mean nothing here. */
  public String id() {
    return id;
  }

  /** Before everything that was written from {@code time} on; some of what was before follows. */
  public Position since(Instant time) throws IOException {
    List<Path> segments = segments(folder);
    for (Path file : segments.subList(0, segments.size() - 1)) {
      if (!Files.getLastModifiedTime(file).toInstant().isBefore(time)) {
        return new Position(file.getFileName().toString(), 0);
      }
    }
    return new Position(segments.getLast().getFileName().toString(), 0);
  }

  /** Whether a segment is still there. */
  public boolean has(String name) {
    return Files.exists(folder.resolve(name));
  }

  /** After the last line that is on disk. */
  public Position end() {
    return end;
  }

  /**
   * Where a reader at {@code from} gets to with about {@code bytes} more: further in the same
   * segment, or at the start of the next one; {@code from} itself when nothing follows. Lines once
   * passed stay as they are, so the same two places always have the same lines between them.
   */
  public Position next(Position from, int bytes) throws IOException {
    Position last = end;
    Path file = folder.resolve(from.segment);
    boolean newest = from.segment.equals(last.segment);
    long limit = newest ? last.offset : Files.exists(file) ? Files.size(file) : 0;
    if (from.offset >= limit) {
      if (newest) {
        return from;
      }
      for (Path later : segments(folder)) {
        if (later.getFileName().toString().compareTo(from.segment) > 0) {
          return new Position(later.getFileName().toString(), 0);
        }
      }
      return from;
    }
    long rest = limit - from.offset;
    byte[] read = bytes(file, from.offset, (int) Math.min(rest, bytes));
    for (int i = read.length - 1; i >= 0; i--) {
      if (read[i] == '\n') {
        return new Position(from.segment, from.offset + i + 1);
      }
    }
    return rest <= bytes ? from : next(from, Math.multiplyExact(bytes, 2));
  }

  /** The lines between two places of one segment. */
  public List<String> lines(Position from, Position to) throws IOException {
    if (!from.segment.equals(to.segment)) {
      return List.of();
    }
    byte[] read = bytes(folder.resolve(from.segment), from.offset, (int) (to.offset - from.offset));
    return new String(read, StandardCharsets.UTF_8).lines().toList();
  }

  private static byte[] bytes(Path file, long offset, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (buffer.hasRemaining() && channel.read(buffer, offset + buffer.position()) >= 0) {}
    }
    if (buffer.hasRemaining()) {
      throw new EOFException(file + " has no " + (offset + length) + " bytes");
    }
    return buffer.array();
  }

  /** Lines that wait are written first. */
  @Override
  public void close() {
    synchronized (waiting) {
      closed = true;
      waiting.add(LAST);
    }
    try {
      writer.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (segment != null) {
      closeSegment();
    }
  }
}
