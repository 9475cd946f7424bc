package dev.tarn.database;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A way to the database that can be cut and mended. */
public final class TestProxy implements AutoCloseable {
  private final InetSocketAddress target;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final int port;
  private ServerSocket door;

  private TestProxy(int target) throws IOException {
    this.target = new InetSocketAddress(InetAddress.getLoopbackAddress(), target);
    door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    port = door.getLocalPort();
    serve(door);
  }

  /** To the PostgreSQL of a URL as {@link TestDatabase#shared} gives it. */
  public static TestProxy to(String url) throws IOException {
    return new TestProxy(java.net.URI.create(url).getPort());
  }

  /** The URL by way of this. */
  public String url(String direct) {
    return direct.replace(":" + target.getPort() + "/", ":" + port + "/");
  }

  private void serve(ServerSocket listening) {
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                while (true) {
                  Socket client = listening.accept();
                  Socket server = new Socket();
                  server.connect(target);
                  open.add(client);
                  open.add(server);
                  copy(client, server);
                  copy(server, client);
                }
              } catch (IOException e) {
                closeAll(); // Cut.
              }
            });
  }

  private static void copy(Socket from, Socket to) {
    Thread.ofVirtual()
        .start(
            () -> {
              try (from;
                  to) {
                from.getInputStream().transferTo(to.getOutputStream());
              } catch (IOException e) {
                // One side is gone, and so is the other now.
              }
            });
  }

  /** All connections break, and none is made. */
  public synchronized void cut() throws IOException {
    door.close();
    closeAll();
  }

  public synchronized void mend() throws IOException {
    door = new ServerSocket();
    door.setReuseAddress(true);
    door.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    serve(door);
  }

  private void closeAll() {
    for (Closeable socket : open) {
      try {
        socket.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    open.clear();
  }

  @Override
  public void close() throws IOException {
    cut();
  }
}
