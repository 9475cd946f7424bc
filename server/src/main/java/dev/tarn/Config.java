package dev.tarn;

import dev.tarn.database.DatabaseUrl;
import dev.tarn.http.AddressRange;
import dev.tarn.http.Network;
import dev.tarn.mail.Mail;
import java.io.IOException;
import java.io.Reader;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.text.similarity.LevenshteinDistance;

/**
 * Every setting of an instance: name, default, check and sentence, in one place. Read from {@code
 * TARN_HOME/tarn.properties}; an environment variable {@code TARN_ENGINE_MEMORY} overrides {@code
 * engine.memory}. An unknown key stops the start.
 *
 * @param home the data directory; everything an instance keeps is below it
 * @param port the one port, loopback only; 0 takes a free one
 * @param distribution the folder with {@code server/}, {@code spark/}, {@code stack/} as built:
 *     what the server runs
 * @param accountName shown on the console
 * @param region the AWS region that stacks, buckets and the metastore say they are in
 * @param engineMemory heap of one engine, as Java spells it (512m, 2g)
 * @param engineIdleMinutes auto-stop of a warehouse that does not say otherwise
 * @param engineCores cores of one engine; 0 takes all
 * @param engineConf further Spark settings for engines, set by the administrator of the machine
 * @param engineJvmOptions further options of an engine's JVM, set by the same
 * @param resultHours how long statement results are kept
 * @param engineTraining whether engines leave the AOT cache of this build when they end
 * @param sandbox {@code required}, or {@code off} on a machine with one person and no bubblewrap
 * @param sessionIdle until a browser's session that nobody uses ends
 * @param sessionLongest until any browser's session ends
 * @param logDelivery between two deliveries of audit and usage logs
 * @param upkeep what is kept for how long, what is said to whom, and how full the disk may be
 * @param network what is bound, under which names, and with which certificate
 * @param database where the state is
 * @param mail the SMTP server that invitations go through, if any
 * @param aws where roles and buckets are looked up that no stack of ours made; null for nowhere
 */
public record Config(
    Path home,
    int port,
    Path distribution,
    String accountName,
    String region,
    String engineMemory,
    int engineIdleMinutes,
    int engineCores,
    Map<String, String> engineConf,
    List<String> engineJvmOptions,
    int resultHours,
    boolean engineTraining,
    String sandbox,
    Duration sessionIdle,
    Duration sessionLongest,
    Duration logDelivery,
    Upkeep upkeep,
    Network network,
    DatabaseUrl database,
    Mail.Settings mail,
    URI aws) {

  /**
   * @param auditDays after which audit segments are deleted
   * @param enginesKept how many engines that ended are remembered, with their logs
   * @param diskWatermark bytes that are to stay free; below, writes are refused
   * @param metricsToken the file with the token that may read {@code /metrics}, or null
   */
  public record Upkeep(
      int auditDays,
      int enginesKept,
      long diskWatermark,
      Path metricsToken,
      dev.tarn.telemetry.Logs.Settings logs) {}

  private static final String ENGINE_CONF = "engine.conf.";

  /** Key, default, and the sentence that {@code doctor} prints. */
  private static final Map<String, String[]> KEYS = new LinkedHashMap<>();

  static {
    KEYS.put("port", new String[] {"8484", "the one port"});
    KEYS.put("account.name", new String[] {"tarn", "shown on the console"});
    KEYS.put("region", new String[] {"us-east-1", "the AWS region this instance says it is in"});
    KEYS.put("engine.memory", new String[] {"1536m", "heap of one engine"});
    KEYS.put(
        "engine.idle_minutes", new String[] {"30", "auto-stop of a warehouse without its own"});
    KEYS.put("engine.cores", new String[] {"0", "cores of one engine, 0 for all"});
    KEYS.put(
        "engine.jvm_options",
        new String[] {"", "further options of an engine's JVM, separated by blanks"});
    KEYS.put(
        "engine.training",
        new String[] {"off", "on: engines learn for the next ones' start; the build says so"});
    KEYS.put("result.hours", new String[] {"24", "how long statement results are kept"});
    KEYS.put(
        "log_delivery.minutes",
        new String[] {"15", "how often audit and usage logs are delivered"});
    KEYS.put(
        "session.idle_minutes", new String[] {"720", "a sign-in that nobody uses ends after this"});
    KEYS.put("session.hours", new String[] {"168", "any sign-in ends after this"});
    KEYS.put("smtp.host", new String[] {"", "sends invitations; without one, links are shown"});
    KEYS.put("smtp.port", new String[] {"587", "of the SMTP server"});
    KEYS.put("smtp.from", new String[] {"", "the sender's address"});
    KEYS.put("smtp.user", new String[] {"", "empty for a server that asks for none"});
    KEYS.put("smtp.password_file", new String[] {"", "a file that holds the user's password"});
    KEYS.put("smtp.tls", new String[] {"starttls", "starttls, tls or off"});
    KEYS.put(
        "database",
        new String[] {"sqlite", "sqlite, or postgresql://user@host:port/database (15 or newer)"});
    KEYS.put(
        "database.password_file",
        new String[] {"", "a file with PostgreSQL's password, where PGPASSFILE names none"});
    KEYS.put(
        "aws",
        new String[] {
          "", "the AWS endpoint whose CloudFormation may make stacks for this account, as a URL"
        });
    KEYS.put(
        "sandbox", new String[] {"required", "required, or off where one person uses the machine"});
    KEYS.put("audit.days", new String[] {"365", "how long the audit log is kept"});
    KEYS.put("engines.kept", new String[] {"20", "how many ended engines keep their logs"});
    KEYS.put(
        "disk.watermark",
        new String[] {"512m", "free space below which writes are refused; 0m for none"});
    KEYS.put("log.format", new String[] {"text", "text, or json: one object a line"});
    KEYS.put("log.megabytes", new String[] {"50", "of one log file, before it is put aside"});
    KEYS.put("log.days", new String[] {"14", "how long log files that were put aside are kept"});
    KEYS.put("log.total_megabytes", new String[] {"500", "of all log files that were put aside"});
    KEYS.put(
        "metrics.token_file",
        new String[] {"", "whoever sends the token in this file may read /metrics from afar"});
    KEYS.put(
        "bind",
        new String[] {"127.0.0.1", "the address that is listened on; all but loopback needs tls"});
    KEYS.put(
        "tls",
        new String[] {
          "off", "off; local: certificates of this instance's own authority; files: the next two"
        });
    KEYS.put("tls.certificate", new String[] {"", "with tls=files: PEM chain, the server's first"});
    KEYS.put("tls.key", new String[] {"", "with tls=files: PEM private key, not encrypted"});
    KEYS.put("hosts", new String[] {"", "further names it answers to, separated by commas"});
    KEYS.put(
        "zone", new String[] {"", "accounts.ZONE and DEPLOYMENT.ZONE are this instance's names"});
    KEYS.put(
        "trusted_proxies",
        new String[] {"", "addresses or ranges whose X-Forwarded-For, -Proto and -Host count"});
    KEYS.put(
        "url",
        new String[] {"", "what clients are told, where a proxy makes it another than ours"});
  }

  /** Settings of the instance in {@code home}, overridden by {@code environment}. */
  public static Config load(Path home, Path distribution, Map<String, String> environment) {
    Map<String, String> values = new TreeMap<>();
    KEYS.forEach((key, meta) -> values.put(key, meta[0]));
    Path file = home.resolve("tarn.properties");
    if (Files.exists(file)) {
      Properties properties = new Properties();
      try (Reader reader = Files.newBufferedReader(file)) {
        properties.load(reader);
      } catch (IOException e) {
        throw new IllegalArgumentException("cannot read " + file, e);
      }
      for (String key : properties.stringPropertyNames()) {
        if (!KEYS.containsKey(key) && !key.startsWith(ENGINE_CONF)) {
          throw new IllegalArgumentException(
              file + ": '" + key + "' is not a setting (nearest: '" + nearest(key) + "')");
        }
        values.put(key, properties.getProperty(key).trim());
      }
    }
    for (String key : KEYS.keySet()) {
      String set =
          environment.get("TARN_" + key.replace('.', '_').toUpperCase(java.util.Locale.ROOT));
      if (set != null && !set.isBlank()) {
        values.put(key, set.trim());
      }
    }
    Map<String, String> engineConf = new TreeMap<>();
    values.forEach(
        (key, value) -> {
          if (key.startsWith(ENGINE_CONF)) {
            engineConf.put(key.substring(ENGINE_CONF.length()), value);
          }
        });
    return new Config(
        home,
        number(values, "port", 0, 65535),
        distribution,
        values.get("account.name"),
        matching(values, "region", "[a-z]{2}(-[a-z]+)+-\\d", "a region such as us-east-1"),
        matching(values, "engine.memory", "\\d+[mg]", "a heap such as 1536m or 2g"),
        number(values, "engine.idle_minutes", 0, 100_000),
        number(values, "engine.cores", 0, 1024),
        Map.copyOf(engineConf),
        matching(values, "engine.jvm_options", "|-\\S+( +-\\S+)*", "options that begin with -")
            .transform(options -> options.isEmpty() ? List.of() : List.of(options.split(" +"))),
        number(values, "result.hours", 1, 100_000),
        matching(values, "engine.training", "on|off", "on or off").equals("on"),
        matching(values, "sandbox", "required|off", "required or off"),
        Duration.ofMinutes(number(values, "session.idle_minutes", 1, 100_000)),
        Duration.ofHours(number(values, "session.hours", 1, 10_000)),
        Duration.ofMinutes(number(values, "log_delivery.minutes", 1, 1440)),
        upkeep(values),
        network(values),
        DatabaseUrl.parse(
            values.get("database"),
            home.resolve("tarn.db"),
            file(values, "database.password_file")),
        mail(values),
        aws(values));
  }

  private static URI aws(Map<String, String> values) {
    String url = matching(values, "aws", "|https?://[^/]+", "a URL without a path, or nothing");
    return url.isEmpty() ? null : URI.create(url);
  }

  private static Upkeep upkeep(Map<String, String> values) {
    String mark = matching(values, "disk.watermark", "\\d{1,6}[mg]", "a size such as 512m or 2g");
    return new Upkeep(
        number(values, "audit.days", 1, 100_000),
        number(values, "engines.kept", 0, 10_000),
        Long.parseLong(mark.substring(0, mark.length() - 1)) << (mark.endsWith("g") ? 30 : 20),
        file(values, "metrics.token_file"),
        new dev.tarn.telemetry.Logs.Settings(
            matching(values, "log.format", "text|json", "text or json"),
            number(values, "log.megabytes", 1, 10_000),
            number(values, "log.days", 1, 10_000),
            number(values, "log.total_megabytes", 1, 1_000_000)));
  }

  private static Network network(Map<String, String> values) {
    InetAddress bind;
    try {
      bind = InetAddress.ofLiteral(values.get("bind"));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "bind: '" + values.get("bind") + "' (expected: an address such as 127.0.0.1 or 0.0.0.0)",
          e);
    }
    String url =
        matching(values, "url", "|https?://[^/]+", "a URL without a path, https://tarn.example");
    String name = "[A-Za-z0-9.:\\[\\]-]+";
    matching(values, "hosts", "|" + name + "( *, *" + name + ")*", "names, separated by commas");
    return new Network(
        bind,
        matching(values, "tls", "off|local|files", "off, local or files"),
        file(values, "tls.certificate"),
        file(values, "tls.key"),
        list(values, "hosts").map(host -> host.toLowerCase(Locale.ROOT)).toList(),
        matching(values, "zone", "|[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*", "a domain such as lake.test")
            .toLowerCase(Locale.ROOT),
        list(values, "trusted_proxies").map(AddressRange::parse).toList(),
        url.isEmpty() ? Optional.empty() : Optional.of(URI.create(url)));
  }

  private static Path file(Map<String, String> values, String key) {
    return values.get(key).isEmpty() ? null : Path.of(values.get(key)).toAbsolutePath();
  }

  private static Stream<String> list(Map<String, String> values, String key) {
    return Stream.of(values.get(key).split(",")).map(String::trim).filter(one -> !one.isEmpty());
  }

  private static Mail.Settings mail(Map<String, String> values) {
    String host = values.get("smtp.host");
    if (!host.isEmpty()) {
      matching(values, "smtp.from", "[^@\\s]+@[^@\\s]+", "an e-mail address");
      if (!values.get("smtp.user").isEmpty()) {
        matching(values, "smtp.password_file", "/.+", "the path of a file, from / on");
      }
    }
    return new Mail.Settings(
        host,
        number(values, "smtp.port", 1, 65535),
        values.get("smtp.from"),
        values.get("smtp.user"),
        values.get("smtp.password_file"),
        matching(values, "smtp.tls", "starttls|tls|off", "starttls, tls or off"));
  }

  private static int number(Map<String, String> values, String key, int least, int most) {
    String value = values.get(key);
    if (value.matches("\\d{1,9}")) {
      int number = Integer.parseInt(value);
      if (number >= least && number <= most) {
        return number;
      }
    }
    throw new IllegalArgumentException(
        key + ": '" + value + "' (expected: a number from " + least + " to " + most + ")");
  }

  private static String matching(
      Map<String, String> values, String key, String pattern, String expected) {
    String value = values.get(key);
    if (!value.matches(pattern)) {
      throw new IllegalArgumentException(key + ": '" + value + "' (expected: " + expected + ")");
    }
    return value;
  }

  private static String nearest(String key) {
    return KEYS.keySet().stream()
        .min(
            Comparator.comparing(
                known -> LevenshteinDistance.getDefaultInstance().apply(known, key)))
        .orElseThrow();
  }

  /** The settings as {@code key=value} with their sentence, for people. */
  public static List<String> describe() {
    return KEYS.entrySet().stream()
        .map(entry -> entry.getKey() + "=" + entry.getValue()[0] + "  # " + entry.getValue()[1])
        .toList();
  }

  public Path keys() {
    return home.resolve("keys");
  }

  public Path logs() {
    return home.resolve("logs");
  }

  /** Certificates that are no secret; the keys are in {@link #keys}. */
  public Path tls() {
    return home.resolve("tls");
  }

  /** One folder per bucket. */
  public Path storage() {
    return home.resolve("storage");
  }

  /** One folder per engine: its log, its ready file, its scratch space. */
  public Path engines() {
    return home.resolve("engines");
  }

  public Path databaseFile() {
    return home.resolve("tarn.db");
  }

  public Path audit() {
    return home.resolve("audit");
  }
}
