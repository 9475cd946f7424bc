package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.VolumeFileSystem;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.delta.Snapshot;
import org.apache.spark.sql.delta.actions.Action;
import org.apache.spark.sql.delta.actions.AddFile;
import org.apache.spark.sql.delta.actions.SetTransaction;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.Tuple2;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The files that a table has by COPY INTO. Each load writes the names of its files beside the log,
 * and names that list in its commit, as the version of an application of Delta's: so files count as
 * loaded exactly when their rows are there, whoever is killed, and of two who load at the same time
 * one sees that the other was there and begins anew.
 *
 * <p>A list names the one before it; each so many has all.
 */
final class LoadedFiles {
  private static final String FOLDER = "_copy_into_log";
  private static final int CHAIN = 16;

  /** Below them is the number of the load; lists of those who lose are never read. */
  private static final int RANDOM_BITS = 24;

  private final DeltaTableV2 table;
  private final Snapshot snapshot;
  private final String application;
  private final long version;

  LoadedFiles(DeltaTableV2 table) {
    this.table = table;
    this.snapshot = table.update();
    this.application = "tarn.copy-into/" + snapshot.metadata().id();
    Option<Object> last = snapshot.transactions().get(application);
    this.version = last.isDefined() ? (Long) last.get() : -1;
  }

  StructType columns() {
    return snapshot.metadata().schema();
  }

  List<Path> without(List<Path> files) throws IOException {
    Set<String> loaded = loaded();
    List<Path> open = new ArrayList<>();
    for (Path file : files) {
      if (!loaded.contains(VolumeFileSystem.stored(file))) {
        open.add(file);
      }
    }
    return open;
  }

  private Set<String> loaded() throws IOException {
    Set<String> files = new HashSet<>();
    long at = version;
    while (at >= 0) {
      JsonNode list;
      try (InputStream in = fileSystem().open(list(at))) {
        list = CatalogServer.JSON.readTree(in);
      }
      list.path("files").forEach(file -> files.add(file.asText()));
      at = list.path("previous").asLong(-1);
    }
    return files;
  }

  private Path list(long at) {
    return new Path(new Path(table.deltaLog().logPath(), FOLDER), at + ".json");
  }

  private FileSystem fileSystem() throws IOException {
    return table.deltaLog().logPath().getFileSystem(table.deltaLog().newDeltaHadoopConf());
  }

  /** Writes down what is about to be loaded, which counts once the load commits. */
  Load begin(List<Path> files) throws IOException {
    long number = version < 0 ? 0 : (version >> RANDOM_BITS) + 1;
    long next = number << RANDOM_BITS | ThreadLocalRandom.current().nextLong(1L << RANDOM_BITS);
    ObjectNode list = CatalogServer.JSON.createObjectNode();
    ArrayNode names = list.putArray("files");
    for (Path file : files) {
      names.add(VolumeFileSystem.stored(file));
    }
    if (version >= 0) {
      if (number % CHAIN == 0) {
        loaded().forEach(names::add);
      } else {
        list.put("previous", version);
      }
    }
    try (OutputStream out = fileSystem().create(list(next), false)) {
      out.write(CatalogServer.JSON.writeValueAsBytes(list));
    }
    return new Load(next);
  }

  /** One load of some files. */
  final class Load {
    private final long load;

    private Load(long load) {
      this.load = load;
    }

    String application() {
      return application;
    }

    long version() {
      return load;
    }

    /** It did not commit, or nobody knows: only what certainly did not is taken away. */
    void abandon() throws IOException {
      if (rows() == null) {
        boolean unused = fileSystem().delete(list(load), false);
      }
    }

    /** How many rows it brought; null when it did not commit. */
    Long rows() {
      var commits =
          table.deltaLog().getChanges(snapshot.version() + 1, table.catalogTable(), false);
      while (commits.hasNext()) {
        Tuple2<Object, scala.collection.immutable.Seq<Action>> commit = commits.next();
        long rows = 0;
        boolean found = false;
        for (Action action : CollectionConverters.asJava(commit._2())) {
          if (action instanceof SetTransaction transaction) {
            found |= transaction.appId().equals(application) && transaction.version() == load;
          } else if (action instanceof AddFile added && added.numLogicalRecords().isDefined()) {
            rows += (Long) added.numLogicalRecords().get();
          }
        }
        if (found) {
          return rows;
        }
      }
      return null;
    }
  }
}
