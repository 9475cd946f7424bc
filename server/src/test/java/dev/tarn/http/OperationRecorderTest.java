package dev.tarn.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("database-blind") // see CONTRIBUTING
class OperationRecorderTest {
  @Test
  void everyOperationOfTheSdkIsRecordedAsBefore() throws Exception {
    assertThat(SdkOperation.all()).hasSize(1221);
    Map<String, Integer> verbs = new TreeMap<>();
    SdkOperation.all().forEach(operation -> verbs.merge(operation.verb(), 1, Integer::sum));
    assertThat(verbs)
        .isEqualTo(
            Map.of("DELETE", 175, "GET", 493, "HEAD", 2, "PATCH", 162, "POST", 322, "PUT", 67));
    List<String> services;
    try (InputStream in = getClass().getResourceAsStream("services.txt")) {
      services = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
    // What differs is printed: a service, how many operations it has, a sum of their lines.
    assertThat(services()).containsExactlyElementsOf(services).hasSize(193);
  }

  static List<String> services() {
    Map<String, List<SdkOperation>> services =
        SdkOperation.all().stream()
            .collect(
                Collectors.groupingBy(SdkOperation::service, TreeMap::new, Collectors.toList()));
    return services.entrySet().stream()
        .map(
            entry ->
                entry.getKey().replace("com.databricks.sdk.service.", "")
                    + " "
                    + entry.getValue().size()
                    + " "
                    + Integer.toHexString(
                        entry.getValue().stream()
                            .map(SdkOperation::toLine)
                            .collect(Collectors.joining("\n"))
                            .hashCode()))
        .toList();
  }

  @Test
  void whatTheBodyIsWasSeen() {
    assertThat(operation("provisioning.Credentials.create").body()).isEqualTo("whole");
    assertThat(operation("provisioning.Workspaces.update").body())
        .isEqualTo("field:customerFacingWorkspace");
    assertThat(operation("files.Files.upload").body()).isEqualTo("stream:contents");
    assertThat(operation("provisioning.Credentials.list").answer()).isEqualTo("array");
    assertThat(operation("provisioning.Credentials.list").workspace()).isFalse();
    assertThat(operation("sql.Warehouses.get").workspace()).isTrue();
  }

  private static SdkOperation operation(String name) {
    return SdkOperation.all().stream()
        .filter(operation -> operation.name().equals(name))
        .findFirst()
        .orElseThrow();
  }
}
