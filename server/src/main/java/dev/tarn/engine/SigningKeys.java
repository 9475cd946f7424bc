package dev.tarn.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import dev.tarn.database.KeyFile;
import dev.tarn.database.Seal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The Ed25519 pairs that sign principals for drivers, their private halves sealed. An engine is
 * told the public half of the first when it starts and believes no other, so a former pair stays as
 * long as an engine lives that was told of it.
 */
final class SigningKeys {
  private static final String CONTEXT = "engine-key";
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Seal seal;
  private final KeyFile<List<Pair>> file;

  /**
   * @param id of the public half, no secret
   */
  record Pair(String id, PrivateKey privateKey, PublicKey publicKey, String sealed) {
    String told() {
      return Base64.getEncoder().encodeToString(publicKey.getEncoded());
    }
  }

  /** The pairs in {@code file}; one is made on first use. */
  SigningKeys(Path file, Seal seal) {
    this.seal = seal;
    try {
      if (!Files.exists(file)) {
        Seal.writeSecret(file, Json.write(made()));
      }
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException("cannot make the key " + file, e);
    }
    this.file = new KeyFile<>(file, this::read);
  }

  private ObjectNode made() throws GeneralSecurityException {
    KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    Base64.Encoder encoder = Base64.getEncoder();
    return Json.MAPPER
        .createObjectNode()
        .put("public", encoder.encodeToString(pair.getPublic().getEncoded()))
        .put(
            "sealed_private",
            seal.seal(encoder.encodeToString(pair.getPrivate().getEncoded()), CONTEXT));
  }

  private List<Pair> read(String text) throws GeneralSecurityException {
    JsonNode first = Json.tree(text);
    List<Pair> all = new ArrayList<>(List.of(pair(first)));
    for (JsonNode former : first.path("former")) {
      all.add(pair(former));
    }
    return List.copyOf(all);
  }

  private Pair pair(JsonNode json) throws GeneralSecurityException {
    Base64.Decoder decoder = Base64.getDecoder();
    KeyFactory factory = KeyFactory.getInstance("Ed25519");
    byte[] told = decoder.decode(json.path("public").asText());
    String sealed = json.path("sealed_private").asText();
    return new Pair(
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(told), 0, 8),
        factory.generatePrivate(
            new PKCS8EncodedKeySpec(decoder.decode(seal.open(sealed, CONTEXT)))),
        factory.generatePublic(new X509EncodedKeySpec(told)),
        sealed);
  }

  Pair current() {
    return file.fresh().getFirst();
  }

  Optional<Pair> find(String id) {
    return file.fresh().stream().filter(pair -> pair.id().equals(id)).findFirst();
  }

  /** The current one first. */
  List<Pair> all() {
    return file.fresh();
  }

  synchronized void rotate() {
    try {
      ObjectNode first = made();
      write(first, file.fresh());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot make a key for engines", e);
    }
  }

  /** Keeps of the former ones those that are wanted; the ids of the others. */
  synchronized List<String> keepOnly(Predicate<String> wanted) {
    List<Pair> all = file.fresh();
    List<Pair> former = all.subList(1, all.size());
    List<String> gone = former.stream().map(Pair::id).filter(id -> !wanted.test(id)).toList();
    if (!gone.isEmpty()) {
      write(
          json(all.getFirst()), former.stream().filter(pair -> !gone.contains(pair.id())).toList());
    }
    return gone;
  }

  /** Brings them to the current sealing key; how many were not. */
  synchronized int reseal() {
    List<Pair> all = file.fresh();
    int old = (int) all.stream().filter(pair -> !seal.isCurrent(pair.sealed())).count();
    if (old > 0) {
      write(json(all.getFirst()), all.subList(1, all.size()));
    }
    return old;
  }

  private void write(ObjectNode first, List<Pair> former) {
    ArrayNode rest = first.putArray("former");
    former.forEach(pair -> rest.add(json(pair)));
    file.write(first.toString());
  }

  private ObjectNode json(Pair pair) {
    return Json.MAPPER
        .createObjectNode()
        .put("public", pair.told())
        .put(
            "sealed_private",
            seal.isCurrent(pair.sealed()) ? pair.sealed() : seal.reseal(pair.sealed(), CONTEXT));
  }

  static byte[] random(int bytes) {
    byte[] random = new byte[bytes];
    RANDOM.nextBytes(random);
    return random;
  }
}
