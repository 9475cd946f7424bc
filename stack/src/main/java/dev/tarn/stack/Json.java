package dev.tarn.stack;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON as objects ({@code Map}), arrays ({@code List}), {@code String}, {@code Long}, {@code
 * BigDecimal}, {@code Boolean} and null.
 *
 * <p>The JDK has none and a library would be ten times the size of all handlers together, which is
 * what a Lambda function's cold start pays for.
 */
final class Json {
  private static final int DEEPEST = 100;

  private final String text;
  private int at;
  private int depth;

  private Json(String text) {
    this.text = text;
  }

  /**
   * The value of the whole text.
   *
   * @throws IllegalArgumentException it is not JSON; the message names the offset, never the text,
   *     which may hold a token
   */
  static Object read(String text) {
    Json json = new Json(text);
    Object value = json.value();
    json.space();
    if (json.at != text.length()) {
      throw json.malformed("the end");
    }
    return value;
  }

  /** As {@link #read} where an object is expected; anything else is an error. */
  static Map<String, Object> object(String text) {
    return asObject(read(text));
  }

  static Map<String, Object> asObject(Object value) {
    if (!(value instanceof Map<?, ?> map)) {
      throw new IllegalArgumentException("malformed JSON (expected: an object)");
    }
    Map<String, Object> object = new LinkedHashMap<>();
    map.forEach((k, v) -> object.put((String) k, v));
    return object;
  }

  static String write(Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out);
    return out.toString();
  }

  private Object value() {
    space();
    return switch (peek()) {
      case '{' -> object();
      case '[' -> array();
      case '"' -> string();
      case 't' -> literal("true", true);
      case 'f' -> literal("false", false);
      case 'n' -> literal("null", null);
      default -> number();
    };
  }

  private Map<String, Object> object() {
    enter();
    Map<String, Object> object = new LinkedHashMap<>();
    at++;
    space();
    if (peek() == '}') {
      at++;
    } else {
      do {
        space();
        if (peek() != '"') {
          throw malformed("a member name");
        }
        String name = string();
        space();
        expect(':');
        object.put(name, value());
        space();
      } while (another('}'));
    }
    depth--;
    return object;
  }

  private List<Object> array() {
    enter();
    List<Object> array = new ArrayList<>();
    at++;
    space();
    if (peek() == ']') {
      at++;
    } else {
      do {
        array.add(value());
        space();
      } while (another(']'));
    }
    depth--;
    return array;
  }

  private void enter() {
    if (++depth > DEEPEST) {
      throw malformed("at most " + DEEPEST + " levels");
    }
  }

  private boolean another(char end) {
    if (peek() == ',') {
      at++;
      return true;
    }
    expect(end);
    return false;
  }

  private String string() {
    StringBuilder out = new StringBuilder();
    at++;
    while (peek() != '"') {
      char c = text.charAt(at++);
      out.append(c == '\\' ? escaped() : c);
    }
    at++;
    return out.toString();
  }

  private char escaped() {
    char c = peek();
    at++;
    return switch (c) {
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case '"', '\\', '/' -> c;
      case 'u' -> {
        if (at + 4 > text.length()) {
          throw malformed("four hex digits");
        }
        try {
          char code = (char) Integer.parseInt(text, at, at + 4, 16);
          at += 4;
          yield code;
        } catch (NumberFormatException e) {
          throw malformed("four hex digits");
        }
      }
      default -> throw malformed("an escape");
    };
  }

  private Object number() {
    int start = at;
    while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    String digits = text.substring(start, at);
    try {
      BigDecimal number = new BigDecimal(digits);
      return digits.matches("-?\\d{1,18}") ? (Object) number.longValueExact() : number;
    } catch (NumberFormatException e) {
      at = start;
      throw malformed("a value");
    }
  }

  private Object literal(String word, Object value) {
    if (!text.startsWith(word, at)) {
      throw malformed("a value");
    }
    at += word.length();
    return value;
  }

  private void space() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private char peek() {
    if (at >= text.length()) {
      throw malformed("more");
    }
    return text.charAt(at);
  }

  private void expect(char c) {
    if (peek() != c) {
      throw malformed("'" + c + "'");
    }
    at++;
  }

  private IllegalArgumentException malformed(String expected) {
    return new IllegalArgumentException(
        "malformed JSON at offset " + at + " (expected: " + expected + ")");
  }

  private static void write(Object value, StringBuilder out) {
    switch (value) {
      case null -> out.append("null");
      case Map<?, ?> map -> {
        out.append('{');
        String comma = "";
        for (Map.Entry<?, ?> member : map.entrySet()) {
          out.append(comma);
          quote((String) member.getKey(), out);
          out.append(':');
          write(member.getValue(), out);
          comma = ",";
        }
        out.append('}');
      }
      case List<?> list -> {
        out.append('[');
        String comma = "";
        for (Object element : list) {
          out.append(comma);
          write(element, out);
          comma = ",";
        }
        out.append(']');
      }
      case Number number -> out.append(number);
      case Boolean bool -> out.append(bool);
      default -> quote(value.toString(), out);
    }
  }

  private static void quote(String value, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ' || c > '~') {
            // Escaped, so that a length in characters is a length in bytes and a half surrogate
            // survives.
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
