package dev.tarn.spark.governance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.junit.jupiter.api.Test;

class PlansTest {
  @Test
  void everyPlanClassOfSparkAndDeltaHasARuleAndNoRuleIsForNothing() throws IOException {
    Set<String> there = new TreeSet<>();
    for (String jar : System.getProperty("java.class.path").split(java.io.File.pathSeparator, -1)) {
      String file = Path.of(jar).getFileName().toString();
      if (file.endsWith(".jar") && (file.startsWith("spark-") || file.startsWith("delta-"))) {
        plans(jar, there);
      }
    }
    assertThat(there).hasSizeGreaterThan(400);
    Set<String> known = new TreeSet<>();
    Plans.classes().forEach(known::add);
    known.removeIf(name -> name.endsWith(".*"));
    assertThat(known).isEqualTo(there);
    System.out.println(there.size() + " classes of plans, each with a rule");
  }

  private static void plans(String jar, Set<String> there) throws IOException {
    List<String> names = new ArrayList<>();
    try (JarFile file = new JarFile(jar)) {
      for (JarEntry entry : Collections.list(file.entries())) {
        if (entry.getName().endsWith(".class") && !entry.getName().startsWith("META-INF")) {
          names.add(entry.getName().replace('/', '.').replaceFirst("\\.class$", ""));
        }
      }
    }
    for (String name : names) {
      if (!name.startsWith("org.apache.spark.sql.") && !name.startsWith("io.delta.")) {
        continue;
      }
      try {
        Class<?> type = Class.forName(name, false, PlansTest.class.getClassLoader());
        if (LogicalPlan.class.isAssignableFrom(type) && !Modifier.isAbstract(type.getModifiers())) {
          there.add(name);
        }
      } catch (NoClassDefFoundError | ClassNotFoundException e) {
        // Made for a library that is not there; it cannot be loaded by an engine either.
      }
    }
  }
}
