package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Visit;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BrowserSessionsTest {
  private static final Duration IDLE = Duration.ofHours(1);
  private static final Duration LONGEST = Duration.ofHours(5);

  @TempDir Path folder;
  private final TestClock clock = new TestClock();
  private Database database;
  private Iam iam;
  private BrowserSessions sessions;
  private long admin;

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    iam = new Iam(database, folder, List.of(".localhost"), clock, IDLE, LONGEST);
    iam.bootstrap("tarn", "admin@tarn.local");
    admin = database.read(handle -> Invitations.firstAdmin(handle).orElseThrow().id());
    sessions = opened();
  }

  @AfterEach
  void close() {
    database.close();
  }

  /** What another process, or this one after a restart, makes of the rows. */
  private BrowserSessions opened() {
    return new BrowserSessions(
        iam.principals(), database, clock, new BrowserSessions.Lifetime(IDLE, LONGEST));
  }

  private String begin() {
    Visit visit = new Visit("http", "127.0.0.1:1", "10.0.0.1", null, "test");
    return iam.principals().write(handle -> sessions.begin(handle, admin, null, visit));
  }

  private static boolean isUsed(Database database, BrowserSessions sessions, String value) {
    return new Identities(database)
        .ofSession(Tokens.hash(value))
        .filter(identity -> sessions.use(identity.token()))
        .isPresent();
  }

  @Test
  void aSessionEndsWhenNobodyUsesItAndNotAsLongAsSomebodyDoes() {
    String used = begin();
    String left = begin();
    for (int i = 0; i < 4; i++) {
      clock.advance(Duration.ofMinutes(50));
      assertThat(isUsed(database, sessions, used)).isTrue();
    }
    assertThat(isUsed(database, sessions, left)).isFalse();
    assertThat(isUsed(database, opened(), left)).isFalse();
    assertThat(sessions.list(admin, null)).hasSize(1);
  }

  @Test
  void anySessionEndsWhenItsTimeIsUp() {
    String value = begin();
    for (int i = 0; i < 6; i++) {
      assertThat(isUsed(database, sessions, value)).isTrue();
      clock.advance(Duration.ofMinutes(50));
    }
    assertThat(isUsed(database, sessions, value)).isFalse();
  }

  @Test
  void whatOneProcessSawAnotherHeeds() {
    String value = begin();
    BrowserSessions other = opened();
    clock.advance(Duration.ofMinutes(50));
    assertThat(isUsed(database, other, value)).isTrue();
    clock.advance(Duration.ofMinutes(50));
    assertThat(isUsed(database, sessions, value)).isTrue();
  }

  @Test
  void aPersonHasFiftySessionsAtMostAndTheOldestGo() {
    String first = begin();
    for (int i = 0; i < 50; i++) {
      clock.advance(Duration.ofSeconds(1));
      begin();
    }
    assertThat(sessions.list(admin, null)).hasSize(50);
    assertThat(isUsed(database, sessions, first)).isFalse();
  }
}
