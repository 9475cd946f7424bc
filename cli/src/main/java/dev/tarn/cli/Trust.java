package dev.tarn.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How clients come to believe the certificates of this instance's own authority. */
@Command(
    name = "trust",
    description = "Print how clients trust this instance's authority; --install tells the system.")
final class Trust implements Runnable {
  /** No secret: what it guards is public, and Java insists on one. */
  private static final String PASSWORD = "changeit";

  private static final List<Path> SYSTEM =
      List.of(
          Path.of("/etc/ssl/certs/ca-certificates.crt"),
          Path.of("/etc/pki/tls/certs/ca-bundle.crt"),
          Path.of("/etc/ssl/cert.pem"));

  /** Where a system takes authorities from, and what then reads them; the first that is there. */
  private record Store(Path folder, String command) {}

  private static final List<Store> STORES =
      List.of(
          new Store(Path.of("/usr/local/share/ca-certificates"), "update-ca-certificates"),
          new Store(Path.of("/etc/pki/ca-trust/source/anchors"), "update-ca-trust"));

  @Option(
      names = "--install",
      description =
          "Add the authority to the system's store (as root), and to the browser's of who asked"
              + " for it where certutil is there.")
  private boolean install;

  @Option(names = "--remove", description = "Take the authority out of both again.")
  private boolean remove;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    Path authority = authority(home);
    if (!Files.exists(authority)) {
      throw new Tarn.Failure(
          "this instance has no authority of its own yet (expected: tls=local in "
              + home.folder().resolve("tarn.properties")
              + ", then `tarn up`)");
    }
    try {
      String fingerprint = fingerprint(authority);
      if (install || remove) {
        inSystem(home, authority, fingerprint);
        inBrowser(authority, fingerprint);
        return;
      }
      ObjectNode variables = variables(home);
      variables.put(
          "JDK_JAVA_OPTIONS",
          "-Djavax.net.ssl.trustStore="
              + home.folder().resolve("tls/truststore.p12")
              + " -Djavax.net.ssl.trustStorePassword="
              + PASSWORD);
      if (json) {
        ObjectNode answer = Home.JSON.createObjectNode();
        answer.put("authority", authority.toString()).put("sha256", fingerprint);
        answer.set("environment", variables);
        System.out.println(answer.toPrettyString());
      } else {
        System.out.println("# authority " + authority + ", SHA-256 " + fingerprint);
        System.out.println("# the system and the browser: " + asRoot(home, "--install"));
        Env.print(variables);
      }
    } catch (IOException | GeneralSecurityException e) {
      throw new Tarn.Failure("the authority cannot be handed on: " + e);
    }
  }

  private static Path authority(Home home) {
    return home.folder().resolve("tls/ca.pem");
  }

  /**
   * What makes clients that read the environment trust this instance, beside all they trust
   * already; empty where it has no authority of its own.
   */
  static ObjectNode variables(Home home) {
    ObjectNode variables = Home.JSON.createObjectNode();
    Path authority = authority(home);
    if (!Files.exists(authority)) {
      return variables;
    }
    Path bundle = authority.resolveSibling("ca-bundle.pem");
    Path store = authority.resolveSibling("truststore.p12");
    try {
      if (isOlder(bundle, authority)) {
        Path whole = Files.createTempFile(bundle.getParent(), ".bundle", "");
        try (OutputStream out = Files.newOutputStream(whole)) {
          for (Path system : SYSTEM) {
            if (Files.isReadable(system)) {
              Files.copy(system, out);
              out.write('\n');
              break;
            }
          }
          Files.copy(authority, out);
        }
        Files.move(whole, bundle, StandardCopyOption.ATOMIC_MOVE);
      }
      if (isOlder(store, authority)) {
        writeStore(authority, store);
      }
    } catch (IOException | GeneralSecurityException e) {
      throw new Tarn.Failure(
          "cannot write what clients trust below " + bundle.getParent() + ": " + e);
    }
    variables.put("SSL_CERT_FILE", bundle.toString());
    variables.put("REQUESTS_CA_BUNDLE", bundle.toString());
    variables.put("NODE_EXTRA_CA_CERTS", authority.toString());
    variables.put("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", bundle.toString());
    return variables;
  }

  private static boolean isOlder(Path made, Path from) throws IOException {
    return !Files.exists(made)
        || Files.getLastModifiedTime(made).compareTo(Files.getLastModifiedTime(from)) < 0;
  }

  /** What this JDK trusts, and the authority. */
  private static void writeStore(Path authority, Path store)
      throws IOException, GeneralSecurityException {
    KeyStore all =
        KeyStore.getInstance(
            new File(System.getProperty("java.home"), "lib/security/cacerts"), (char[]) null);
    KeyStore ours = KeyStore.getInstance("PKCS12");
    ours.load(null, null);
    for (String alias : java.util.Collections.list(all.aliases())) {
      ours.setCertificateEntry(alias, all.getCertificate(alias));
    }
    ours.setCertificateEntry("tarn", certificate(authority));
    Path whole = Files.createTempFile(store.getParent(), ".store", "");
    try (OutputStream out = Files.newOutputStream(whole)) {
      ours.store(out, PASSWORD.toCharArray());
    }
    Files.move(whole, store, StandardCopyOption.ATOMIC_MOVE);
  }

  private static X509Certificate certificate(Path file)
      throws IOException, GeneralSecurityException {
    try (InputStream in = Files.newInputStream(file)) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  private static String fingerprint(Path file) throws IOException, GeneralSecurityException {
    return HexFormat.of()
        .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate(file).getEncoded()));
  }

  /** As somebody else would have to spell it: root has another home. */
  private static String asRoot(Home home, String what) {
    return "sudo TARN_HOME="
        + home.folder()
        + " "
        + home.distribution().resolve("tarn")
        + " trust "
        + what;
  }

  private void inSystem(Home home, Path authority, String fingerprint) throws IOException {
    for (Store store : STORES) {
      if (!Files.isDirectory(store.folder())) {
        continue;
      }
      if (!Files.isWritable(store.folder())) {
        throw new Tarn.Failure(
            store.folder()
                + " cannot be written, nothing was changed (expected: root; run: "
                + asRoot(home, remove ? "--remove" : "--install")
                + ")");
      }
      Path entry = store.folder().resolve("tarn-" + fingerprint.substring(0, 12) + ".crt");
      if (remove) {
        Files.deleteIfExists(entry);
      } else {
        Files.copy(authority, entry, StandardCopyOption.REPLACE_EXISTING);
        Files.setPosixFilePermissions(entry, PosixFilePermissions.fromString("rw-r--r--"));
      }
      System.out.println((remove ? "removed " : "wrote ") + entry + "; now " + store.command());
      int code = run(List.of(store.command()));
      if (code != 0) {
        throw new Tarn.Failure(store.command() + " ended with " + code);
      }
      return;
    }
    throw new Tarn.Failure(
        "no store of the system was found (expected one of: "
            + STORES.stream().map(store -> store.folder().toString()).toList()
            + "); give "
            + authority
            + " to your clients by hand");
  }

  /** Chromium and Firefox's like have a database of their own, each person's; not root's. */
  private void inBrowser(Path authority, String fingerprint) throws IOException {
    if (Stream.of(System.getenv("PATH").split(":"))
        .noneMatch(folder -> Files.isExecutable(Path.of(folder, "certutil")))) {
      System.out.println(
          "Chromium's own store was left alone: certutil is not there (package libnss3-tools)");
      return;
    }
    String person = System.getenv("SUDO_USER");
    boolean other = person != null && !person.isBlank() && !person.equals("root");
    Path folder =
        other
            ? homeOf(person)
            : Path.of(
                Objects.requireNonNullElse(System.getenv("HOME"), System.getProperty("user.home")));
    Path store = folder.resolve(".pki/nssdb");
    List<String> certutil = new ArrayList<>();
    if (other) {
      certutil.addAll(List.of("runuser", "-u", person, "--"));
    }
    certutil.addAll(List.of("certutil", "-d", "sql:" + store));
    String name = "tarn-" + fingerprint.substring(0, 12);
    if (remove) {
      if (Files.isDirectory(store) && run(with(certutil, "-D", "-n", name)) == 0) {
        System.out.println("removed " + name + " from " + store);
      }
      return;
    }
    if (!Files.isDirectory(store)) {
      List<String> make = other ? with(certutil.subList(0, 4), "mkdir") : with(List.of("mkdir"));
      if (run(with(make, "-p", "-m", "700", store.toString())) != 0
          || run(with(certutil, "-N", "--empty-password")) != 0) {
        throw new Tarn.Failure("cannot make Chromium's store " + store);
      }
    }
    // From a file that the person may read, whosever the data directory is.
    Path shown = Files.createTempFile("tarn-authority", ".pem");
    try {
      Files.copy(authority, shown, StandardCopyOption.REPLACE_EXISTING);
      Files.setPosixFilePermissions(shown, PosixFilePermissions.fromString("rw-r--r--"));
      if (run(with(certutil, "-A", "-t", "C,,", "-n", name, "-i", shown.toString())) != 0) {
        throw new Tarn.Failure("cannot add the authority to Chromium's store " + store);
      }
    } finally {
      Files.deleteIfExists(shown);
    }
    System.out.println("added " + name + " to " + store + ", for Chromium");
  }

  private static Path homeOf(String person) throws IOException {
    for (String line : Files.readAllLines(Path.of("/etc/passwd"))) {
      String[] fields = line.split(":", -1);
      if (fields[0].equals(person)) {
        return Path.of(fields[5]);
      }
    }
    throw new Tarn.Failure("SUDO_USER: '" + person + "' (expected: a user of this machine)");
  }

  private static List<String> with(List<String> command, String... more) {
    List<String> all = new ArrayList<>(command);
    all.addAll(List.of(more));
    return all;
  }

  private static int run(List<String> command) throws IOException {
    try {
      return new ProcessBuilder(command).inheritIO().start().waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Tarn.Failure("interrupted");
    }
  }
}
