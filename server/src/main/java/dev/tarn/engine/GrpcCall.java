package dev.tarn.engine;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaders;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpObject;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.RequestHeaders;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.LinkedBlockingQueue;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * One gRPC call with one request and a stream of answers, read by a (virtual) thread that blocks.
 *
 * <p>gRPC is HTTP/2 with five bytes before each message (flag, length) and the status in the
 * trailers. Frames are asked for as they are read: a reader that is slow keeps {@value #AHEAD}
 * frames and the one message it is in the middle of, then the driver waits.
 */
final class GrpcCall<T extends MessageLite> implements AutoCloseable {
  private static final int AHEAD = 32;
  private static final int PREFIX = 5;
  private static final Object END = new Object();

  private final Parser<T> parser;
  private final HttpResponse response;
  private final LinkedBlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
  private Subscription subscription;
  private HttpHeaders trailers = HttpHeaders.of();
  private byte[] frame = new byte[0];
  private int position;
  private boolean ended;

  GrpcCall(
      WebClient client, String path, HttpHeaders headers, MessageLite request, Parser<T> parser) {
    this.parser = parser;
    int length = request.getSerializedSize();
    ByteBuffer body = ByteBuffer.allocate(PREFIX + length).put((byte) 0).putInt(length);
    byte[] bytes = body.array();
    System.arraycopy(request.toByteArray(), 0, bytes, PREFIX, length);
    response =
        client.execute(
            HttpRequest.of(
                RequestHeaders.builder(HttpMethod.POST, path)
                    .add(headers)
                    .add("content-type", "application/grpc")
                    .add("te", "trailers")
                    .build(),
                HttpData.wrap(bytes)));
    response.subscribe(
        new Subscriber<>() {
          @Override
          public void onSubscribe(Subscription s) {
            subscription = s;
            s.request(AHEAD);
          }

          @Override
          public void onNext(HttpObject object) {
            arrived.add(object);
          }

          @Override
          public void onError(Throwable failure) {
            arrived.add(failure);
          }

          @Override
          public void onComplete() {
            arrived.add(END);
          }
        });
  }

  /** The next message, or null after the last. */
  T next() throws IOException {
    byte[] prefix = take(PREFIX);
    if (prefix == null) {
      checkStatus();
      return null;
    }
    if (prefix[0] != 0) {
      throw new IOException("a compressed message, though none was asked for");
    }
    byte[] message = take(ByteBuffer.wrap(prefix, 1, 4).getInt());
    if (message == null) {
      throw new IOException("the stream ended within a message");
    }
    CodedInputStream input = CodedInputStream.newInstance(message);
    input.enableAliasing(true); // Arrow data stays where it is: no copy of a batch is made.
    input.setSizeLimit(Integer.MAX_VALUE);
    return parser.parseFrom(input);
  }

  /** The one answer of a call that has one. */
  T only() throws IOException {
    T answer = next();
    if (answer == null) {
      throw new IOException("no answer");
    }
    while (next() != null) {
      // The status comes after the answer.
    }
    return answer;
  }

  /** {@code count} bytes, or null when the stream ends before the first of them. */
  private byte[] take(int count) throws IOException {
    byte[] bytes = new byte[count];
    int filled = 0;
    while (filled < count) {
      if (position == frame.length && !nextFrame()) {
        if (filled > 0) {
          throw new IOException("the stream ended within a message");
        }
        return null;
      }
      int step = Math.min(count - filled, frame.length - position);
      System.arraycopy(frame, position, bytes, filled, step);
      position += step;
      filled += step;
    }
    return bytes;
  }

  private boolean nextFrame() throws IOException {
    while (!ended) {
      Object object;
      try {
        object = arrived.take();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting for the engine", e);
      }
      switch (object) {
        case HttpData data -> {
          subscription.request(1);
          frame = data.array();
          position = 0;
          if (frame.length > 0) {
            return true;
          }
        }
        // Either the headers, or the trailers; a call that fails at once has only one of them.
        case HttpHeaders headers -> {
          subscription.request(1);
          trailers = headers;
        }
        case Throwable failure -> {
          ended = true;
          throw new IOException("the connection to the engine broke: " + failure, failure);
        }
        default -> ended = true;
      }
    }
    return false;
  }

  private void checkStatus() throws IOException {
    String status = trailers.get("grpc-status");
    if (status == null) {
      throw new IOException("the stream ended without a status");
    }
    if (status.equals("0")) {
      return;
    }
    String coded = trailers.get("grpc-message", "");
    String message = URLDecoder.decode(coded.replace("+", "%2B"), StandardCharsets.UTF_8);
    String details = trailers.get("grpc-status-details-bin");
    ErrorInfo info = details == null ? ErrorInfo.getDefaultInstance() : errorInfo(details);
    if (info.getReason().isEmpty() && (status.equals("14") || status.equals("1"))) {
      throw new IOException("the engine ended the call: " + message);
    }
    throw new GrpcFailure(Integer.parseInt(status), message, info);
  }

  private static ErrorInfo errorInfo(String base64) throws InvalidProtocolBufferException {
    for (var any : Status.parseFrom(Base64.getDecoder().decode(base64)).getDetailsList()) {
      if (any.is(ErrorInfo.class)) {
        return any.unpack(ErrorInfo.class);
      }
    }
    return ErrorInfo.getDefaultInstance();
  }

  /** Gives the call up, where it has not ended. */
  @Override
  public void close() {
    if (!ended) {
      ended = true;
      response.abort();
    }
  }

  /** The other side's answer to a call was a status that is not OK. */
  static final class GrpcFailure extends IOException {
    private static final long serialVersionUID = 1L;

    final int status;
    final transient ErrorInfo info;

    GrpcFailure(int status, String message, ErrorInfo info) {
      super(message);
      this.status = status;
      this.info = info;
    }
  }
}
