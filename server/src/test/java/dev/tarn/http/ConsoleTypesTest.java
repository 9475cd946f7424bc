package dev.tarn.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.TestServer;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the console calls is there. */
class ConsoleTypesTest {
  @RegisterExtension static final TestServer server = new TestServer();

  /** Asked for by pages that say so when nothing answers; a route leaves when it is built. */
  private static final Set<String> COMING = Set.of("GET /api/2.0/sql/history/queries");

  @Test
  void everyRouteTheConsoleCallsIsAnswered() throws Exception {
    Set<String> called = ConsoleTypes.routes(Path.of("../web/src"));
    assertThat(called).hasSizeGreaterThan(40);
    assertThat(called)
        .filteredOn(route -> !COMING.contains(route))
        .allSatisfy(
            route -> {
              String[] words = route.split(" ", 2);
              // A path of a file brings its own slash.
              String path =
                  words[1].replaceAll("(?<!/)\\{[^}]*}", "/1").replaceAll("\\{[^}]*}", "1");
              assertThat(server.routes().find(words[0], path)).as(route).isNotNull();
            });
  }
}
