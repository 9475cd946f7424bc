package dev.tarn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Quickstart stacks: what CloudFormation's console shows, on the command line. */
@Command(
    name = "stack",
    description = "Create, watch, change and delete quickstart stacks.",
    subcommands = {
      Stack.Create.class,
      Stack.Update.class,
      Stack.List.class,
      Stack.Events.class,
      Stack.Resources.class,
      Stack.Outputs.class,
      Stack.Drift.class,
      Stack.Protect.class,
      Stack.Delete.class
    })
final class Stack {
  /** What all of them share. */
  static final class Printing {
    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    /** JSON as it is, or each element of {@code list} as one line. */
    void print(JsonNode answer, String list, Consumer<JsonNode> line) {
      if (json) {
        System.out.println(answer.toPrettyString());
      } else {
        answer.path(list).forEach(line);
      }
    }
  }

  /** The stacks of the running server. */
  record Stacks(Api api, String base) {
    static Stacks of(Home home) {
      Api api = home.account();
      return new Stacks(api, "/api/2.0/accounts/" + Status.accountId(api) + "/stacks");
    }

    JsonNode create(String name, String workspaceName, Map<String, String> parameters) {
      ObjectNode request = Home.JSON.createObjectNode();
      if (name != null) {
        request.put("StackName", name);
      }
      request.put("TemplateName", "quickstart");
      ObjectNode all = request.putObject("Parameters");
      all.put("WorkspaceName", workspaceName);
      if (parameters != null) {
        parameters.forEach(all::put);
      }
      return api.post(base, request);
    }

    JsonNode list() {
      return api.get(base);
    }

    JsonNode get(String name) {
      return api.get(path(name));
    }

    JsonNode part(String name, String part) {
      return api.get(path(name) + "/" + part);
    }

    /**
     * @param newTemplate whether to take the server's template instead of the stack's own
     */
    JsonNode update(String name, Map<String, String> parameters, boolean newTemplate) {
      ObjectNode request = Home.JSON.createObjectNode();
      if (newTemplate) {
        request.put("TemplateName", "quickstart");
      }
      ObjectNode all = request.putObject("Parameters");
      if (parameters != null) {
        parameters.forEach(all::put);
      }
      return api.patch(path(name), request);
    }

    void protect(String name, boolean enabled) {
      ObjectNode request = Home.JSON.createObjectNode();
      request.put("EnableTerminationProtection", enabled);
      api.put(path(name) + "/termination-protection", request);
    }

    void delete(String name, java.util.List<String> retained, boolean emptyBuckets) {
      StringBuilder query = new StringBuilder("?EmptyBuckets=").append(emptyBuckets);
      if (retained != null) {
        retained.forEach(
            id ->
                query
                    .append("&RetainResources=")
                    .append(URLEncoder.encode(id, StandardCharsets.UTF_8)));
      }
      api.delete(path(name) + query);
    }

    /** What happened so far, to tell what happens next apart from it. */
    Set<String> told(String name) {
      Set<String> told = new HashSet<>();
      part(name, "events")
          .path("StackEvents")
          .forEach(event -> told.add(event.path("EventId").asText()));
      return told;
    }

    private String path(String name) {
      return base + "/" + URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /**
     * Follows a stack until nothing is in progress, telling each new event once.
     *
     * @param told ids of events that are not new
     * @return its last status, null when it is gone
     */
    String follow(String name, Set<String> told, Consumer<JsonNode> tell) {
      while (true) {
        try {
          String status = get(name).path("StackStatus").asText();
          for (JsonNode event : part(name, "events").path("StackEvents")) {
            if (told.add(event.path("EventId").asText())) {
              tell.accept(event);
            }
          }
          if (!status.endsWith("_IN_PROGRESS")) {
            return status.equals("DELETE_COMPLETE") ? null : status;
          }
          Thread.sleep(300);
        } catch (Api.Refused e) {
          if (e.status() == 404) {
            return null;
          }
          throw e;
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new Tarn.Failure(
              "interrupted; the stack goes on: `tarn stack events " + name + "`");
        }
      }
    }
  }

  private static void printEvent(JsonNode event) {
    System.out.printf(
        "%s  %-28s %-28s %s%n",
        event.path("Timestamp").asText(),
        event.path("LogicalResourceId").asText(),
        event.path("ResourceStatus").asText(),
        event.path("ResourceStatusReason").asText(""));
  }

  @Command(name = "create", description = "Create a workspace with the quickstart stack.")
  static final class Create implements Runnable {
    @Parameters(
        arity = "0..1",
        description = "Stack name (default: databricks-workspace-stack-<5 hex>).")
    private String name;

    @Option(names = "--workspace-name", required = true)
    private String workspaceName;

    @Option(names = "--param", description = "A further parameter of the template, KEY=VALUE.")
    private Map<String, String> parameters;

    @Option(names = "--wait", description = "Return when the stack is complete or rolled back.")
    private boolean wait;

    @Mixin private Printing printing;

    @Override
    public void run() {
      Stacks stacks = Stacks.of(Home.ofEnvironment());
      JsonNode created = stacks.create(name, workspaceName, parameters);
      String stackName = created.path("StackName").asText();
      if (!wait) {
        if (printing.json) {
          System.out.println(created.toPrettyString());
        } else {
          System.out.println(
              stackName + ": `tarn stack events " + stackName + "` shows how it goes");
        }
        return;
      }
      String status =
          stacks.follow(
              stackName,
              new HashSet<>(),
              event -> {
                if (!printing.json) {
                  printEvent(event);
                }
              });
      if (printing.json && status != null) {
        System.out.println(stacks.get(stackName).toPrettyString());
      }
      if (!"CREATE_COMPLETE".equals(status)) {
        throw new Tarn.Failure(
            stackName + " ended as " + status + "; `tarn stack events " + stackName + "` says why");
      }
    }
  }

  @Command(
      name = "update",
      description = "Change parameters of a stack; what it does not name stays as it is.")
  static final class Update implements Runnable {
    @Parameters(description = "The stack.")
    private String name;

    @Option(names = "--param", description = "A parameter of the template, KEY=VALUE.")
    private Map<String, String> parameters;

    @Option(names = "--new-template", description = "Take the template of this version of Tarn.")
    private boolean newTemplate;

    @Option(names = "--wait", description = "Return when the update is complete or rolled back.")
    private boolean wait;

    @Mixin private Printing printing;

    @Override
    public void run() {
      Stacks stacks = Stacks.of(Home.ofEnvironment());
      Set<String> told = stacks.told(name);
      JsonNode answer = stacks.update(name, parameters, newTemplate);
      if (!wait) {
        if (printing.json) {
          System.out.println(answer.toPrettyString());
        } else {
          System.out.println(name + ": `tarn stack events " + name + "` shows how it goes");
        }
        return;
      }
      String status =
          stacks.follow(
              name,
              told,
              event -> {
                if (!printing.json) {
                  printEvent(event);
                }
              });
      if (printing.json && status != null) {
        System.out.println(stacks.get(name).toPrettyString());
      }
      if (!"UPDATE_COMPLETE".equals(status)) {
        throw new Tarn.Failure(
            name + " ended as " + status + "; `tarn stack events " + name + "` says why");
      }
    }
  }

  @Command(name = "protect", description = "Refuse, or allow again, the deletion of a stack.")
  static final class Protect implements Runnable {
    @Parameters(description = "The stack.")
    private String name;

    @Option(names = "--off", description = "Allow the deletion again.")
    private boolean off;

    @Override
    public void run() {
      Stacks.of(Home.ofEnvironment()).protect(name, !off);
    }
  }

  @Command(name = "list", description = "The stacks there are.")
  static final class List implements Runnable {
    @Mixin private Printing printing;

    @Override
    public void run() {
      printing.print(
          Stacks.of(Home.ofEnvironment()).list(),
          "Stacks",
          stack ->
              System.out.printf(
                  "%-36s %-24s %s%n",
                  stack.path("StackName").asText(),
                  stack.path("StackStatus").asText(),
                  stack.path("StackStatusReason").asText("")));
    }
  }

  /** One list of a stack. */
  private abstract static class Part implements Runnable {
    @Parameters(arity = "0..1", description = "The stack (default: the oldest).")
    private String name;

    @Mixin private Printing printing;

    private final String part;
    private final String list;
    private final Consumer<JsonNode> line;

    Part(String part, String list, Consumer<JsonNode> line) {
      this.part = part;
      this.list = list;
      this.line = line;
    }

    @Override
    public void run() {
      Stacks stacks = Stacks.of(Home.ofEnvironment());
      printing.print(stacks.part(named(stacks, name), part), list, line);
    }
  }

  @Command(name = "events", description = "What happened to a stack, oldest first.")
  static final class Events extends Part {
    Events() {
      super("events", "StackEvents", Stack::printEvent);
    }
  }

  @Command(name = "resources", description = "What a stack consists of.")
  static final class Resources extends Part {
    Resources() {
      super(
          "resources",
          "StackResources",
          resource ->
              System.out.printf(
                  "%-28s %-32s %-20s %s%n",
                  resource.path("LogicalResourceId").asText(),
                  resource.path("ResourceType").asText(),
                  resource.path("ResourceStatus").asText(),
                  resource.path("PhysicalResourceId").asText("")));
    }
  }

  @Command(name = "outputs", description = "What a stack gives out.")
  static final class Outputs extends Part {
    Outputs() {
      super(
          "outputs",
          "Outputs",
          output ->
              System.out.printf(
                  "%-28s %s%n",
                  output.path("OutputKey").asText(), output.path("OutputValue").asText()));
    }
  }

  @Command(
      name = "drift",
      description = "What of a stack is no longer as the stack made it; exits with 1 if any is.")
  static final class Drift implements Runnable {
    @Parameters(arity = "0..1", description = "The stack (default: the oldest).")
    private String name;

    @Mixin private Printing printing;

    @Override
    public void run() {
      Stacks stacks = Stacks.of(Home.ofEnvironment());
      JsonNode drift = stacks.part(named(stacks, name), "drift");
      printing.print(
          drift,
          "StackResourceDrifts",
          resource -> {
            System.out.printf(
                "%-28s %-14s %s%n",
                resource.path("LogicalResourceId").asText(),
                resource.path("StackResourceDriftStatus").asText(),
                resource.path("PhysicalResourceId").asText(""));
            resource
                .path("PropertyDifferences")
                .forEach(
                    difference ->
                        System.out.printf(
                            "    %s %s: %s, expected %s%n",
                            difference.path("DifferenceType").asText(),
                            difference.path("PropertyPath").asText(),
                            difference.path("ActualValue").asText(),
                            difference.path("ExpectedValue").asText()));
          });
      if (drift.path("StackDriftStatus").asText().equals("DRIFTED")) {
        throw new Tarn.Failure("the stack has drifted");
      }
    }
  }

  @Command(name = "delete", description = "Delete a stack and what it made.")
  static final class Delete implements Runnable {
    @Parameters(description = "The stack.")
    private String name;

    @Option(
        names = "--retain",
        description = "Leave a resource that could not be deleted; by logical id, repeatable.")
    private java.util.List<String> retained;

    @Option(names = "--empty-buckets", description = "Delete what is in its buckets with them.")
    private boolean emptyBuckets;

    @Option(names = "--wait", description = "Return when it is gone.")
    private boolean wait;

    @Override
    public void run() {
      Stacks stacks = Stacks.of(Home.ofEnvironment());
      Set<String> told = stacks.told(name);
      stacks.delete(name, retained, emptyBuckets);
      if (wait) {
        String status = stacks.follow(name, told, Stack::printEvent);
        if (status != null) {
          throw new Tarn.Failure(
              name
                  + " ended as "
                  + status
                  + ": "
                  + stacks.get(name).path("StackStatusReason").asText());
        }
      }
    }
  }

  private static String named(Stacks stacks, String name) {
    if (name != null) {
      return name;
    }
    JsonNode all = stacks.list().path("Stacks");
    if (all.isEmpty()) {
      throw new Tarn.Failure("there is no stack: `tarn stack create --workspace-name NAME`");
    }
    String oldest = all.get(0).path("StackName").asText();
    if (all.size() > 1) {
      System.err.println(
          "tarn: " + oldest + ", the oldest of " + all.size() + " stacks (`tarn stack list`)");
    }
    return oldest;
  }
}
