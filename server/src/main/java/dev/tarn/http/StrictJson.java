package dev.tarn.http;

import com.databricks.sdk.core.DatabricksError;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.protobuf.Duration;
import com.google.protobuf.FieldMask;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.FieldMaskUtil;
import com.google.protobuf.util.Timestamps;
import dev.tarn.database.Json;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.text.ParseException;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads what a client sent into SDK types and records, and says where it does not fit. The SDK's
 * own mapper is made for answers: an unknown enum becomes null, {@code true} becomes {@code
 * "true"}, {@code 3.7} becomes 3. So the tree is judged first, by the types, and only then
 * converted.
 */
final class StrictJson {
  private static final int DEPTH = 100;

  /** A whole number spelt as text, as int64 is in proto JSON. */
  private static final Pattern DECIMAL = Pattern.compile("[+-]?\\d{1,30}");

  private static final BigDecimal LONG_MIN = BigDecimal.valueOf(Long.MIN_VALUE);
  private static final BigDecimal LONG_MAX = BigDecimal.valueOf(Long.MAX_VALUE);

  private static final ObjectMapper READER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(DEPTH)
                          .maxStringLength(RequestBody.LIMIT)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  /** The SDK's spelling, and snake_case for the components of our own records. */
  static final ObjectMapper MAPPER =
      Json.MAPPER
          .copy()
          .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .configure(JsonGenerator.Feature.COMBINE_UNICODE_SURROGATES_IN_UTF8, true);

  private static final ClassValue<Map<String, Type>> PROPERTIES =
      new ClassValue<>() {
        @Override
        protected Map<String, Type> computeValue(Class<?> type) {
          return properties(type);
        }
      };

  private StrictJson() {}

  /**
   * The tree of a body, null when there is none.
   *
   * @throws com.databricks.sdk.core.error.platform.BadRequest it is not JSON, has a name twice, or
   *     nests deeper than {@value #DEPTH}
   */
  static JsonNode parse(byte[] body) {
    try {
      JsonNode tree = READER.readTree(body);
      return tree.isMissingNode() ? null : tree;
    } catch (StreamConstraintsException e) {
      throw Rejection.malformed(
          "body", e.getOriginalMessage(), "JSON nested at most " + DEPTH + " deep");
    } catch (JsonProcessingException e) {
      String where =
          e.getLocation() == null
              ? "body"
              : "body, line "
                  + e.getLocation().getLineNr()
                  + " column "
                  + e.getLocation().getColumnNr();
      throw Rejection.malformed(where, e.getOriginalMessage(), "JSON, each name once");
    } catch (NumberFormatException e) {
      throw Rejection.malformed("body", e.getMessage(), "numbers with smaller exponents");
    } catch (IOException e) {
      throw Rejection.malformed("body", e.getMessage(), "JSON in UTF-8");
    }
  }

  /** What was seen beside what was read. */
  record Findings(Set<String> present, Set<String> unknown) {}

  /** Converts a tree that is judged first. {@code path} is "" for the whole body. */
  static Object read(JsonNode tree, Type type, String path, Findings findings) {
    check(tree, type, path, findings);
    try {
      return MAPPER.readValue(
          MAPPER.treeAsTokens(tree), MAPPER.getTypeFactory().constructType(type));
    } catch (IOException e) {
      throw Rejection.value(path.isEmpty() ? "body" : path, tree, "a " + name(type));
    }
  }

  private static void check(JsonNode node, Type type, String path, Findings findings) {
    if (node.isNull()) {
      return;
    }
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      if (Map.class.isAssignableFrom((Class<?>) generic.getRawType())) {
        expect(node.isObject(), path, node, "an object");
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
          text(entry.getKey(), path);
          check(entry.getValue(), arguments[1], dotted(path, entry.getKey()), findings);
        }
      } else {
        expect(node.isArray(), path, node, "an array");
        for (int i = 0; i < node.size(); i++) {
          String at = path + "[" + i + "]";
          expect(!node.get(i).isNull(), at, "null", "a value");
          check(node.get(i), arguments[0], at, findings);
        }
      }
      return;
    }
    Class<?> raw = (Class<?>) type;
    if (raw == Object.class || JsonNode.class.isAssignableFrom(raw)) {
      return;
    }
    if (raw == String.class) {
      expect(node.isTextual(), path, node, "a string");
      text(node.textValue(), path);
    } else if (raw == Boolean.class || raw == boolean.class) {
      expect(node.isBoolean(), path, node, "true or false");
    } else if (raw == Double.class || raw == double.class) {
      expect(node.isNumber() && Double.isFinite(node.doubleValue()), path, node, "a number");
    } else if (raw == Long.class || raw == long.class) {
      expect(node.isNumber() || node.isTextual(), path, node, "a whole number");
      whole(node, LONG_MIN, LONG_MAX, path);
    } else if (raw == Integer.class || raw == int.class) {
      expect(node.isNumber() || node.isTextual(), path, node, "a whole number");
      whole(
          node, BigDecimal.valueOf(Integer.MIN_VALUE), BigDecimal.valueOf(Integer.MAX_VALUE), path);
    } else if (raw.isEnum() || raw.getPackageName().equals("com.google.protobuf")) {
      expect(node.isTextual(), path, node, name(raw));
      scalar(node.textValue(), raw, path);
    } else {
      expect(node.isObject(), path, node, "an object");
      Map<String, Type> properties = PROPERTIES.get(raw);
      for (Map.Entry<String, JsonNode> entry : node.properties()) {
        String at = dotted(path, entry.getKey());
        Type property = properties.get(entry.getKey());
        if (property == null) {
          findings.unknown().add(Rejection.shortened(at));
        } else {
          findings.present().add(at);
          check(entry.getValue(), property, at, findings);
        }
      }
    }
  }

  /**
   * A scalar spelt as text, as in paths, query strings and forms.
   *
   * @throws com.databricks.sdk.core.error.platform.InvalidParameterValue it is none of its type
   */
  static Object scalar(String value, Class<?> type, String path) {
    if (type == String.class || type == Object.class) {
      return value;
    } else if (type == Long.class) {
      return whole(value, LONG_MIN, LONG_MAX, path).longValueExact();
    } else if (type == Integer.class) {
      return whole(
              value,
              BigDecimal.valueOf(Integer.MIN_VALUE),
              BigDecimal.valueOf(Integer.MAX_VALUE),
              path)
          .intValueExact();
    } else if (type == Boolean.class) {
      expect(value.equals("true") || value.equals("false"), path, value, "true or false");
      return Boolean.valueOf(value);
    } else if (type == Double.class) {
      double number = number(value, path).doubleValue();
      expect(Double.isFinite(number), path, value, "a number");
      return number;
    } else if (type.isEnum()) {
      for (Object constant : type.getEnumConstants()) {
        if (wire((Enum<?>) constant).equals(value)) {
          return constant;
        }
      }
      throw Rejection.value(path, value, name(type));
    }
    try {
      if (type == Timestamp.class) {
        return Timestamps.parse(value);
      } else if (type == Duration.class) {
        return Durations.parse(value);
      } else if (type == FieldMask.class) {
        expect(value.matches("[A-Za-z0-9_.*, ]*"), path, value, name(type));
        return FieldMaskUtil.fromString(value.replace(" ", ""));
      }
    } catch (ParseException e) {
      throw Rejection.value(path, value, name(type));
    }
    throw new IllegalStateException(path + " has a type that no text can spell: " + type);
  }

  private static BigDecimal number(String value, String path) {
    try {
      return new BigDecimal(value);
    } catch (NumberFormatException e) {
      throw Rejection.value(path, value, "a number");
    }
  }

  private static void whole(JsonNode node, BigDecimal least, BigDecimal most, String path) {
    if (node.isTextual()) {
      whole(node.textValue(), least, most, path);
    } else {
      whole(node.decimalValue(), least, most, path);
    }
  }

  private static BigDecimal whole(String value, BigDecimal least, BigDecimal most, String path) {
    if (!DECIMAL.matcher(value).matches()) {
      throw Rejection.value(path, value, "a whole number from " + least + " to " + most);
    }
    return whole(new BigDecimal(value), least, most, path);
  }

  /** 3 and 3.0 are whole, 3.7 is not. Bounds first: 1e999999999 must not be written out. */
  private static BigDecimal whole(
      BigDecimal number, BigDecimal least, BigDecimal most, String path) {
    String expected = "a whole number from " + least + " to " + most;
    if (number.signum() != 0
        && (number.precision() - (long) number.scale() > 20
            || number.precision() - (long) number.scale() <= 0)) {
      throw Rejection.value(path, number, expected);
    }
    boolean whole = number.stripTrailingZeros().scale() <= 0;
    expect(
        whole && number.compareTo(least) >= 0 && number.compareTo(most) <= 0,
        path,
        number,
        expected);
    return number;
  }

  /** Half a surrogate pair cannot be stored or sent back as it came. */
  private static void text(String value, String path) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < value.length()
          && Character.isLowSurrogate(value.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw Rejection.value(path, "\\u" + Integer.toHexString(c), "text without half characters");
      }
    }
  }

  private static void expect(boolean fits, String path, Object value, String expected) {
    if (!fits) {
      throw rejected(path, value, expected);
    }
  }

  private static DatabricksError rejected(String path, Object value, String expected) {
    return Rejection.value(
        path.isEmpty() ? "body" : path,
        value instanceof JsonNode node && node.isTextual() ? node.textValue() : value,
        expected);
  }

  private static String dotted(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  /** The constant as it is written on the wire. */
  static String wire(Enum<?> constant) {
    try {
      JsonProperty property =
          constant.getDeclaringClass().getField(constant.name()).getAnnotation(JsonProperty.class);
      return property == null ? constant.name() : property.value();
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException(constant + " is not a field of its own class", e);
    }
  }

  private static String name(Type type) {
    if (!(type instanceof Class<?> raw)) {
      return type.getTypeName();
    } else if (raw.isEnum()) {
      List<String> values =
          Arrays.stream(raw.getEnumConstants()).map(value -> wire((Enum<?>) value)).toList();
      return "one of "
          + String.join(", ", values.subList(0, Math.min(values.size(), 30)))
          + (values.size() > 30 ? ", …" : "");
    } else if (raw == Timestamp.class) {
      return "a time such as 2026-01-31T12:00:00Z";
    } else if (raw == Duration.class) {
      return "a duration such as 3.5s";
    } else if (raw == FieldMask.class) {
      return "names of fields with commas between";
    }
    return raw.getSimpleName();
  }

  /** JSON name and type of what an SDK object or a record may hold in a body. */
  static Map<String, Type> properties(Class<?> type) {
    Map<String, Type> properties = new LinkedHashMap<>();
    if (type.isRecord()) {
      for (RecordComponent component : type.getRecordComponents()) {
        properties.put(name(component), component.getGenericType());
      }
    } else {
      for (Field field : type.getDeclaredFields()) {
        JsonProperty property = field.getAnnotation(JsonProperty.class);
        if (property != null) {
          properties.put(property.value(), field.getGenericType());
        }
      }
    }
    return properties;
  }

  /** What a component of one of our own records is called in JSON: snake_case unless it says. */
  static String name(RecordComponent component) {
    JsonProperty property = component.getAccessor().getAnnotation(JsonProperty.class);
    return property == null ? snake(component.getName()) : property.value();
  }

  static String snake(String camel) {
    return camel.replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
  }

  static boolean isCollection(Type type) {
    return type instanceof ParameterizedType generic
        && Collection.class.isAssignableFrom((Class<?>) generic.getRawType());
  }
}
