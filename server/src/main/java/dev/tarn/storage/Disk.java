package dev.tarn.storage;

import com.databricks.sdk.core.DatabricksError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The room on the disk that holds the data. Below the watermark what would fill it is refused,
 * before anything is half written; reading, deleting and stopping go on, and so does writing once
 * there is room again. Engines look at the same mark before they make a file.
 */
public final class Disk {
  private static final Logger LOG = LoggerFactory.getLogger(Disk.class);
  private static final long LOOK_NANOS = 500_000_000L;
  private static final Set<String> READS = Set.of("GET", "HEAD", "OPTIONS", "DELETE");

  /** POSTs that read, stop, delete, or sign somebody in who is to do one of these. */
  private static final Pattern HARMLESS =
      Pattern.compile(
          "(authorize|execute|cancel|stop|delete|permanentDelete|remove|close|revoke|trash|list|get|search"
              + "|query|find|inspect|token|accountToken|signIn|signOut|begin|end|discard).*");

  private final LongSupplier usable;
  private final long watermark;
  private volatile long free;
  private volatile long looked;
  private boolean low;

  /**
   * @param watermark bytes that are to stay free; 0 for none
   */
  public Disk(Path home, long watermark) {
    this(
        () -> {
          try {
            return Files.getFileStore(home).getUsableSpace();
          } catch (IOException e) {
            throw new UncheckedIOException("cannot look at the disk of " + home, e);
          }
        },
        watermark);
  }

  Disk(LongSupplier usable, long watermark) {
    this.usable = usable;
    this.watermark = watermark;
    this.looked = System.nanoTime() - LOOK_NANOS;
  }

  /** Bytes free, as of half a second ago at most. */
  public long free() {
    long now = System.nanoTime();
    if (now - looked >= LOOK_NANOS) {
      free = usable.getAsLong();
      looked = now;
      noticed();
    }
    return free;
  }

  private synchronized void noticed() {
    boolean now = free < watermark;
    if (now != low) {
      low = now;
      LOG.warn(
          now
              ? "disk: {} free, less than disk.watermark={}: writes are refused"
              : "disk: {} free, disk.watermark={}: writes go on",
          text(free),
          text(watermark));
    }
  }

  public boolean isLow() {
    return free() < watermark;
  }

  /**
   * @throws DatabricksError 507, where the call would write and there is no room
   */
  public void admit(String verb, String action) {
    if (READS.contains(verb)
        || HARMLESS.matcher(action.substring(action.lastIndexOf('.') + 1)).matches()
        || !isLow()) {
      return;
    }
    throw new DatabricksError(
        "RESOURCE_EXHAUSTED",
        "the disk that holds Tarn's data has "
            + text(free)
            + " left (expected: at least "
            + text(watermark)
            + ", disk.watermark); nothing was changed, reading and deleting go on",
        507);
  }

  private static String text(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
  }
}
