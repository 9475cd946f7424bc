package dev.tarn.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BucketsTest {
  @TempDir Path folder;
  private Database database;
  private Buckets buckets;

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    buckets = new Buckets(database, folder.resolve("storage"), Clock.systemUTC());
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void aBucketIsMadeOnceAndNamedAsS3Allows() {
    buckets.create("root-bucket", "us-east-1", "test");
    assertThat(folder.resolve("storage/root-bucket")).isDirectory();
    assertThatThrownBy(() -> buckets.create("root-bucket", "us-east-1", "test"))
        .isInstanceOf(ResourceAlreadyExists.class);
    for (String name : new String[] {"", "A", "../etc", "a..b", "x/y", "ab", "é-bucket"}) {
      assertThatThrownBy(() -> buckets.create(name, "us-east-1", "test"))
          .isInstanceOf(InvalidParameterValue.class);
    }
  }

  @Test
  void aBucketWithObjectsIsDeletedOnlyWithItsContent() throws Exception {
    buckets.create("full", "us-east-1", "test");
    Path object = folder.resolve("storage/full/a/b.parquet");
    Files.createDirectories(object.getParent());
    Files.writeString(object, "x");
    assertThatThrownBy(() -> buckets.delete("full", false)).isInstanceOf(InvalidState.class);
    assertThat(object).exists();
    buckets.delete("full", true);
    assertThat(folder.resolve("storage/full")).doesNotExist();
    assertThat(buckets.exists("full")).isFalse();
    buckets.delete("full", true);
  }

  @Test
  void whatWasBeingDeletedWhenTheProcessDiedIsGoneAfterRecovery() throws Exception {
    buckets.create("half", "us-east-1", "test");
    buckets.create("whole", "us-east-1", "test");
    database.inTransaction(
        handle ->
            handle.execute("UPDATE bucket SET state = 'DELETING' WHERE bucket_name = 'half'"));
    Files.delete(folder.resolve("storage/whole"));
    buckets.recover();
    assertThat(folder.resolve("storage/half")).doesNotExist();
    assertThat(folder.resolve("storage/whole")).isDirectory();
  }
}
