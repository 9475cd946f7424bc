package dev.tarn.telemetry;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes what is older than it is to be kept, at the start and then every hour. Each sweep looks
 * at what is there, so one that was killed is finished by the next.
 */
public final class Retention implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

  private final Map<String, Runnable> sweeps = new LinkedHashMap<>();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("retention").daemon().factory());

  /** Adds one kind of thing; to be done before the start. */
  public Retention of(String what, Runnable sweep) {
    sweeps.put(what, sweep);
    return this;
  }

  public void start() {
    var unused = timer.scheduleWithFixedDelay(this::sweep, 0, 1, TimeUnit.HOURS);
  }

  void sweep() {
    sweeps.forEach(
        (what, sweep) -> {
          try {
            sweep.run();
          } catch (RuntimeException e) {
            LOG.warn("{}: what is too old could not be deleted; tried again in an hour", what, e);
          }
        });
  }

  /**
   * Deletes audit segments that were last written before {@code kept}; never the newest. Those from
   * {@code undelivered} on wait for their delivery, but not for ever: twice as long, and not when
   * there is no room left.
   *
   * @param undelivered name of the oldest segment that is yet to be delivered, if one is
   */
  public static int audit(
      Path folder, Clock clock, Duration kept, Optional<String> undelivered, boolean noRoom) {
    int deleted = 0;
    try {
      List<Path> segments = Audit.segments(folder);
      for (Path segment : segments.subList(0, Math.max(0, segments.size() - 1))) {
        String name = segment.getFileName().toString();
        boolean waits = undelivered.isPresent() && name.compareTo(undelivered.get()) >= 0;
        Duration bound = waits && !noRoom ? kept.multipliedBy(2) : kept;
        if (Files.getLastModifiedTime(segment).toInstant().isBefore(clock.instant().minus(bound))) {
          if (waits) {
            LOG.warn(
                "{} is deleted although it was not delivered: {}",
                segment,
                noRoom
                    ? "the disk has less room than disk.watermark, and it is older than audit.days"
                    : "it is twice as old as audit.days");
          }
          Files.deleteIfExists(segment);
          deleted++;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look through " + folder, e);
    }
    return deleted;
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
