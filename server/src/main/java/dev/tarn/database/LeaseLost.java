package dev.tarn.database;

/** Another control plane does this work now: whoever sees this stops, and leaves all as it is. */
public final class LeaseLost extends RuntimeException {
  private static final long serialVersionUID = 1;

  LeaseLost(String work) {
    super("the lease of " + work + " was lost");
  }
}
