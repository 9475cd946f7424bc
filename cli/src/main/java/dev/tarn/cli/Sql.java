package dev.tarn.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs one statement through the Statement Execution API, as any client would. */
@Command(name = "sql", description = "Run one SQL statement.")
final class Sql implements Runnable {
  enum Format {
    TABLE,
    JSON,
    CSV
  }

  @Parameters(paramLabel = "STATEMENT")
  private String statement;

  @Option(names = "--workspace", description = "The workspace (default: the oldest).")
  private String workspace;

  @Option(
      names = "--format",
      defaultValue = "table",
      description = "${COMPLETION-CANDIDATES} (default: table).")
  private Format format;

  @Option(names = "--json", description = "The same as --format json.")
  private boolean json;

  @Override
  public void run() {
    Result result = run(Home.ofEnvironment(), workspace, statement);
    switch (json ? Format.JSON : format) {
      case TABLE -> printTable(result);
      case JSON -> System.out.println(asObjects(result).toPrettyString());
      case CSV -> printCsv(result);
    }
  }

  record Column(String name, String type) {}

  /** All rows of an answer; a value is text or null, as the API sends it. */
  record Result(List<Column> columns, List<List<String>> rows) {}

  static Result run(Home home, String workspace, String statement) {
    ObjectNode environment = Env.ofWorkspace(home, workspace, null);
    if (!environment.hasNonNull("DATABRICKS_WAREHOUSE_ID")) {
      throw new Tarn.Failure("the workspace has no SQL warehouse to run this on");
    }
    Api api = new Api(home.account().url(), environment.get("DATABRICKS_TOKEN").asText());
    ObjectNode request = Home.JSON.createObjectNode();
    request.set("warehouse_id", environment.get("DATABRICKS_WAREHOUSE_ID"));
    request.put("statement", statement);
    request.put("wait_timeout", "30s");
    JsonNode answer = api.post("/api/2.0/sql/statements", request);
    String id = answer.get("statement_id").asText();
    while (List.of("PENDING", "RUNNING").contains(state(answer))) {
      try {
        Thread.sleep(500);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        api.post("/api/2.0/sql/statements/" + id + "/cancel", Home.JSON.createObjectNode());
        throw new Tarn.Failure("interrupted; the statement is canceled");
      }
      answer = api.get("/api/2.0/sql/statements/" + id);
    }
    if (!state(answer).equals("SUCCEEDED")) {
      throw new Tarn.Failure(
          answer
              .path("status")
              .path("error")
              .path("message")
              .asText("the statement is " + state(answer)));
    }
    List<Column> columns = new ArrayList<>();
    for (JsonNode column : answer.path("manifest").path("schema").path("columns")) {
      columns.add(new Column(column.get("name").asText(), column.path("type_name").asText()));
    }
    List<List<String>> rows = new ArrayList<>();
    JsonNode chunk = answer.path("result");
    while (true) {
      for (JsonNode row : chunk.path("data_array")) {
        List<String> values = new ArrayList<>();
        row.forEach(value -> values.add(value.isNull() ? null : value.asText()));
        rows.add(values);
      }
      if (!chunk.hasNonNull("next_chunk_index")) {
        return new Result(columns, rows);
      }
      chunk =
          api.get(
              "/api/2.0/sql/statements/"
                  + id
                  + "/result/chunks/"
                  + chunk.get("next_chunk_index").asInt());
    }
  }

  private static String state(JsonNode answer) {
    return answer.path("status").path("state").asText();
  }

  private static void printTable(Result result) {
    if (result.columns().isEmpty()) {
      System.out.println("OK");
      return;
    }
    int[] widths = new int[result.columns().size()];
    for (int i = 0; i < widths.length; i++) {
      int column = i;
      widths[i] =
          Math.max(
              result.columns().get(i).name().length(),
              result.rows().stream()
                  .mapToInt(row -> shown(row.get(column)).length())
                  .max()
                  .orElse(0));
    }
    List<String> names = result.columns().stream().map(Column::name).toList();
    System.out.println(padded(names, widths));
    System.out.println(
        java.util.Arrays.stream(widths).mapToObj("-"::repeat).collect(Collectors.joining("  ")));
    result.rows().forEach(row -> System.out.println(padded(row, widths)));
    System.err.println(result.rows().size() + (result.rows().size() == 1 ? " row" : " rows"));
  }

  private static String padded(List<String> values, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String value = shown(values.get(i));
      line.append(value);
      if (i < widths.length - 1) {
        line.append(" ".repeat(widths[i] - value.length() + 2));
      }
    }
    return line.toString();
  }

  private static String shown(String value) {
    return value == null ? "NULL" : value.replace("\n", "\\n");
  }

  /** Numbers, truth values and nested values become JSON's own; the rest stays text. */
  private static ArrayNode asObjects(Result result) {
    ArrayNode all = Home.JSON.createArrayNode();
    for (List<String> row : result.rows()) {
      ObjectNode one = all.addObject();
      for (int i = 0; i < row.size(); i++) {
        one.set(result.columns().get(i).name(), typed(row.get(i), result.columns().get(i).type()));
      }
    }
    return all;
  }

  private static JsonNode typed(String value, String type) {
    if (value == null) {
      return Home.JSON.nullNode();
    }
    try {
      return switch (type) {
        case "BYTE",
            "SHORT",
            "INT",
            "LONG",
            "BOOLEAN",
            "ARRAY",
            "MAP",
            "STRUCT",
            "VARIANT",
            "DECIMAL" ->
            Home.JSON.readTree(value);
        case "FLOAT", "DOUBLE" ->
            Double.isFinite(Double.parseDouble(value))
                ? Home.JSON.readTree(value)
                : Home.JSON.getNodeFactory().textNode(value);
        default -> Home.JSON.getNodeFactory().textNode(value);
      };
    } catch (JsonProcessingException e) {
      return Home.JSON.getNodeFactory().textNode(value);
    }
  }

  private static void printCsv(Result result) {
    System.out.println(
        result.columns().stream()
            .map(column -> quoted(column.name()))
            .collect(Collectors.joining(",")));
    for (List<String> row : result.rows()) {
      System.out.println(row.stream().map(Sql::quoted).collect(Collectors.joining(",")));
    }
  }

  private static String quoted(String value) {
    if (value == null) {
      return "";
    }
    boolean plain = value.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    return plain && !value.isEmpty() ? value : '"' + value.replace("\"", "\"\"") + '"';
  }
}
