package dev.tarn.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What was built. */
@Command(name = "version", description = "Print the version.")
final class Version implements Runnable {
  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public void run() {
    String version = Version.class.getPackage().getImplementationVersion();
    if (json) {
      System.out.println(
          Home.JSON
              .createObjectNode()
              .put("version", version)
              .put("java", Runtime.version().toString())
              .toPrettyString());
    } else {
      System.out.println("tarn " + version + " (Java " + Runtime.version() + ")");
    }
  }
}
