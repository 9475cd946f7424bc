package dev.tarn.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.TestServer;
import dev.tarn.http.Routes.Route;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Every route of the product, whoever mounted it. */
class SweepTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static String path(String template) {
    return template
        .replace("{account_id}", server.accountId())
        .replaceAll("(?<!/)\\{[^}]*}", "/1")
        .replaceAll("\\{[^}]*}", "1");
  }

  @Test
  void anonymousIsUnauthenticatedOnEveryRoute() throws Exception {
    List<String> open = new ArrayList<>();
    for (Route route : server.routes().all()) {
      if (!route.allow().contains(Role.ANYONE)) {
        HttpResponse<String> answer =
            server.send(null, route.verb(), path(route.path().toString()), null);
        if (answer.statusCode() != 401) {
          open.add(answer.statusCode() + " " + route.verb() + " " + route.path());
        }
      }
    }
    assertThat(open).isEmpty();
  }

  @Test
  void whatIsNotBuiltIsNotFound() throws Exception {
    List<String> wrong = new ArrayList<>();
    int asked = 0;
    for (SdkOperation operation : server.routes().operations()) {
      String path = path(operation.path());
      if (server.routes().find(operation.verb(), path) == null) {
        asked++;
        HttpResponse<String> answer = server.send("admin", operation.verb(), path, null);
        boolean told =
            operation.verb().equals("HEAD")
                || answer.body().contains("ENDPOINT_NOT_FOUND")
                || answer.body().startsWith("{\"error\":\"No API found for '")
                || answer.body().contains("urn:ietf:params:scim:api:messages:2.0:Error");
        if (answer.statusCode() != 404 || !told) {
          wrong.add(answer.statusCode() + " " + operation.verb() + " " + path);
        }
      }
    }
    assertThat(wrong).isEmpty();
    assertThat(asked).isGreaterThan(500);
  }

  @Test
  void anUnknownEnumIsRefusedWhereverItIsSent() throws Exception {
    List<String> wrong = new ArrayList<>();
    for (Route route : server.routes().all()) {
      RequestBinding binding = route.binding();
      Set<Role> admin = server.roles("admin");
      if (binding.type() == null || route.allow().stream().noneMatch(admin::contains)) {
        continue;
      }
      String path = path(route.path().toString());
      for (String parameter : binding.queryEnums()) {
        check(wrong, route, path + "?" + parameter + "=BOGUS", null);
      }
      Type body = binding.bodyType();
      if (body != null) {
        List<String> bodies = new ArrayList<>();
        bogus(body, "%s", List.of(), bodies);
        for (String each : bodies) {
          check(wrong, route, path, each);
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  private static void check(List<String> wrong, Route route, String path, String body)
      throws Exception {
    HttpResponse<String> answer = server.send("admin", route.verb(), path, body);
    if (answer.statusCode() != 400 || !answer.body().contains("BOGUS")) {
      wrong.add(answer.statusCode() + " " + route.verb() + " " + path + " " + body);
    }
  }

  /** Bodies that hold nothing but one enum field somewhere below {@code type}. */
  private static void bogus(Type type, String around, List<Type> above, List<String> bodies) {
    if (above.contains(type) || above.size() > 6) {
      return;
    }
    List<Type> path = new ArrayList<>(above);
    path.add(type);
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      bogus(
          arguments[arguments.length - 1],
          around.formatted(arguments.length == 1 ? "[%s]" : "{\"key\":%s}"),
          path,
          bodies);
    } else if (((Class<?>) type).isEnum()) {
      bodies.add(around.formatted("\"BOGUS\""));
    } else if (((Class<?>) type).isRecord()
        || ((Class<?>) type).getName().startsWith("com.databricks.sdk.service.")) {
      for (Map.Entry<String, Type> field : StrictJson.properties((Class<?>) type).entrySet()) {
        bogus(field.getValue(), around.formatted("{\"" + field.getKey() + "\":%s}"), path, bodies);
      }
    }
  }
}
