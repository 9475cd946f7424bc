package dev.tarn.stack;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a custom resource tells CloudFormation, in at most {@value #MOST} bytes and never with the
 * session token in it, whoever echoed it.
 */
record Answer(boolean success, String reason, String physicalId, Map<String, String> data) {
  static final int MOST = 4096;
  private static final int LONGEST_ATTRIBUTE = 300;

  static Answer success(String physicalId, Map<String, String> data) {
    return new Answer(true, "", physicalId, data);
  }

  static Answer failed(String reason, String physicalId) {
    return new Answer(false, reason, physicalId, Map.of());
  }

  String json(Event event, String secret) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("Status", success ? "SUCCESS" : "FAILED");
    body.put("Reason", "");
    body.put("PhysicalResourceId", redacted(physicalId, secret));
    body.put("StackId", event.stackId());
    body.put("RequestId", event.requestId());
    body.put("LogicalResourceId", event.logicalId());
    body.put("NoEcho", false);
    Map<String, Object> attributes = new LinkedHashMap<>();
    data.forEach(
        (name, value) -> attributes.put(name, fitting(redacted(value, secret), LONGEST_ATTRIBUTE)));
    body.put("Data", attributes);
    // Json.write is ASCII: characters are bytes. What the rest leaves is the reason's.
    body.put("Reason", fitting(redacted(reason, secret), MOST - Json.write(body).length()));
    return Json.write(body);
  }

  private static String redacted(String text, String secret) {
    return secret.isEmpty() ? text : text.replace(secret, "****");
  }

  /** The longest beginning of the text that takes no more than {@code room} bytes as JSON. */
  private static String fitting(String text, int room) {
    int length = 0;
    for (int used = 0; length < text.length(); length++) {
      used += Json.write(text.substring(length, length + 1)).length() - 2;
      if (used > room) {
        break;
      }
    }
    return text.substring(0, length);
  }
}
