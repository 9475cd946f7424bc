package dev.tarn.engine;

/**
 * An engine as its row says.
 *
 * @param id 32 hex digits
 * @param kind of its owner
 * @param ownerId the warehouse or cluster
 * @param slot which of its owner's engines it is, from 0
 * @param reason why it is stopping, stopped or failed; null while all is well
 * @param outerPid the process with which all of it dies, null before it was started
 * @param outerSince boot id and start tick of that process
 * @param jvmPid the driver as this machine sees it, null before it was ready
 * @param port of its Spark Connect server on loopback, null before it was ready
 * @param terms hash of what it was told, see {@link Engines}
 * @param keyId of the key that signs for it; null from before that was noted
 * @param createdAt epoch milliseconds
 */
public record Engine(
    String id,
    Kind kind,
    String ownerId,
    int slot,
    long workspaceId,
    State state,
    String reason,
    Long outerPid,
    String outerSince,
    Long jvmPid,
    Integer port,
    String terms,
    String keyId,
    long createdAt) {

  /** What an engine is for. */
  public enum Kind {
    WAREHOUSE,
    CLUSTER
  }

  /** A life: it goes forward only. */
  public enum State {
    STARTING,
    RUNNING,
    /** It takes no more statements and ends with the last that it has. */
    DRAINING,
    STOPPING,
    STOPPED,
    FAILED;

    /** Whether there is, or may be, a process. */
    public boolean isUp() {
      return this == STARTING || this == RUNNING || this == DRAINING || this == STOPPING;
    }
  }
}
