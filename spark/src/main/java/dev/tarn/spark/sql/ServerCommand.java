package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogError;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.trees.TreePattern;
import org.apache.spark.sql.catalyst.types.DataTypeUtils;
import org.apache.spark.sql.execution.command.LeafRunnableCommand;
import org.apache.spark.sql.types.StructType;
import scala.Enumeration;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * A statement that the control plane carries out, as whoever's session it is: its REST operation
 * decides who may. One class for all of them, so there is one entry in what may be executed.
 */
public final class ServerCommand extends LogicalPlan implements LeafRunnableCommand {
  /** What a statement does; the rows are those of its columns. */
  interface Work {
    List<Object[]> run(OnServer server);
  }

  /** Work without an answer. */
  interface Change {
    void run(OnServer server);
  }

  private final String statement;
  private final Seq<Attribute> columns;
  private final Work work;

  /** Public, and its parameters are what {@link #productElement} gives: Spark copies plans so. */
  public ServerCommand(String statement, Seq<Attribute> columns, Work work) {
    this.statement = statement;
    this.columns = columns;
    this.work = work;
  }

  /**
   * @param columns as in CREATE TABLE
   */
  static ServerCommand rows(String statement, String columns, Work work) {
    return new ServerCommand(statement, attributes(StructType.fromDDL(columns)), work);
  }

  static ServerCommand change(String statement, Change change) {
    return new ServerCommand(
        statement,
        attributes(new StructType()),
        server -> {
          change.run(server);
          return List.of();
        });
  }

  /**
   * @param ifNotExists what is there already is not an error
   */
  static ServerCommand create(String statement, boolean ifNotExists, Change change) {
    return change(
        statement,
        server -> {
          try {
            change.run(server);
          } catch (CatalogError e) {
            if (!ifNotExists || !e.isAlreadyExists()) {
              throw e;
            }
          }
        });
  }

  /**
   * @param ifExists what is not there is not an error
   */
  static ServerCommand drop(Kind kind, List<String> name, boolean ifExists, boolean force) {
    return change(
        "DROP " + kind.words(),
        server -> {
          String path = server.path(kind, name) + (force ? "?force=true" : "");
          if (!ifExists) {
            server.delete(path);
          } else {
            OnServer.ifThere(() -> server.delete(path));
          }
        });
  }

  static ServerCommand patch(String statement, Kind kind, List<String> name, ObjectNode body) {
    return change(statement, server -> server.patch(server.path(kind, name), body));
  }

  @SuppressWarnings("unchecked") // A sequence is read only, and a reference is an attribute.
  private static Seq<Attribute> attributes(StructType columns) {
    return (Seq<Attribute>) (Seq<?>) DataTypeUtils.toAttributes(columns);
  }

  @Override
  public Seq<Row> run(SparkSession session) {
    try {
      OnServer server = new OnServer((org.apache.spark.sql.classic.SparkSession) session);
      return CollectionConverters.asScala(
              work.run(server).stream().map(RowFactory::create).toList())
          .toList();
    } catch (CatalogError e) {
      throw e.isUnsupported()
          ? new CatalogError(
              404, "ENDPOINT_NOT_FOUND", statement + " is not supported: " + e.getMessage())
          : e;
    }
  }

  @Override
  public Seq<Attribute> output() {
    return columns;
  }

  @Override
  public Seq<LogicalPlan> children() {
    return CollectionConverters.<LogicalPlan>asScala(List.of()).toList();
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> children) {
    return this;
  }

  @Override
  public LogicalPlan mapChildren(scala.Function1<LogicalPlan, LogicalPlan> f) {
    return this;
  }

  @Override
  public Seq<Enumeration.Value> nodePatterns() {
    return CollectionConverters.asScala(List.of(TreePattern.COMMAND())).toList();
  }

  /** The setter of a Scala trait's value; ours is what {@link #nodePatterns} gives. */
  @Override
  @SuppressWarnings("checkstyle:MethodName")
  public void org$apache$spark$sql$catalyst$plans$logical$Command$_setter_$nodePatterns_$eq(
      Seq<Enumeration.Value> patterns) {}

  @Override
  public String nodeName() {
    return statement;
  }

  @Override
  public String simpleString(int maxFields) {
    return statement;
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> statement;
      case 1 -> columns;
      case 2 -> work;
      default -> throw new IndexOutOfBoundsException(n);
    };
  }

  @Override
  public boolean canEqual(Object that) {
    return that instanceof ServerCommand;
  }
}
