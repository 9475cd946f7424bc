package dev.tarn.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Where code that is not ours runs: a child process in namespaces of its own (bubblewrap), which
 * sees the system's programs, the JDK and what it was given, nothing else of this machine. It has
 * no capability, no other process, no environment but its own; the network stays, because an engine
 * and a handler speak to the control plane over loopback.
 *
 * <p>Three things are easy to get wrong here. bubblewrap's own first process keeps the environment
 * it was started with, readable as {@code /proc/1/environ} by everything inside, so bubblewrap
 * itself is started with the child's environment ({@code --clearenv} would clear too late). "Die
 * with the parent" means the <em>thread</em> that started the child, and carrier threads end when
 * idle, so every child is started by one thread that never ends. And a child that is to outlive the
 * control plane (an engine, to be adopted by the next one) still must not lose its walls one by
 * one: a small shell is the parent with which all of it dies, and keeps the exit code.
 */
public final class Sandbox {
  private static final List<String> LINKS =
      List.of("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32");
  private static final List<String> ETC =
      List.of(
          "/etc/ld.so.cache",
          "/etc/localtime",
          "/etc/alternatives",
          "/etc/ssl",
          "/etc/pki",
          "/etc/resolv.conf");

  /** Dies with nothing but its child, and writes down how that ended: {@code $0} is the file. */
  private static final String KEEPER = "\"$@\"; code=$?; echo $code > \"$0\"; exit $code";

  private final boolean isolating;
  private final Path home;
  private final Path etc;
  private final ExecutorService starter =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("process-starter").daemon().factory());

  private Sandbox(boolean isolating, Path home) {
    this.isolating = isolating;
    this.home = home.toAbsolutePath().normalize();
    this.etc = this.home.resolve("runtime/etc");
  }

  /**
   * @param from a file or folder of this machine
   * @param at where the child sees it; without a sandbox it is where it is
   * @param writable whether the child may change it
   */
  public record Mount(Path from, Path at, boolean writable) {
    /** The child may read {@code path}, where it is. */
    public static Mount read(Path path) {
      return new Mount(path, path, false);
    }

    /** The child may read {@code from} as {@code at}. */
    public static Mount read(Path from, String at) {
      return new Mount(from, Path.of(at), false);
    }

    /** The child may read and write {@code from} as {@code at}. */
    public static Mount write(Path from, String at) {
      return new Mount(from, Path.of(at), true);
    }
  }

  /**
   * The sandbox of this machine, tried out.
   *
   * @param mode {@code required} or {@code off}, see {@code Config}
   * @param home the data directory, of which a child sees only what is mounted for it
   * @throws IllegalStateException a sandbox is required and does not work here; says what to do
   */
  public static Sandbox open(String mode, Path home) {
    Sandbox sandbox = new Sandbox(!mode.equals("off"), home);
    if (sandbox.isolating) {
      sandbox.writeEtc();
      sandbox.probe();
    }
    return sandbox;
  }

  /** Whether children are walled in. Where not, one person may use this instance. */
  public boolean isolating() {
    return isolating;
  }

  /** Where the child finds what was mounted. */
  public Path path(Mount mount) {
    return isolating ? mount.at() : mount.from();
  }

  /**
   * A child that dies when the control plane does, however that ends.
   *
   * @param command program (absolute) and arguments; no secrets, everybody on the machine reads it
   * @param environment all of the child's environment
   */
  public ProcessBuilder child(
      List<String> command, Map<String, String> environment, List<Mount> mounts) {
    List<String> line = new ArrayList<>(walls(mounts));
    line.addAll(command);
    return builder(line, environment);
  }

  /**
   * A child that lives on when the control plane dies, in a session of its own; killing the process
   * that is returned by {@link #start} kills all of it.
   *
   * @param exitCode the file that says how it ended, for a control plane that was not its parent
   */
  public ProcessBuilder survivor(
      List<String> command, Map<String, String> environment, List<Mount> mounts, Path exitCode) {
    List<String> line =
        new ArrayList<>(
            List.of("/usr/bin/setsid", "/bin/sh", "-c", KEEPER, exitCode.toAbsolutePath() + ""));
    line.addAll(walls(mounts));
    line.addAll(command);
    return builder(line, environment);
  }

  /**
   * Starts what {@link #child} or {@link #survivor} built. Only this may: see the class comment.
   */
  public Process start(ProcessBuilder builder) throws IOException {
    try {
      return starter.submit(builder::start).get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw new IllegalStateException("cannot start a child process", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while starting a child process", e);
    }
  }

  private static ProcessBuilder builder(List<String> line, Map<String, String> environment) {
    ProcessBuilder builder = new ProcessBuilder(line).directory(Path.of("/").toFile());
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/bin:/bin");
    builder.environment().put("LANG", "C.UTF-8");
    builder.environment().putAll(environment);
    return builder;
  }

  private List<String> walls(List<Mount> mounts) {
    if (!isolating) {
      return List.of("/usr/bin/setpriv", "--pdeathsig", "KILL", "--");
    }
    List<String> line = new ArrayList<>();
    line.add("/usr/bin/bwrap");
    line.addAll(List.of("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"));
    line.addAll(List.of("--unshare-cgroup-try", "--disable-userns", "--cap-drop", "ALL"));
    line.addAll(List.of("--die-with-parent", "--new-session", "--hostname", "tarn"));
    line.addAll(List.of("--ro-bind", "/usr", "/usr"));
    for (String link : LINKS) {
      Path path = Path.of(link);
      if (Files.isSymbolicLink(path)) {
        line.addAll(List.of("--symlink", target(path), link));
      } else if (Files.isDirectory(path)) {
        line.addAll(List.of("--ro-bind", link, link));
      }
    }
    ETC.forEach(file -> line.addAll(List.of("--ro-bind-try", file, file)));
    try (Stream<Path> own = Files.list(etc);
        Stream<Path> system = Files.list(Path.of("/etc"))) {
      own.forEach(
          file -> line.addAll(List.of("--ro-bind", file + "", "/etc/" + file.getFileName())));
      // Where Debian keeps conf/ of its JDKs.
      system
          .filter(path -> path.getFileName().toString().startsWith("java-"))
          .forEach(path -> line.addAll(List.of("--ro-bind", path + "", path + "")));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list the sandbox's /etc", e);
    }
    // Where we are root, files below /proc/sys are writable to the child without any capability.
    line.addAll(List.of("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"));
    line.addAll(List.of("--dev", "/dev", "--tmpfs", "/tmp"));
    Path jdk = Path.of(System.getProperty("java.home"));
    if (!jdk.startsWith("/usr")) {
      line.addAll(List.of("--ro-bind", jdk + "", jdk + ""));
    }
    if (Stream.of("/usr", "/etc/ssl", jdk.toString()).anyMatch(home::startsWith)) {
      line.addAll(List.of("--tmpfs", home + ""));
    }
    for (Mount mount : mounts) {
      line.addAll(
          List.of(
              mount.writable() ? "--bind" : "--ro-bind",
              mount.from().toAbsolutePath().normalize() + "",
              mount.at() + ""));
    }
    line.addAll(List.of("--remount-ro", "/", "--chdir", "/tmp", "--"));
    return line;
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the link " + link, e);
    }
  }

  /** A user name (Hadoop insists on one) and a host name, and nobody else's. */
  private void writeEtc() {
    try {
      Files.createDirectories(etc);
      int uid = (Integer) Files.getAttribute(etc, "unix:uid");
      int gid = (Integer) Files.getAttribute(etc, "unix:gid");
      Files.writeString(etc.resolve("passwd"), "tarn:x:" + uid + ":" + gid + "::/tmp:/bin/sh\n");
      Files.writeString(etc.resolve("group"), "tarn:x:" + gid + ":\n");
      Files.writeString(etc.resolve("hosts"), "127.0.0.1 localhost tarn\n::1 localhost\n");
      Files.writeString(etc.resolve("nsswitch.conf"), "hosts: files dns\n");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + etc, e);
    }
  }

  private void probe() {
    String said;
    try {
      Process process =
          start(
              child(List.of("/usr/bin/true"), Map.of(), List.of())
                  .redirectErrorStream(true)
                  .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile())));
      said = new String(process.getInputStream().readAllBytes(), UTF_8).trim();
      if (process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0) {
        return;
      }
    } catch (IOException e) {
      said = e.getMessage();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      said = "interrupted";
    }
    throw new IllegalStateException(
        "no sandbox for the code of users: bubblewrap does not work here ("
            + said
            + "). Install it (apt-get install bubblewrap, version 0.8 or newer) and allow user"
            + " namespaces, or set sandbox=off in tarn.properties where one person uses this"
            + " machine");
  }
}
