package dev.tarn.spark.governance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** The rules of {@code plans.txt}: what each class of plan node needs. */
final class Plans {
  private static final Map<String, Rule> BY_CLASS = new HashMap<>();

  static {
    String section = "";
    for (String[] line : Table.read("plans.txt", "\\s+")) {
      if (line[0].startsWith("[")) {
        section = line[0].substring(1, line[0].length() - 1) + ".";
      } else {
        Rule before = BY_CLASS.put(section + line[0], Rule.parsed(line[1]));
        if (before != null) {
          throw new IllegalStateException("plans.txt has " + section + line[0] + " twice");
        }
      }
    }
  }

  private Plans() {}

  enum Kind {
    PASS,
    SERVER,
    LATER,
    DENY,
    RELATION,
    FUNCTION,
    SETTING,
    SESSION_FUNCTION,
    SESSION_VIEW,
    DELTA_PATH,
    DIRECTORY,
    NEEDS
  }

  /**
   * A privilege on what parts of a node name.
   *
   * @param parts accessors; the first that is there counts
   */
  record Part(String privilege, List<String> parts) {}

  record Rule(Kind kind, String why, List<Part> needs) {
    static Rule parsed(String text) {
      String word = text.split("\\s", 2)[0];
      if (word.equals("deny")) {
        return new Rule(Kind.DENY, text.substring(word.length()).strip(), List.of());
      }
      for (Kind kind : Kind.values()) {
        if (kind != Kind.NEEDS && kind.name().replace('_', '-').equalsIgnoreCase(text)) {
          return new Rule(kind, "", List.of());
        }
      }
      List<Part> needs = new ArrayList<>();
      for (String need : text.split(";", -1)) {
        String[] words = need.strip().split("\\s+", 2);
        needs.add(
            new Part(
                words[0], Arrays.stream(words[1].split("\\|", -1)).map(String::strip).toList()));
      }
      return new Rule(Kind.NEEDS, "", needs);
    }
  }

  /** The rule of a class; null when nobody has thought of it. */
  static Rule of(Class<? extends LogicalPlan> type) {
    Rule rule = BY_CLASS.get(type.getName());
    return rule != null ? rule : BY_CLASS.get(type.getPackageName() + ".*");
  }

  /** Names of all classes that have a rule. */
  static Iterable<String> classes() {
    return BY_CLASS.keySet();
  }
}
