package dev.tarn.engine;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What a driver writes to its standard output and error. A file and no pipe, for the driver
 * outlives its control plane; bounded by cutting it, which works because the driver appends.
 */
record DriverLog(Path file) {
  private static final long LARGEST = 16 << 20;
  private static final int KEPT = 4 << 20;

  /** Its last bytes, beginning with a whole line. */
  byte[] tail(int bytes) throws IOException {
    try (RandomAccessFile log = new RandomAccessFile(file.toFile(), "r")) {
      long from = Math.max(0, log.length() - bytes);
      log.seek(from);
      byte[] tail = new byte[(int) (log.length() - from)];
      log.readFully(tail);
      int begin = 0;
      while (from > 0 && begin < tail.length && tail[begin++] != '\n') {
        // The rest of a line whose beginning is not here.
      }
      return java.util.Arrays.copyOfRange(tail, begin, tail.length);
    } catch (java.io.FileNotFoundException e) {
      throw new NoSuchFileException(file.toString());
    }
  }

  /** Cuts it when it has grown too large; the newest lines stay, in a second file. */
  void bound() throws IOException {
    if (Files.exists(file) && Files.size(file) > LARGEST) {
      Files.write(file.resolveSibling(file.getFileName() + ".1"), tail(KEPT));
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(0);
      }
    }
  }
}
