package dev.tarn.database;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.statement.Query;

/**
 * A page of a list as a person turns pages: rows in the order of their names from one on, and how
 * many there are. For lists that the public API answers whole.
 *
 * @param total rows that match, on all pages
 */
public record Slice<T>(List<T> rows, long total) {
  private static final int LONGEST = 100;

  /**
   * What a page asks for; null leaves it to the server.
   *
   * @param filter part of the name, whatever the case of its ASCII letters
   * @param startIndex of the first row, from 1
   * @param count at most {@value #LONGEST}, which is also the default
   */
  public record Wanted(String filter, Integer startIndex, Integer count) {
    public Wanted {
      startIndex = atLeastOne("start_index", startIndex, 1);
      count = Math.min(atLeastOne("count", count, LONGEST), LONGEST);
    }

    private static int atLeastOne(String field, Integer value, int otherwise) {
      if (value != null && value < 1) {
        throw new InvalidParameterValue(field + ": " + value + " (expected: 1 or more)", null);
      }
      return value == null ? otherwise : value;
    }

    private String pattern() {
      return "%" + (filter == null ? "" : filter.replaceAll("[!%_]", "!$0")) + "%";
    }
  }

  /**
   * @param query a SELECT without an order
   * @param name column that is filtered and ordered by
   * @param key column that tells rows of one name apart
   * @param binds parameters of the query
   */
  public static <T> Slice<T> read(
      Handle handle,
      String query,
      String name,
      String key,
      Wanted wanted,
      Map<String, ?> binds,
      RowMapper<T> mapper) {
    String matching =
        "FROM (" + query + ") AS whole WHERE lower(" + name + ") LIKE lower(:like) ESCAPE '!'";
    Query rows =
        handle.createQuery(
            "SELECT * %s ORDER BY lower(%s), %s LIMIT :count OFFSET :skipped"
                .formatted(matching, name, key));
    return new Slice<>(
        rows.bind("like", wanted.pattern())
            .bind("count", wanted.count())
            .bind("skipped", wanted.startIndex() - 1)
            .bindMap(binds)
            .map(mapper)
            .list(),
        handle
            .createQuery("SELECT count(*) " + matching)
            .bind("like", wanted.pattern())
            .bindMap(binds)
            .mapTo(Long.class)
            .one());
  }

  public <R> Slice<R> map(Function<? super T, R> shown) {
    return new Slice<>(rows.stream().map(shown).toList(), total);
  }
}
