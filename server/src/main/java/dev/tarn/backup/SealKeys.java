package dev.tarn.backup;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/** Which sealing keys are in a folder of keys: their numbers, which are no secret. */
final class SealKeys {
  private SealKeys() {}

  private static JsonNode keyset(Path keys) throws IOException {
    return Json.tree(Files.readString(keys.resolve("seal.json")));
  }

  static long primary(Path keys) throws IOException {
    return keyset(keys).path("primaryKeyId").asLong();
  }

  /** All of them, the primary or not. */
  static Set<Long> all(Path keys) throws IOException {
    Set<Long> ids = new TreeSet<>();
    for (JsonNode key : keyset(keys).path("key")) {
      ids.add(key.path("keyId").asLong());
    }
    return ids;
  }
}
