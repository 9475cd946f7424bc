package dev.tarn.access;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import java.util.List;
import java.util.function.Function;

/**
 * One page of a list ordered by name. The token is the last name of the page, so finding the next
 * one is a search in an index however far it is.
 *
 * @param next null on the last page
 */
public record Page<T>(List<T> items, String next) {
  /** A list without {@code max_results} is then not cut; room for the row that tells of a next. */
  public static final int ALL = Integer.MAX_VALUE - 1;

  /**
   * @param ofServer the longest page, and the one meant by 0
   * @param whenUnset the page meant by leaving it out
   */
  public static int size(Long maxResults, int ofServer, int whenUnset) {
    if (maxResults == null) {
      return whenUnset;
    }
    if (maxResults < 0) {
      throw new InvalidParameterValue(
          "max_results: " + maxResults + " (expected: 0 for the server's page size, or more)",
          null);
    }
    return maxResults == 0 ? ofServer : (int) Math.min(maxResults, ofServer);
  }

  /** The page out of {@code size + 1} rows asked for. */
  public static <T> Page<T> of(List<T> found, int size, Function<T, String> name) {
    if (found.size() <= size) {
      return new Page<>(found, null);
    }
    List<T> items = found.subList(0, size);
    return new Page<>(items, name.apply(items.getLast()));
  }

  public static String after(String pageToken) {
    return pageToken == null ? "" : pageToken;
  }
}
