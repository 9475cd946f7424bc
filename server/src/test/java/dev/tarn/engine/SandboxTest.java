package dev.tarn.engine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.engine.Sandbox.Mount;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What code inside can and cannot do, tried by a shell that is started as an engine is. */
@Tag("database-blind") // see CONTRIBUTING
class SandboxTest {
  @TempDir Path home;
  private Sandbox sandbox;
  private List<Mount> mounts;

  @BeforeEach
  void makeHome() throws Exception {
    for (String file :
        List.of(
            "keys/seal.json",
            "tarn.db",
            "storage/mine/a.txt",
            "storage/samples/s.txt",
            "storage/theirs/b.txt",
            "engines/e1/scratch/x",
            "engines/e2/scratch/y")) {
      Files.createDirectories(home.resolve(file).getParent());
      Files.writeString(home.resolve(file), "content of " + file);
    }
    sandbox = Sandbox.open("required", home);
    mounts =
        List.of(
            Mount.write(home.resolve("storage/mine"), "/storage/mine"),
            Mount.read(home.resolve("storage/samples"), "/storage/samples"),
            Mount.write(home.resolve("engines/e1/scratch"), "/scratch"));
  }

  private String run(String script) throws Exception {
    Process process =
        sandbox.start(
            sandbox
                .child(List.of("/bin/sh", "-c", script), Map.of("GIVEN", "value"), mounts)
                .redirectErrorStream(true));
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    process.waitFor();
    return output;
  }

  @Test
  void itReadsAndWritesWhatItWasGiven() throws Exception {
    assertThat(run("cat /storage/mine/a.txt; echo new > /storage/mine/c.txt"))
        .isEqualTo("content of storage/mine/a.txt");
    assertThat(home.resolve("storage/mine/c.txt")).hasContent("new");
    assertThat(run("cat /storage/samples/s.txt; echo $GIVEN")).contains("samples", "value");
  }

  @Test
  void itDoesNotWriteWhatItMayOnlyRead() throws Exception {
    assertThat(run("echo x > /storage/samples/s.txt")).contains("Read-only");
    String java = System.getProperty("java.home");
    assertThat(run("touch /usr/bin/tac /etc/passwd " + java + "/lib/modules; : > /usr/x"))
        .doesNotContain("Permission denied")
        .contains("/usr/bin/tac': Read-only", "/lib/modules': Read-only", "/usr/x: Read-only");
    assertThat(home.resolve("storage/samples/s.txt"))
        .hasContent("content of storage/samples/s.txt");
  }

  @Test
  void itDoesNotSeeTheRestOfTheHome() throws Exception {
    for (String file :
        List.of("keys/seal.json", "tarn.db", "storage/theirs/b.txt", "engines/e2/scratch/y")) {
      assertThat(run("cat " + home.resolve(file) + " && echo LEAK"))
          .as(file)
          .contains("No such file")
          .doesNotContain("LEAK");
    }
    assertThat(run("ls /storage; ls -d /home /root /var /run /work")).doesNotContain("theirs\n");
    assertThat(run("find / -xdev -name seal.json -o -xdev -name tarn.db 2>/dev/null")).isEmpty();
  }

  @Test
  void itDoesNotLeaveThroughLinksInItsOwnFolders() throws Exception {
    Files.createSymbolicLink(home.resolve("storage/mine/link"), home.resolve("keys"));
    assertThat(run("cat /storage/mine/link/seal.json; cat /storage/mine/../theirs/b.txt"))
        .doesNotContain("content of");
  }

  @Test
  void itSeesNoProcessAndNoEnvironmentOfOthers() throws Exception {
    long pid = ProcessHandle.current().pid();
    assertThat(run("ls -d /proc/[0-9]*").lines().count()).isLessThan(6);
    assertThat(run("cat /proc/" + pid + "/environ")).contains("No such file");
    // Process 1 is bubblewrap: had it kept our environment, everything inside could read it.
    assertThat(System.getenv()).containsKey("HOME");
    assertThat(run("cat /proc/*/environ | tr '\\0' '\\n' | sort -u"))
        .doesNotContain("HOME=")
        .contains("GIVEN=value");
    assertThat(run("kill -0 " + pid)).contains("No such process");
  }

  @Test
  void itHasNoPrivilegeAndCanGetNone() throws Exception {
    assertThat(run("grep Cap /proc/self/status | grep -v 0000000000000000")).isEmpty();
    assertThat(run("grep NoNewPrivs /proc/self/status")).contains("1");
    assertThat(run("unshare -U true && echo GOT")).doesNotContain("GOT");
    assertThat(run("mount -t tmpfs none /mnt && echo GOT")).doesNotContain("GOT");
    // Owned by uid 0 and writable to it without any capability: a way out where we are root.
    // Opened for appending and not written, for the day on which this test fails.
    for (String file :
        List.of("sys/kernel/core_pattern", "sys/vm/drop_caches", "sysrq-trigger", "irq/x")) {
      assertThat(run(": >> /proc/" + file + " && echo GOT")).as(file).doesNotContain("GOT");
    }
  }

  @Test
  void nothingOfTheEnvironmentIsOnTheCommandLine() {
    assertThat(sandbox.child(List.of("/bin/true"), Map.of("TOKEN", "s3cret"), mounts).command())
        .noneMatch(word -> word.contains("s3cret"));
  }

  @Test
  void killingTheOutermostProcessKillsWhatIsInside() throws Exception {
    Path exit = home.resolve("engines/e1/exit");
    Process outer =
        sandbox.start(
            sandbox.survivor(
                List.of("/bin/sh", "-c", "echo up; cat; sleep 1000"), Map.of(), mounts, exit));
    outer.inputReader().readLine();
    List<ProcessHandle> all = outer.descendants().toList();
    assertThat(all).hasSizeGreaterThanOrEqualTo(3);
    outer.destroyForcibly();
    for (ProcessHandle one : all) {
      one.onExit().get(10, TimeUnit.SECONDS);
    }
    assertThat(exit).doesNotExist();
  }

  @Test
  void killingWhatIsInsideEndsTheOutermostWithItsSignal() throws Exception {
    Path exit = home.resolve("engines/e1/exit");
    Process outer =
        sandbox.start(
            sandbox.survivor(
                List.of("/bin/sh", "-c", "echo up; kill -9 $$"), Map.of(), mounts, exit));
    assertThat(outer.waitFor()).isEqualTo(128 + 9);
    assertThat(exit).hasContent("137");
  }

  @Test
  void withoutASandboxAChildStillDiesWithItsParent() throws Exception {
    Sandbox off = Sandbox.open("off", home);
    assertThat(off.isolating()).isFalse();
    Process outer =
        off.start(
            off.survivor(
                List.of("/bin/sh", "-c", "echo up; cat"),
                Map.of(),
                List.of(),
                home.resolve("exit")));
    outer.inputReader().readLine();
    List<ProcessHandle> all = outer.descendants().toList();
    assertThat(all).isNotEmpty();
    outer.destroyForcibly();
    // What it was waiting for goes with it; a grandchild of the shell's ends at its closed input.
    all.getFirst().onExit().get(10, TimeUnit.SECONDS);
  }
}
