package dev.tarn.iam;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/** Host names of workspaces: {@code <deployment>.localhost}, and {@code <deployment>.<zone>}. */
final class WorkspaceHosts {
  private final Function<String, Optional<Long>> workspaceOfDeployment;
  private final List<String> zones;

  /**
   * @param zones suffixes with their leading dot
   */
  WorkspaceHosts(Function<String, Optional<Long>> workspaceOfDeployment, List<String> zones) {
    this.workspaceOfDeployment = workspaceOfDeployment;
    this.zones = zones;
  }

  /** Whether {@code host} is that of one workspace, known or not. */
  boolean isOfOne(String host) {
    return deployment(host).isPresent();
  }

  /** The workspace a host name without port is of; empty for other hosts and unknown ones. */
  Optional<Long> workspace(String host) {
    return deployment(host).flatMap(workspaceOfDeployment);
  }

  private Optional<String> deployment(String host) {
    String lower = host == null ? "" : host.toLowerCase(Locale.ROOT);
    return zones.stream()
        .filter(lower::endsWith)
        .map(zone -> lower.substring(0, lower.length() - zone.length()))
        .filter(name -> !name.equals("accounts"))
        .findFirst();
  }
}
