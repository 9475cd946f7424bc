package dev.tarn.cloudformation;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.cloudformation.Template.Intrinsic;
import dev.tarn.database.Database;
import dev.tarn.engine.HostProcesses;
import dev.tarn.engine.Sandbox;
import dev.tarn.storage.Buckets;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jdbi.v3.core.statement.Update;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code AWS::Lambda::Function}: a row, and while its stack is at work one warm JVM in the sandbox,
 * which sees the JDK, its jar and an empty {@code /tmp}.
 *
 * <p>The jar lies in a bucket, where people and other code may write. So each invocation reads it
 * anew, compares it with what the build pinned, and what runs is a private copy of the bytes that
 * were compared: there is no moment between looking and running.
 */
final class LambdaFunctions implements ResourceType, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LambdaFunctions.class);
  private static final int KILLS = 5;
  private static final String IN_SANDBOX = "/var/task/handlers.jar";
  private static final Duration GRACE = Duration.ofSeconds(5);

  private final Database database;
  private final Buckets buckets;
  private final Handlers handlers;
  private final Sandbox sandbox;
  private final Arns arns;
  private final Path folder;
  private final Path logs;
  private final Clock clock;
  private final Map<String, Child> children = new ConcurrentHashMap<>();
  private volatile boolean closed;

  /**
   * @param folder a private folder for the copies that run
   */
  LambdaFunctions(
      Database database,
      Buckets buckets,
      Handlers handlers,
      Sandbox sandbox,
      Arns arns,
      Path folder,
      Path logs,
      Clock clock) {
    this.database = database;
    this.buckets = buckets;
    this.handlers = handlers;
    this.sandbox = sandbox;
    this.arns = arns;
    this.folder = folder;
    this.logs = logs;
    this.clock = clock;
  }

  private record Function(
      String name, String handler, String bucket, String key, int memoryMb, int timeoutSeconds) {}

  @Override
  public Set<String> properties() {
    return Set.of(
        "FunctionName",
        "Description",
        "Handler",
        "Runtime",
        "Role",
        "MemorySize",
        "Timeout",
        "Code",
        "Tags");
  }

  @Override
  public void check(String logicalId, Map<String, Object> raw) {
    if (!"java21".equals(raw.get("Runtime"))) {
      throw Template.invalid(
          "Runtime '"
              + raw.get("Runtime")
              + "' of function "
              + logicalId
              + " is not supported by the embedded runner (expected: java21)");
    }
    if (!(raw.get("Code") instanceof Map<?, ?> code)
        || !code.keySet().equals(Set.of("S3Bucket", "S3Key"))) {
      throw Template.invalid(
          "Code of function "
              + logicalId
              + " is not supported by the embedded runner (expected: S3Bucket and S3Key)");
    }
    // A jar that is staged needs a bucket of the template to be staged in.
    if (!(code.get("S3Bucket") instanceof Intrinsic(String name, Object bucket))
        || !name.equals("Ref")
        || !(bucket instanceof String)) {
      throw Template.invalid(
          "Code.S3Bucket of function "
              + logicalId
              + " is not supported by the embedded runner (expected: Ref of a bucket)");
    }
  }

  @Override
  public Set<String> replacedBy() {
    return Set.of("FunctionName");
  }

  @Override
  public Done update(Work work, Map<String, Object> oldProperties) throws Failed {
    Function function = function(work, work.physicalId());
    stop(work.stackId());
    int changed =
        database.inTransaction(
            handle ->
                bound(
                        handle.createUpdate(
                            """
                            UPDATE lambda_function SET handler = :handler, bucket = :bucket,
                              object_key = :key, memory_mb = :memoryMb, timeout_s = :timeoutSeconds
                            WHERE function_name = :name AND stack_id = :stackId
                            """),
                        function)
                    .bind("stackId", work.stackId())
                    .execute());
    if (changed == 0) {
      throw new Failed("Function not found: " + function.name());
    }
    return new Done(function.name(), Map.of("Arn", arns.function(function.name())));
  }

  /** The function as its properties say, with its code looked at. */
  private Function function(Work work, String name) throws Failed {
    Map<String, Object> code = Template.map(work.properties().get("Code"), "Code");
    Function function =
        new Function(
            name,
            work.text("Handler"),
            (String) code.get("S3Bucket"),
            (String) code.get("S3Key"),
            number(work, "MemorySize", 128, 128, 10_240),
            number(work, "Timeout", 3, 1, 900));
    if (!work.text("Role").startsWith("arn:aws:iam::")) {
      throw new Failed("Role: '" + work.text("Role") + "' (expected: the ARN of a role)");
    }
    pinned(function);
    return function;
  }

  private static Update bound(Update statement, Function function) {
    return statement
        .bind("name", function.name())
        .bind("handler", function.handler())
        .bind("bucket", function.bucket())
        .bind("key", function.key())
        .bind("memoryMb", function.memoryMb())
        .bind("timeoutSeconds", function.timeoutSeconds());
  }

  @Override
  public Done create(Work work) throws Failed {
    Function function =
        function(
            work,
            work.text("FunctionName").isEmpty() ? Arns.name(work) : work.text("FunctionName"));
    String owner =
        database.inTransaction(
            handle -> {
              bound(
                      handle.createUpdate(
                          """
                          INSERT INTO lambda_function (function_name, arn, stack_id, handler,
                            bucket, object_key, memory_mb, timeout_s)
                          VALUES (:name, :arn, :stackId, :handler, :bucket, :key, :memoryMb,
                            :timeoutSeconds) ON CONFLICT (function_name) DO NOTHING
                          """),
                      function)
                  .bind("arn", arns.function(function.name()))
                  .bind("stackId", work.stackId())
                  .execute();
              return handle
                  .createQuery("SELECT stack_id FROM lambda_function WHERE function_name = :name")
                  .bind("name", function.name())
                  .mapTo(String.class)
                  .one();
            });
    if (!owner.equals(work.stackId())) {
      throw new Failed(function.name() + " already exists in stack " + owner);
    }
    return new Done(function.name(), Map.of("Arn", arns.function(function.name())));
  }

  @Override
  public Optional<Map<String, Object>> actual(Work work) {
    return find(arns.function(work.physicalId()))
        .map(
            function -> {
              Map<String, Object> actual = new HashMap<>(work.properties());
              actual.put("Handler", function.handler());
              actual.put("Code", Map.of("S3Bucket", function.bucket(), "S3Key", function.key()));
              actual.computeIfPresent("MemorySize", (k, v) -> "" + function.memoryMb());
              actual.computeIfPresent("Timeout", (k, v) -> "" + function.timeoutSeconds());
              return actual;
            });
  }

  @Override
  public void delete(Work work) {
    stop(work.stackId());
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    """
                    DELETE FROM lambda_function
                    WHERE function_name = :name AND stack_id = :stackId
                    """)
                .bind("name", work.physicalId())
                .bind("stackId", work.stackId())
                .execute());
  }

  /** How an invocation ended: with no problem (an empty text), or the function's own words. */
  record Outcome(boolean ok, String problem) {}

  /**
   * Runs a function on an event, and waits until it is done or its time is over.
   *
   * @param deleting what must be undone is undone by the code of this build, also when that in the
   *     bucket was exchanged or is of an older build
   * @throws Failed there is no such function, or its code is not what was built
   */
  Outcome invoke(String stackId, String arn, String requestId, String event, boolean deleting)
      throws Failed {
    Function function =
        find(arn).orElseThrow(() -> new Failed("Function not found: " + Template.shortened(arn)));
    Path jar = deleting ? copy(handlers.jar()) : pinned(function);
    Child child = children.computeIfAbsent(stackId + " " + arn, key -> new Child());
    return child.invoke(function, jar, requestId, event);
  }

  /** Ends the JVMs of a stack: it has nothing more to do. */
  void stop(String stackId) {
    children.forEach(
        (key, child) -> {
          if (key.startsWith(stackId + " ")) {
            children.remove(key, child);
            child.stop();
          }
        });
  }

  @Override
  public void close() {
    closed = true;
    children.values().forEach(Child::stop);
    children.clear();
  }

  /** Ends what a killed server left; to be called before any function is invoked. */
  void reap() {
    reap(mark());
  }

  private String mark() {
    return "-Dtarn.functions=" + folder.toAbsolutePath();
  }

  /**
   * Kills what has the word among its arguments. Who is killed while bubblewrap puts up its walls
   * leaves a process that does not yet die with its parent, and waits for ever.
   */
  private static void reap(String word) {
    List<ProcessHandle> left = HostProcesses.with(List.of(word));
    for (int round = 0; round < KILLS && !left.isEmpty(); round++) {
      for (ProcessHandle process : left) {
        process.destroyForcibly();
        try {
          process.onExit().get(GRACE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        } catch (ExecutionException | TimeoutException e) {
          LOG.warn("process {} of a function does not end", process.pid());
        }
      }
      left = HostProcesses.with(List.of(word));
    }
  }

  private Optional<Function> find(String arn) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT function_name, handler, bucket, object_key, memory_mb, timeout_s
                    FROM lambda_function WHERE arn = :arn
                    """)
                .bind("arn", arn)
                .map(
                    (row, context) ->
                        new Function(
                            row.getString(1),
                            row.getString(2),
                            row.getString(3),
                            row.getString(4),
                            row.getInt(5),
                            row.getInt(6)))
                .findOne());
  }

  /** The private copy of the function's code, if its code is what the build made. */
  private Path pinned(Function function) throws Failed {
    byte[] code;
    try {
      Path bucket = buckets.folder(function.bucket());
      Path object = bucket.resolve(function.key()).toRealPath();
      if (!object.startsWith(bucket.toRealPath())) {
        throw new Failed("the code of " + function.name() + " does not lie in its bucket");
      }
      code = Files.readAllBytes(object);
    } catch (ResourceDoesNotExist | IOException e) {
      throw new Failed(
          "Error occurred while GetObject. S3 Error Code: NoSuchKey. s3://"
              + function.bucket()
              + "/"
              + function.key());
    }
    String found = Arns.sha256(code);
    if (!found.equals(handlers.sha256())) {
      throw new Failed(
          "the code of "
              + function.name()
              + " was exchanged: s3://"
              + function.bucket()
              + "/"
              + function.key()
              + " has SHA-256 "
              + found
              + " (expected: "
              + handlers.sha256()
              + ")");
    }
    return copy(code);
  }

  private Path copy(byte[] code) {
    Path copy = folder.resolve(Arns.sha256(code) + ".jar");
    try {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      if (!Files.exists(copy)) {
        Path temporary = Files.createTempFile(folder, "code", ".tmp");
        Files.write(temporary, code);
        Files.move(temporary, copy, StandardCopyOption.ATOMIC_MOVE);
      }
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot copy the functions' code to " + folder, e);
    }
  }

  private static int number(Work work, String name, int otherwise, int least, int most)
      throws Failed {
    String value = work.text(name);
    if (value.isEmpty()) {
      return otherwise;
    }
    if (value.matches("\\d{1,6}")
        && Integer.parseInt(value) >= least
        && Integer.parseInt(value) <= most) {
      return Integer.parseInt(value);
    }
    throw new Failed(
        name + ": '" + value + "' (expected: a number from " + least + " to " + most + ")");
  }

  /** One JVM, one invocation at a time; another one is started when it died. */
  private final class Child {
    private volatile Process process;
    private volatile String stream;
    private BufferedWriter events;
    private BlockingQueue<String> outcomes;

    synchronized Outcome invoke(Function function, Path jar, String requestId, String event) {
      long deadline = clock.millis() + function.timeoutSeconds() * 1000L;
      try {
        if (process == null || !process.isAlive()) {
          start(function, jar);
        }
        // After the start: whoever closes either finds the process, or is seen here.
        if (closed) {
          stop();
          return new Outcome(false, "the server stops");
        }
        events.write(requestId + " " + deadline + " " + event);
        events.newLine();
        events.flush();
        // Polled, because a process that dies in the middle sends nothing.
        String line =
            outcomes.poll(
                function.timeoutSeconds() * 1000L + GRACE.toMillis(), TimeUnit.MILLISECONDS);
        if (line == null) {
          process.destroyForcibly();
          return new Outcome(
              false, "Task timed out after " + function.timeoutSeconds() + " seconds");
        }
        return line.equals(requestId + " ok")
            ? new Outcome(true, "")
            : new Outcome(false, line.replaceFirst("^\\S+ failed ", ""));
      } catch (IOException e) {
        stop();
        return new Outcome(false, "the function's process ended: " + e.getMessage());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        stop();
        return new Outcome(false, "interrupted");
      }
    }

    private void start(Function function, Path jar) throws IOException {
      Sandbox.Mount code = Sandbox.Mount.read(jar, IN_SANDBOX);
      Files.createDirectories(logs);
      // As on AWS, each instance of a function has a log stream; its name is also how what is left
      // of the instance is found.
      stream =
          LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC).toString().replace('-', '/')
              + "/[$LATEST]"
              + UUID.randomUUID().toString().replace("-", "");
      process =
          sandbox.start(
              sandbox
                  .child(
                      List.of(
                          Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                          "-Xmx" + Math.min(function.memoryMb(), 256) / 2 + "m",
                          "-XX:+UseSerialGC",
                          "-XX:TieredStopAtLevel=1",
                          "-XX:-UsePerfData",
                          mark(),
                          "-cp",
                          sandbox.path(code).toString(),
                          "dev.tarn.stack.Bootstrap",
                          function.handler(),
                          function.name(),
                          stream),
                      Map.of("AWS_REGION", arns.region()),
                      List.of(code))
                  .redirectError(
                      ProcessBuilder.Redirect.appendTo(logs.resolve("functions.log").toFile())));
      events = new BufferedWriter(new OutputStreamWriter(process.getOutputStream(), UTF_8));
      BlockingQueue<String> queue = new ArrayBlockingQueue<>(2);
      outcomes = queue;
      BufferedReader reader =
          new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
      Process started = process;
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    queue.put(line);
                  }
                  queue.put("- failed the process ended with code " + started.waitFor());
                } catch (IOException e) {
                  queue.offer("- failed the process ended");
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
    }

    private void stop() {
      Process running = process;
      if (running != null) {
        running.destroyForcibly();
        try {
          running.waitFor();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
        reap(stream);
      }
    }
  }
}
