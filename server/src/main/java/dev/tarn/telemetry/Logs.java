package dev.tarn.telemetry;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeAndTimeBasedRollingPolicy;
import ch.qos.logback.core.util.FileSize;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a server that runs writes its log: {@code server.log}, bounded in size and age. Before, and
 * in other verbs, the log goes to standard error as {@code logback.xml} says.
 */
public final class Logs {
  private Logs() {}

  /**
   * @param format {@code text} or {@code json}, one line an event
   * @param megabytes of one file; a full one is put aside, compressed
   * @param days after which one is deleted
   * @param totalMegabytes of all that was put aside
   */
  public record Settings(String format, int megabytes, int days, int totalMegabytes) {}

  /** From now on to {@code folder}; what the caller logged before stays where it is. */
  public static void to(Path folder, Settings settings) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    RollingFileAppender<ILoggingEvent> appender = new RollingFileAppender<>();
    appender.setContext(context);
    appender.setFile(folder.resolve("server.log").toString());
    SizeAndTimeBasedRollingPolicy<ILoggingEvent> policy = new SizeAndTimeBasedRollingPolicy<>();
    policy.setContext(context);
    policy.setParent(appender);
    policy.setFileNamePattern(folder.resolve("server.%d{yyyy-MM-dd,UTC}.%i.log.gz").toString());
    policy.setMaxFileSize(new FileSize(settings.megabytes() * FileSize.MB_COEFFICIENT));
    policy.setMaxHistory(settings.days());
    policy.setTotalSizeCap(new FileSize(settings.totalMegabytes() * FileSize.MB_COEFFICIENT));
    policy.setCleanHistoryOnStart(true);
    policy.start();
    appender.setRollingPolicy(policy);
    appender.setEncoder(encoder(context, settings.format()));
    appender.start();
    ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.detachAndStopAllAppenders();
    root.addAppender(appender);
  }

  private static Encoder<ILoggingEvent> encoder(LoggerContext context, String format) {
    if (format.equals("json")) {
      JsonEncoder json = new JsonEncoder();
      json.setContext(context);
      json.start();
      return json;
    }
    PatternLayoutEncoder text = new PatternLayoutEncoder();
    text.setContext(context);
    text.setPattern("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level [%X{request:-}] %logger{24} %msg%n");
    text.start();
    return text;
  }
}
