package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The region the first administrator chooses for the account, before anything is in one.
 *
 * @param region the region so far
 * @param isFree whether nothing was made there yet
 */
record RegionChoice(Supplier<String> region, BooleanSupplier isFree) {
  String now() {
    return region.get();
  }

  void check(String chosen) {
    if (!chosen.matches("[a-z]{2}(-[a-z]+)+-\\d")) {
      throw new InvalidParameterValue(
          "region: '" + Scim.shortened(chosen) + "' (expected: a region such as us-east-1)", null);
    }
    if (!chosen.equals(now()) && !isFree.getAsBoolean()) {
      throw new InvalidState(
          "region: '"
              + chosen
              + "' (expected: '"
              + now()
              + "', where this account has workspaces or stacks already)",
          null);
    }
  }
}
