package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.core.error.platform.TooManyRequests;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class GuessingTest {
  @RegisterExtension static final TestServer server = new TestServer();

  @Test
  void aStormOfWrongPasswordsKeepsNeitherThePersonNorOthersOut() throws Exception {
    TestBrowser elsewhere = new TestBrowser(server, "127.0.0.2");
    elsewhere.withPassword("alice");
    elsewhere.withPassword("bob");
    ConcurrentLinkedQueue<Integer> statuses = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<String> waits = new ConcurrentLinkedQueue<>();
    AtomicBoolean going = new AtomicBoolean(true);
    CountDownLatch begun = new CountDownLatch(300);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 8; i++) {
        TestBrowser attacker = new TestBrowser(server, "127.0.0.3");
        threads.execute(
            () -> {
              while (going.get()) {
                HttpResponse<String> answer = attacker.guess("alice");
                statuses.add(answer.statusCode());
                begun.countDown();
                answer.headers().firstValue("retry-after").ifPresent(waits::add);
              }
            });
      }
      begun.await();
      try {
        assertThat(elsewhere.signIn("alice").statusCode()).isEqualTo(200);
        assertThat(new TestBrowser(server, "127.0.0.3").signIn("bob").statusCode()).isEqualTo(200);
        assertThat(server.send("admin", "GET", "/api/2.0/preview/scim/v2/Me", null).statusCode())
            .isEqualTo(200);
        HttpResponse<String> attacked = new TestBrowser(server, "127.0.0.3").signIn("alice");
        assertThat(attacked.statusCode()).isEqualTo(429);
        assertThat(Json.tree(attacked.body()).path("error_code").asText())
            .isEqualTo("REQUEST_LIMIT_EXCEEDED");
      } finally {
        going.set(false);
      }
    }
    assertThat(statuses).containsOnly(401, 429);
    assertThat(statuses.stream().filter(status -> status == 401)).hasSizeLessThan(15);
    assertThat(waits).allSatisfy(wait -> assertThat(Long.parseLong(wait)).isBetween(1L, 30L));
  }

  @Test
  void guessesFromEverywhereDoNotStandInTheQueueOfWhoSignedInFromThereBefore() throws Exception {
    TestBrowser atHome = new TestBrowser(server, "127.0.0.4");
    atHome.withPassword("carol");
    assertThat(atHome.signIn("carol").statusCode()).isEqualTo(200);
    AtomicBoolean going = new AtomicBoolean(true);
    AtomicInteger guesses = new AtomicInteger();
    // As many as keep all turns of strangers taken and their queue full.
    CountDownLatch full = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int address = 1; address <= 30; address++) {
        TestBrowser attacker = new TestBrowser(server, "127.0.1." + address);
        for (int i = 0; i < 6; i++) {
          threads.execute(
              () -> {
                while (going.get()) {
                  var answer = attacker.guess("nobody" + guesses.incrementAndGet());
                  if (answer.body().contains("too many people sign in at this moment")) {
                    full.countDown();
                  }
                }
              });
        }
      }
      full.await();
      try {
        for (int i = 0; i < 5; i++) {
          assertThat(atHome.signIn("carol").statusCode()).isEqualTo(200);
        }
        assertThat(server.send("admin", "GET", "/api/2.0/preview/scim/v2/Me", null).statusCode())
            .isEqualTo(200);
      } finally {
        going.set(false);
      }
    }
  }

  @Test
  void guessesAreForgottenOneByOneAndARightOneAtOnce() {
    TestClock clock = new TestClock();
    Throttle throttle = new Throttle(clock);
    for (int i = 0; i < 10; i++) {
      throttle.guess("alice", "10.0.0.1");
    }
    assertThat(isRefused(throttle, "alice", "10.0.0.1")).isTrue();
    assertThat(isRefused(throttle, "alice", "10.0.0.2")).isFalse();
    assertThat(isRefused(throttle, "bob", "10.0.0.1")).isFalse();
    clock.advance(Duration.ofSeconds(30));
    assertThat(isRefused(throttle, "alice", "10.0.0.1")).isFalse();
    assertThat(isRefused(throttle, "alice", "10.0.0.1")).isTrue();
    throttle.right("alice", "10.0.0.1");
    assertThat(isRefused(throttle, "alice", "10.0.0.1")).isFalse();
  }

  @Test
  void anAddressThatTriesManyAccountsIsRefusedWithItsWholeNetwork() {
    Throttle throttle = new Throttle(new TestClock());
    for (int i = 0; i < 100; i++) {
      throttle.guess("user" + i, "2001:db8:1:2:3:4:5:" + i);
    }
    assertThat(isRefused(throttle, "one more", "2001:db8:1:2:ffff::1")).isTrue();
    assertThat(isRefused(throttle, "one more", "2001:db8:1:3::1")).isFalse();
  }

  private static boolean isRefused(Throttle throttle, String account, String address) {
    try {
      throttle.guess(account, address);
      return false;
    } catch (TooManyRequests e) {
      return true;
    }
  }
}
