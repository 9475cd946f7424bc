package dev.tarn.access;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Who there is, told by whoever keeps identities. Not asked within transactions. */
public interface People {
  /** The system groups of a workspace: who enters it, and who administers it. */
  record Groups(long users, long admins) {}

  /** All that a principal stands for: itself, its groups, system groups. Empty: nobody. */
  Set<Long> standsFor(long principalId);

  /** The same, each with the names on the shortest way that leads there, its own first. */
  Map<Long, List<String>> ways(long principalId);

  /** Whether a principal is assigned to a workspace, itself or through a group. */
  boolean enters(long principalId, long workspaceId);

  /** Names of the account groups that a principal is in, directly or through another. */
  List<String> groupNames(long principalId);

  /** The user, service principal or group of that name. */
  Optional<Long> named(String name);

  /** The system groups of a workspace, which come to be when they are not there. */
  Groups ofWorkspace(long workspaceId, String workspaceName);

  /** The group of everybody. */
  long everybody();

  /** Another text after each change of any identity. */
  String version();
}
