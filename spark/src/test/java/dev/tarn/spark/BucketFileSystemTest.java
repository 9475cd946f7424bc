package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BucketFileSystemTest {
  @TempDir java.nio.file.Path folder;
  private java.nio.file.Path storage;

  @BeforeEach
  void makeBuckets() throws IOException {
    storage = folder.resolve("storage");
    Files.createDirectories(storage.resolve("mine"));
    Files.createDirectories(storage.resolve("theirs"));
    Files.writeString(storage.resolve("theirs/secret"), "secret");
    Files.writeString(folder.resolve("key"), "key");
  }

  @Test
  void whatIsWrittenIsReadUnderAnyLegalKey() throws IOException {
    for (String key :
        List.of("a/b", "with space", "é🐟", "100%25", "a:b", "q?u#o'\"`te", "x=1/part,2")) {
      Path path = new Path(new Path("s3://mine/"), new Path(null, null, "keys/" + key));
      try (var out = open(path).create(path, false)) {
        out.write(new byte[] {1, 2, 3});
        out.write(new byte[200_000]);
        out.write(4);
      }
      assertThat(storage.resolve("mine/keys/" + key)).as(key).hasSize(200_004);
      try (var in = open(path).open(path)) {
        byte[] end = new byte[2];
        in.readFully(200_002, end);
        assertThat(end).containsExactly(0, 4);
        in.seek(2);
        assertThat(in.read()).isEqualTo(3);
        assertThat(in.getPos()).isEqualTo(3);
      }
      assertThat(open(path).getFileStatus(path).getPath()).isEqualTo(path);
      assertThat(Arrays.stream(open(path).listStatus(path.getParent())).map(s -> s.getPath()))
          .contains(path);
    }
    try (var files = Files.walk(storage.resolve("mine"))) {
      assertThat(files.filter(file -> file.toString().endsWith(".crc"))).isEmpty();
    }
  }

  @Test
  void noKeyLeadsOutOfItsBucket() throws IOException {
    Files.createSymbolicLink(storage.resolve("mine/link"), folder);
    Files.createSymbolicLink(storage.resolve("mine/file"), storage.resolve("theirs/secret"));
    for (String uri :
        List.of(
            "s3://mine/../theirs/secret",
            "s3://mine/a/../../theirs/secret",
            "s3://mine/link/key",
            "s3://mine/file",
            "s3://mine/link/new")) {
      Path path = new Path(uri);
      assertThatThrownBy(() -> open(path).open(path).close())
          .as(uri)
          .isInstanceOf(FileNotFoundException.class);
      assertThatThrownBy(() -> open(path).create(path, true).close())
          .as(uri)
          .isInstanceOf(FileNotFoundException.class);
      assertThatThrownBy(() -> open(path).delete(path, true))
          .as(uri)
          .isInstanceOf(FileNotFoundException.class);
    }
    Path other = new Path("s3://theirs/secret");
    assertThatThrownBy(() -> open(new Path("s3://mine/")).open(other).close())
        .hasMessageContaining("Wrong FS");
    assertThat(folder.resolve("key")).hasContent("key");
    assertThat(storage.resolve("theirs/secret")).hasContent("secret");
  }

  @Test
  void anUnknownBucketIsNamed() {
    for (String bucket : List.of("nowhere", "..", "under_score")) {
      Path path = new Path("s3://" + bucket + "/x");
      assertThatThrownBy(() -> open(path).getFileStatus(path))
          .isInstanceOf(FileNotFoundException.class)
          .hasMessageContaining("bucket does not exist: '" + bucket + "'");
    }
  }

  @Test
  void itRenamesListsAndDeletesAsHadoopExpects() throws IOException {
    FileSystem fs = open(new Path("s3://mine/"));
    write(fs, "s3://mine/d/one", "1");
    write(fs, "s3://mine/d/two", "2");
    assertThatThrownBy(() -> fs.create(new Path("s3://mine/d/one"), false))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(fs.rename(new Path("s3://mine/d/one"), new Path("s3://mine/d/two"))).isFalse();
    assertThat(fs.rename(new Path("s3://mine/none"), new Path("s3://mine/d/x"))).isFalse();
    assertThat(fs.rename(new Path("s3://mine/d/one"), new Path("s3://mine/d/three"))).isTrue();
    assertThat(
            Arrays.stream(fs.listStatus(new Path("s3://mine/d"))).map(s -> s.getPath().getName()))
        .containsExactly("three", "two");
    assertThatThrownBy(() -> fs.delete(new Path("s3://mine/d"), false))
        .isInstanceOf(IOException.class);
    assertThat(fs.delete(new Path("s3://mine/d"), true)).isTrue();
    assertThat(fs.delete(new Path("s3://mine/d"), true)).isFalse();
    assertThat(fs.exists(new Path("s3://mine/d"))).isFalse();
    assertThatThrownBy(() -> fs.listStatus(new Path("s3://mine/d")))
        .isInstanceOf(FileNotFoundException.class);
  }

  private static void write(FileSystem fs, String uri, String text) throws IOException {
    try (var out = fs.create(new Path(uri), false)) {
      out.write(text.getBytes(UTF_8));
    }
  }

  private FileSystem open(Path path) throws IOException {
    Configuration conf = new Configuration(false);
    conf.set(LocalFiles.STORAGE_ROOT, storage.toString());
    BucketFileSystem fs = new BucketFileSystem();
    fs.initialize(URI.create("s3://" + path.toUri().getAuthority()), conf);
    return fs;
  }
}
