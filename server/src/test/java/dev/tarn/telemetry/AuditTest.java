package dev.tarn.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("database-blind") // see CONTRIBUTING
class AuditTest {
  @TempDir Path folder;

  private static Audit.Entry entry(String requestId) {
    return new Audit.Entry(
        1,
        requestId,
        "7",
        "alice",
        "t",
        null,
        null,
        8L,
        "a.B.c",
        "GET",
        "/x/{y}",
        Map.of("y", "z"),
        200,
        null,
        List.of("odd"),
        "127.0.0.1",
        "test");
  }

  private List<String> requestIds() throws IOException {
    List<String> ids = new ArrayList<>();
    for (Path segment : Audit.segments(folder)) {
      for (String line : Files.readAllLines(segment)) {
        JsonNode tree = new ObjectMapper().readTree(line);
        ids.add(tree.get("request_id").asText());
      }
    }
    return ids;
  }

  @Test
  void aLineIsThereWhenTheCallReturns() throws Exception {
    try (Audit audit = Audit.open(folder, Clock.systemUTC())) {
      audit.append(entry("one"));
      assertThat(requestIds()).containsExactly("one");
      assertThat(Files.readString(Audit.segments(folder).getFirst()))
          .contains("\"unknown_fields\":[\"odd\"]")
          .contains("\"params\":{\"y\":\"z\"}")
          .endsWith("\n");
    }
  }

  @Test
  void theHalfLineOfAKilledProcessIsCutOff() throws Exception {
    try (Audit audit = Audit.open(folder, Clock.systemUTC())) {
      audit.append(entry("one"));
    }
    Files.writeString(
        Audit.segments(folder).getFirst(), "{\"time\":1,\"requ", StandardOpenOption.APPEND);
    try (Audit audit = Audit.open(folder, Clock.systemUTC())) {
      audit.append(entry("two"));
    }
    assertThat(requestIds()).containsExactly("one", "two");
    assertThat(Audit.segments(folder)).hasSize(1);
  }

  @Test
  void aHalfLineLongerThanTheBufferIsCutOffToo() throws Exception {
    try (Audit audit = Audit.open(folder, Clock.systemUTC())) {
      audit.append(entry("one"));
    }
    Files.writeString(
        Audit.segments(folder).getFirst(), "x".repeat(200_000), StandardOpenOption.APPEND);
    Audit.open(folder, Clock.systemUTC()).close();
    assertThat(requestIds()).containsExactly("one");
  }

  @Test
  void segmentsEndAtTheirSizeAndKeepTheirOrder() throws Exception {
    List<String> expected = new ArrayList<>();
    try (Audit audit = Audit.open(folder, Clock.systemUTC(), 1000)) {
      for (int i = 0; i < 40; i++) {
        audit.append(entry("r" + i));
        expected.add("r" + i);
      }
    }
    assertThat(requestIds()).isEqualTo(expected);
    assertThat(Audit.segments(folder)).hasSizeGreaterThan(5);
  }

  @Test
  void manyCallersAtOnceLoseNothing() throws Exception {
    Set<String> expected = new HashSet<>();
    try (Audit audit = Audit.open(folder, Clock.systemUTC());
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        String id = "r" + i;
        expected.add(id);
        running.add(callers.submit(() -> audit.append(entry(id))));
      }
      for (Future<?> each : running) {
        each.get();
      }
      assertThat(requestIds()).hasSize(500);
    }
    assertThat(new HashSet<>(requestIds())).isEqualTo(expected);
  }

  @Test
  void aFullDiskFailsTheCall() throws Exception {
    Files.createSymbolicLink(folder.resolve("audit-0.jsonl"), Path.of("/dev/full"));
    try (Audit audit = Audit.open(folder, Clock.systemUTC())) {
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> audit.append(entry("lost")))
            .isInstanceOf(UncheckedIOException.class)
            .hasStackTraceContaining("No space left");
      }
    }
  }

  @Test
  void aClosedLogRefuses() {
    Audit audit = Audit.open(folder, Clock.systemUTC());
    audit.close();
    assertThatThrownBy(() -> audit.append(entry("late"))).hasStackTraceContaining("closed");
  }
}
