package dev.tarn.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What an engine is told at its start: one JSON document on standard input, so that no secret is in
 * an argument, an environment variable, a file or Spark's configuration.
 *
 * @param engineId {@code engine_id}: what a signed principal must be meant for
 * @param workspaceId {@code workspace_id}: sent to the catalog with every call
 * @param publicKey {@code public_key}: base64 of an X.509 Ed25519 key; verifies principals
 * @param catalogUri {@code catalog_uri}: the control plane, {@code http://127.0.0.1:PORT}
 * @param catalogToken {@code catalog_token}: the engine's own bearer token; a secret
 * @param storageRoot {@code storage_root}: absolute folder with one folder for each bucket
 * @param defaultCatalog {@code default_catalog}: where a session starts, schema {@code default}
 * @param readyFile {@code ready_file}: written with {@code {"port":N}} when the engine may be used
 * @param maxResultBytes {@code max_result_bytes}: bound of one result in driver memory; 0 is
 *     Spark's own
 * @param orphanAfter {@code orphan_after_seconds}: an engine whose control plane is silent for so
 *     long ends itself; 600 when not given
 * @param diskWatermark {@code disk_watermark}: bytes that are to stay free where it writes; 0 for
 *     none
 * @param sparkConf {@code spark_conf}: further Spark settings; they win over our defaults
 */
record EngineSpec(
    String engineId,
    long workspaceId,
    PublicKey publicKey,
    URI catalogUri,
    String catalogToken,
    Path storageRoot,
    String defaultCatalog,
    Path readyFile,
    long maxResultBytes,
    Duration orphanAfter,
    long diskWatermark,
    Map<String, String> sparkConf) {

  private static final Set<String> FIELDS =
      Set.of(
          "engine_id",
          "workspace_id",
          "public_key",
          "catalog_uri",
          "catalog_token",
          "storage_root",
          "default_catalog",
          "ready_file",
          "max_result_bytes",
          "orphan_after_seconds",
          "disk_watermark",
          "spark_conf");

  static EngineSpec read(InputStream in) throws IOException {
    JsonNode json = new ObjectMapper().readTree(in);
    if (json == null || !json.isObject()) {
      throw new IllegalArgumentException("standard input: (expected: one JSON object)");
    }
    for (String name : new TreeSet<>(json.properties().stream().map(Map.Entry::getKey).toList())) {
      if (!FIELDS.contains(name)) {
        throw new IllegalArgumentException(
            name + ": unknown field (expected: one of " + new TreeSet<>(FIELDS) + ")");
      }
    }
    Path storageRoot = Path.of(text(json, "storage_root"));
    if (!storageRoot.isAbsolute()) {
      throw new IllegalArgumentException(
          "storage_root: '" + storageRoot + "' (expected: an absolute path)");
    }
    Map<String, String> sparkConf = new TreeMap<>();
    json.path("spark_conf")
        .properties()
        .forEach(e -> sparkConf.put(e.getKey(), e.getValue().asText()));
    return new EngineSpec(
        text(json, "engine_id"),
        Long.parseLong(text(json, "workspace_id")),
        key(text(json, "public_key")),
        URI.create(text(json, "catalog_uri")),
        text(json, "catalog_token"),
        storageRoot,
        text(json, "default_catalog"),
        Path.of(text(json, "ready_file")),
        json.path("max_result_bytes").asLong(0),
        Duration.ofSeconds(json.path("orphan_after_seconds").asLong(600)),
        json.path("disk_watermark").asLong(0),
        sparkConf);
  }

  /** Records print all their fields; this one holds a token. */
  @Override
  public String toString() {
    return "EngineSpec[" + engineId + "]";
  }

  private static String text(JsonNode json, String name) {
    String value = json.path(name).asText("");
    if (value.isEmpty()) {
      throw new IllegalArgumentException(name + ": missing (expected: a non-empty text)");
    }
    return value;
  }

  private static PublicKey key(String base64) {
    try {
      return KeyFactory.getInstance("Ed25519")
          .generatePublic(new X509EncodedKeySpec(Base64.getDecoder().decode(base64)));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "public_key: '" + base64 + "' (expected: base64 of an X.509 Ed25519 public key)", e);
    }
  }
}
