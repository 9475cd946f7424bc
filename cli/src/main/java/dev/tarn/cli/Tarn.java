package dev.tarn.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParseResult;

/** {@code ./tarn VERB}: what a person does to an instance on this machine. */
@Command(
    name = "tarn",
    description = "A lakehouse of your own: account, workspaces, Spark and Delta on this machine.",
    subcommands = {
      Quickstart.class,
      Up.class,
      Down.class,
      Status.class,
      Logs.class,
      Env.class,
      Trust.class,
      Backup.class,
      Support.class,
      Restore.class,
      Keys.class,
      Sql.class,
      Stack.class,
      Account.class,
      Doctor.class,
      Reset.class,
      Train.class,
      Version.class,
      CommandLine.HelpCommand.class
    },
    footer = {
      "",
      "  test [--only GROUP] [--soak]   runs all tests (real Spark, real clients)",
      "",
      "TARN_HOME (default ~/.tarn) and TARN_PORT (default 8484) name the instance."
    })
public final class Tarn {
  /** Says what is wrong and what to do; printed without a stack. */
  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Failure(String message) {
      super(message);
    }
  }

  private Tarn() {}

  public static void main(String[] arguments) {
    CommandLine line = new CommandLine(new Tarn());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler(Tarn::explain);
    if (arguments.length == 0) {
      line.usage(System.out);
      System.exit(2);
    }
    System.exit(line.execute(arguments));
  }

  private static int explain(Exception problem, CommandLine line, ParseResult parsed)
      throws Exception {
    if (problem instanceof Failure || problem instanceof Api.Refused) {
      line.getErr().println("tarn: " + problem.getMessage());
      return 1;
    }
    throw problem;
  }
}
