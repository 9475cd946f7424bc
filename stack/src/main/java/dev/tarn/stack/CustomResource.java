package dev.tarn.stack;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;

/**
 * One kind of object of the account API as a CloudFormation custom resource.
 *
 * <p>Whatever happens, CloudFormation gets its answer before the function's time is over: the work
 * runs beside a clock, and when the clock wins the answer is FAILED, with the real id of what was
 * made so far so that the rollback deletes it. CloudFormation also sends Delete for a resource
 * whose Create failed, with whatever id the failed answer carried: an id that cannot be one of ours
 * is looked up by name and content, and is deleted by being absent.
 */
abstract class CustomResource implements RequestStreamHandler {
  /** What sending the answer may take; the rest of the function's time belongs to the work. */
  private static final long FOR_THE_ANSWER_MILLIS = 1_000;

  private static final int ANSWER_TRIES = 4;

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();
  private final Patience patience;

  CustomResource(Patience patience) {
    this.patience = patience;
  }

  /** The object as CloudFormation refers to it: its id and the attributes of {@code Fn::GetAtt}. */
  record Made(String id, Map<String, String> attributes) {}

  /**
   * @param madeSoFar set to the object's id as soon as it exists, for the case that the rest fails
   */
  abstract Made create(Event event, AccountApi api, AtomicReference<String> madeSoFar)
      throws InterruptedException;

  abstract Made update(Event event, AccountApi api, AtomicReference<String> madeSoFar)
      throws InterruptedException;

  /** Whether a physical id can be the id of such an object, and not a placeholder. */
  abstract boolean isId(String physicalId);

  /** Finds, by its name and content, what a Create made whose outcome nobody heard. */
  abstract Optional<String> lost(Event event, AccountApi api) throws InterruptedException;

  /** Returns when the object is gone; that it was absent already is no error. */
  abstract void delete(String id, AccountApi api) throws InterruptedException;

  @Override
  public final void handleRequest(InputStream in, OutputStream out, Context context)
      throws IOException {
    answer(Event.read(in), context);
  }

  /** Does what the event asks and tells CloudFormation; returns when CloudFormation knows. */
  final void answer(Event event, Context context) throws IOException {
    Answer answer = withinTime(event, context);
    context
        .getLogger()
        .log(event + " is " + (answer.success() ? "done" : "not done") + System.lineSeparator());
    send(event, answer.json(event, event.optional("sessionToken")));
  }

  private Answer withinTime(Event event, Context context) {
    // As in the original: what failed before it had an id is known by the log stream's name.
    String placeholder =
        event.physicalId().isEmpty() ? context.getLogStreamName() : event.physicalId();
    AtomicReference<String> id = new AtomicReference<>(placeholder);
    FutureTask<Answer> work = new FutureTask<>(() -> perform(event, id));
    Thread.ofVirtual().start(work);
    long millis = Math.max(0, context.getRemainingTimeInMillis() - FOR_THE_ANSWER_MILLIS);
    try {
      return work.get(millis, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      work.cancel(true);
      return Answer.failed(
          event.type()
              + " of "
              + event.logicalId()
              + " was not done after "
              + millis / 1000
              + " seconds, all the time the function had",
          id.get());
    } catch (ExecutionException e) {
      return Answer.failed(String.valueOf(e.getCause()), id.get());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Answer.failed("the function was stopped", id.get());
    }
  }

  private Answer perform(Event event, AtomicReference<String> id) throws InterruptedException {
    try {
      AccountApi api = new AccountApi(http, patience, event);
      Made made =
          switch (event.type()) {
            case CREATE -> create(event, api, id);
            case UPDATE -> update(event, api, id);
            case DELETE -> {
              delete(event, api);
              yield new Made(event.physicalId(), Map.of());
            }
          };
      return Answer.success(made.id(), made.attributes());
    } catch (IllegalArgumentException e) {
      if (event.type() == Event.Type.DELETE && !isId(event.physicalId())) {
        // With such properties its Create did not get as far as a call.
        return Answer.success(event.physicalId(), Map.of());
      }
      return Answer.failed(e.getMessage(), id.get());
    } catch (ApiError e) {
      return Answer.failed(e.getMessage(), id.get());
    }
  }

  private void delete(Event event, AccountApi api) throws InterruptedException {
    if (isId(event.physicalId())) {
      delete(event.physicalId(), api);
      return;
    }
    Optional<String> lost;
    try {
      lost = lost(event, api);
    } catch (ApiError e) {
      if (e.transientFailure()) {
        throw e;
      }
      // Whoever may not even look has made nothing.
      return;
    }
    if (lost.isPresent()) {
      delete(lost.get(), api);
    }
  }

  private void send(Event event, String json) throws IOException {
    // A presigned URL is signed for an empty content type; the JDK sends none unless told.
    HttpRequest request =
        HttpRequest.newBuilder(event.responseUrl())
            .timeout(Duration.ofSeconds(10))
            .PUT(HttpRequest.BodyPublishers.ofString(json))
            .build();
    String problem = "";
    try {
      for (int tries = 0; tries < ANSWER_TRIES; tries++) {
        try {
          int status = http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
          if (status / 100 == 2) {
            return;
          }
          problem = "status " + status;
        } catch (IOException e) {
          problem = e.toString();
        }
        patience.pause(Duration.ofMillis(100L << tries));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      problem = "interrupted";
    }
    // A failed function is invoked again with the same request.
    throw new IOException("the answer to " + event + " was not taken: " + problem);
  }

  /** The value of a member of an API answer as CloudFormation wants it: a text, never absent. */
  static String text(Map<String, Object> object, String name) {
    Object value = object.get(name);
    return value == null ? "" : value.toString();
  }
}
