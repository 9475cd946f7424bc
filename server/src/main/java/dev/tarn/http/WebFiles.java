package dev.tarn.http;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ServerCacheControl;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.file.FileService;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;

/**
 * The console, out of the jar of module {@code web}. Every address a person can be at is the same
 * page, which finds its way by itself; what it loads has a hash in its name and is kept for ever.
 * Nobody is asked who they are: the files are the same for all, what they show comes from the API.
 */
public final class WebFiles {
  private static final String FOLDER = "dev/tarn/web";

  /** Addresses that are never a page. */
  private static final Pattern MACHINES =
      Pattern.compile(
          "/(api|oidc|\\.well-known|sql|assets|tarn-[^/]*)(/.*)?|/(healthz|readyz|metrics)");

  private static final SecureRandom RANDOM = new SecureRandom();

  private final Hosts hosts;
  private final String index;

  public WebFiles(Hosts hosts) {
    this.hosts = hosts;
    try (InputStream in =
        WebFiles.class.getClassLoader().getResourceAsStream(FOLDER + "/index.html")) {
      if (in == null) {
        throw new IllegalStateException(
            FOLDER + "/index.html is not on the class path (expected: the jar of module web)");
      }
      index = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the console's page", e);
    }
  }

  /** Scripts, styles and pictures, for {@code /assets}. */
  public HttpService assets() {
    HttpService files =
        FileService.builder(WebFiles.class.getClassLoader(), FOLDER + "/assets")
            .serveCompressedFiles(true)
            .cacheControl(ServerCacheControl.IMMUTABLE)
            .addHeader("x-content-type-options", "nosniff")
            .build();
    return hosts.only(files);
  }

  /** The page for browsers that go somewhere; all other requests are for {@code api}. */
  public HttpService before(HttpService api) {
    HttpService page = hosts.only((context, request) -> page());
    return (context, request) -> (isPage(request) ? page : api).serve(context, request);
  }

  /** A browser's address bar asks for HTML; a client with a wrong path does not, and gets a 404. */
  private static boolean isPage(HttpRequest request) {
    if (request.method() != HttpMethod.GET && request.method() != HttpMethod.HEAD) {
      return false;
    }
    String path = request.path().replaceFirst("[?].*", "");
    return path.equals("/")
        || (request.headers().get("accept", "").contains("text/html")
            && !MACHINES.matcher(path).matches());
  }

  /**
   * Scripts come from here only. Styles too, but for those the component library makes while it
   * runs: they carry the nonce, which is new for each page and can be guessed by nobody.
   */
  private HttpResponse page() {
    byte[] random = new byte[16];
    RANDOM.nextBytes(random);
    String nonce = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    ResponseHeaders headers =
        ResponseHeaders.builder(HttpStatus.OK)
            .contentType(MediaType.HTML_UTF_8)
            .set("cache-control", "no-store")
            .set(
                "content-security-policy",
                "default-src 'self'; style-src 'self' 'nonce-"
                    + nonce
                    + "'; object-src 'none'; base-uri 'none'; form-action 'self';"
                    + " frame-ancestors 'none'")
            .set("x-frame-options", "DENY")
            .set("x-content-type-options", "nosniff")
            .set("referrer-policy", "no-referrer")
            .set("cross-origin-opener-policy", "same-origin")
            .build();
    return HttpResponse.of(headers, HttpData.ofUtf8(index.replace("%NONCE%", nonce)));
  }
}
