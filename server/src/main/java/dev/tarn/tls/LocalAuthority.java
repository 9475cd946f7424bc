package dev.tarn.tls;

import dev.tarn.database.Seal;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * This instance's own certificate authority, for itself alone: its key never leaves {@code
 * keys/ca-key.pem}, its certificate {@code tls/ca.pem} is what people trust. The server's
 * certificate is made anew before it expires and when the names change.
 */
final class LocalAuthority {
  private static final Duration AUTHORITY = Duration.ofDays(3650);
  static final Duration LEAF = Duration.ofDays(90);
  private static final Duration CLOCKS_DIFFER = Duration.ofHours(1);
  private static final String SIGNATURE = "SHA256withECDSA";

  private final Path keys;
  private final Path shown;
  private final Clock clock;

  /**
   * @param shown the folder of what is no secret
   */
  LocalAuthority(Path keys, Path shown, Clock clock) {
    this.keys = keys;
    this.shown = shown;
    this.clock = clock;
  }

  Path leafKey() {
    return keys.resolve("tls-key.pem");
  }

  Path leaf() {
    return shown.resolve("server.pem");
  }

  /** Writes a certificate for {@code names}, and the authority first where there is none. */
  void issue(List<String> names) {
    try {
      Files.createDirectories(shown);
      Path key = keys.resolve("ca-key.pem");
      Path certificate = shown.resolve("ca.pem");
      if (!Files.exists(key) || !Files.exists(certificate)) {
        KeyPair pair = pair();
        X509Certificate made = authority(pair);
        Seal.writeSecret(key, pem(pair.getPrivate()));
        writePublic(certificate, pem(made));
      }
      PrivateKey caKey = Pem.privateKey(key);
      X509Certificate ca = Pem.certificates(certificate).getFirst();
      KeyPair pair = pair();
      X509Certificate made = leaf(pair, names, caKey, ca);
      // Key first: a certificate without its key is made again, see Certificates.
      Seal.writeSecret(leafKey(), pem(pair.getPrivate()));
      writePublic(leaf(), pem(made) + pem(ca));
    } catch (IOException | GeneralSecurityException | OperatorCreationException e) {
      throw new IllegalStateException("cannot make a certificate in " + shown + ": " + e, e);
    }
  }

  private static KeyPair pair() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private X509Certificate authority(KeyPair pair)
      throws GeneralSecurityException, OperatorCreationException, CertIOException {
    byte[] mark = new byte[3];
    new SecureRandom().nextBytes(mark);
    X500Name name =
        new X500Name("CN=Tarn local authority " + java.util.HexFormat.of().formatHex(mark));
    Instant now = clock.instant();
    X509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
                name,
                serial(),
                Date.from(now.minus(CLOCKS_DIFFER)),
                Date.from(now.plus(AUTHORITY)),
                name,
                pair.getPublic())
            .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
            .addExtension(
                Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign))
            .addExtension(
                Extension.subjectKeyIdentifier,
                false,
                new JcaX509ExtensionUtils().createSubjectKeyIdentifier(pair.getPublic()));
    return signed(builder, pair.getPrivate());
  }

  private X509Certificate leaf(
      KeyPair pair, List<String> names, PrivateKey caKey, X509Certificate ca)
      throws GeneralSecurityException, OperatorCreationException, CertIOException {
    Instant now = clock.instant();
    GeneralName[] alternatives =
        names.stream()
            .map(
                name ->
                    new GeneralName(
                        dev.tarn.http.Network.isAddress(name)
                            ? GeneralName.iPAddress
                            : GeneralName.dNSName,
                        name))
            .toArray(GeneralName[]::new);
    X509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
                ca,
                serial(),
                Date.from(now.minus(CLOCKS_DIFFER)),
                Date.from(now.plus(LEAF)),
                new X500Name("CN=Tarn"),
                pair.getPublic())
            .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
            .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
            .addExtension(
                Extension.extendedKeyUsage,
                false,
                new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth))
            .addExtension(Extension.subjectAlternativeName, false, new GeneralNames(alternatives))
            .addExtension(
                Extension.subjectKeyIdentifier,
                false,
                new JcaX509ExtensionUtils().createSubjectKeyIdentifier(pair.getPublic()))
            .addExtension(
                Extension.authorityKeyIdentifier,
                false,
                new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(ca));
    return signed(builder, caKey);
  }

  private static X509Certificate signed(X509v3CertificateBuilder builder, PrivateKey key)
      throws GeneralSecurityException, OperatorCreationException {
    return new JcaX509CertificateConverter()
        .getCertificate(builder.build(new JcaContentSignerBuilder(SIGNATURE).build(key)));
  }

  private static BigInteger serial() {
    return new BigInteger(127, new SecureRandom()).add(BigInteger.ONE);
  }

  private static String pem(Object one) throws IOException {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(
          one instanceof PrivateKey key
              ? new org.bouncycastle.openssl.jcajce.JcaPKCS8Generator(key, null)
              : one);
    }
    return text.toString();
  }

  private static void writePublic(Path file, String text) throws IOException {
    Seal.writeSecret(file, text);
    Files.setPosixFilePermissions(
        file, java.nio.file.attribute.PosixFilePermissions.fromString("rw-r--r--"));
  }
}
