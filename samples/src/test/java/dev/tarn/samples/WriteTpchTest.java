package dev.tarn.samples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.io.LocalInputFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Expected values are DuckDB's, over the tables that another generator (tpchgen) wrote. */
class WriteTpchTest {
  private static final Path BUILT = Path.of("target/classes/samples");

  private static List<Group> rows(String table) throws IOException {
    List<Group> rows = new ArrayList<>();
    try (var files = Files.newDirectoryStream(BUILT.resolve("tpch").resolve(table), "*.parquet")) {
      for (Path file : files) {
        try (ParquetReader<Group> reader =
            new ParquetReader.Builder<Group>(
                new LocalInputFile(file), new PlainParquetConfiguration()) {
              @Override
              protected ReadSupport<Group> getReadSupport() {
                return new GroupReadSupport();
              }
            }.build()) {
          for (Group row = reader.read(); row != null; row = reader.read()) {
            rows.add(row);
          }
        }
      }
    }
    return rows;
  }

  private static long sum(List<Group> rows, ToLongFunction<Group> value) {
    return rows.stream().mapToLong(value).sum();
  }

  @Test
  void theTablesHaveTheRowsOfScaleFactorAHundredth() throws IOException {
    for (Map.Entry<String, Integer> table :
        Map.of(
                "customer", 1_500,
                "lineitem", 60_175,
                "nation", 25,
                "orders", 15_000,
                "part", 2_000,
                "partsupp", 8_000,
                "region", 5,
                "supplier", 100)
            .entrySet()) {
      assertThat(rows(table.getKey())).as(table.getKey()).hasSize(table.getValue());
      assertThat(BUILT.resolve("tpch/" + table.getKey() + "/_delta_log/00000000000000000000.json"))
          .content()
          .contains("\\\"numRecords\\\":" + table.getValue());
    }
  }

  @Test
  void theValuesAreThoseOfAnotherGenerator() throws IOException {
    List<Group> lines = rows("lineitem");
    assertThat(sum(lines, line -> line.getLong("l_quantity", 0))).isEqualTo(1536127_00L);
    assertThat(sum(lines, line -> line.getLong("l_extendedprice", 0))).isEqualTo(2152189760_47L);
    assertThat(sum(lines, line -> line.getLong("l_discount", 0))).isEqualTo(3004_54L);
    assertThat(sum(lines, line -> line.getLong("l_orderkey", 0))).isEqualTo(1802759573L);
    assertThat(sum(lines, line -> line.getString("l_comment", 0).length())).isEqualTo(1598371L);
    assertThat(lines.stream().mapToInt(line -> line.getInteger("l_shipdate", 0)).min())
        .hasValue((int) java.time.LocalDate.of(1992, 1, 4).toEpochDay());
    assertThat(sum(rows("orders"), order -> order.getLong("o_totalprice", 0)))
        .isEqualTo(2127396830_02L);
    assertThat(sum(rows("customer"), customer -> customer.getLong("c_acctbal", 0)))
        .isEqualTo(6681865_59L);
  }

  @Test
  void everyRunWritesTheSameBytes(@TempDir Path folder) throws Exception {
    WriteTpch.main(new String[] {folder.toString()});
    for (String file : Files.readAllLines(BUILT.resolve("files.txt"))) {
      assertThat(folder.resolve("samples").resolve(file))
          .hasSameBinaryContentAs(BUILT.resolve(file));
    }
  }
}
