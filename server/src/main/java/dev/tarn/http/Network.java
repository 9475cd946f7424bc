package dev.tarn.http;

import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Where an instance is reached and by what names: what is bound, which hosts are ours, what is
 * encrypted, whom we believe about who asks.
 *
 * @param bind the address that is listened on; all but loopback needs TLS
 * @param tls {@code off}, {@code local} (a certificate of this instance's own authority) or {@code
 *     files}
 * @param certificate PEM chain, with {@code files}
 * @param key PEM private key, with {@code files}
 * @param hosts further names and addresses we answer to, in lower case
 * @param zone below which {@code accounts.<zone>} and {@code <deployment>.<zone>} are ours, or
 *     empty
 * @param trustedProxies whose X-Forwarded headers are believed
 * @param url what clients are told, when a proxy makes it another than what is listened on
 */
public record Network(
    InetAddress bind,
    String tls,
    Path certificate,
    Path key,
    List<String> hosts,
    String zone,
    List<AddressRange> trustedProxies,
    Optional<URI> url) {
  /** Loopback, without TLS, under no other name: what an instance is that says nothing else. */
  public static final Network LOOPBACK =
      new Network(
          InetAddress.getLoopbackAddress(),
          "off",
          null,
          null,
          List.of(),
          "",
          List.of(),
          Optional.empty());

  public Network {
    if (!bind.isLoopbackAddress() && tls.equals("off")) {
      throw new IllegalArgumentException(
          "bind: '"
              + bind.getHostAddress()
              + "' (expected: a loopback address such as 127.0.0.1, or tls=local, or tls=files with"
              + " tls.certificate and tls.key: without TLS tokens would cross the network readable)");
    }
    if (tls.equals("files") && (certificate == null || key == null)) {
      throw new IllegalArgumentException(
          "tls: 'files' (expected: tls.certificate and tls.key name two PEM files)");
    }
  }

  public boolean isTls() {
    return !tls.equals("off");
  }

  /** Whether a request for this host, lower case and without port, is for us. */
  public boolean isOurs(String host) {
    return host.equals("127.0.0.1")
        || host.equals("localhost")
        || host.equals("[::1]")
        || host.endsWith(".localhost")
        || isNamed(host)
        || hosts.contains(host)
        || (!bind.isAnyLocalAddress() && unbracketed(host).equals(bind.getHostAddress()));
  }

  /** Whether it is a name that this instance was given; addresses and localhost are not. */
  boolean isNamed(String host) {
    boolean ofZone = !zone.isEmpty() && (host.equals(zone) || host.endsWith("." + zone));
    return ofZone || (hosts.contains(host) && !isAddress(host));
  }

  /** The suffixes, each with its leading dot, before which a host names one workspace. */
  public List<String> zones() {
    return zone.isEmpty() ? List.of(".localhost") : List.of(".localhost", "." + zone);
  }

  public boolean isTrusted(InetAddress peer) {
    return trustedProxies.stream().anyMatch(range -> range.contains(peer));
  }

  /** What clients are told, for a server that listens on {@code port}. */
  public URI url(int port) {
    return url.orElseGet(
        () -> URI.create((isTls() ? "https" : "http") + "://" + mainHost() + ":" + port));
  }

  /** Where {@code deployment} is reached: its own name where there is a zone. */
  public URI workspaceUrl(int port, String deployment) {
    URI base = url(port);
    return zone.isEmpty()
        ? base
        : URI.create(
            base.getScheme()
                + "://"
                + deployment
                + "."
                + zone
                + (base.getPort() < 0 ? "" : ":" + base.getPort()));
  }

  private String mainHost() {
    if (!zone.isEmpty()) {
      return "accounts." + zone;
    }
    if (!hosts.isEmpty()) {
      return hosts.getFirst();
    }
    return bind.isAnyLocalAddress() || bind.isLoopbackAddress()
        ? "127.0.0.1"
        : bind.getHostAddress();
  }

  /** Every name a certificate of ours must have. */
  public List<String> certificateNames() {
    java.util.LinkedHashSet<String> names =
        new java.util.LinkedHashSet<>(List.of("localhost", "*.localhost", "127.0.0.1", "::1"));
    hosts.forEach(host -> names.add(unbracketed(host)));
    if (!bind.isAnyLocalAddress()) {
      names.add(bind.getHostAddress());
    }
    if (!zone.isEmpty()) {
      names.add(zone);
      names.add("*." + zone);
    }
    return List.copyOf(names);
  }

  public static boolean isAddress(String host) {
    String bare = unbracketed(host);
    return bare.matches("\\d+\\.\\d+\\.\\d+\\.\\d+") || bare.contains(":");
  }

  private static String unbracketed(String host) {
    return host.startsWith("[") && host.endsWith("]")
        ? host.substring(1, host.length() - 1)
        : host.toLowerCase(Locale.ROOT);
  }
}
