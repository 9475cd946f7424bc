package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.Sessions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.QuotingUtils;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.TimestampType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * {@code information_schema} of a catalog, or of all of them in {@code system}. Its views can be
 * read by everybody: the server gives each reader the rows that are theirs to see.
 */
public final class InformationSchema {
  public static final String NAME = "information_schema";

  private static final Map<String, StructType> VIEWS = views();

  private InformationSchema() {}

  private static Map<String, StructType> views() {
    Map<String, StructType> views = new TreeMap<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                InformationSchema.class.getResourceAsStream("information_schema.txt"),
                StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          String[] view = line.split(": ", 2);
          views.put(view[0], StructType.fromDDL(view[1]));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return views;
  }

  public static boolean is(String[] namespace) {
    return namespace.length == 1 && namespace[0].equalsIgnoreCase(NAME);
  }

  public static Identifier[] identifiers() {
    return VIEWS.keySet().stream()
        .map(view -> Identifier.of(new String[] {NAME}, view))
        .toArray(Identifier[]::new);
  }

  public static boolean has(String view) {
    return VIEWS.containsKey(view.toLowerCase(Locale.ROOT));
  }

  public static Table load(String catalog, String view) throws NoSuchTableException {
    StructType columns = VIEWS.get(view.toLowerCase(Locale.ROOT));
    if (columns == null) {
      throw new NoSuchTableException(Identifier.of(new String[] {NAME}, view));
    }
    return new View(catalog, view.toLowerCase(Locale.ROOT), columns);
  }

  /** One of the views, as Spark reads it. Who reads it needs no privilege on it. */
  public static final class View implements Table, SupportsRead {
    private final String catalog;
    private final String view;
    private final StructType columns;

    private View(String catalog, String view, StructType columns) {
      this.catalog = catalog;
      this.view = view;
      this.columns = columns;
    }

    @Override
    public String name() {
      return QuotingUtils.quoteIfNeeded(catalog) + "." + NAME + "." + view;
    }

    @Override
    public Column[] columns() {
      return Arrays.stream(columns.fields())
          .map(column -> Column.create(column.name(), column.dataType()))
          .toArray(Column[]::new);
    }

    @Override
    public Set<TableCapability> capabilities() {
      return Set.of(TableCapability.BATCH_READ);
    }

    @Override
    public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
      return () -> new Rows(catalog, view, columns);
    }
  }

  /** Asked for when the query is planned, so each execution has what is so then. */
  private record Rows(String catalog, String view, StructType columns) implements LocalScan {
    @Override
    public StructType readSchema() {
      return columns;
    }

    @Override
    public String description() {
      return catalog + "." + NAME + "." + view;
    }

    @Override
    public InternalRow[] rows() {
      if (view.equals("information_schema_catalog_name")) {
        return new InternalRow[] {
          new GenericInternalRow(new Object[] {UTF8String.fromString(catalog)})
        };
      }
      List<JsonNode> rows =
          Sessions.server()
              .list(
                  Sessions.active().call(),
                  "tarn/information-schema/"
                      + view
                      + "?catalog_name="
                      + CatalogServer.encoded(catalog),
                  "rows");
      return rows.stream().map(this::row).toArray(InternalRow[]::new);
    }

    private InternalRow row(JsonNode row) {
      Object[] values = new Object[columns.length()];
      for (int i = 0; i < values.length; i++) {
        values[i] = value(columns.apply(i), row.path(columns.apply(i).name()));
      }
      return new GenericInternalRow(values);
    }

    private static Object value(StructField column, JsonNode value) {
      if (value.isMissingNode() || value.isNull()) {
        return null;
      } else if (column.dataType() instanceof TimestampType) {
        return value.asLong() * 1000;
      } else if (column.dataType() instanceof IntegerType) {
        return value.asInt();
      } else if (column.dataType() instanceof LongType) {
        return value.asLong();
      }
      return UTF8String.fromString(value.asText());
    }
  }
}
