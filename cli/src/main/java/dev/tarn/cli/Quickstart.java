package dev.tarn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * From nothing to an answer: start, account, workspace through the stack, samples, a first
 * statement. Each step looks whether it was done already, so a second run changes nothing and one
 * that was killed goes on.
 */
@Command(
    name = "quickstart",
    description =
        "Start, make account and workspace through the quickstart stack, run a first statement.")
final class Quickstart implements Runnable {
  private static final String FIRST_STATEMENT = "SELECT count(*) FROM samples.tpch.lineitem";

  @Option(
      names = "--workspace-name",
      defaultValue = "dev",
      description = "Name of the workspace (default: ${DEFAULT-VALUE}).")
  private String workspaceName;

  @Override
  public void run() {
    Home home = Home.ofEnvironment();
    Progress progress = new Progress();
    Path tokenFile = home.folder().resolve("keys/admin-token");
    boolean first = !Files.exists(tokenFile);
    Home.Running running = Up.start(home, progress);
    workspace(home, workspaceName, progress::stage);
    String count = Sql.run(home, workspaceName, FIRST_STATEMENT).rows().get(0).get(0);
    progress.stage(FIRST_STATEMENT + " → " + count);
    System.out.println();
    System.out.println("Tarn is ready at " + running.url());
    Account.printFirstLink(home, running.url());
    if (first) {
      System.out.println("  administrator's token (shown once, kept in " + tokenFile + "):");
      try {
        System.out.println("    " + Files.readString(tokenFile).trim());
      } catch (IOException e) {
        throw new Tarn.Failure("cannot read " + tokenFile + ": " + e.getMessage());
      }
    }
    System.out.println("  point any client at the workspace:   eval \"$(./tarn env)\"");
    System.out.println("  or at the account:                   eval \"$(./tarn env --account)\"");
    System.out.println(
        "  put files into a bucket:             "
            + home.folder().resolve("storage")
            + "/<bucket>/");
    System.out.println(
        "  ask:                                 ./tarn sql \"" + FIRST_STATEMENT + "\"");
  }

  /** Makes the workspace unless there is one of this name. */
  static void workspace(Home home, String workspaceName, Consumer<String> progress) {
    Stack.Stacks stacks = Stack.Stacks.of(home);
    for (JsonNode workspace : Status.of(home).get("workspaces")) {
      if (workspace.get("workspace_name").asText().equals(workspaceName)
          && workspace.get("workspace_status").asText().equals("RUNNING")) {
        progress.accept("workspace " + workspaceName + " is RUNNING already");
        return;
      }
    }
    String name = unfinished(stacks, workspaceName);
    if (name == null) {
      name = stacks.create(null, workspaceName, null).path("StackName").asText();
    }
    String status =
        stacks.follow(
            name,
            new java.util.HashSet<>(),
            event ->
                progress.accept(
                    "stack  %-28s %s"
                        .formatted(
                            event.path("LogicalResourceId").asText(),
                            event.path("ResourceStatus").asText())));
    if (!"CREATE_COMPLETE".equals(status)) {
      throw new Tarn.Failure(
          "the stack "
              + name
              + " ended as "
              + status
              + "; `tarn stack events "
              + name
              + "` says why");
    }
    progress.accept("workspace " + workspaceName + " is RUNNING");
  }

  /** A stack for this workspace that an earlier, killed quickstart began. */
  private static String unfinished(Stack.Stacks stacks, String workspaceName) {
    for (JsonNode stack : stacks.list().path("Stacks")) {
      for (JsonNode parameter : stack.path("Parameters")) {
        if (parameter.path("ParameterKey").asText().equals("WorkspaceName")
            && parameter.path("ParameterValue").asText().equals(workspaceName)
            && stack.path("StackStatus").asText().equals("CREATE_IN_PROGRESS")) {
          return stack.path("StackName").asText();
        }
      }
    }
    return null;
  }
}
