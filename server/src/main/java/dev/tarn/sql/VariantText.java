package dev.tarn.sql;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Base64;
import java.util.UUID;

/**
 * A VARIANT, two byte strings by the Parquet variant encoding (version 1), as the JSON that {@code
 * to_json} of Spark prints for it.
 */
final class VariantText {
  private static final DateTimeFormatter TIME =
      new DateTimeFormatterBuilder()
          .appendPattern("HH:mm:ss")
          .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
          .toFormatter(java.util.Locale.ROOT);

  private final ByteBuffer metadata;
  private final ByteBuffer value;

  private VariantText(byte[] value, byte[] metadata) {
    this.value = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    this.metadata = ByteBuffer.wrap(metadata).order(ByteOrder.LITTLE_ENDIAN);
  }

  static void write(byte[] value, byte[] metadata, JsonGenerator out) throws IOException {
    new VariantText(value, metadata).write(0, out);
  }

  /** The low two bits of the first byte tell the kind, the high six its details. */
  private void write(int at, JsonGenerator out) throws IOException {
    int header = (value.get(at) & 0xff) >> 2;
    switch (value.get(at) & 3) {
      case 0 -> writePrimitive(header, at + 1, out);
      case 1 -> out.writeString(string(value, at + 1, header));
      case 2 -> writeObject(header, at + 1, out);
      default -> writeArray(header, at + 1, out);
    }
  }

  private void writeObject(int header, int at, JsonGenerator out) throws IOException {
    int offsetSize = (header & 3) + 1;
    int idSize = ((header >> 2) & 3) + 1;
    int countSize = (header & 16) != 0 ? 4 : 1;
    int count = unsigned(value, at, countSize);
    int ids = at + countSize;
    int offsets = ids + count * idSize;
    int data = offsets + (count + 1) * offsetSize;
    out.writeStartObject();
    for (int i = 0; i < count; i++) {
      out.writeFieldName(key(unsigned(value, ids + i * idSize, idSize)));
      write(data + unsigned(value, offsets + i * offsetSize, offsetSize), out);
    }
    out.writeEndObject();
  }

  private void writeArray(int header, int at, JsonGenerator out) throws IOException {
    int offsetSize = (header & 3) + 1;
    int countSize = (header & 4) != 0 ? 4 : 1;
    int count = unsigned(value, at, countSize);
    int offsets = at + countSize;
    int data = offsets + (count + 1) * offsetSize;
    out.writeStartArray();
    for (int i = 0; i < count; i++) {
      write(data + unsigned(value, offsets + i * offsetSize, offsetSize), out);
    }
    out.writeEndArray();
  }

  private void writePrimitive(int type, int at, JsonGenerator out) throws IOException {
    switch (type) {
      case 0 -> out.writeNull();
      case 1 -> out.writeBoolean(true);
      case 2 -> out.writeBoolean(false);
      case 3 -> out.writeNumber(value.get(at));
      case 4 -> out.writeNumber(value.getShort(at));
      case 5 -> out.writeNumber(value.getInt(at));
      case 6 -> out.writeNumber(value.getLong(at));
      case 7 -> number(Double.toString(value.getDouble(at)), out);
      case 8 -> decimal(BigInteger.valueOf(value.getInt(at + 1)), value.get(at), out);
      case 9 -> decimal(BigInteger.valueOf(value.getLong(at + 1)), value.get(at), out);
      case 10 -> {
        byte[] unscaled = new byte[16];
        for (int i = 0; i < 16; i++) {
          unscaled[i] = value.get(at + 16 - i);
        }
        decimal(new BigInteger(unscaled), value.get(at), out);
      }
      case 11 -> out.writeString(LocalDate.ofEpochDay(value.getInt(at)).toString());
      case 12 -> out.writeString(timestamp(value.getLong(at), 1_000) + "+00:00");
      case 13 -> out.writeString(timestamp(value.getLong(at), 1_000));
      case 14 -> number(Float.toString(value.getFloat(at)), out);
      case 15 -> {
        byte[] bytes = new byte[value.getInt(at)];
        value.get(at + 4, bytes);
        out.writeString(Base64.getEncoder().encodeToString(bytes));
      }
      case 16 -> out.writeString(string(value, at + 4, value.getInt(at)));
      case 17 -> out.writeString(TIME.format(LocalTime.ofNanoOfDay(value.getLong(at) * 1_000)));
      case 18 -> out.writeString(timestamp(value.getLong(at), 1) + "+00:00");
      case 19 -> out.writeString(timestamp(value.getLong(at), 1));
      case 20 -> {
        ByteBuffer bigEndian = value.duplicate().order(ByteOrder.BIG_ENDIAN);
        out.writeString(new UUID(bigEndian.getLong(at), bigEndian.getLong(at + 8)).toString());
      }
      default -> throw new IOException("a VARIANT holds a value of unknown type " + type);
    }
  }

  private String key(int id) {
    int offsetSize = ((metadata.get(0) & 0xff) >> 6) + 1;
    int count = unsigned(metadata, 1, offsetSize);
    int offsets = 1 + offsetSize;
    int data = offsets + (count + 1) * offsetSize;
    int start = unsigned(metadata, offsets + id * offsetSize, offsetSize);
    int end = unsigned(metadata, offsets + (id + 1) * offsetSize, offsetSize);
    return string(metadata, data + start, end - start);
  }

  private static void decimal(BigInteger unscaled, int scale, JsonGenerator out)
      throws IOException {
    out.writeNumber(new BigDecimal(unscaled, scale).toPlainString());
  }

  /** NaN and the infinities are no JSON numbers. */
  private static void number(String text, JsonGenerator out) throws IOException {
    if (Character.isLetter(text.charAt(text.length() - 1))) {
      out.writeString(text);
    } else {
      out.writeNumber(text);
    }
  }

  private static String timestamp(long units, long nanosPerUnit) {
    long perSecond = 1_000_000_000L / nanosPerUnit;
    LocalDateTime time =
        LocalDateTime.ofEpochSecond(
            Math.floorDiv(units, perSecond),
            (int) (Math.floorMod(units, perSecond) * nanosPerUnit),
            ZoneOffset.UTC);
    return time.toLocalDate() + " " + TIME.format(time);
  }

  private static int unsigned(ByteBuffer bytes, int at, int size) {
    int result = 0;
    for (int i = 0; i < size; i++) {
      result |= (bytes.get(at + i) & 0xff) << (8 * i);
    }
    return result;
  }

  private static String string(ByteBuffer bytes, int at, int length) {
    byte[] text = new byte[length];
    bytes.get(at, text);
    return new String(text, UTF_8);
  }
}
