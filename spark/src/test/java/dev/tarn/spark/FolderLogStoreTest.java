package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.delta.storage.LogStore;
import io.delta.storage.S3SingleDriverLogStore;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderLogStoreTest {
  private static final int PROCESSES = 3;
  private static final int WRITERS = 4;
  private static final int COMMITS = 25;

  @TempDir Path folder;
  private Path log;

  @BeforeEach
  void makeLog() throws IOException {
    log = Files.createDirectories(folder.resolve("storage/root/t/_delta_log"));
  }

  @Test
  void manyProcessesCommitAndNoneIsLostOrTwice() throws Exception {
    assertThat(lost(FolderLogStore.class, "s3://root/t/_delta_log")).isEmpty();
    try (Stream<Path> files = Files.list(log)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .allMatch(name -> name.matches("\\d{20}\\.json"));
    }
  }

  /**
   * Proves the test above can fail: the store Delta takes for s3 locks inside one JVM only, so on a
   * file system that does not refuse to create a file twice, as on S3, processes overwrite each
   * other's commits.
   */
  @Test
  void deltasOwnStoreLosesCommitsInTheSameTest() throws Exception {
    assertThat(lost(S3SingleDriverLogStore.class, log.toUri().toString())).isNotEmpty();
  }

  /** Commits that were acknowledged and are not in the log. */
  private Set<String> lost(Class<? extends LogStore> store, String logUri) throws Exception {
    List<Process> writers = new ArrayList<>();
    for (int i = 0; i < PROCESSES; i++) {
      writers.add(
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx128m",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Writers.class.getName(),
                  store.getName(),
                  folder.resolve("storage").toString(),
                  logUri,
                  "p" + i)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start());
    }
    for (Process writer : writers) {
      assertThat(writer.inputReader(UTF_8).readLine()).isEqualTo("ready");
    }
    for (Process writer : writers) {
      writer.getOutputStream().write('\n');
      writer.getOutputStream().flush();
    }
    Set<String> acknowledged = new HashSet<>();
    for (Process writer : writers) {
      writer.inputReader(UTF_8).lines().forEach(acknowledged::add);
      assertThat(writer.waitFor()).isZero();
    }
    assertThat(acknowledged).hasSize(PROCESSES * WRITERS * COMMITS);
    try (Stream<Path> files = Files.list(log)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".json")).toList()) {
        acknowledged.remove(Files.readString(file).strip());
      }
    }
    return acknowledged;
  }

  /** One process of the test: some threads that each commit some times, taking the next version. */
  static final class Writers {
    public static void main(String[] args) throws Exception {
      Configuration conf = conf(Path.of(args[1]));
      LogStore store =
          Class.forName(args[0])
              .asSubclass(LogStore.class)
              .getConstructor(Configuration.class)
              .newInstance(conf);
      CountDownLatch start = new CountDownLatch(1);
      ExecutorService threads = Executors.newFixedThreadPool(WRITERS);
      List<Future<List<String>>> done = new ArrayList<>();
      for (int t = 0; t < WRITERS; t++) {
        String writer = args[3] + "t" + t;
        done.add(threads.submit(() -> commits(store, conf, args[2], writer, start)));
      }
      System.out.println("ready");
      int unused = System.in.read();
      start.countDown();
      for (Future<List<String>> each : done) {
        each.get().forEach(System.out::println);
      }
      threads.shutdown();
    }

    private static List<String> commits(
        LogStore store, Configuration conf, String logUri, String writer, CountDownLatch start)
        throws Exception {
      start.await();
      List<String> acknowledged = new ArrayList<>();
      long version = 0;
      while (acknowledged.size() < COMMITS) {
        String commit = writer + "c" + acknowledged.size();
        try {
          store.write(commitPath(logUri, version), List.of(commit).iterator(), false, conf);
          acknowledged.add(commit);
        } catch (FileAlreadyExistsException e) {
          // Another was first; the next version is the next try.
        }
        version++;
      }
      return acknowledged;
    }
  }

  @Test
  void aCommitIsReadBackListedInOrderAndNeverOverwritten() throws IOException {
    Configuration conf = conf(folder.resolve("storage"));
    FolderLogStore store = new FolderLogStore(conf);
    store.write(commitPath(2), List.of("{\"b\":\"é🐟\"}").iterator(), false, conf);
    store.write(commitPath(1), List.of("one", "two").iterator(), false, conf);
    Files.writeString(log.resolve(".00000000000000000003.json.x.tmp"), "half");
    assertThatThrownBy(() -> store.write(commitPath(1), List.of("late").iterator(), false, conf))
        .isInstanceOf(FileAlreadyExistsException.class);
    List<String> listed = new ArrayList<>();
    store.listFrom(commitPath(1), conf).forEachRemaining(s -> listed.add(s.getPath().getName()));
    assertThat(listed).containsExactly("00000000000000000001.json", "00000000000000000002.json");
    try (var lines = store.read(commitPath(1), conf)) {
      assertThat(lines).toIterable().containsExactly("one", "two");
    }
    store.write(commitPath(1), List.of("new").iterator(), true, conf);
    try (var lines = store.read(commitPath(1), conf)) {
      assertThat(lines).toIterable().containsExactly("new");
    }
  }

  @Test
  void whatIsNotThereIsAFileNotFound() {
    Configuration conf = conf(folder.resolve("storage"));
    FolderLogStore store = new FolderLogStore(conf);
    assertThatThrownBy(() -> store.read(commitPath(9), conf))
        .isInstanceOf(FileNotFoundException.class);
    var elsewhere = new org.apache.hadoop.fs.Path("s3://root/none/_delta_log/0.json");
    assertThatThrownBy(() -> store.listFrom(elsewhere, conf))
        .isInstanceOf(FileNotFoundException.class);
  }

  private static org.apache.hadoop.fs.Path commitPath(long version) {
    return commitPath("s3://root/t/_delta_log", version);
  }

  private static org.apache.hadoop.fs.Path commitPath(String logUri, long version) {
    return new org.apache.hadoop.fs.Path(String.format("%s/%020d.json", logUri, version));
  }

  private static Configuration conf(Path storage) {
    Configuration conf = new Configuration(false);
    conf.set(LocalFiles.STORAGE_ROOT, storage.toString());
    conf.set("fs.s3.impl", BucketFileSystem.class.getName());
    conf.set("fs.file.impl", RawLocalFileSystem.class.getName());
    return conf;
  }
}
