package dev.tarn.database;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.crypto.tink.Aead;
import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.TinkJsonProtoKeysetFormat;
import com.google.crypto.tink.aead.AeadConfig2026;
import com.google.crypto.tink.aead.PredefinedAeadParameters;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * Encryption at rest for secrets that must be read again. What need not be read again is stored as
 * a hash instead.
 *
 * <p>The keys are a Tink keyset in {@code keys/seal.json}: the primary seals, all open. Whoever
 * keeps sealed texts brings them to the primary ({@link #isCurrent}, {@link #reseal}); only then
 * may a former key go. When that is to be stands in {@code keys/seal-former.json}, as a keyset has
 * no room for it.
 */
public final class Seal implements KeyRing {
  /** So that a backup of the last month opens with today's keys. */
  private static final Duration KEPT = Duration.ofDays(30);

  /** What was sealed but is not yet in its row, here or in another control plane, is by then. */
  private static final Duration UNDER_WAY = Duration.ofMinutes(1);

  private static final int PREFIX = 5; // Tink's: 1, then the key's number

  private final Path former;
  private final KeyFile<Keys> file;

  private record Keys(KeysetHandle handle, Aead aead) {
    static Keys of(KeysetHandle handle) throws GeneralSecurityException {
      return new Keys(handle, handle.getPrimitive(AeadConfig2026.get(), Aead.class));
    }

    int primary() {
      return handle.getPrimary().getId();
    }
  }

  private Seal(Path file) {
    this.former = file.resolveSibling("seal-former.json");
    this.file =
        new KeyFile<>(
            file,
            text ->
                Keys.of(
                    TinkJsonProtoKeysetFormat.parseKeyset(
                        text, AeadConfig2026.get(), InsecureSecretKeyAccess.get())));
  }

  /** The keys in {@code keys/seal.json}, one made on first use with mode 0600. */
  public static Seal open(Path keys) {
    Path file = keys.resolve("seal.json");
    try {
      if (!Files.exists(file)) {
        writeSecret(
            file,
            text(
                KeysetHandle.generateNew(
                    PredefinedAeadParameters.AES256_GCM, AeadConfig2026.get())));
      }
      return new Seal(file);
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException("cannot make the sealing key " + file, e);
    }
  }

  private static String text(KeysetHandle handle) throws GeneralSecurityException {
    return TinkJsonProtoKeysetFormat.serializeKeyset(
        handle, AeadConfig2026.get(), InsecureSecretKeyAccess.get());
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
    try (FileChannel folder =
        FileChannel.open(file.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
      folder.force(true); // the name too: what is sealed with a key must not outlive it
    }
  }

  /**
   * Encrypts {@code secret} for one place.
   *
   * @param context what the secret belongs to; a sealed text copied to another row does not open
   */
  public String seal(String secret, String context) {
    try {
      return Base64.getEncoder()
          .encodeToString(
              file.fresh().aead().encrypt(secret.getBytes(UTF_8), context.getBytes(UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot seal a secret of " + context, e);
    }
  }

  /** Reads back what {@link #seal} made for the same context. */
  public String open(String sealed, String context) {
    try {
      return new String(
          file.fresh().aead().decrypt(Base64.getDecoder().decode(sealed), context.getBytes(UTF_8)),
          UTF_8);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot open the sealed secret of " + context, e);
    }
  }

  /** Whether a sealed text was made with the key that is current now. */
  public boolean isCurrent(String sealed) {
    byte[] bytes = Base64.getDecoder().decode(sealed);
    return bytes.length > PREFIX && ByteBuffer.wrap(bytes).getInt(1) == file.fresh().primary();
  }

  /** The same secret, sealed with the current key. */
  public String reseal(String sealed, String context) {
    return seal(open(sealed, context), context);
  }

  @Override
  public synchronized List<Key> keys() {
    Keys keys = file.fresh();
    JsonNode ends = ends();
    List<Key> all = new ArrayList<>();
    all.add(new Key(name(keys.primary()), true, null));
    for (int i = 0; i < keys.handle().size(); i++) {
      String id = name(keys.handle().getAt(i).getId());
      if (!id.equals(all.getFirst().id())) {
        all.add(
            new Key(id, false, ends.has(id) ? Instant.ofEpochMilli(ends.get(id).asLong()) : null));
      }
    }
    return all;
  }

  @Override
  public synchronized void rotate(Instant now) {
    try {
      Keys keys = file.fresh();
      writeEnd(name(keys.primary()), now.plus(KEPT));
      KeysetHandle.Entry made =
          KeysetHandle.generateNew(PredefinedAeadParameters.AES256_GCM, AeadConfig2026.get())
              .getPrimary();
      file.write(
          text(
              KeysetHandle.newBuilder(keys.handle())
                  .addEntry(
                      KeysetHandle.importKey(made.getKey()).withFixedId(made.getId()).makePrimary())
                  .build()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot make a sealing key", e);
    }
  }

  @Override
  public synchronized List<String> retire(Instant now, boolean all) {
    List<String> gone = new ArrayList<>();
    for (Key key : keys()) {
      if (key.current()) {
        continue;
      }
      Instant end = key.until() == null ? now.plus(KEPT) : key.until();
      if (all && end.isAfter(now.plus(UNDER_WAY))) {
        end = now.plus(UNDER_WAY);
      }
      if (end.isAfter(now)) {
        writeEnd(key.id(), end);
      } else {
        gone.add(key.id());
      }
    }
    if (!gone.isEmpty()) {
      remove(gone);
    }
    return gone;
  }

  private void remove(List<String> gone) {
    try {
      KeysetHandle.Builder kept = KeysetHandle.newBuilder();
      KeysetHandle handle = file.get().handle();
      for (int i = 0; i < handle.size(); i++) {
        KeysetHandle.Entry entry = handle.getAt(i);
        if (!gone.contains(name(entry.getId()))) {
          KeysetHandle.Builder.Entry copy =
              KeysetHandle.importKey(entry.getKey()).withFixedId(entry.getId());
          kept.addEntry(entry.isPrimary() ? copy.makePrimary() : copy);
        }
      }
      file.write(text(kept.build()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot remove sealing keys", e);
    }
  }

  @Override
  public void reload() {
    file.fresh();
  }

  private ObjectNode ends() {
    try {
      return Files.exists(former)
          ? (ObjectNode) Json.tree(Files.readString(former))
          : Json.MAPPER.createObjectNode();
    } catch (IOException e) {
      throw new IllegalStateException("cannot read " + former, e);
    }
  }

  /** Of keys that are there; what it says of others goes with this. */
  private void writeEnd(String id, Instant end) {
    ObjectNode ends = ends();
    List<String> there = keys().stream().map(Key::id).toList();
    ends.retain(there);
    ends.put(id, end.toEpochMilli());
    try {
      writeSecret(former, ends + "\n");
    } catch (IOException e) {
      throw new IllegalStateException("cannot write " + former, e);
    }
  }

  private static String name(int id) {
    return Integer.toUnsignedString(id);
  }
}
