package dev.tarn.http;

import com.databricks.sdk.support.QueryParam;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which method answers which request. A service's methods are matched to the SDK's operations by
 * name and request type when the server starts; a start fails rather than serve a method of which
 * it is not said who may call it, which is no operation, or which has a rival.
 */
public final class Routes {
  private final List<SdkOperation> operations = SdkOperation.all();
  private final Map<String, Route> byKey = new LinkedHashMap<>();
  private final Map<String, List<Route>> byVerb = new HashMap<>();
  private final Set<Method> mounted = new HashSet<>();
  private final Set<Class<?>> services = new HashSet<>();
  private final Set<String> answered = new HashSet<>();

  /**
   * One operation that can be called.
   *
   * @param operation the SDK's, null for our own
   * @param binding how its request is read; null, as is the method, for one that is not built
   * @param collection see {@link SdkOperation#collection}
   */
  record Route(
      String verb,
      PathTemplate path,
      String action,
      Set<Role> allow,
      SdkOperation operation,
      RequestBinding binding,
      Method method,
      Object service,
      String collection) {}

  /** A route and the variables of the path that led to it. */
  record Match(Route route, Map<String, String> variables) {}

  /**
   * Mounts those methods of {@code service} that are operations of one of the SDK's services: they
   * have its name and request, or its name and a record that takes the {@link WholeBody}.
   *
   * @throws IllegalStateException one of them has no {@link Allow}, or a rival
   */
  public void mount(Class<?> sdkService, Object service) {
    services.add(service.getClass());
    for (Method method : methods(service)) {
      if (method.isAnnotationPresent(Operation.class)) {
        continue;
      }
      operations.stream()
          .filter(
              operation ->
                  operation.service().equals(sdkService.getName())
                      && operation.method().equals(method.getName())
                      && (operation.request().equals(requestType(method))
                          || RequestBinding.takesWholeBody(method)))
          .findFirst()
          .ifPresent(
              operation ->
                  add(
                      operation.verb(),
                      operation.path(),
                      operation.name(),
                      operation,
                      method,
                      service));
    }
  }

  /**
   * Mounts the methods of {@code service} that say their own {@link Operation}.
   *
   * @throws IllegalStateException one of them has no {@link Allow}, or a rival
   */
  public void mountOwn(Object service) {
    services.add(service.getClass());
    for (Method method : methods(service)) {
      Operation own = method.getAnnotation(Operation.class);
      if (own != null) {
        String[] words = own.value().split(" ", -1);
        if (words.length != 2 || !words[1].startsWith("/")) {
          throw new IllegalStateException(
              method + ": '" + own.value() + "' (expected: a verb, a space, a path)");
        }
        String action =
            service.getClass().getPackageName().replaceFirst(".*\\.", "")
                + "."
                + service.getClass().getSimpleName()
                + "."
                + method.getName();
        add(words[0], words[1], action, null, method, service);
      }
    }
  }

  /**
   * Says that the SDK's operations on paths that begin so are answered by what is mounted for paths
   * that are less special: one operation, of which the SDK has a form for each kind of object.
   */
  public void answersBelow(String beginning) {
    answered.add(beginning);
  }

  boolean isAnswered(SdkOperation operation) {
    return answered.stream().anyMatch(operation.path()::startsWith);
  }

  /**
   * To be called when all is mounted.
   *
   * @throws IllegalStateException a method says who may call it, but is no operation
   */
  public void complete() {
    for (Class<?> service : services) {
      for (Method method : service.getDeclaredMethods()) {
        if (method.isAnnotationPresent(Allow.class) && !mounted.contains(method)) {
          throw new IllegalStateException(
              method
                  + " has @Allow, but no operation of the SDK services it was mounted for has its"
                  + " name and request type, and it has no @Operation that was mounted");
        }
      }
    }
    sort();
    for (SdkOperation operation : operations) {
      if (!isAnswered(operation)) {
        shadow(operation);
      }
    }
    sort();
  }

  private void sort() {
    byVerb.values().forEach(routes -> routes.sort(Comparator.comparing(Route::path)));
  }

  /** {@code /things/summary} that is not built must not be taken for {@code /things/{id}}. */
  private void shadow(SdkOperation operation) {
    PathTemplate path = new PathTemplate(operation.path());
    String sample = operation.path().replaceAll("[^/]*\\{[^}]*}", "x");
    Match match = findExactly(operation.verb(), sample);
    if (match != null
        && match.route().method() != null
        && !match.route().path().shape().equals(path.shape())) {
      byVerb
          .get(operation.verb())
          .add(
              new Route(
                  operation.verb(),
                  path,
                  operation.name(),
                  Set.of(),
                  operation,
                  null,
                  null,
                  null,
                  operation.collection()));
    }
  }

  private void add(
      String verb,
      String template,
      String action,
      SdkOperation operation,
      Method method,
      Object service) {
    Allow allow = method.getAnnotation(Allow.class);
    if (allow == null || allow.value().length == 0) {
      throw new IllegalStateException(
          method + " answers '" + verb + " " + template + "' but has no @Allow: who may call it?");
    }
    Ignores ignores = method.getAnnotation(Ignores.class);
    if (ignores != null && operation != null) {
      for (String field : ignores.value()) {
        checkField(method, field);
      }
    }
    Recorded recorded = method.getAnnotation(Recorded.class);
    if (recorded != null && operation != null) {
      for (String field : recorded.value()) {
        checkField(method, field);
      }
    }
    method.setAccessible(true);
    PathTemplate path = new PathTemplate(template);
    Route route =
        new Route(
            verb,
            path,
            action,
            Set.of(allow.value()),
            operation,
            RequestBinding.of(method, operation, path),
            method,
            service,
            operation == null ? "" : operation.collection());
    Route rival = byKey.putIfAbsent(verb + " " + path.shape() + " " + route.collection(), route);
    if (rival != null) {
      throw new IllegalStateException(
          "two methods answer '"
              + verb
              + " "
              + template
              + "': "
              + rival.method()
              + " and "
              + method);
    }
    mounted.add(method);
    byVerb.computeIfAbsent(verb, ignored -> new ArrayList<>()).add(route);
  }

  /** What is said to be ignored must be a field that can be sent. */
  private static void checkField(Method method, String field) {
    Type type = method.getParameterTypes()[1];
    for (String name : field.replaceFirst(":.*", "").split("\\.", -1)) {
      Type next = type instanceof Class<?> owner ? field(owner, name) : null;
      if (next == null) {
        throw new IllegalStateException(
            method + " says that it ignores '" + field + "', but " + type + " has no such field");
      }
      type = next;
    }
  }

  private static Type field(Class<?> owner, String name) {
    for (Field field : owner.getDeclaredFields()) {
      QueryParam query = field.getAnnotation(QueryParam.class);
      if (query != null && query.value().equals(name)) {
        return field.getGenericType();
      }
    }
    return StrictJson.properties(owner).get(name);
  }

  /** The route for a path as sent, or null: older spellings are tried when there is none. */
  Match find(String verb, String path) {
    Match match = findExactly(verb, path);
    if (match == null) {
      String newer = OlderPaths.newer(path);
      match = newer == null ? null : findExactly(verb, newer);
    }
    return match == null || match.route().method() == null ? null : match;
  }

  private Match findExactly(String verb, String path) {
    List<String> segments = PathTemplate.segments(path);
    for (Route route : byVerb.getOrDefault(verb, List.of())) {
      Map<String, String> variables = route.path().match(segments);
      if (variables == null) {
        continue;
      }
      String collection = route.collection();
      if (collection.isEmpty() || names(variables, collection)) {
        return new Match(route, variables);
      }
    }
    return null;
  }

  /** Whether the resource name in the path is that of a thing in {@code collection}. */
  private static boolean names(Map<String, String> variables, String collection) {
    if (variables.containsKey("parent")) {
      return true; // the collection follows in the path itself
    }
    String[] words = variables.getOrDefault("name", "").split("/", -1);
    String last = words.length < 2 ? "" : words[words.length - 2];
    return collection.equals(last) || (!last.isEmpty() && collection.endsWith("-" + last));
  }

  /** All that is mounted, in order of mounting. */
  List<Route> all() {
    return List.copyOf(byKey.values());
  }

  /** What the SDK can ask for. */
  List<SdkOperation> operations() {
    return operations;
  }

  private static List<Method> methods(Object service) {
    List<Method> methods = new ArrayList<>();
    for (Method method : service.getClass().getDeclaredMethods()) {
      if (Modifier.isPublic(method.getModifiers())
          && !Modifier.isStatic(method.getModifiers())
          && !method.isSynthetic()
          && method.getParameterCount() > 0
          && method.getParameterTypes()[0] == Caller.class) {
        methods.add(method);
      }
    }
    methods.sort(Comparator.comparing(Method::toString));
    return methods;
  }

  /** Class name of the argument between caller and presence, "" when there is none. */
  private static String requestType(Method method) {
    Class<?>[] types = method.getParameterTypes();
    return types.length < 2 || types[1] == Presence.class ? "" : types[1].getName();
  }
}
