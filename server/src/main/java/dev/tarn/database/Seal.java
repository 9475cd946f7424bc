package dev.tarn.database;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.TinkJsonProtoKeysetFormat;
import com.google.crypto.tink.aead.AeadConfig2026;
import com.google.crypto.tink.aead.PredefinedAeadParameters;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.Base64;

/**
 * Encryption at rest for secrets that must be read again. What need not be read again is stored as
 * a hash instead.
 */
public final class Seal {
  private final Aead aead;

  private Seal(Aead aead) {
    this.aead = aead;
  }

  /** The key in {@code keys/seal.json}, made on first use with mode 0600. */
  public static Seal open(Path keys) {
    Path file = keys.resolve("seal.json");
    try {
      KeysetHandle handle;
      if (Files.exists(file)) {
        handle =
            TinkJsonProtoKeysetFormat.parseKeyset(
                Files.readString(file), AeadConfig2026.get(), InsecureSecretKeyAccess.get());
      } else {
        handle =
            KeysetHandle.generateNew(PredefinedAeadParameters.AES256_GCM, AeadConfig2026.get());
        writeSecret(
            file,
            TinkJsonProtoKeysetFormat.serializeKeyset(
                handle, AeadConfig2026.get(), InsecureSecretKeyAccess.get()));
      }
      return new Seal(handle.getPrimitive(AeadConfig2026.get(), Aead.class));
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException("cannot read the sealing key " + file, e);
    }
  }

  /**
   * Writes a file only its owner can read; after return it is whole and on disk, or was not there.
   */
  public static void writeSecret(Path file, String content) throws IOException {
    Path temporary =
        Files.createTempFile(
            file.toAbsolutePath().getParent(),
            ".secret",
            ".tmp",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(temporary, content);
    try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(
        temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /**
   * Encrypts {@code secret} for one place.
   *
   * @param context what the secret belongs to; a sealed text copied to another row does not open
   */
  public String seal(String secret, String context) {
    try {
      return Base64.getEncoder()
          .encodeToString(aead.encrypt(secret.getBytes(UTF_8), context.getBytes(UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot seal a secret of " + context, e);
    }
  }

  /** Reads back what {@link #seal} made for the same context. */
  public String open(String sealed, String context) {
    try {
      return new String(
          aead.decrypt(Base64.getDecoder().decode(sealed), context.getBytes(UTF_8)), UTF_8);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot open the sealed secret of " + context, e);
    }
  }
}
