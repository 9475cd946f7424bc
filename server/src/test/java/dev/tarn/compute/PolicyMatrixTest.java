package dev.tarn.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.compute.PolicyDefinition.Facts;
import dev.tarn.database.Json;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every row of {@code policy-matrix.md}, which says how it is read. */
@Tag("database-blind")
class PolicyMatrixTest {
  private static final Map<String, String> VERSIONS =
      Map.of("auto:latest", "18.1.x-scala2.13", "auto:latest-lts", "17.3.x-scala2.13");
  static final Facts FACTS =
      new Facts(
          alias -> VERSIONS.getOrDefault(alias, alias),
          cluster ->
              BigDecimal.valueOf(
                      1
                          + cluster
                              .path("num_workers")
                              .asLong(cluster.path("autoscale").path("max_workers").asLong()))
                  .multiply(new BigDecimal("0.5")),
          "all-purpose");

  private static final AtomicInteger allowed = new AtomicInteger();
  private static final AtomicInteger refused = new AtomicInteger();
  private static final AtomicInteger impossible = new AtomicInteger();

  private record Row(
      String section,
      String shape,
      String rules,
      String request,
      boolean defaults,
      String outcome) {}

  private static List<String> lines() throws IOException {
    try (InputStream in = PolicyMatrixTest.class.getResourceAsStream("policy-matrix.md")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  private static List<Row> rows() throws IOException {
    List<Row> rows = new ArrayList<>();
    String section = "";
    for (String line : lines()) {
      if (line.startsWith("## ")) {
        section = line.substring(3);
      } else if (line.startsWith("| ") && !line.startsWith("| shape ")) {
        String[] cells = line.substring(2, line.length() - 2).split(" \\| ");
        assertThat(cells).as(line).hasSize(5);
        rows.add(
            new Row(
                section,
                cells[0],
                "{" + unquoted(cells[1]) + "}",
                unquoted(cells[2]),
                cells[3].equals("yes"),
                cells[4]));
      }
    }
    return rows;
  }

  private static String unquoted(String cell) {
    assertThat(cell).startsWith("`").endsWith("`");
    return cell.substring(1, cell.length() - 1);
  }

  @TestFactory
  Stream<DynamicTest> everyRowIsAsTheTableSays() throws IOException {
    return rows().stream()
        .map(row -> DynamicTest.dynamicTest(row.section() + ": " + row.shape(), () -> check(row)));
  }

  private static void check(Row row) {
    if (row.outcome().startsWith("no policy ")) {
      assertThatThrownBy(() -> PolicyDefinition.parse("definition", row.rules()))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessage(row.outcome().substring("no policy ".length()));
      impossible.incrementAndGet();
      return;
    }
    PolicyDefinition policy = PolicyDefinition.parse("definition", row.rules());
    ObjectNode request = (ObjectNode) Json.tree(row.request());
    if (row.outcome().startsWith("refused ")) {
      assertThatThrownBy(() -> policy.admit(request, FACTS, row.defaults()))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessage(
              "Cluster validation error: "
                  + Stream.of(row.outcome().substring("refused ".length()).split("; "))
                      .map(one -> "Validation failed for " + one.replaceFirst(": ", ", "))
                      .collect(Collectors.joining("; ")));
      refused.incrementAndGet();
      return;
    }
    JsonNode given = request.deepCopy();
    ObjectNode cluster = policy.admit(request, FACTS, row.defaults());
    assertThat(Json.tree(Json.write(cluster))).isEqualTo(Json.tree(unquoted(row.outcome())));
    assertThat(request).as("what was asked for is left as it is").isEqualTo(given);
    assertThat(policy.admit(cluster, FACTS, row.defaults()))
        .as("an edit of the same is allowed, and changes nothing")
        .isEqualTo(cluster);
    assertThat(policy.repair(cluster, FACTS)).isEqualTo(cluster);
    allowed.incrementAndGet();
  }

  @AfterAll
  static void printCounts() {
    System.out.printf(
        "policy matrix: %s allowed, %s refused, %s definitions refused%n",
        allowed, refused, impossible);
  }

  @Test
  void everyTypeMeetsEveryShape() throws IOException {
    List<Row> rows = rows();
    for (String type :
        List.of("fixed", "forbidden", "allowlist", "blocklist", "regex", "range", "unlimited")) {
      assertThat(rows.stream().filter(row -> row.section().equals(type)).map(Row::shape))
          .as(type)
          .anyMatch(shape -> shape.startsWith("ok"))
          .anyMatch(shape -> shape.startsWith("violating"))
          .anyMatch(shape -> shape.contains("absent"))
          .anyMatch(shape -> shape.equals("absent, isOptional"))
          .anyMatch(shape -> shape.startsWith("default"))
          .anyMatch(shape -> shape.startsWith("nested"))
          .anyMatch(shape -> shape.startsWith("map key"))
          .anyMatch(shape -> shape.startsWith("array star"))
          .anyMatch(shape -> shape.startsWith("wrong JSON type"));
    }
  }

  @Test
  void aPathThatNoClusterHasIsRefused() throws IOException {
    List<String> paths =
        lines().stream()
            .filter(line -> line.startsWith("- "))
            .map(line -> line.substring(2))
            .toList();
    assertThat(paths).hasSizeGreaterThan(15);
    for (String path : paths) {
      assertThatThrownBy(
              () ->
                  PolicyDefinition.parse(
                      "definition", "{\"" + path + "\": {\"type\": \"unlimited\"}}"))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageStartingWith(
              "definition." + path + ": " + path + " (expected: the path of a cluster's attribute");
    }
  }

  @Test
  void whatIsNoJsonObjectIsNoDefinition() {
    for (String text :
        List.of(
            "", "[]", "null", "\"{}\"", "{", "{} {}", "{\"num_workers\": }", "x".repeat(100_001))) {
      assertThat(catchThrowable(() -> PolicyDefinition.parse("definition", text)))
          .as(text)
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageStartingWith("definition: ");
    }
  }

  @Test
  void anOverrideTakesTheWholePlaceOfTheRuleOfItsFamily() {
    PolicyDefinition family =
        PolicyDefinition.parse(
            "definition",
            """
            {"num_workers": {"type": "range", "maxValue": 4, "defaultValue": 2},
             "cluster_name": {"type": "unlimited"}}
            """);
    PolicyDefinition policy =
        family.with(
            PolicyDefinition.parse(
                "policy_family_definition_overrides",
                """
                {"num_workers": {"type": "range", "minValue": 8}}
                """));
    assertThat(policy.violations((ObjectNode) Json.tree("{\"num_workers\": 5}"), FACTS))
        .containsExactly(
            Map.entry("cluster_name", "the value must be present"),
            Map.entry("num_workers", "the value must be at least 8 (is \"5\")"));
    assertThat(Json.tree(policy.json()))
        .isEqualTo(
            Json.tree(
                """
                {"num_workers": {"type": "range", "minValue": 8},
                 "cluster_name": {"type": "unlimited"}}
                """));
  }
}
