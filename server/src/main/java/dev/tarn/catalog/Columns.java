package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import dev.tarn.access.Names;
import dev.tarn.database.Json;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Columns as a client or an engine gives them: names unique without regard to case, each with a
 * type, positions from 0 in the order given.
 */
final class Columns {
  private static final int LONGEST_NAME = 255;

  private Columns() {}

  /** The columns to store; none when {@code given} is null. */
  static List<ColumnInfo> valid(Collection<ColumnInfo> given) {
    List<ColumnInfo> columns = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (ColumnInfo column : given == null ? List.<ColumnInfo>of() : given) {
      int position = columns.size();
      String path = "columns[" + position + "]";
      String name = column == null ? null : column.getName();
      if (name == null
          || name.isEmpty()
          || name.codePointCount(0, name.length()) > LONGEST_NAME
          || name.codePoints().anyMatch(c -> c < ' ' || c == 0x7f)) {
        throw invalid(path + ".name", name, "1 to 255 characters, no control character");
      }
      if (!names.add(name.toLowerCase(Locale.ROOT))) {
        throw invalid(path + ".name", name, "names that differ by more than case");
      }
      if (column.getTypeName() == null) {
        throw invalid(path + ".type_name", null, "a type such as LONG or STRING");
      }
      if (column.getTypeText() == null || column.getTypeText().isBlank()) {
        throw invalid(path + ".type_text", column.getTypeText(), "a type such as bigint or string");
      }
      if (column.getTypeJson() != null) {
        requireJson(path + ".type_json", column.getTypeJson());
      }
      if (column.getMask() != null) {
        Catalogs.refuse(path + ".mask", column.getMask());
      }
      columns.add(
          column
              .setPosition((long) position)
              .setNullable(column.getNullable() == null || column.getNullable()));
    }
    return columns;
  }

  private static void requireJson(String path, String text) {
    try {
      Json.MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw invalid(path, text, "the type as JSON");
    }
  }

  private static InvalidParameterValue invalid(String path, String value, String expected) {
    return new InvalidParameterValue(
        path + ": " + Names.shown(value) + " (expected: " + expected + ")", null);
  }
}
