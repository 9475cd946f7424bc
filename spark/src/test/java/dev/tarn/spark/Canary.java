package dev.tarn.spark;

import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Iterator;
import java.util.Optional;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.connect.planner.SparkConnectPlanner;
import org.apache.spark.sql.connect.plugin.CommandPlugin;
import org.apache.spark.sql.connect.plugin.RelationPlugin;
import org.apache.spark.sql.connector.ExternalCommandRunner;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.ProcedureCatalog;
import org.apache.spark.sql.connector.catalog.procedures.BoundProcedure;
import org.apache.spark.sql.connector.catalog.procedures.ProcedureParameter;
import org.apache.spark.sql.connector.catalog.procedures.UnboundProcedure;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.UserDefinedType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** Code of a caller: when it runs in a driver, a file {@value #FILE} is in the driver's folder. */
public final class Canary implements Serializable {
  private static final long serialVersionUID = 1L;
  static final String FILE = "canary";

  public Canary() {
    this(true);
  }

  private Canary(boolean sings) {
    if (sings) {
      sing();
    }
  }

  /** One that sings only where it is read. */
  static Canary caged() {
    return new Canary(false);
  }

  /** What {@code java_method} calls. */
  public static String sing() {
    try {
      Files.writeString(Path.of(System.getProperty("user.dir"), FILE), "sung");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "sung";
  }

  private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
    in.defaultReadObject();
    sing();
  }

  /** Loading is enough, once in a driver. */
  public static final class Loaded {
    static {
      sing();
    }
  }

  /** The same, for other attacks in the same driver. */
  public static final class Initialized {
    static {
      sing();
    }
  }

  public static final class InitializedInABody {
    static {
      sing();
    }
  }

  public static final class InitializedInADefault {
    static {
      sing();
    }
  }

  /** A function of Java. */
  public static final class Udf implements UDF1<String, String> {
    private static final long serialVersionUID = 1L;

    public Udf() {
      sing();
    }

    @Override
    public String call(String argument) {
      return argument;
    }
  }

  /** A type of values. */
  public static final class Type extends UserDefinedType<String> {
    private static final long serialVersionUID = 1L;

    public Type() {
      sing();
    }

    @Override
    public DataType sqlType() {
      return DataTypes.StringType;
    }

    @Override
    public Object serialize(String value) {
      return value;
    }

    @Override
    public String deserialize(Object datum) {
      return String.valueOf(datum);
    }

    @Override
    public Class<String> userClass() {
      return String.class;
    }
  }

  /** A catalog with one procedure. */
  public static final class Procedures
      implements ProcedureCatalog, UnboundProcedure, BoundProcedure {
    private String name;

    @Override
    public void initialize(String name, CaseInsensitiveStringMap options) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Identifier[] listProcedures(String[] namespace) {
      return new Identifier[0];
    }

    @Override
    public UnboundProcedure loadProcedure(Identifier ident) {
      return this;
    }

    @Override
    public BoundProcedure bind(StructType input) {
      return this;
    }

    @Override
    public ProcedureParameter[] parameters() {
      return new ProcedureParameter[0];
    }

    @Override
    public boolean isDeterministic() {
      return false;
    }

    @Override
    public Iterator<Scan> call(InternalRow input) {
      sing();
      return Collections.emptyIterator();
    }
  }

  /** What a site adds to Spark Connect: it is given whatever is in an extension. */
  public static final class Plugin implements RelationPlugin, CommandPlugin {
    @Override
    public Optional<LogicalPlan> transform(byte[] relation, SparkConnectPlanner planner) {
      sing();
      return Optional.empty();
    }

    @Override
    public boolean process(byte[] command, SparkConnectPlanner planner) {
      sing();
      return true;
    }
  }

  /** What Spark runs for {@code EXECUTE EXTERNAL COMMAND}. */
  public static final class Runner implements ExternalCommandRunner {
    @Override
    public String[] executeCommand(String command, CaseInsensitiveStringMap options) {
      return new String[] {sing()};
    }
  }
}
