package dev.tarn.cloudformation;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Json;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * {@code Custom::*}: the function of the {@code ServiceToken} is sent an event, and answers by PUT
 * to a URL that it is given once.
 *
 * <p>A function that fails is invoked again under the same request id, twice at most, as Lambda
 * does with asynchronous invocations; so is one whose answer this process did not live to see.
 */
final class CustomResources implements ResourceType {
  static final String PREFIX = "Custom::";
  static final String ANSWERS = "/api/2.0/tarn/stack-answers/";
  static final int LONGEST_ANSWER = 4096;
  private static final int TRIES = 3;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final StackDao dao;
  private final LambdaFunctions functions;
  private final Supplier<String> ownUrl;

  /**
   * @param ownUrl where this server answers, without a path; known once it listens
   */
  CustomResources(StackDao dao, LambdaFunctions functions, Supplier<String> ownUrl) {
    this.dao = dao;
    this.functions = functions;
    this.ownUrl = ownUrl;
  }

  /** A custom resource's properties are its function's business. */
  @Override
  public Set<String> properties() {
    return Set.of();
  }

  @Override
  public void check(String logicalId, Map<String, Object> raw) {
    if (!raw.containsKey("ServiceToken")) {
      throw Template.invalid(
          "ServiceToken of " + logicalId + ": missing (expected: the ARN of a function)");
    }
  }

  @Override
  public Done create(Work work) throws Failed {
    return made(send("Create", work, null), work);
  }

  @Override
  public Done update(Work work, Map<String, Object> oldProperties) throws Failed {
    if (!work.text("ServiceToken").equals(oldProperties.get("ServiceToken"))) {
      throw new Failed("Modifying service token is not allowed.");
    }
    return made(send("Update", work, oldProperties), work);
  }

  private static Done made(JsonNode answer, Work work) throws Failed {
    String physicalId = answer.path("PhysicalResourceId").asText();
    if (!answer.path("Status").asText().equals("SUCCESS")) {
      throw new Failed(reason(answer, work), physicalId.isEmpty() ? placeholder(work) : physicalId);
    }
    if (physicalId.isEmpty() || physicalId.length() > 1024) {
      throw new Failed(
          "Invalid PhysicalResourceId of "
              + physicalId.length()
              + " characters (expected: 1 to 1024)",
          placeholder(work));
    }
    Map<String, String> attributes = new TreeMap<>();
    answer
        .path("Data")
        .properties()
        .forEach(member -> attributes.put(member.getKey(), member.getValue().asText()));
    return new Done(physicalId, attributes);
  }

  @Override
  public void delete(Work work) throws Failed {
    JsonNode answer = send("Delete", work, null);
    if (!answer.path("Status").asText().equals("SUCCESS")) {
      throw new Failed(reason(answer, work), work.physicalId());
    }
  }

  /** A token of a response URL is stored as this only. */
  static String hash(String token) {
    return Arns.sha256(token.getBytes(UTF_8));
  }

  private JsonNode send(String requestType, Work work, Map<String, Object> oldProperties)
      throws Failed {
    String problem = "";
    for (int tries = 0; tries < TRIES; tries++) {
      Optional<String> answer = dao.answerTo(work.requestId());
      if (answer.isPresent()) {
        return Json.tree(answer.get());
      }
      byte[] random = new byte[32];
      RANDOM.nextBytes(random);
      String token = HexFormat.of().formatHex(random);
      boolean asked =
          dao.expectAnswer(work.requestId(), work.stackId(), work.logicalId(), hash(token));
      LambdaFunctions.Outcome outcome;
      try {
        outcome =
            functions.invoke(
                work.stackId(),
                work.text("ServiceToken"),
                work.requestId(),
                Json.write(event(requestType, work, oldProperties, ownUrl.get() + ANSWERS + token)),
                requestType.equals("Delete"));
      } catch (Failed e) {
        // What was never asked for has made nothing that a Delete would find.
        throw asked ? new Failed(e.getMessage(), placeholder(work)) : e;
      }
      answer = dao.answerTo(work.requestId());
      if (answer.isPresent()) {
        return Json.tree(answer.get());
      }
      problem = outcome.ok() ? "it ended without an answer" : outcome.problem();
    }
    throw new Failed(
        "the function of " + work.logicalId() + " failed " + TRIES + " times: " + problem,
        placeholder(work));
  }

  private static Map<String, Object> event(
      String requestType, Work work, Map<String, Object> oldProperties, String responseUrl) {
    Map<String, Object> event = new LinkedHashMap<>();
    event.put("RequestType", requestType);
    event.put("ServiceToken", work.text("ServiceToken"));
    event.put("ResponseURL", responseUrl);
    event.put("StackId", work.stackId());
    event.put("RequestId", work.requestId());
    event.put("ResourceType", work.type());
    event.put("LogicalResourceId", work.logicalId());
    if (work.physicalId() != null) {
      event.put("PhysicalResourceId", work.physicalId());
    }
    event.put("ResourceProperties", work.properties());
    if (oldProperties != null) {
      event.put("OldResourceProperties", oldProperties);
    }
    return event;
  }

  private static String reason(JsonNode answer, Work work) {
    return "Received response status [FAILED] from custom resource. Message returned: "
        + answer.path("Reason").asText()
        + " (RequestId: "
        + work.requestId()
        + ")";
  }

  /** The id of what never got one: its Delete is sent all the same, as CloudFormation does. */
  private static String placeholder(Work work) {
    return work.physicalId() == null ? Arns.name(work) : work.physicalId();
  }
}
