package dev.tarn.account;

import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.database.Slice;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.BiFunction;

/**
 * The lists of the account that the public API answers whole, page by page for the console. Rows
 * are as that API shows them.
 */
public final class ConsoleLists {
  private final Map<String, BiFunction<Caller, Slice.Wanted, Slice<?>>> lists;

  /**
   * @param lists by the last segment of their path in the public API
   */
  ConsoleLists(Map<String, BiFunction<Caller, Slice.Wanted, Slice<?>>> lists) {
    this.lists = lists;
  }

  /** See {@link Slice.Wanted}. */
  record Wanted(String list, String filter, Integer startIndex, Integer count) {}

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/tarn/lists/{list}")
  public Slice<?> page(Caller caller, Wanted wanted) {
    BiFunction<Caller, Slice.Wanted, Slice<?>> list = lists.get(wanted.list());
    if (list == null) {
      throw new ResourceDoesNotExist(
          "list '" + wanted.list() + "' (expected: one of " + new TreeSet<>(lists.keySet()) + ")",
          null);
    }
    return list.apply(
        caller, new Slice.Wanted(wanted.filter(), wanted.startIndex(), wanted.count()));
  }
}
