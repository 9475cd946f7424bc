package dev.tarn.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.compute.CreateCluster;
import com.databricks.sdk.service.compute.ListClustersRequest;
import com.databricks.sdk.service.jobs.CreateJob;
import com.databricks.sdk.service.provisioning.CreateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.UpdateWorkspaceRequest;
import com.databricks.sdk.service.sql.ExecuteStatementRequest;
import com.databricks.sdk.service.sql.ListQueryHistoryRequest;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tarn.database.Json;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("database-blind") // see CONTRIBUTING
class RequestBindingTest {
  private static final List<SdkOperation> OPERATIONS = SdkOperation.all();

  /** A body at hand. */
  private record Body(String text) implements RequestBody {
    @Override
    public byte[] bytes() {
      return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public InputStream stream() {
      return new ByteArrayInputStream(bytes());
    }
  }

  public record Nested(String innerName, List<Long> someNumbers) {}

  public record Own(
      String thingId,
      Long pageSize,
      List<String> manyNames,
      Nested nestedThing,
      Map<String, String> labels,
      @FromHeader("authorization") String authorization) {}

  public static final class Service {
    public void own(Caller caller, Own request, Presence presence) {}

    public void create(Caller caller, CreateWorkspaceRequest request, Presence presence) {}
  }

  private static RequestBinding.Arguments read(
      String operation, Map<String, String> path, String query, String body) throws Exception {
    SdkOperation found =
        OPERATIONS.stream().filter(each -> each.name().equals(operation)).findFirst().orElseThrow();
    return RequestBinding.of(
            Class.forName(found.request()), true, found, new PathTemplate(found.path()))
        .read(path, query, name -> null, new Body(body));
  }

  private static String refusal(String operation, String query, String body) {
    Throwable thrown = catchThrowable(() -> read(operation, Map.of(), query, body));
    assertThat(thrown).as(query + body).isInstanceOf(DatabricksError.class);
    DatabricksError error = (DatabricksError) thrown;
    assertThat(error.getStatusCode()).isEqualTo(400);
    return error.getErrorCode() + " " + error.getMessage();
  }

  @Test
  void aBodyThatDoesNotFitSaysWhereWhatAndWhatWasExpected() {
    String invalid = "INVALID_PARAMETER_VALUE ";
    assertThat(refusal("jobs.Jobs.create", null, "{\"name\":true}"))
        .isEqualTo(invalid + "name: 'true' (expected: a string)");
    assertThat(
            refusal(
                "jobs.Jobs.create", null, "{\"tasks\":[{\"task_key\":\"a\"},{\"task_key\":7}]}"))
        .isEqualTo(invalid + "tasks[1].task_key: '7' (expected: a string)");
    assertThat(refusal("jobs.Jobs.create", null, "{\"timeout_seconds\":\"abc\"}"))
        .startsWith(invalid + "timeout_seconds: 'abc' (expected: a whole number from -92");
    assertThat(refusal("jobs.Jobs.create", null, "{\"timeout_seconds\":3.7}"))
        .startsWith(invalid + "timeout_seconds: '3.7' (expected: a whole number");
    assertThat(refusal("jobs.Jobs.create", null, "{\"timeout_seconds\":1e400}"))
        .startsWith(invalid + "timeout_seconds: '1E+400' (expected: a whole number");
    assertThat(refusal("jobs.Jobs.create", null, "{\"timeout_seconds\":9223372036854775808}"))
        .startsWith(invalid + "timeout_seconds: '9223372036854775808' (expected");
    assertThat(refusal("jobs.Jobs.create", null, "{\"timeout_seconds\":1e999999999}"))
        .startsWith(invalid + "timeout_seconds: ");
    assertThat(refusal("jobs.Jobs.create", null, "{\"timeout_seconds\":false}"))
        .isEqualTo(invalid + "timeout_seconds: 'false' (expected: a whole number)");
    assertThat(refusal("jobs.Jobs.create", null, "{\"format\":\"BOGUS\"}"))
        .isEqualTo(invalid + "format: 'BOGUS' (expected: one of MULTI_TASK, SINGLE_TASK)");
    assertThat(refusal("jobs.Jobs.create", null, "{\"tags\":{\"a\":1}}"))
        .isEqualTo(invalid + "tags.a: '1' (expected: a string)");
    assertThat(refusal("jobs.Jobs.create", null, "{\"tasks\":{}}"))
        .isEqualTo(invalid + "tasks: '{}' (expected: an array)");
    assertThat(refusal("jobs.Jobs.create", null, "{\"tasks\":[null]}"))
        .isEqualTo(invalid + "tasks[0]: 'null' (expected: a value)");
    assertThat(refusal("jobs.Jobs.create", null, "{\"schedule\":\"daily\"}"))
        .isEqualTo(invalid + "schedule: 'daily' (expected: an object)");
    assertThat(refusal("jobs.Jobs.create", null, "{\"schedule\":\"\"}"))
        .isEqualTo(invalid + "schedule: '' (expected: an object)");
    assertThat(refusal("jobs.Jobs.create", null, "[]"))
        .isEqualTo(invalid + "body: '[]' (expected: an object)");
    assertThat(refusal("jobs.Jobs.create", null, "{\"name\":\"\\ud83c\"}"))
        .startsWith(invalid + "name: '\\ud83c' (expected: text without half characters)");
    assertThat(refusal("jobs.Jobs.create", null, "{\"tasks\":\"" + "x".repeat(200) + "\"}"))
        .isEqualTo(invalid + "tasks: '" + "x".repeat(80) + "…' (expected: an array)");
  }

  @Test
  void aBodyThatIsNoJsonIsMalformed() {
    for (String body :
        List.of(
            "{",
            "{\"name\":NaN}",
            "{\"name\":\"a\",\"name\":\"b\"}",
            "{\"name\":\"a\"} {}",
            "{'name':'a'}",
            "{\"timeout_seconds\":Infinity}",
            "{\"timeout_seconds\":2.1e4762260173}",
            "nonsense",
            "{\"tasks\":" + "[".repeat(200) + "]".repeat(200) + "}")) {
      assertThat(refusal("jobs.Jobs.create", null, body)).startsWith("MALFORMED_REQUEST body");
    }
  }

  @Test
  void aNumberMayBeSpeltAsTextAndAnUnknownFieldIsNoted() throws Exception {
    var arguments =
        read(
            "jobs.Jobs.create",
            Map.of(),
            "surprise=1&o=7",
            "{\"timeout_seconds\":\"42\",\"max_concurrent_runs\":3.0,\"nmae\":\"x\","
                + "\"tasks\":[{\"task_key\":\"a\",\"other\":{}}]}");
    CreateJob job = (CreateJob) arguments.values().getFirst();
    assertThat(job.getTimeoutSeconds()).isEqualTo(42);
    assertThat(job.getMaxConcurrentRuns()).isEqualTo(3);
    assertThat(arguments.unknown())
        .containsExactlyInAnyOrder("?surprise", "nmae", "tasks[0].other");
  }

  @Test
  void absentNullAndEmptyAreThreeThings() throws Exception {
    var arguments =
        read("catalog.Catalogs.create", Map.of(), null, "{\"comment\":null,\"name\":\"\"}");
    CreateCatalog request = (CreateCatalog) arguments.values().getFirst();
    Presence presence = (Presence) arguments.values().getLast();
    assertThat(request.getComment()).isNull();
    assertThat(request.getName()).isEmpty();
    assertThat(presence.has("comment")).isTrue();
    assertThat(presence.has("name")).isTrue();
    assertThat(presence.has("storage_root")).isFalse();
  }

  @Test
  void aBodyMayBeOneFieldOfTheRequest() throws Exception {
    var arguments =
        read(
            "provisioning.Workspaces.update",
            Map.of("workspace_id", "77"),
            "update_mask=credentials_id,custom_tags.a",
            "{\"credentials_id\":\"c\",\"workspace_status\":\"RUNNING\"}");
    UpdateWorkspaceRequest request = (UpdateWorkspaceRequest) arguments.values().getFirst();
    assertThat(request.getWorkspaceId()).isEqualTo(77);
    assertThat(request.getUpdateMask()).isEqualTo("credentials_id,custom_tags.a");
    assertThat(request.getCustomerFacingWorkspace().getCredentialsId()).isEqualTo("c");
    assertThat(((Presence) arguments.values().getLast()).has("credentials_id")).isTrue();
  }

  @Test
  void aQueryStringFillsNestedAndRepeatedFields() throws Exception {
    var history =
        (ListQueryHistoryRequest)
            read(
                    "sql.QueryHistory.list",
                    Map.of(),
                    "filter_by.statuses=FAILED&filter_by.statuses=FINISHED"
                        + "&filter_by.query_start_time_range.start_time_ms=12&max_results=5",
                    "")
                .values()
                .getFirst();
    assertThat(history.getFilterBy().getStatuses()).hasSize(2);
    assertThat(history.getFilterBy().getQueryStartTimeRange().getStartTimeMs()).isEqualTo(12);
    assertThat(history.getMaxResults()).isEqualTo(5);
    var clusters =
        (ListClustersRequest)
            read("compute.Clusters.list", Map.of(), "filter_by.is_pinned=true&page_size=", "")
                .values()
                .getFirst();
    assertThat(clusters.getFilterBy().getIsPinned()).isTrue();
    assertThat(clusters.getPageSize()).isNull();
    assertThat(refusal("sql.QueryHistory.list", "filter_by.statuses=BOGUS", ""))
        .startsWith("INVALID_PARAMETER_VALUE filter_by.statuses: 'BOGUS' (expected: one of ");
    assertThat(refusal("sql.QueryHistory.list", "max_results=1&max_results=2", ""))
        .contains("expected: one value");
    assertThat(refusal("compute.Clusters.list", "filter_by.is_pinned=True", ""))
        .contains("filter_by.is_pinned: 'True' (expected: true or false)");
    assertThat(refusal("compute.Clusters.list", "a=%zz", "")).startsWith("MALFORMED_REQUEST query");
  }

  @Test
  void aRecordOfOurOwnIsFilledByName() throws Exception {
    RequestBinding binding =
        RequestBinding.of(
            Service.class.getMethod("own", Caller.class, Own.class, Presence.class),
            null,
            new PathTemplate("/own/{thing_id}"));
    var arguments =
        binding.read(
            Map.of("thing_id", "t"),
            "page_size=9&many_names=a&many_names=b",
            name -> name.equals("authorization") ? "Basic x" : null,
            new Body(
                "{\"nested_thing\":{\"inner_name\":\"i\",\"some_numbers\":[1,\"2\"],\"x\":0},"
                    + "\"labels\":{\"Any Key\":\"v\"}}"));
    assertThat(arguments.values().getFirst())
        .isEqualTo(
            new Own(
                "t",
                9L,
                List.of("a", "b"),
                new Nested("i", List.of(1L, 2L)),
                Map.of("Any Key", "v"),
                "Basic x"));
    assertThat(arguments.unknown()).containsExactly("nested_thing.x");
    Throwable refused =
        catchThrowable(
            () -> binding.read(Map.of("thing_id", "t"), "page_size=x", n -> null, new Body("")));
    assertThat(refused).hasMessageStartingWith("page_size: 'x' (expected: a whole number");
  }

  @Test
  void aFormFillsARecordToo() throws Exception {
    RequestBinding binding =
        RequestBinding.of(
            Service.class.getMethod("own", Caller.class, Own.class, Presence.class),
            null,
            new PathTemplate("/own/{thing_id}"));
    Own own =
        (Own)
            binding
                .read(
                    Map.of("thing_id", "t"),
                    null,
                    name ->
                        name.equals("content-type") ? "application/x-www-form-urlencoded" : null,
                    new Body("page_size=3&many_names=a+b%2Bc"))
                .values()
                .getFirst();
    assertThat(own.pageSize()).isEqualTo(3);
    assertThat(own.manyNames()).containsExactly("a b+c");
  }

  /** What the SDK writes is read as it was, and any other JSON is refused or read, never breaks. */
  @Test
  void randomJsonIsReadOrRefusedButNeverBreaks() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    ObjectMapper mapper = new ObjectMapper();
    Map<String, Class<?>> targets =
        Map.of(
            "jobs.Jobs.create", CreateJob.class,
            "compute.Clusters.create", CreateCluster.class,
            "sql.StatementExecution.executeStatement", ExecuteStatementRequest.class,
            "catalog.Catalogs.create", CreateCatalog.class);
    int read = 0;
    for (int i = 0; i < 4000; i++) {
      Map.Entry<String, Class<?>> target =
          List.copyOf(targets.entrySet()).get(random.nextInt(targets.size()));
      String json = mapper.writeValueAsString(random(random, target.getValue(), 0));
      if (random.nextInt(10) == 0) {
        int at = random.nextInt(json.length());
        json = json.substring(0, at) + (char) random.nextInt(128) + json.substring(at);
      }
      try {
        Object request = read(target.getKey(), Map.of(), null, json).values().getFirst();
        read++;
        Json.write(request);
      } catch (DatabricksError e) {
        assertThat(e.getStatusCode()).as("seed " + seed + " " + json).isEqualTo(400);
      }
    }
    assertThat(read).as("seed " + seed).isBetween(100, 3900);
  }

  private static Object random(Random random, Class<?> shape, int depth) {
    List<String> names = List.copyOf(StrictJson.properties(shape).keySet());
    Map<String, Object> object = new java.util.LinkedHashMap<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      String name = random.nextInt(8) == 0 ? "other" : names.get(random.nextInt(names.size()));
      var type = StrictJson.properties(shape).get(name);
      Object value =
          random.nextInt(4) == 0 || type == null
              ? anything(random, depth)
              : fitting(random, type, depth);
      object.put(name, value);
    }
    return object;
  }

  private static Object fitting(Random random, java.lang.reflect.Type type, int depth) {
    if (type == String.class) {
      return List.of("", "a", "🏔", "' OR 1=1", "x".repeat(300)).get(random.nextInt(5));
    } else if (type == Long.class) {
      return random.nextBoolean() ? random.nextLong() : Long.toString(random.nextLong());
    } else if (type == Boolean.class) {
      return random.nextBoolean();
    } else if (type instanceof Class<?> raw && raw.isEnum()) {
      Object[] constants = raw.getEnumConstants();
      return StrictJson.wire((Enum<?>) constants[random.nextInt(constants.length)]);
    } else if (type instanceof Class<?> raw
        && raw.getName().startsWith("com.databricks")
        && depth < 5
        && !StrictJson.properties(raw).isEmpty()) {
      return random(random, raw, depth + 1);
    } else if (StrictJson.isCollection(type) && depth < 5) {
      var item = ((java.lang.reflect.ParameterizedType) type).getActualTypeArguments()[0];
      Object value = fitting(random, item, depth + 1);
      return value == null ? List.of() : List.of(value);
    }
    return null;
  }

  private static Object anything(Random random, int depth) {
    return switch (random.nextInt(9)) {
      case 0 -> null;
      case 1 -> random.nextBoolean();
      case 2 -> random.nextDouble() * Math.pow(10, random.nextInt(300));
      case 3 -> random.nextLong();
      case 4 -> "text " + (char) random.nextInt(0xD800);
      case 5 -> List.of();
      case 6 -> Map.of();
      case 7 -> depth > 5 ? "deep" : List.of(String.valueOf(anything(random, depth + 1)));
      default -> Map.of("key", String.valueOf(anything(random, depth + 6)));
    };
  }
}
