package dev.tarn.http;

import com.databricks.sdk.support.QueryParam;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.http.StrictJson.Findings;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/** How the arguments of one operation are read from a request; worked out once, at start. */
final class RequestBinding {
  /** These say which workspace is meant; the authenticator has read them. */
  private static final Set<String> WORKSPACE = Set.of("o", "w");

  private final Class<?> type;
  private final boolean wantsPresence;
  private final String body;
  private final Set<String> variables;
  private final Map<String, List<Field>> query = new LinkedHashMap<>();

  private RequestBinding(Class<?> type, boolean wantsPresence, String body, Set<String> variables) {
    this.type = type;
    this.wantsPresence = wantsPresence;
    this.body = body;
    this.variables = variables;
  }

  /**
   * What a request said, for the audit record.
   *
   * @param values the operation's arguments after the caller
   * @param query names and values of query and form
   * @param body the tree of a JSON body, or null
   * @param unknown names of fields and parameters that the operation does not know
   */
  record Arguments(
      List<Object> values, Map<String, List<String>> query, JsonNode body, Set<String> unknown) {}

  /**
   * @throws IllegalStateException the method cannot be called with what the operation sends
   */
  static RequestBinding of(Method method, SdkOperation operation, PathTemplate path) {
    Class<?>[] types = method.getParameterTypes();
    int last = types.length - 1;
    boolean presence = types[last] == Presence.class;
    int requests = types.length - 1 - (presence ? 1 : 0);
    if (requests > 1) {
      throw new IllegalStateException(
          method + " (expected: a caller, at most one request, at most one Presence)");
    }
    Class<?> type = requests == 0 ? null : types[1];
    if (takesWholeBody(method)) {
      return of(type, presence, null, path);
    }
    if (operation == null && type != null && !type.isRecord()) {
      throw new IllegalStateException(method + ": its request " + type + " is not a record");
    }
    if (operation == null && type != null) {
      for (RecordComponent component : type.getRecordComponents()) {
        if (component.getType().isPrimitive()) {
          throw new IllegalStateException(
              method + ": " + component + " cannot be absent (expected: the boxed type)");
        }
      }
    }
    return of(type, presence, operation, path);
  }

  static RequestBinding of(
      Class<?> type, boolean presence, SdkOperation operation, PathTemplate path) {
    RequestBinding binding =
        new RequestBinding(
            type,
            presence,
            operation == null ? "own" : operation.body(),
            Set.copyOf(path.variables()));
    if (operation != null && type != null && type != Map.class) {
      binding.addQuery(type, "", List.of());
    }
    return binding;
  }

  static boolean takesWholeBody(Method method) {
    Class<?>[] types = method.getParameterTypes();
    return types.length > 1 && types[1].isRecord() && wholeBody(types[1]);
  }

  private static boolean wholeBody(Class<?> type) {
    return Arrays.stream(type.getRecordComponents())
        .anyMatch(component -> component.isAnnotationPresent(WholeBody.class));
  }

  /** The body is bytes for the operation itself, however many. */
  boolean streams() {
    return body.startsWith("stream:")
        || (type != null
            && type.isRecord()
            && Arrays.stream(type.getRecordComponents())
                .anyMatch(component -> component.getType() == InputStream.class));
  }

  /** The request, null when the operation has none. */
  Class<?> type() {
    return type;
  }

  /** What the JSON body is read as, null when there is none. */
  Type bodyType() {
    if (body.startsWith("field:")) {
      return field(type, body.substring("field:".length())).getGenericType();
    }
    return body.equals("whole") || (type != null && type.isRecord() && !streams()) ? type : null;
  }

  /** Names of the query's parameters that are enums. */
  List<String> queryEnums() {
    return query.entrySet().stream()
        .filter(
            entry -> {
              Type last = entry.getValue().getLast().getGenericType();
              return StrictJson.isCollection(last)
                  ? ((Class<?>) ((ParameterizedType) last).getActualTypeArguments()[0]).isEnum()
                  : ((Class<?>) last).isEnum();
            })
        .map(Map.Entry::getKey)
        .toList();
  }

  private void addQuery(Class<?> owner, String prefix, List<Field> way) {
    for (Field field : owner.getDeclaredFields()) {
      QueryParam query = field.getAnnotation(QueryParam.class);
      JsonProperty json = field.getAnnotation(JsonProperty.class);
      String name =
          query != null ? query.value() : way.isEmpty() || json == null ? null : json.value();
      if (name == null) {
        continue;
      }
      field.setAccessible(true);
      List<Field> further = new ArrayList<>(way);
      further.add(field);
      Class<?> type = field.getType();
      if (type.getName().startsWith("com.databricks.sdk.service.") && !type.isEnum()) {
        if (way.size() < 4) {
          addQuery(type, prefix + name + ".", further);
        }
      } else {
        this.query.put(prefix + name, List.copyOf(further));
      }
    }
  }

  /**
   * Reads the arguments.
   *
   * @param path variables, decoded
   * @param queryString as sent, or null
   * @param header value of a header by lower-case name, or null
   * @param body read only if the operation has one
   * @throws com.databricks.sdk.core.DatabricksError status 400, saying where it does not fit
   */
  Arguments read(
      Map<String, String> path, String queryString, UnaryOperator<String> header, RequestBody body)
      throws IOException {
    Findings findings = new Findings(new TreeSet<>(), new TreeSet<>());
    Map<String, List<String>> parameters = parameters(queryString);
    Sent sent = new Sent(path, parameters, header, body, findings);
    Object request = null;
    if (type == null) {
      parameters.keySet().forEach(name -> unknownParameter(name, findings));
    } else {
      request = type.isRecord() ? record(sent) : sdkRequest(sent);
    }
    List<Object> values = new ArrayList<>();
    if (type != null) {
      values.add(request);
    }
    if (wantsPresence) {
      values.add(new Presence(Set.copyOf(findings.present())));
    }
    return new Arguments(values, parameters, sent.tree, findings.unknown());
  }

  /** A request on its way to becoming arguments. */
  private static final class Sent {
    final Map<String, String> path;
    final Map<String, List<String>> query;
    final UnaryOperator<String> header;
    final RequestBody body;
    final Findings findings;
    JsonNode tree;

    Sent(
        Map<String, String> path,
        Map<String, List<String>> query,
        UnaryOperator<String> header,
        RequestBody body,
        Findings findings) {
      this.path = path;
      this.query = query;
      this.header = header;
      this.body = body;
      this.findings = findings;
    }
  }

  private Object sdkRequest(Sent sent) throws IOException {
    Object request = null;
    if (body.equals("whole")) {
      sent.tree = StrictJson.parse(sent.body.bytes());
      if (sent.tree != null && !sent.tree.isNull()) {
        Type whole = type == Map.class ? STRING_MAP : type;
        request = StrictJson.read(sent.tree, whole, "", sent.findings);
      }
    }
    if (type == Map.class) {
      return request == null ? Map.of() : request;
    }
    if (request == null) {
      request = newInstance(type);
    }
    if (body.startsWith("field:")) {
      sent.tree = StrictJson.parse(sent.body.bytes());
      if (sent.tree != null) {
        Field field = field(type, body.substring("field:".length()));
        set(field, request, StrictJson.read(sent.tree, field.getGenericType(), "", sent.findings));
      }
    } else if (body.startsWith("stream:")) {
      set(field(type, body.substring("stream:".length())), request, sent.body.stream());
    }
    for (Field field : type.getDeclaredFields()) {
      String name = OperationRecorder.snake(field);
      if (variables.contains(name)) {
        field.setAccessible(true);
        set(field, request, StrictJson.scalar(sent.path.get(name), field.getType(), name));
      }
    }
    for (Map.Entry<String, List<String>> parameter : sent.query.entrySet()) {
      String name = parameter.getKey();
      List<Field> way = query.get(name);
      if (way == null) {
        unknownParameter(name, sent.findings);
        continue;
      }
      sent.findings.present().add(name);
      Object owner = request;
      for (Field field : way.subList(0, way.size() - 1)) {
        owner = getOrMake(field, owner);
      }
      Field field = way.getLast();
      set(field, owner, value(parameter.getValue(), field.getGenericType(), name));
    }
    return request;
  }

  private Object record(Sent sent) throws IOException {
    if (!streams()) {
      byte[] bytes = sent.body.bytes();
      String contentType = sent.header.apply("content-type");
      if (contentType != null
          && contentType.startsWith("application/x-www-form-urlencoded")
          && bytes.length > 0
          && bytes[0] != '{') {
        parameters(new String(bytes, StandardCharsets.UTF_8))
            .forEach((name, values) -> sent.query.merge(name, values, RequestBinding::joined));
      } else {
        sent.tree = StrictJson.parse(bytes);
        if (sent.tree != null && !sent.tree.isObject()) {
          throw Rejection.value("body", sent.tree, "an object");
        }
      }
    }
    RecordComponent[] components = type.getRecordComponents();
    Object[] values = new Object[components.length];
    Set<String> known = new TreeSet<>();
    for (int i = 0; i < components.length; i++) {
      RecordComponent component = components[i];
      String name = StrictJson.name(component);
      FromHeader header = component.getAnnotation(FromHeader.class);
      if (header != null) {
        values[i] = sent.header.apply(header.value());
        continue;
      } else if (component.getType() == Visit.class) {
        values[i] = Visit.of(sent.header);
        continue;
      } else if (component.isAnnotationPresent(WholeBody.class)) {
        values[i] = sent.tree;
        continue;
      } else if (component.getType() == InputStream.class) {
        values[i] = sent.body.stream();
        continue;
      }
      known.add(name);
      if (sent.path.containsKey(name)) {
        values[i] = StrictJson.scalar(sent.path.get(name), component.getType(), name);
      } else if (sent.tree != null && !wholeBody(type) && sent.tree.has(name)) {
        sent.findings.present().add(name);
        values[i] =
            StrictJson.read(sent.tree.get(name), component.getGenericType(), name, sent.findings);
      } else if (sent.query.containsKey(name)) {
        sent.findings.present().add(name);
        values[i] = value(sent.query.get(name), component.getGenericType(), name);
      }
    }
    sent.query.keySet().stream()
        .filter(name -> !known.contains(name))
        .forEach(name -> unknownParameter(name, sent.findings));
    if (sent.tree != null && !wholeBody(type)) {
      sent.tree
          .fieldNames()
          .forEachRemaining(
              name -> {
                if (!known.contains(name)) {
                  sent.findings.unknown().add(Rejection.shortened(name));
                }
              });
    }
    return newRecord(values);
  }

  private static void unknownParameter(String name, Findings findings) {
    if (!WORKSPACE.contains(name)) {
      findings.unknown().add("?" + Rejection.shortened(name));
    }
  }

  private static List<String> joined(List<String> one, List<String> other) {
    List<String> both = new ArrayList<>(one);
    both.addAll(other);
    return both;
  }

  private static Object value(List<String> texts, Type type, String name) {
    if (StrictJson.isCollection(type)) {
      Class<?> item = (Class<?>) ((ParameterizedType) type).getActualTypeArguments()[0];
      List<Object> values = new ArrayList<>();
      for (String text : texts) {
        values.add(StrictJson.scalar(text, item, name));
      }
      return values;
    }
    if (texts.size() > 1) {
      throw Rejection.value(name, texts, "one value");
    }
    Class<?> raw = (Class<?>) (type instanceof ParameterizedType map ? map.getRawType() : type);
    if (raw != String.class && texts.getFirst().isEmpty()) {
      return null; // ?page_size= is how some clients say nothing
    }
    if (Map.class.isAssignableFrom(raw) || raw.isRecord() || JsonNode.class == raw) {
      throw Rejection.value(name, texts.getFirst(), "to be in a JSON body");
    }
    return StrictJson.scalar(texts.getFirst(), raw, name);
  }

  /** Names and values of a query string or form, in order, all that repeat. */
  static Map<String, List<String>> parameters(String text) {
    Map<String, List<String>> parameters = new LinkedHashMap<>();
    if (text != null) {
      for (String pair : text.split("&", -1)) {
        if (!pair.isEmpty()) {
          int equals = pair.indexOf('=');
          String name = decoded(equals < 0 ? pair : pair.substring(0, equals));
          String value = equals < 0 ? "" : decoded(pair.substring(equals + 1));
          parameters.computeIfAbsent(name, ignored -> new ArrayList<>()).add(value);
        }
      }
    }
    return parameters;
  }

  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw Rejection.malformed("query", text, "percent-encoded UTF-8");
    }
  }

  private static final Type STRING_MAP = new TypeReference<Map<String, String>>() {}.getType();

  private static Field field(Class<?> type, String name) {
    try {
      Field field = type.getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException(type + " has no field " + name, e);
    }
  }

  private static void set(Field field, Object owner, Object value) {
    try {
      field.set(owner, value);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("cannot set " + field, e);
    }
  }

  private static Object getOrMake(Field field, Object owner) {
    try {
      if (field.get(owner) == null) {
        field.set(owner, newInstance(field.getType()));
      }
      return field.get(owner);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("cannot read " + field, e);
    }
  }

  private static Object newInstance(Class<?> type) {
    try {
      return type.getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot make a " + type, e);
    }
  }

  private Object newRecord(Object[] values) {
    Class<?>[] types =
        Arrays.stream(type.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    try {
      Constructor<?> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException thrown) {
        throw thrown;
      }
      throw new IllegalStateException("cannot make a " + type, e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot make a " + type, e);
    }
  }
}
