package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.Sessions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.AnalysisContext;
import org.apache.spark.sql.catalyst.analysis.SQLFunctionExpression;
import org.apache.spark.sql.catalyst.analysis.SQLTableFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableValuedFunction;
import org.apache.spark.sql.catalyst.catalog.SQLFunction;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedArgumentExpression;
import org.apache.spark.sql.catalyst.parser.CatalystSqlParser$;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.FunctionSignature;
import org.apache.spark.sql.catalyst.plans.logical.InputParameter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.NamedParametersSupport;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.catalyst.types.DataTypeUtils;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.errors.QueryCompilationErrors;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.collection.immutable.Map;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractPartialFunction;

/**
 * Calls of the functions that the server keeps. A function is not registered with the session, from
 * where its body could be replaced by another: its call becomes what Spark makes of a call of a SQL
 * function, ahead of Spark's own search, which knows no functions in catalogs such as ours.
 *
 * <p>Within such a function's body, names of one or two parts are meant where it was made. That
 * place is the resolution path of the analysis; Spark itself follows it only when SET PATH is on.
 */
final class ResolveFunctions extends Rule<LogicalPlan> {
  /** First parts of names that are Spark's own. */
  private static final Set<String> SPARKS = Set.of("system", "builtin", "session", "spark_catalog");

  private static final ParserInterface PARSER = CatalystSqlParser$.MODULE$;

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    if (Sessions.activeOrNull() == null) {
      return plan;
    }
    Body body = Body.ofAnalysis();
    LogicalPlan atHome =
        body == null
            ? plan
            : plan.transformUp(replacing(LogicalPlan.class, node -> relation(node, body.home)));
    Calls calls = new Calls(body);
    return atHome
        .transformUp(replacing(LogicalPlan.class, calls::ofTable))
        .transformAllExpressions(replacing(Expression.class, calls::ofScalar));
  }

  /**
   * The body that is analyzed.
   *
   * @param home the catalog and schema where its names are meant
   * @param within whose body it is, and within whose bodies that is called, outermost first
   */
  private record Body(List<String> home, List<String> within) {
    /** As {@link StoredFunctions#properties} says; null outside of any. */
    static Body ofAnalysis() {
      Option<Seq<Seq<String>>> path = AnalysisContext.get().resolutionPathEntries();
      if (path.isEmpty() || path.get().isEmpty()) {
        return null;
      }
      List<List<String>> entries =
          CollectionConverters.asJava(path.get()).stream()
              .map(entry -> List.copyOf(CollectionConverters.asJava(entry)))
              .toList();
      return new Body(
          entries.get(0),
          entries.subList(1, entries.size()).stream().map(entry -> entry.get(0)).toList());
    }
  }

  /** The functions in whose bodies the analysis is, and in them another. */
  static List<String> withinAnd(String fullName) {
    return withinAnd(Body.ofAnalysis(), fullName);
  }

  private static List<String> withinAnd(Body body, String fullName) {
    List<String> within = new ArrayList<>(body == null ? List.of() : body.within);
    within.add(fullName);
    if (within.indexOf(fullName) < within.size() - 1) {
      throw new IllegalArgumentException(
          "function " + String.join(" calls ", within) + " (expected: none that calls itself)");
    }
    return within;
  }

  private static LogicalPlan relation(LogicalPlan node, List<String> home) {
    if (node instanceof UnresolvedRelation relation && relation.multipartIdentifier().size() < 3) {
      List<String> name = CollectionConverters.asJava(relation.multipartIdentifier());
      List<String> whole = new ArrayList<>(home.subList(0, 3 - name.size()));
      whole.addAll(name);
      return relation.copy(
          CollectionConverters.asScala(whole).toList(), relation.options(), relation.isStreaming());
    }
    return node;
  }

  /** Scala's exceptions are checked ones in the eyes of Java alone. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void raise(Throwable e) throws E {
    throw (E) e;
  }

  private static <T> AbstractPartialFunction<T, T> replacing(
      Class<T> unused, Function<T, T> replacement) {
    return new AbstractPartialFunction<>() {
      @Override
      public boolean isDefinedAt(T node) {
        return true;
      }

      @Override
      public T apply(T node) {
        return replacement.apply(node);
      }
    };
  }

  /** Of one plan. */
  private static final class Calls {
    private final Body body;

    /**
     * @param body null outside of any
     */
    Calls(Body body) {
      this.body = body;
    }

    Expression ofScalar(Expression node) {
      if (!(node instanceof UnresolvedFunction call)
          || call.isInternal()
          || call.isDistinct()
          || call.filter().isDefined()) {
        return node;
      }
      List<String> name = CollectionConverters.asJava(call.nameParts());
      boolean known =
          name.size() == 1 && catalog().lookupBuiltinOrTempFunction(name.get(0)).isDefined();
      boolean borrowed = known && body != null && isTemporary(name.get(0));
      if (borrowed && catalog().isBuiltinFunction(name.get(0))) {
        return call.copy(
            CollectionConverters.asScala(List.of("system", "builtin", name.get(0))).toList(),
            call.arguments(),
            call.isDistinct(),
            call.filter(),
            call.ignoreNulls(),
            call.orderingWithinGroup(),
            call.isInternal());
      }
      if (known && !borrowed) {
        return node;
      }
      SQLFunction function = find(name);
      if (function == null) {
        refuse(
            borrowed,
            name,
            () ->
                QueryCompilationErrors.unresolvedRoutineError(
                    call.nameParts(),
                    CollectionConverters.asScala(
                            List.of("system.builtin", "system.session", Texts.quoted(parents())))
                        .toList(),
                    call.origin()));
        return node;
      }
      if (function.isTableFunc()) {
        throw new IllegalArgumentException(
            String.join(".", name) + " is a table function (expected: in FROM)");
      }
      return new SQLFunctionExpression(
          function.name().unquotedString(),
          function,
          arguments(function, call.arguments()),
          Option.apply(function.getScalarFuncReturnType()));
    }

    LogicalPlan ofTable(LogicalPlan node) {
      if (!(node instanceof UnresolvedTableValuedFunction call)) {
        return node;
      }
      List<String> name = CollectionConverters.asJava(call.name());
      boolean known =
          name.size() == 1 && catalog().lookupBuiltinOrTempTableFunction(name.get(0)).isDefined();
      boolean borrowed = known && body != null && isTemporary(name.get(0));
      if (known && !borrowed) {
        return node;
      }
      SQLFunction function = find(name);
      if (function == null) {
        refuse(
            borrowed,
            name,
            () ->
                new AnalysisException(
                    "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
                    new Map.Map1<>("name", Texts.quoted(name)),
                    call.origin()));
        return node;
      }
      if (!function.isTableFunc()) {
        throw new IllegalArgumentException(
            String.join(".", name) + " is not a table function (expected: in an expression)");
      }
      @SuppressWarnings("unchecked") // A sequence is read only, and a reference is an attribute.
      Seq<Attribute> output =
          (Seq<Attribute>) (Seq<?>) DataTypeUtils.toAttributes(function.getTableFuncReturnCols());
      return new SQLTableFunction(
          function.name().unquotedString(),
          function,
          arguments(function, call.functionArgs()),
          output);
    }

    private static boolean isTemporary(String name) {
      return catalog().isTemporaryFunction(new FunctionIdentifier(name));
    }

    /**
     * What neither Spark nor the server has. Spark would say that the catalog has no functions.
     *
     * @param borrowed it is a temporary one of the caller's: a stored body, which has its owner's
     *     rights, must not run what a caller lends it
     * @param unknown what Spark says where it has functions
     */
    private void refuse(boolean borrowed, List<String> name, Supplier<Throwable> unknown) {
      if (borrowed) {
        throw new IllegalArgumentException(
            "function "
                + name.get(0)
                + " is temporary (expected in the body of a stored function: what outlives the"
                + " session)");
      }
      if (isServers(name)) {
        ResolveFunctions.<RuntimeException>raise(unknown.get());
      }
    }

    /** Whether a name would be one of a catalog of the server's. */
    private boolean isServers(List<String> name) {
      return name.size() <= 3
          && (name.size() == 1 || !SPARKS.contains(name.get(0).toLowerCase(Locale.ROOT)))
          && (name.size() == 3 || !SPARKS.contains(parents().get(0)));
    }

    private static SparkSession spark() {
      return (SparkSession) org.apache.spark.sql.SparkSession.active();
    }

    private static SessionCatalog catalog() {
      return spark().sessionState().catalog();
    }

    /** What the server has under this name; null when it is for Spark to find or to refuse. */
    private SQLFunction find(List<String> name) {
      if (!isServers(name)) {
        return null;
      }
      List<String> whole = new ArrayList<>(parents().subList(0, 3 - name.size()));
      whole.addAll(name);
      String fullName = String.join(".", whole).toLowerCase(Locale.ROOT);
      List<String> within = withinAnd(body, fullName);
      JsonNode info;
      try {
        info =
            Sessions.server()
                .get(
                    Sessions.active().reader(),
                    "functions/" + CatalogServer.fullName(whole.toArray(new String[0])));
      } catch (CatalogError e) {
        if (e.isNotFound() || e.isUnsupported()) {
          return null;
        }
        throw e;
      }
      return StoredFunctions.of(info, within);
    }

    private List<String> parents() {
      if (body != null) {
        return body.home;
      }
      List<String> view = CollectionConverters.asJava(AnalysisContext.get().catalogAndNamespace());
      if (view.size() == 2) {
        return view;
      }
      var current = spark().sessionState().catalogManager();
      List<String> parents = new ArrayList<>();
      parents.add(current.currentCatalog().name());
      parents.addAll(Arrays.asList(current.currentNamespace()));
      return parents.size() == 2 ? parents : List.of("spark_catalog", "default");
    }

    /** In the order of the parameters, those given by name too. */
    private static Seq<Expression> arguments(SQLFunction function, Seq<Expression> given) {
      if (CollectionConverters.asJava(given).stream()
          .noneMatch(argument -> argument instanceof NamedArgumentExpression)) {
        return given;
      }
      List<InputParameter> parameters = new ArrayList<>();
      for (StructField field : function.inputParam().getOrElse(StructType::new).fields()) {
        Option<String> value = field.getDefault();
        Option<Expression> otherwise =
            value.isEmpty()
                ? Option.empty()
                : Option.apply(
                    new Cast(
                        parsed(value.get()),
                        field.dataType(),
                        Option.empty(),
                        Cast.apply$default$4()));
        parameters.add(new InputParameter(field.name(), otherwise));
      }
      return NamedParametersSupport.defaultRearrange(
          new FunctionSignature(CollectionConverters.asScala(parameters).toList()),
          given,
          function.name().unquotedString(),
          SQLConf.get().resolver());
    }

    private static Expression parsed(String expression) {
      try {
        return PARSER.parseExpression(expression);
      } catch (ParseException e) {
        throw new IllegalStateException("a stored default is not SQL: " + expression, e);
      }
    }
  }
}
