package dev.tarn.iam;

import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/** Host names of workspaces: {@code <deployment>.localhost}. */
final class WorkspaceHosts {
  private static final String ZONE = ".localhost";

  private final Function<String, Optional<Long>> workspaceOfDeployment;

  WorkspaceHosts(Function<String, Optional<Long>> workspaceOfDeployment) {
    this.workspaceOfDeployment = workspaceOfDeployment;
  }

  /** Whether {@code host} is that of one workspace, known or not. */
  static boolean isOfOne(String host) {
    String lower = host == null ? "" : host.toLowerCase(Locale.ROOT);
    return lower.endsWith(ZONE) && !lower.equals("accounts" + ZONE);
  }

  /** The workspace a host name without port is of; empty for other hosts and unknown ones. */
  Optional<Long> workspace(String host) {
    return isOfOne(host)
        ? workspaceOfDeployment.apply(
            host.substring(0, host.length() - ZONE.length()).toLowerCase(Locale.ROOT))
        : Optional.empty();
  }
}
