package dev.tarn.http;

import com.databricks.sdk.core.ApiClient;
import com.databricks.sdk.core.DatabricksConfig;
import com.databricks.sdk.core.http.Request;
import com.databricks.sdk.core.http.Response;
import com.databricks.sdk.core.utils.SerDeUtils;
import com.databricks.sdk.support.QueryParam;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;

/**
 * Asks the SDK which requests it sends. Verb and path are literals inside the SDK's method bodies,
 * so each operation of each service is called once with a request full of sentinels and a client
 * that records instead of sending. Runs when the server is built; {@link SdkOperation} reads what
 * it wrote.
 */
public final class OperationRecorder {
  private static final String HOST = "http://tarn.invalid";
  private static final String ACCOUNT = "((account_id))";

  /** Nothing tells how deep a request goes; two levels tell sub-objects of one type apart. */
  private static final int DEPTH = 2;

  private final ObjectMapper mapper = SerDeUtils.createMapper();
  private final List<Request> recorded = new ArrayList<>();

  /** Field name by what stands for it in a recorded path; the longest first, they may nest. */
  private final Map<String, String> sentinels =
      new TreeMap<>(
          Comparator.comparing(String::length).reversed().thenComparing(Comparator.naturalOrder()));

  private final ApiClient client;
  private long nextNumber;

  private OperationRecorder() {
    DatabricksConfig config =
        new DatabricksConfig().setHost(HOST).setAccountId(ACCOUNT).setWorkspaceId("((workspace))");
    client =
        new ApiClient.Builder()
            .withDatabricksConfig(config)
            .withAuthenticateFunc(ignored -> Map.of())
            .withGetHostFunc(ignored -> HOST)
            .withGetAuthTypeFunc(ignored -> "none")
            .withHttpClient(this::record)
            .build();
  }

  /** Writes the operations to the file named by the only argument, unless it is up to date. */
  public static void main(String[] arguments) throws Exception {
    Path file = Path.of(arguments[0]);
    String stamp = stamp();
    if (Files.exists(file)) {
      try (var lines = Files.lines(file)) {
        if (lines.findFirst().orElse("").equals(stamp)) {
          return;
        }
      }
    }
    List<String> lines = new ArrayList<>(List.of(stamp));
    record().stream().map(SdkOperation::toLine).forEach(lines::add);
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.write(file, lines);
  }

  /** Changes when the SDK or this class does. */
  private static String stamp() throws Exception {
    CRC32 crc = new CRC32();
    for (Class<?> type : List.of(OperationRecorder.class, SdkOperation.class)) {
      try (InputStream code = type.getResourceAsStream(type.getSimpleName() + ".class")) {
        crc.update(code.readAllBytes());
      }
    }
    return "# " + jar().getFileName() + " " + Long.toHexString(crc.getValue());
  }

  private static Path jar() throws Exception {
    return Path.of(ApiClient.class.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  /** Every operation of every service of the SDK on the class path, in order of its name. */
  static List<SdkOperation> record() throws Exception {
    OperationRecorder recorder = new OperationRecorder();
    List<SdkOperation> operations = new ArrayList<>();
    for (Class<?> service : services()) {
      Class<?> type = Class.forName(service.getName().replaceFirst("Service$", "Impl"));
      Constructor<?> constructor = type.getDeclaredConstructors()[0];
      if (constructor.getParameterCount() != 1) {
        continue; // a data plane: its calls go to hosts of their own, not to a workspace's API
      }
      constructor.setAccessible(true);
      Object instance = constructor.newInstance(recorder.client);
      for (Method method : service.getDeclaredMethods()) {
        if (Modifier.isAbstract(method.getModifiers())) {
          operations.add(recorder.record(service, instance, method));
        }
      }
    }
    operations.sort(
        Comparator.comparing(SdkOperation::service)
            .thenComparing(SdkOperation::method)
            .thenComparing(SdkOperation::request));
    return operations;
  }

  private static List<Class<?>> services() throws Exception {
    List<Class<?>> services = new ArrayList<>();
    try (FileSystem jar = FileSystems.newFileSystem(jar());
        var files = Files.walk(jar.getPath("/com/databricks/sdk/service"))) {
      for (Path file : files.sorted().toList()) {
        String name = file.toString();
        if (name.endsWith("Service.class")) {
          Class<?> type =
              Class.forName(name.substring(1, name.length() - ".class".length()).replace('/', '.'));
          if (type.isInterface()) {
            services.add(type);
          }
        }
      }
    }
    return services;
  }

  private Response record(Request request) throws IOException {
    recorded.add(request);
    return new Response(
        request,
        URI.create(HOST + "/").toURL(),
        200,
        "OK",
        Map.of(),
        new ByteArrayInputStream("null".getBytes(StandardCharsets.UTF_8)));
  }

  private SdkOperation record(Class<?> service, Object instance, Method method) throws Exception {
    recorded.clear();
    sentinels.clear();
    Object request = null;
    if (method.getParameterCount() == 1) {
      Class<?> type = method.getParameterTypes()[0];
      request = type == Map.class ? Map.of("key", "value") : filled(type, "", 0);
    }
    try {
      method.setAccessible(true);
      if (request == null) {
        method.invoke(instance);
      } else {
        method.invoke(instance, request);
      }
    } catch (InvocationTargetException e) {
      // What the SDK makes of our empty answer does not matter once the request is recorded.
      if (recorded.isEmpty()) {
        throw e;
      }
    }
    Request sent = recorded.getFirst();
    return new SdkOperation(
        service.getName(),
        method.getName(),
        request == null ? "" : method.getParameterTypes()[0].getName(),
        sent.getMethod(),
        template(sent.getUrl().substring(HOST.length()).split("\\?", 2)[0]),
        body(sent, request),
        answer(method.getGenericReturnType()),
        sent.getHeaders().containsKey("X-Databricks-Workspace-Id"));
  }

  private String template(String path) {
    String template = path.replace(ACCOUNT, "{account_id}");
    for (Map.Entry<String, String> sentinel : sentinels.entrySet()) {
      template = template.replace(sentinel.getKey(), "{" + sentinel.getValue() + "}");
    }
    return URLDecoder.decode(template, StandardCharsets.UTF_8).replace("{/", "/{");
  }

  private String body(Request sent, Object request) throws Exception {
    if (sent.isBodyStreaming()) {
      for (Field field : fields(request.getClass())) {
        if (field.get(request) == sent.getBodyStream()) {
          return "stream:" + field.getName();
        }
      }
      throw new IllegalStateException("no field of " + request.getClass() + " is the stream sent");
    }
    if (sent.getBodyString() == null || request == null) {
      return "none";
    }
    JsonNode body = mapper.readTree(sent.getBodyString());
    if (body.equals(mapper.valueToTree(request))) {
      return "whole";
    }
    for (Field field : fields(request.getClass())) {
      if (body.equals(mapper.valueToTree(field.get(request)))) {
        return "field:" + field.getName();
      }
    }
    throw new IllegalStateException(
        "the body of " + request.getClass() + " is neither it nor one of its fields");
  }

  private static String answer(Type type) {
    if (type instanceof ParameterizedType generic) {
      return generic.getRawType() == Map.class ? "map" : "array";
    }
    return type == void.class ? "void" : ((Class<?>) type).getName();
  }

  private Object filled(Class<?> type, String prefix, int depth) throws Exception {
    Object object = type.getDeclaredConstructor().newInstance();
    for (Field field : fields(type)) {
      field.set(object, value(field.getGenericType(), prefix + snake(field), depth));
    }
    return object;
  }

  private Object value(Type type, String name, int depth) throws Exception {
    if (type instanceof ParameterizedType generic) {
      if (generic.getRawType() == Map.class || depth >= DEPTH) {
        return generic.getRawType() == Map.class ? Map.of() : List.of();
      }
      Object item = value(generic.getActualTypeArguments()[0], name, depth + 1);
      return item == null ? List.of() : List.of(item);
    }
    Class<?> raw = (Class<?>) type;
    if (raw == String.class) {
      return sentinel("((" + name + "))", name);
    } else if (raw == Long.class) {
      return Long.valueOf(sentinel(Long.toString(7_000_000_000L + nextNumber++), name));
    } else if (raw == InputStream.class) {
      return new ByteArrayInputStream(new byte[0]);
    } else if (raw.isEnum()) {
      Object constant = raw.getEnumConstants()[0];
      sentinels.put("/" + constant, "/" + name);
      return constant;
    } else if (raw.getName().startsWith("com.databricks.sdk.service.")) {
      Object object = depth >= DEPTH ? null : filled(raw, name + ".", depth + 1);
      sentinel(String.valueOf(object), name); // one operation prints an object into its path
      return object;
    }
    return null;
  }

  private String sentinel(String value, String name) {
    sentinels.put(value, name);
    return value;
  }

  private static List<Field> fields(Class<?> type) {
    List<Field> fields = new ArrayList<>();
    for (Field field : type.getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers())) {
        field.setAccessible(true);
        fields.add(field);
      }
    }
    return fields;
  }

  static String snake(Field field) {
    QueryParam query = field.getAnnotation(QueryParam.class);
    if (query != null) {
      return query.value();
    }
    return field.getName().replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
  }
}
