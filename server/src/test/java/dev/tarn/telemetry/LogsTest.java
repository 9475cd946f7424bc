package dev.tarn.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.util.ContextInitializer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What is left of logs that were put aside, when a server starts. */
class LogsTest {
  @TempDir Path folder;

  @AfterEach
  void asBefore() throws Exception {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    new ContextInitializer(context).autoConfig();
  }

  private Path putAside(int daysAgo, int bytes) throws Exception {
    LocalDate day = LocalDate.now(ZoneOffset.UTC).minusDays(daysAgo);
    return Files.write(folder.resolve("server." + day + ".0.log.gz"), new byte[bytes]);
  }

  /** It is done beside the start. */
  private static void awaitGone(Path file) throws InterruptedException {
    for (int tries = 0; Files.exists(file) && tries < 600; tries++) {
      new CountDownLatch(1).await(50, TimeUnit.MILLISECONDS);
    }
    assertThat(file).doesNotExist();
  }

  @Test
  void whatIsOlderThanTheSettingSaysGoes() throws Exception {
    Path old = putAside(20, 10);
    Path kept = putAside(3, 10);
    Logs.to(folder, new Logs.Settings("text", 10, 14, 500));
    awaitGone(old);
    assertThat(kept).exists();
  }

  @Test
  void theOldestGoWhereThereIsMoreThanTheSettingAllows() throws Exception {
    Path old = putAside(3, 1 << 20);
    Path kept = putAside(1, 1 << 20);
    Logs.to(folder, new Logs.Settings("text", 1, 14, 1));
    awaitGone(old);
    assertThat(kept).exists();
  }
}
