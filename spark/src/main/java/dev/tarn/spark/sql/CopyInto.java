package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.Sessions;
import dev.tarn.spark.sql.TarnSqlParser.CopyIntoContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.delta.DeltaConcurrentModificationException;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * {@code COPY INTO}: each file of a path is loaded into a table once. It is an append like any
 * other, by whoever's session it is, and every part of it is asked for as if they had written it;
 * which files were loaded is {@link LoadedFiles}.
 */
final class CopyInto extends TarnSqlBaseVisitor<LogicalPlan> {
  private static final int ATTEMPTS = 10;

  private static final Set<String> FORMATS =
      Set.of("csv", "json", "parquet", "orc", "text", "binaryfile", "xml");

  /** Readers' options that would change which files are read, after it was noted which are. */
  private static final Set<String> REFUSED_OPTIONS =
      Set.of(
          "path",
          "paths",
          "basepath",
          "pathglobfilter",
          "modifiedafter",
          "modifiedbefore",
          "ignoremissingfiles",
          "__globpaths__");

  private final Texts texts;

  CopyInto(Texts texts) {
    this.texts = texts;
  }

  /**
   * A statement.
   *
   * @param columns of the table, for those of the files in their order; null for columns by name
   * @param select the expressions of a query, or null
   * @param files or a pattern, or neither
   */
  private record Copy(
      List<String> table,
      boolean byPosition,
      List<String> columns,
      String path,
      String select,
      String format,
      List<String> files,
      String pattern,
      Map<String, String> formatOptions,
      boolean force,
      boolean mergeSchema) {}

  @Override
  public LogicalPlan visitCopyInto(CopyIntoContext copy) {
    String format = Texts.identifier(copy.format).toLowerCase(Locale.ROOT);
    if (!FORMATS.contains(format)) {
      throw new Wrong(copy.format.start, "one of " + new TreeSet<>(FORMATS));
    }
    Map<String, String> formatOptions = options(copy.formatOptions);
    for (String name : formatOptions.keySet()) {
      if (REFUSED_OPTIONS.contains(name)) {
        throw new Wrong(copy.formatOptions.start, "no option '" + name + "', but FILES or PATTERN");
      }
    }
    Map<String, String> copyOptions = options(copy.copyOptions);
    for (String name : copyOptions.keySet()) {
      if (!Set.of("force", "mergeschema").contains(name)) {
        throw new Wrong(copy.copyOptions.start, "'force' or 'mergeSchema'");
      }
    }
    Copy whole =
        new Copy(
            texts.name(copy.multipartIdentifier()),
            copy.POSITION() != null,
            copy.identifier().size() > 1
                ? copy.identifier().stream()
                    .filter(each -> each != copy.format)
                    .map(Texts::identifier)
                    .toList()
                : null,
            texts.text(copy.path),
            copy.rest() == null ? null : Texts.written(copy.rest()),
            format,
            copy.files.isEmpty() ? null : copy.files.stream().map(texts::text).toList(),
            copy.pattern == null ? null : texts.text(copy.pattern),
            formatOptions,
            Boolean.parseBoolean(copyOptions.get("force")),
            Boolean.parseBoolean(copyOptions.get("mergeschema")));
    return ServerCommand.rows(
        "COPY INTO",
        "num_affected_rows BIGINT, num_inserted_rows BIGINT, num_skipped_corrupt_files BIGINT",
        server -> List.<Object[]>of(run(server, whole)));
  }

  /** By their names in lower case. */
  private Map<String, String> options(TarnSqlParser.PropertiesContext properties) {
    Map<String, String> all = new HashMap<>();
    if (properties != null) {
      ObjectNode given = texts.properties(properties);
      given
          .fieldNames()
          .forEachRemaining(
              name -> all.put(name.toLowerCase(Locale.ROOT), given.get(name).asText()));
    }
    return all;
  }

  // ---- at work ----

  private static Object[] run(OnServer server, Copy copy) {
    SparkSession spark = server.spark();
    List<String> name = server.complete(Kind.TABLE, copy.table);
    Sessions.Session session = Sessions.active();
    session.decisions().requireCopy(session, String.join(".", name), copy.path);
    // Spark does not count the files it skips.
    Long skipped =
        Boolean.parseBoolean(copy.formatOptions.get("ignorecorruptfiles")) ? null : Long.valueOf(0);
    for (int attempt = 1; ; attempt++) {
      LoadedFiles loaded = new LoadedFiles(DeltaTables.of(spark, "COPY INTO", name));
      try {
        List<Path> files =
            SourceFiles.of(
                spark, copy.path, copy.files, copy.pattern, isTrue(copy, "recursivefilelookup"));
        List<Path> open = copy.force ? files : loaded.without(files);
        if (open.isEmpty()) {
          return new Object[] {0L, 0L, skipped};
        }
        LoadedFiles.Load load = loaded.begin(open);
        try {
          append(spark, copy, name, loaded.columns(), open, load);
        } catch (Exception e) {
          load.abandon();
          if (attempt == ATTEMPTS || !isConflict(e)) {
            throw e;
          }
          continue;
        }
        Long rows = load.rows();
        if (rows != null) {
          return new Object[] {rows, rows, skipped};
        }
        if (attempt == ATTEMPTS) {
          throw new IllegalStateException(
              "COPY INTO "
                  + String.join(".", name)
                  + ": others loaded files at the same time, "
                  + ATTEMPTS
                  + " times");
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e.getMessage(), e);
      }
    }
  }

  private static boolean isTrue(Copy copy, String option) {
    return Boolean.parseBoolean(copy.formatOptions.get(option));
  }

  private static boolean isConflict(Throwable e) {
    for (Throwable each = e; each != null; each = each.getCause()) {
      if (each instanceof DeltaConcurrentModificationException) {
        return true;
      }
    }
    return false;
  }

  private static void append(
      SparkSession spark,
      Copy copy,
      List<String> name,
      StructType columns,
      List<Path> files,
      LoadedFiles.Load load) {
    Map<String, String> options = new HashMap<>(copy.formatOptions);
    options.put("__globPaths__", "false");
    if (copy.files == null && !SourceFiles.isPattern(copy.path)) {
      // From there on folders named column=value are columns.
      options.put("basePath", copy.path);
    }
    Dataset<Row> source =
        spark
            .read()
            .format(copy.format)
            .options(options)
            .load(files.stream().map(Path::toString).toArray(String[]::new));
    if (copy.select != null) {
      source = selected(spark, source, copy.select);
    }
    source = fitted(source, copy, columns);
    source
        .write()
        .format("delta")
        .mode(SaveMode.Append)
        .option("mergeSchema", copy.mergeSchema)
        .option("txnAppId", load.application())
        .option("txnVersion", load.version())
        .saveAsTable(Texts.quoted(name));
  }

  private static Dataset<Row> selected(SparkSession spark, Dataset<Row> source, String select) {
    String view = "copy_" + UUID.randomUUID().toString().replace('-', '_');
    source.createOrReplaceTempView(view);
    try {
      return spark.sql("SELECT " + select + " FROM " + view);
    } finally {
      boolean unused = spark.catalog().dropTempView(view);
    }
  }

  /** What is read under the names and in the types of the table's columns, where it has them. */
  private static Dataset<Row> fitted(Dataset<Row> source, Copy copy, StructType columns) {
    String[] names = source.columns();
    if (copy.byPosition || copy.columns != null) {
      List<String> targets =
          copy.columns != null ? copy.columns : Arrays.asList(columns.fieldNames());
      if (copy.columns != null ? targets.size() != names.length : targets.size() < names.length) {
        throw new IllegalArgumentException(
            "COPY INTO: the files have "
                + names.length
                + " columns "
                + Arrays.toString(names)
                + " (expected: "
                + targets.size()
                + ", "
                + targets
                + ")");
      }
      names = targets.subList(0, names.length).toArray(new String[0]);
      source = source.toDF(names);
    }
    List<Column> fitted = new ArrayList<>();
    for (String each : names) {
      Column column = source.col("`" + each.replace("`", "``") + "`");
      for (StructField field : columns.fields()) {
        if (field.name().equalsIgnoreCase(each)) {
          column = column.cast(field.dataType()).as(field.name());
        }
      }
      fitted.add(column);
    }
    return source.select(fitted.toArray(new Column[0]));
  }
}
