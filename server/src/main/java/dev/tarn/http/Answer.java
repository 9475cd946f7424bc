package dev.tarn.http;

import java.io.InputStream;
import java.util.Map;

/**
 * What an operation returns when a JSON body with status 200 is not the answer: other statuses,
 * headers, streams.
 *
 * @param status HTTP status
 * @param headers response headers, lower case names
 * @param contentType media type of the body, null when there is none
 * @param body a POJO or collection (written as JSON), {@code byte[]}, {@link InputStream} (streamed
 *     and closed) or null
 */
public record Answer(int status, Map<String, String> headers, String contentType, Object body) {

  public static Answer json(int status, Object body) {
    return new Answer(status, Map.of(), "application/json", body);
  }

  public Answer withHeader(String name, String value) {
    Map<String, String> more = new java.util.HashMap<>(headers);
    more.put(name, value);
    return new Answer(status, Map.copyOf(more), contentType, body);
  }
}
