package dev.tarn.stack;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;

/**
 * Runs a handler outside Lambda: one line {@code requestId deadlineEpochMillis eventJson} of
 * standard input is one invocation, answered by one line {@code requestId ok} or {@code requestId
 * failed reason} on standard output. It ends with its input.
 *
 * <p>Not AWS's own runtime client, because that takes its events from an HTTP port that asks nobody
 * who they are: whatever else runs on the machine could fetch an event, with the session token in
 * it. A pipe has two ends. The runtime client still runs these handlers in a test.
 */
public final class Bootstrap {
  private Bootstrap() {}

  /** {@code args}: the handler's class, and what the function and its log stream are called. */
  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    // What a handler prints by accident is a log line, not an answer.
    System.setOut(System.err);
    RequestStreamHandler handler =
        Class.forName(args[0].split("::", 2)[0])
            .asSubclass(RequestStreamHandler.class)
            .getDeclaredConstructor()
            .newInstance();
    BufferedReader events = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = events.readLine(); line != null; line = events.readLine()) {
      String[] fields = line.split(" ", 3);
      answers.println(fields[0] + " " + outcome(handler, fields, args));
      answers.flush();
    }
  }

  private static String outcome(RequestStreamHandler handler, String[] fields, String[] args) {
    try {
      handler.handleRequest(
          new ByteArrayInputStream(fields[2].getBytes(UTF_8)),
          OutputStream.nullOutputStream(),
          new Invocation(fields[0], Long.parseLong(fields[1]), args[1], args[2]));
      return "ok";
    } catch (IOException | RuntimeException e) {
      return "failed " + String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
    }
  }

  private record Invocation(String id, long deadline, String function, String logStream)
      implements Context {
    @Override
    public String getAwsRequestId() {
      return id;
    }

    @Override
    public int getRemainingTimeInMillis() {
      return Math.clamp(deadline - System.currentTimeMillis(), 0, Integer.MAX_VALUE);
    }

    @Override
    public String getFunctionName() {
      return function;
    }

    @Override
    public String getLogStreamName() {
      return logStream;
    }

    @Override
    public String getLogGroupName() {
      return "/aws/lambda/" + function;
    }

    @Override
    public String getFunctionVersion() {
      return "$LATEST";
    }

    @Override
    public String getInvokedFunctionArn() {
      return "";
    }

    @Override
    public CognitoIdentity getIdentity() {
      return null;
    }

    @Override
    public ClientContext getClientContext() {
      return null;
    }

    @Override
    public int getMemoryLimitInMB() {
      return (int) (Runtime.getRuntime().maxMemory() >> 20);
    }

    @Override
    public LambdaLogger getLogger() {
      return new LambdaLogger() {
        @Override
        public void log(String message) {
          System.err.print(message);
        }

        @Override
        public void log(byte[] message) {
          log(new String(message, UTF_8));
        }
      };
    }
  }
}
