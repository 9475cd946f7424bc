package dev.tarn.http;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/**
 * One operation of the SDK, as {@link OperationRecorder} saw it sent.
 *
 * @param service the SDK's service interface, a class name
 * @param method name of the interface's method
 * @param request class name of its only argument, "" when there is none
 * @param verb HTTP method
 * @param path template such as {@code /api/2.0/accounts/{account_id}/credentials}
 * @param body what the JSON body is: {@code none}, {@code whole} (the request), {@code field:f}
 *     (one field of it), {@code stream:f} (bytes)
 * @param answer class name of the answer, {@code void}, {@code array} or {@code map}
 * @param workspace whether the SDK sends the workspace header with it
 */
record SdkOperation(
    String service,
    String method,
    String request,
    String verb,
    String path,
    String body,
    String answer,
    boolean workspace) {

  private static final String RESOURCE = "operations.tsv";

  /** All that were recorded, in order of service and method. */
  static List<SdkOperation> all() {
    try (InputStream in = SdkOperation.class.getResourceAsStream(RESOURCE);
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      return reader.lines().filter(line -> !line.startsWith("#")).map(SdkOperation::of).toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the recorded operations", e);
    }
  }

  private static SdkOperation of(String line) {
    String[] part = line.split("\t", -1);
    return new SdkOperation(
        part[0],
        part[1],
        part[2],
        part[3],
        part[4],
        part[5],
        part[6],
        Boolean.parseBoolean(part[7]));
  }

  String toLine() {
    return String.join(
        "\t", service, method, request, verb, path, body, answer, Boolean.toString(workspace));
  }

  /** {@code provisioning.Credentials.create}: what audit and coverage call it. */
  String name() {
    return service.replace("com.databricks.sdk.service.", "").replaceFirst("Service$", "")
        + "."
        + method;
  }

  /**
   * The collection in which the thing is that the resource name in the path names, such as {@code
   * branches} for {@code getBranch}; "" when the path has no resource name. Operations with one
   * verb and path are told apart by it.
   */
  String collection() {
    String noun = method.replaceFirst("^[a-z]+", "");
    if (noun.isEmpty() || !new PathTemplate(path).isResourceName()) {
      return "";
    }
    String kebab = noun.replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
    if (kebab.endsWith("s")) {
      return kebab;
    } else if (kebab.endsWith("y")) {
      return kebab.substring(0, kebab.length() - 1) + "ies";
    }
    return kebab + (kebab.matches(".*(ch|sh|x)") ? "es" : "s");
  }
}
