package dev.tarn.database;

import java.time.Instant;
import java.util.List;

/** Keys for one purpose: the current one makes what is new, former ones still read what is old. */
public interface KeyRing {
  /**
   * @param id no secret
   * @param until when a former one goes; null for the current one, and for one that goes when
   *     nothing uses it any more
   */
  record Key(String id, boolean current, Instant until) {}

  /** The current one first. */
  List<Key> keys();

  /** From the return on, a new key is the current one. */
  void rotate(Instant now);

  /**
   * Removes former keys that nothing needs any more.
   *
   * @param all also those whose time has not come; one that cannot go at once goes soon, see {@link
   *     Key#until}
   * @return the ids of those that are gone
   */
  List<String> retire(Instant now, boolean all);

  /** Takes notice of what another control plane did to them. */
  void reload();
}
