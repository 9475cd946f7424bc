package dev.tarn.cloudformation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * What the build of module {@code stack} made: the template, the jar it deploys and the SHA-256
 * that says which jar may run.
 */
final class Handlers {
  private final String template;
  private final byte[] jar;
  private final String sha256;

  private Handlers(String template, byte[] jar, String sha256) {
    this.template = template;
    this.jar = jar;
    this.sha256 = sha256;
  }

  static Handlers ofThisBuild() {
    return new Handlers(
        new String(resource("quickstart.yaml"), UTF_8),
        resource("handlers.jar"),
        new String(resource("handlers.sha256"), UTF_8).trim());
  }

  String template() {
    return template;
  }

  byte[] jar() {
    return jar.clone();
  }

  String sha256() {
    return sha256;
  }

  private static byte[] resource(String name) {
    try (InputStream in = Handlers.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(
            "the server was built without " + name + " of module stack");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + name, e);
    }
  }
}
