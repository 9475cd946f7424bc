package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.iam.WorkspacePermission;
import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Caller;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MembershipsTest {
  private static final long WORKSPACE = 1111111111111111L;

  @TempDir Path folder;
  private Database database;
  private Iam iam;

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    iam = new Iam(database, folder, new TestClock());
    iam.bootstrap("tarn", "admin@tarn.local");
    database.inTransaction(
        handle -> {
          handle.execute("INSERT INTO credential VALUES ('c', 'c', 'arn', NULL, 0, 0)");
          handle.execute(
              "INSERT INTO storage_configuration VALUES ('s', 's', 'bucket', NULL, NULL, 0, 0)");
          return handle.execute(
              "INSERT INTO workspace VALUES (?, 'w', 'w', 'c', 's', 'RUNNING', '', NULL, 0, 0, '{}')",
              WORKSPACE);
        });
  }

  @AfterEach
  void close() {
    database.close();
  }

  private Principal made(Caller.Kind kind, String name) {
    return made(
        new Principal(Principals.newId(), kind, null, name, name, true, false, 0, 0, 1, "{}"));
  }

  private Principal made(Principal principal) {
    return iam.principals().write(handle -> Principals.insert(handle, principal));
  }

  private Principal group(String name, Principal... members) {
    Principal group = made(Caller.Kind.GROUP, name);
    add(group, members);
    return group;
  }

  private void add(Principal group, Principal... members) {
    iam.principals()
        .write(
            handle -> {
              Memberships.add(handle, group, List.of(members).stream().map(Principal::id).toList());
              return null;
            });
  }

  private void assign(Principal principal, WorkspacePermission permission) {
    iam.principals()
        .write(
            handle -> {
              Principals.assign(handle, WORKSPACE, principal.id(), permission);
              return null;
            });
  }

  @Test
  void aGroupGivesItsWorkspaceToWhoeverIsBelowItUntilItIsTakenAway() {
    Principal alice = made(Caller.Kind.USER, "alice@x.com");
    Principal inner = group("inner", alice);
    Principal outer = group("outer", inner);
    String id = Long.toString(alice.id());
    assertThat(iam.mayEnter(id, WORKSPACE)).isFalse();
    assertThat(iam.groupsOf(id)).containsOnlyKeys(inner.id(), outer.id());
    assign(outer, WorkspacePermission.USER);
    assertThat(iam.mayEnter(id, WORKSPACE)).isTrue();
    assertThat(permission(alice)).isEqualTo(WorkspacePermission.USER);
    assign(inner, WorkspacePermission.ADMIN);
    assertThat(permission(alice)).isEqualTo(WorkspacePermission.ADMIN);
    iam.principals().unassign(WORKSPACE, inner.id());
    assertThat(permission(alice)).isEqualTo(WorkspacePermission.USER);
    iam.principals()
        .write(
            handle -> {
              Memberships.remove(handle, outer.id(), List.of(inner.id()));
              return null;
            });
    assertThat(iam.mayEnter(id, WORKSPACE)).isFalse();
  }

  private WorkspacePermission permission(Principal principal) {
    return iam.principals()
        .read(handle -> Principals.permission(handle, WORKSPACE, principal.id()))
        .orElseThrow();
  }

  @Test
  void aGroupIsNeverBelowItself() {
    Principal a = group("a");
    Principal b = group("b", a);
    Principal c = group("c", b);
    for (Principal[] loop : new Principal[][] {{a, a}, {a, b}, {a, c}}) {
      assertThatThrownBy(() -> add(loop[0], loop[1]))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageContaining("expected: no group that holds a");
    }
    add(c, a); // a diamond is no loop
    assertThat(iam.groupsOf(Long.toString(a.id()))).containsOnlyKeys(b.id(), c.id());
  }

  @Test
  void twentyCallersWhoEachCloseALoopLeaveNone() throws Exception {
    List<Principal> ring = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      ring.add(group("ring-" + i));
    }
    List<Callable<Boolean>> calls = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Principal group = ring.get(i);
      Principal member = ring.get((i + 1) % 20);
      calls.add(
          () -> {
            try {
              add(group, member);
              return true;
            } catch (InvalidParameterValue e) {
              return false;
            }
          });
    }
    int made = 0;
    try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Boolean> call : callers.invokeAll(calls)) {
        made += call.get() ? 1 : 0;
      }
    }
    assertThat(made).isEqualTo(19);
  }

  @Test
  void whoAdministersTheAccountThroughAGroupCountsAsAdmin() {
    Principal root =
        iam.principals()
            .read(h -> Principals.named(h, Caller.Kind.USER, "admin@tarn.local"))
            .orElseThrow();
    Principal alice = made(Caller.Kind.USER, "alice@x.com");
    Principal admins =
        made(
            new Principal(
                Principals.newId(),
                Caller.Kind.GROUP,
                null,
                "root",
                "root",
                true,
                true,
                0,
                0,
                1,
                "{}"));
    add(admins, alice);
    iam.principals().remove(Caller.Kind.USER, Long.toString(root.id()), gone -> {});
    assertThatThrownBy(
            () -> iam.principals().remove(Caller.Kind.USER, Long.toString(alice.id()), gone -> {}))
        .hasMessageContaining("last active account admin");
    assertThat(iam.nameOf(Long.toString(root.id()))).contains("admin@tarn.local");
  }

  @Test
  void namesThatLookTheSameAreOne() {
    for (String twin : List.of("MÜLLER@x.com", "mu\u0308ller@X.com", " müller@x.com")) {
      assertThat(Principals.folded(twin)).as(twin).isEqualTo("müller@x.com");
    }
    assertThat(Principals.folded("ﬁ@x.com")).isEqualTo("fi@x.com");
  }
}
