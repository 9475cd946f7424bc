package dev.tarn.spark.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.analysis.SQLFunctionExpression;
import org.apache.spark.sql.catalyst.analysis.SQLTableFunction;
import org.apache.spark.sql.catalyst.catalog.SQLFunction;
import org.apache.spark.sql.catalyst.catalog.UserDefinedFunction;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.OneRowRelation;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.types.DataTypeUtils;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.QueryExecution;
import org.apache.spark.sql.execution.command.CreateSQLFunctionCommand;
import org.apache.spark.sql.internal.SessionState;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StringType$;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.util.Either;
import scala.util.Left;

/**
 * A function that is to be made, called once with nulls: what its creator may not read, or what is
 * not there, is found now, and so is the type of what it gives when RETURNS does not say.
 *
 * <p>Spark's own check would look for the functions that the body calls among the session's.
 */
final class FunctionCheck {
  private final SessionState state;
  private final CreateSQLFunctionCommand command;
  private final List<String> home;
  private final StructType parameters;

  private FunctionCheck(SparkSession spark, CreateSQLFunctionCommand command, List<String> home) {
    this.state = spark.sessionState();
    this.command = command;
    this.home = home;
    ParserInterface parser = state.sqlParser();
    this.parameters =
        command.inputParamText().isEmpty()
            ? new StructType()
            : UserDefinedFunction.parseRoutineParam(
                command.inputParamText().get(), parser, Option.empty());
  }

  /** The function with all its types. */
  static SQLFunction of(SparkSession spark, CreateSQLFunctionCommand command, List<String> home) {
    return new FunctionCheck(spark, command, home).checked();
  }

  private SQLFunction checked() {
    Option<Either<DataType, StructType>> said =
        SQLFunction.parseReturnTypeText(
            command.returnTypeText(), command.isTableFunc(), state.sqlParser(), Option.empty());
    if (said.isEmpty() && command.isTableFunc()) {
      throw new IllegalArgumentException(
          "RETURNS TABLE (expected: RETURNS TABLE (column type, ...) with all columns)");
    }
    SQLFunction function =
        function(said.isDefined() ? said.get() : new Left<>(bodyType()), true, false);
    LogicalPlan analyzed = analyzed(function);
    return function(
        function.returnType(),
        flag(command.isDeterministic(), analyzed.deterministic()),
        flag(command.containsSQL(), !readsData(analyzed)));
  }

  private static boolean readsData(LogicalPlan plan) {
    return CollectionConverters.asJava(plan.collectLeaves()).stream()
            .anyMatch(leaf -> !(leaf instanceof OneRowRelation))
        || CollectionConverters.asJava(plan.subqueriesAll()).stream()
            .anyMatch(FunctionCheck::readsData);
  }

  private static boolean flag(Option<Object> said, boolean otherwise) {
    return said.isDefined() ? (Boolean) said.get() : otherwise;
  }

  /** What the body gives, when it is given as it is. */
  private DataType bodyType() {
    // Spark casts it to what the function returns, and everything can be cast to a string.
    Project analyzed = (Project) analyzed(function(new Left<>(StringType$.MODULE$), true, false));
    Expression at = (Expression) analyzed.projectList().head();
    while (!(at instanceof Cast)) {
      at = at.children().head();
    }
    return ((Cast) at).child().dataType();
  }

  private SQLFunction function(
      Either<DataType, StructType> returnType, boolean deterministic, boolean containsSql) {
    return new SQLFunction(
        command.name(),
        parameters.isEmpty() ? Option.empty() : Option.apply(parameters),
        returnType,
        command.exprText(),
        command.queryText(),
        command.comment(),
        Option.empty(),
        Option.apply(deterministic),
        Option.apply(containsSql),
        command.isTableFunc(),
        StoredFunctions.properties(home, List.of()),
        Option.empty(),
        0);
  }

  private LogicalPlan analyzed(SQLFunction function) {
    QueryExecution execution = state.executePlan(call(function), state.executePlan$default$2());
    execution.assertAnalyzed();
    return execution.analyzed();
  }

  private LogicalPlan call(SQLFunction function) {
    List<Expression> nulls = new ArrayList<>();
    for (StructField parameter : parameters.fields()) {
      nulls.add(Literal.create(null, parameter.dataType()));
    }
    Seq<Expression> arguments = CollectionConverters.asScala(nulls).toList();
    String name = function.name().funcName();
    if (function.isTableFunc()) {
      @SuppressWarnings("unchecked") // A sequence is read only, and a reference is an attribute.
      Seq<Attribute> output =
          (Seq<Attribute>) (Seq<?>) DataTypeUtils.toAttributes(function.getTableFuncReturnCols());
      return new SQLTableFunction(name, function, arguments, output);
    }
    NamedExpression result =
        new Alias(
            new SQLFunctionExpression(
                name, function, arguments, Option.apply(function.getScalarFuncReturnType())),
            name,
            NamedExpression.newExprId(),
            CollectionConverters.<String>asScala(List.of()).toList(),
            Option.empty(),
            CollectionConverters.<String>asScala(List.of()).toList());
    return new Project(
        CollectionConverters.asScala(List.of(result)).toList(), new OneRowRelation());
  }
}
