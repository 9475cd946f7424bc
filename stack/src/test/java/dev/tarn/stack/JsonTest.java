package dev.tarn.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void everyKindOfValueIsRead() {
    assertThat(
            Json.object(
                " { \"a\" : [ 1 , -2.5e3, true, false, null, \"q\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\" ],"
                    + " \"o\":{}, \"e\":[] , \"big\":7405612345678901 } "))
        .isEqualTo(
            Map.of(
                "a",
                Arrays.asList(1L, new BigDecimal("-2.5e3"), true, false, null, "q\"\\/\b\f\n\r\té"),
                "o",
                Map.of(),
                "e",
                List.of(),
                "big",
                7405612345678901L));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[1",
        "[1,]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "tru",
        "\"",
        "\"\\x\"",
        "\"\\u12",
        "\"\\uzzzz\"",
        "1 2",
        "--1",
        "1e",
        "<html>"
      })
  void whatIsNotJsonIsRefusedWithoutRepeatingIt(String text) {
    assertThatThrownBy(() -> Json.read(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("malformed JSON at offset ");
  }

  @Test
  void depthHasAnEnd() {
    assertThatThrownBy(() -> Json.read("[".repeat(100_000)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatIsWrittenIsReadBack() {
    Map<String, Object> value =
        Map.of("a", List.of("\u0000\u001f\"\\é😀\ud800", 1L, true, Map.of("x", "y")));
    String text = Json.write(value);
    assertThat(text).matches("[ -~]*");
    assertThat(Json.read(text)).isEqualTo(value);
  }
}
