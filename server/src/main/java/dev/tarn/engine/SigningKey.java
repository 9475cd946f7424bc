package dev.tarn.engine;

import dev.tarn.database.Json;
import dev.tarn.database.Seal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.Map;

/** The Ed25519 pair that signs principals for drivers; drivers are told the public half only. */
record SigningKey(PrivateKey privateKey, PublicKey publicKey) {
  private static final String CONTEXT = "engine-key";
  private static final SecureRandom RANDOM = new SecureRandom();

  /** The pair in {@code file}, its private half sealed; made on first use. */
  static SigningKey open(Path file, Seal seal) {
    try {
      if (!Files.exists(file)) {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Base64.Encoder encoder = Base64.getEncoder();
        Seal.writeSecret(
            file,
            Json.write(
                Map.of(
                    "public",
                    encoder.encodeToString(pair.getPublic().getEncoded()),
                    "sealed_private",
                    seal.seal(encoder.encodeToString(pair.getPrivate().getEncoded()), CONTEXT))));
      }
      var json = Json.tree(Files.readString(file));
      Base64.Decoder decoder = Base64.getDecoder();
      KeyFactory factory = KeyFactory.getInstance("Ed25519");
      return new SigningKey(
          factory.generatePrivate(
              new PKCS8EncodedKeySpec(
                  decoder.decode(seal.open(json.path("sealed_private").asText(), CONTEXT)))),
          factory.generatePublic(
              new X509EncodedKeySpec(decoder.decode(json.path("public").asText()))));
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException("cannot read the key " + file, e);
    }
  }

  static byte[] random(int bytes) {
    byte[] random = new byte[bytes];
    RANDOM.nextBytes(random);
    return random;
  }
}
