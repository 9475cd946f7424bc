package dev.tarn.spark.governance;

import java.util.List;

/**
 * Plans that Spark and Delta make themselves while they carry out what was decided before: Delta
 * reads its log with Spark, CREATE TABLE AS SELECT writes into a table that is not there yet, what
 * is cached runs in a session that is nobody's (who reads it from there is asked again). They are
 * told by who is on the stack, which no statement can forge; what a person brings (text, message,
 * relation) is analyzed before such work begins.
 */
final class InternalWork {
  private static final List<String> MADE_BY =
      List.of(
          "org.apache.spark.sql.delta.",
          "io.delta.",
          "org.apache.spark.sql.execution.datasources.DataSource",
          "org.apache.spark.sql.execution.CacheManager",
          "org.apache.spark.sql.execution.datasources.v2.TableWriteExecHelper",
          "org.apache.spark.sql.execution.datasources.v2.CreateTableAsSelectExec",
          "org.apache.spark.sql.execution.datasources.v2.AtomicCreateTableAsSelectExec",
          "org.apache.spark.sql.execution.datasources.v2.ReplaceTableAsSelectExec",
          "org.apache.spark.sql.execution.datasources.v2.AtomicReplaceTableAsSelectExec");

  private static final StackWalker WALKER = StackWalker.getInstance();

  private InternalWork() {}

  static boolean isGoingOn() {
    return WALKER.walk(
        frames ->
            frames.anyMatch(frame -> MADE_BY.stream().anyMatch(frame.getClassName()::startsWith)));
  }
}
