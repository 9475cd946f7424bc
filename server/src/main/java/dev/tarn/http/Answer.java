package dev.tarn.http;

import java.io.InputStream;
import java.util.Map;
import java.util.concurrent.Future;

/**
 * What an operation returns when a JSON body with status 200 is not the answer: other statuses,
 * headers, streams.
 *
 * @param status HTTP status
 * @param headers response headers, lower case names
 * @param contentType media type of the body, null when there is none
 * @param body a POJO or collection (written as JSON), {@code byte[]}, {@link InputStream} (streamed
 *     and closed; in chunks unless {@code headers} has its content-length) or null
 * @param saved what must be done before the answer leaves, null for nothing: the audit record goes
 *     to disk beside it, not after it
 */
public record Answer(
    int status, Map<String, String> headers, String contentType, Object body, Future<?> saved) {

  public Answer(int status, Map<String, String> headers, String contentType, Object body) {
    this(status, headers, contentType, body, null);
  }

  public static Answer json(int status, Object body) {
    return new Answer(status, Map.of(), "application/json", body);
  }

  public Answer withHeader(String name, String value) {
    Map<String, String> more = new java.util.HashMap<>(headers);
    more.put(name, value);
    return new Answer(status, Map.copyOf(more), contentType, body, saved);
  }

  public Answer onceSaved(Future<?> future) {
    return new Answer(status, headers, contentType, body, future);
  }
}
