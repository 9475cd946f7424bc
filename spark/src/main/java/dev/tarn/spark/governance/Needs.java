package dev.tarn.spark.governance;

import dev.tarn.enforcement.Need;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.PathsOnlyCatalog;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.analysis.ResolvedIdentifier;
import org.apache.spark.sql.catalyst.analysis.ResolvedPersistentView;
import org.apache.spark.sql.catalyst.analysis.ResolvedTable;
import org.apache.spark.sql.catalyst.analysis.ResolvedTempView;
import org.apache.spark.sql.catalyst.analysis.SQLFunctionNode;
import org.apache.spark.sql.catalyst.analysis.SQLScalarFunction;
import org.apache.spark.sql.catalyst.analysis.V2TableReference;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.SQLFunction;
import org.apache.spark.sql.catalyst.expressions.CallMethodViaReflection;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.plans.QueryPlan;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.TableSpec;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.connector.catalog.CatalogPlugin;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.delta.commands.CloneSource;
import org.apache.spark.sql.delta.commands.cdc.CDCReader;
import org.apache.spark.sql.execution.command.CreateSQLFunctionCommand;
import org.apache.spark.sql.execution.command.CreateViewCommand;
import org.apache.spark.sql.execution.command.InsertIntoDataSourceDirCommand;
import org.apache.spark.sql.execution.command.ResetCommand;
import org.apache.spark.sql.execution.command.SetCommand;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.SaveIntoDataSourceCommand;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.Option;
import scala.Product;
import scala.jdk.javaapi.CollectionConverters;

/**
 * What an analyzed plan needs, in the order of the plan. Whatever nobody has thought of is refused.
 *
 * <p>A view is reached with SELECT on the view; what it reads is its owner's to be allowed, so each
 * need below it carries the chain of views and functions it is reached through.
 */
final class Needs {
  private static final Set<String> DENIED_EXPRESSIONS =
      Set.of(
          "ScalaUDF",
          "ScalaUDAF",
          "ScalaAggregator",
          "SimpleTypedAggregateExpression",
          "ComplexTypedAggregateExpression",
          "PythonUDF",
          "PythonUDAF",
          "PythonUDTF",
          "UnresolvedPolymorphicPythonUDTF",
          "HiveSimpleUDF",
          "HiveGenericUDF",
          "HiveUDAFFunction",
          "HiveGenericUDTF");

  private final Set<Need> found = new LinkedHashSet<>();
  private final List<Touch> touched = new ArrayList<>();
  private final List<String> via = new ArrayList<>();

  /** What commands name as their targets, by identity, with the command. */
  private final IdentityHashMap<LogicalPlan, LogicalPlan> targets = new IdentityHashMap<>();

  private LogicalPlan at;
  private Barrier behind;

  /** Functions that a policy applies here, to whoever reads. */
  private Set<String> applied = Set.of();

  private Needs() {}

  /**
   * A table that something is done with.
   *
   * @param behind the barrier it is read through; null when it is not
   */
  record Touch(String table, LogicalPlan by, Barrier behind) {}

  /** What a plan needs, and the tables whose policies count in it. */
  record Found(Set<Need> needs, List<Touch> touched) {}

  /** Refuses with INSUFFICIENT_PERMISSIONS what nobody may run. */
  static Found of(LogicalPlan plan) {
    Needs needs = new Needs();
    needs.walk(plan);
    return new Found(needs.found, needs.touched);
  }

  /** The full name of the table of a catalog that a relation reads; null when it reads none. */
  static String table(LogicalPlan relation) {
    if (!(relation instanceof DataSourceV2Relation) && !(relation instanceof LogicalRelation)) {
      return null;
    }
    Needs needs = new Needs();
    needs.on("SELECT", relation);
    return needs.touched.isEmpty() ? null : needs.touched.get(0).table();
  }

  private void walk(LogicalPlan node) {
    at = targets.getOrDefault(node, node);
    if (node instanceof Barrier barrier) {
      barrier(barrier);
      return;
    }
    Plans.Rule rule = Plans.of(node.getClass());
    if (rule == null) {
      throw Refused.because("'" + node.nodeName() + "' is not known to this engine");
    }
    switch (rule.kind()) {
      case DENY ->
          throw Refused.because("'" + node.nodeName() + "' cannot be used here: " + rule.why());
      case LATER -> {
        return;
      }
      case RELATION -> {
        if (node instanceof View view) {
          view(view);
          return;
        }
        relation(node);
      }
      case FUNCTION -> {
        if (node instanceof SQLFunctionNode function) {
          function(function.function(), function.child());
          return;
        }
        throw Refused.because("'" + node.nodeName() + "' is not resolved");
      }
      case SETTING -> setting(node);
      case SESSION_FUNCTION -> sessionFunction(node);
      case SESSION_VIEW -> sessionView((CreateViewCommand) node);
      case DELTA_PATH -> deltaPath((SaveIntoDataSourceCommand) node);
      case DIRECTORY -> directory((InsertIntoDataSourceDirCommand) node);
      case NEEDS -> rule.needs().forEach(need -> part(node, need));
      case PASS, SERVER -> {
        // Its parts follow.
      }
    }
    if (node instanceof Command) {
      options((Product) node);
    }
    CollectionConverters.asJava(node.expressions()).forEach(this::walk);
    parts(node).forEach(this::walk);
  }

  /** Of a policy's functions nobody needs to have EXECUTE. */
  private void barrier(Barrier barrier) {
    if (barrier.policy() == null) {
      throw Refused.because("'" + barrier.nodeName() + "' is not resolved");
    }
    Barrier before = behind;
    Set<String> appliedBefore = applied;
    behind = barrier;
    applied = barrier.policy().functions();
    walk(barrier.child());
    behind = before;
    applied = appliedBefore;
  }

  /** Children, and the plans that a command holds without calling them children. */
  private static List<LogicalPlan> parts(LogicalPlan node) {
    List<LogicalPlan> parts = new ArrayList<>(CollectionConverters.asJava(node.children()));
    if (node instanceof Command) {
      for (Object field : CollectionConverters.asJava(((Product) node).productIterator().toSeq())) {
        add(parts, field);
      }
    }
    return parts;
  }

  private static void add(List<LogicalPlan> parts, Object field) {
    if (field instanceof LogicalPlan plan) {
      if (parts.stream().noneMatch(part -> part == plan)) {
        parts.add(plan);
      }
    } else if (field instanceof Option<?> option && option.isDefined()) {
      add(parts, option.get());
    } else if (field instanceof scala.collection.Seq<?> several) {
      CollectionConverters.asJava(several).forEach(each -> add(parts, each));
    }
  }

  private void walk(Expression expression) {
    if (DENIED_EXPRESSIONS.contains(expression.getClass().getSimpleName())) {
      throw Refused.because("function '" + expression.prettyName() + "' cannot be used here");
    }
    if (expression instanceof CallMethodViaReflection call) {
      PureJava.require(call);
    }
    options(expression);
    if (expression instanceof SQLScalarFunction call) {
      CollectionConverters.asJava(call.inputs()).forEach(this::walk);
      String name = name(call.function());
      Set<String> before = applied;
      if (name != null && !applied.contains(name.toLowerCase(Locale.ROOT))) {
        need("EXECUTE", "FUNCTION", name);
      }
      applied = Set.of();
      if (name == null) {
        walk(call.child());
      } else {
        via.add("FUNCTION " + name);
        walk(call.child());
        via.remove(via.size() - 1);
      }
      applied = before;
      return;
    }
    if (expression instanceof PlanExpression<?> subquery) {
      QueryPlan<?> plan = subquery.plan();
      if (plan instanceof LogicalPlan logical) {
        Barrier before = behind;
        Set<String> appliedBefore = applied;
        behind = null;
        applied = Set.of();
        walk(logical);
        behind = before;
        applied = appliedBefore;
      }
    }
    CollectionConverters.asJava(expression.children()).forEach(this::walk);
  }

  /** Options of a function that reads a format, such as {@code from_xml}. */
  private static void options(Expression expression) {
    for (int i = 0; i < expression.productArity(); i++) {
      if (expression.productElementName(i).equals("options")
          && expression.productElement(i) instanceof scala.collection.Map<?, ?> map) {
        CollectionConverters.asJava(map)
            .keySet()
            .forEach(name -> Sources.requireOption(String.valueOf(name)));
      }
    }
  }

  // ---- what is read ----

  private void view(View view) {
    CatalogTable desc = view.desc();
    if (view.isTempView()) {
      if (desc.identifier().database().isDefined()) {
        throw Refused.because(
            "global temporary view '" + desc.identifier().table() + "' cannot be used here");
      }
      walk(view.child());
      return;
    }
    String name = name(desc.identifier());
    need("SELECT", "TABLE", name);
    via.add(name);
    walk(view.child());
    via.remove(via.size() - 1);
  }

  private void function(SQLFunction function, LogicalPlan body) {
    String name = name(function);
    if (name == null) {
      walk(body);
      return;
    }
    need("EXECUTE", "FUNCTION", name);
    via.add("FUNCTION " + name);
    walk(body);
    via.remove(via.size() - 1);
  }

  /** The full name of a function of a catalog; null for one of the session alone. */
  private static String name(SQLFunction function) {
    FunctionIdentifier id = function.name();
    return id.catalog().isDefined() && id.database().isDefined()
        ? id.catalog().get() + "." + id.database().get() + "." + id.funcName()
        : null;
  }

  private void relation(LogicalPlan node) {
    on("SELECT", node);
  }

  // ---- what a command names ----

  private void part(LogicalPlan node, Plans.Part need) {
    at = node;
    Object named = null;
    for (String part : need.parts()) {
      named = field(node, part);
      if (named instanceof Option<?> option) {
        named = option.isDefined() ? option.get() : null;
      }
      if (named != null) {
        break;
      }
    }
    if (named == null) {
      if (!Set.of("LOCATION", "NOT", "REPLACE").contains(need.privilege())) {
        throw Refused.because("'" + node.nodeName() + "' names nothing that is known");
      }
      return;
    }
    if (named instanceof LogicalPlan target) {
      for (LogicalPlan each = target; each != null; each = only(each)) {
        targets.put(each, node);
      }
    }
    switch (need.privilege()) {
      case "WRITE" -> {
        on("MODIFY", named);
        if (!(named instanceof Path path) || Sources.volume(path.toString()) == null) {
          on("SELECT", named);
        }
      }
      case "CREATE" -> create(named);
      case "REPLACE" -> replace(named);
      case "LOCATION" -> location(named);
      case "PLAIN" -> {
        if (Sources.hasSubquery(named.toString())) {
          throw Refused.because("'" + node.nodeName() + "' with a subquery cannot be used here");
        }
      }
      case "NOT" ->
          throw Refused.because(
              "'" + node.nodeName() + "' with " + need.parts().get(0) + " cannot be used here");
      default -> on(need.privilege(), named);
    }
  }

  private static LogicalPlan only(LogicalPlan node) {
    return node instanceof Barrier || node.children().size() != 1 ? null : node.children().head();
  }

  private static Object field(LogicalPlan node, String name) {
    Product product = (Product) node;
    for (int i = 0; i < product.productArity(); i++) {
      if (product.productElementName(i).equals(name)) {
        return product.productElement(i);
      }
    }
    throw new IllegalStateException(node.getClass().getName() + " has no part '" + name + "'");
  }

  /** One privilege on a table, a view or a path, in whatever form Spark holds it. */
  private void on(String privilege, Object named) {
    if (named instanceof ResolvedTempView) {
      return;
    }
    if (named instanceof ResolvedTable table) {
      if (table.catalog() instanceof PathsOnlyCatalog || isPath(table.table())) {
        path(privilege, table.table());
      } else {
        table(privilege, name(table.catalog(), table.identifier()));
      }
    } else if (named instanceof ResolvedPersistentView view) {
      need(privilege, "TABLE", name(view.catalog(), view.identifier()));
    } else if (named instanceof ResolvedIdentifier id) {
      table(privilege, name(id.catalog(), id.identifier()));
    } else if (named instanceof View view) {
      need(privilege, "TABLE", name(view.desc().identifier()));
    } else if (named instanceof CatalogTable table) {
      table(privilege, name(table.identifier()));
    } else if (named instanceof TableIdentifier id) {
      table(privilege, name(id));
    } else if (named instanceof V2TableReference reference) {
      table(privilege, name(reference.catalog(), reference.identifier()));
    } else if (named instanceof DataSourceV2Relation relation) {
      if (relation.table().getClass().getName().startsWith("dev.tarn.spark.sql.")) {
        // information_schema: the server answers each reader with what is the reader's to see.
        return;
      }
      if (relation.catalog().isDefined()
          && relation.identifier().isDefined()
          && !(relation.catalog().get() instanceof PathsOnlyCatalog)
          && !isPath(relation.table())) {
        table(privilege, name(relation.catalog().get(), relation.identifier().get()));
      } else {
        path(privilege, relation.table());
      }
    } else if (named instanceof LogicalRelation relation) {
      logical(privilege, relation);
    } else if (named instanceof Path path) {
      path(privilege, path.toString());
    } else if (named instanceof DeltaTableV2 table) {
      path(privilege, table);
    } else if (named instanceof LogicalPlan plan) {
      List<LogicalPlan> children = CollectionConverters.asJava(plan.children());
      if (children.size() != 1) {
        throw Refused.because("'" + plan.nodeName() + "' names nothing that is known");
      }
      on(privilege, children.get(0));
    } else if (named instanceof CloneSource source) {
      if (source.catalogTable().isDefined()) {
        on(privilege, source.catalogTable().get());
      } else {
        path(privilege, source.dataPath().toString());
      }
    } else {
      throw Refused.because(
          "'" + named.getClass().getSimpleName() + "' is not known to this engine");
    }
  }

  private void logical(String privilege, LogicalRelation relation) {
    if (relation.catalogTable().isDefined()) {
      on(privilege, relation.catalogTable().get());
    } else if (relation.relation() instanceof HadoopFsRelation files) {
      for (Path root : CollectionConverters.asJava(files.location().rootPaths())) {
        path(privilege, root.toString());
      }
    } else if (relation.relation() instanceof CDCReader.DeltaCDFRelation changes
        && changes.catalogTableOpt().isDefined()) {
      on(privilege, changes.catalogTableOpt().get());
    } else {
      throw Refused.because(
          "data source '"
              + relation.relation().getClass().getSimpleName()
              + "' cannot be used here");
    }
  }

  /** Delta finds {@code delta.`path`} through any catalog. */
  private static boolean isPath(org.apache.spark.sql.connector.catalog.Table table) {
    return table instanceof DeltaTableV2 delta && delta.catalogTable().isEmpty();
  }

  private void path(String privilege, org.apache.spark.sql.connector.catalog.Table table) {
    if (table instanceof DeltaTableV2 delta) {
      if (delta.catalogTable().isDefined()) {
        on(privilege, delta.catalogTable().get());
      } else {
        path(privilege, delta.path().toString());
      }
    } else if (table instanceof FileTable files) {
      CollectionConverters.asJava(files.fileIndex().rootPaths())
          .forEach(root -> path(privilege, root.toString()));
    } else {
      throw Refused.because("table '" + table.name() + "' is not one of a catalog");
    }
  }

  private void path(String privilege, String path) {
    String url = Sources.asked(path);
    switch (privilege) {
      case "SELECT", "SEE" -> need("READ_FILES", "PATH", url);
      case "MODIFY", "OWN" -> need("WRITE_FILES", "PATH", url);
      default -> need(privilege, "PATH", url);
    }
  }

  private void create(Object named) {
    if (named instanceof ResolvedIdentifier id) {
      String[] namespace = id.identifier().namespace();
      if (id.catalog() instanceof PathsOnlyCatalog) {
        if (namespace.length == 1 && namespace[0].equalsIgnoreCase("delta")) {
          path("WRITE_FILES", id.identifier().name());
        }
        // Anything else it refuses to create, in its own words.
        return;
      }
      if (namespace.length == 2) {
        throw CatalogError.noCatalog(namespace[0]);
      }
      need("CREATE_TABLE", "SCHEMA", joined(id.catalog().name(), namespace));
    } else if (named instanceof CatalogTable table) {
      TableIdentifier id = table.identifier();
      if (id.catalog().isEmpty() || id.database().isEmpty()) {
        throw Refused.because("table '" + id.table() + "' is not one of a catalog");
      }
      need("CREATE_TABLE", "SCHEMA", id.catalog().get() + "." + id.database().get());
    } else {
      throw Refused.because(
          "'" + named.getClass().getSimpleName() + "' is not known to this engine");
    }
  }

  private void replace(Object named) {
    create(named);
    if (named instanceof ResolvedIdentifier id
        && !(id.catalog() instanceof PathsOnlyCatalog)
        && id.catalog() instanceof TableCatalog catalog
        && exists(catalog, id.identifier())) {
      on("OWN", named);
    } else if (named instanceof CatalogTable) {
      on("OWN", named);
    }
  }

  private static boolean exists(TableCatalog catalog, Identifier ident) {
    return catalog.tableExists(ident)
        || (catalog instanceof org.apache.spark.sql.connector.catalog.RelationCatalog relations
            && relations.viewExists(ident));
  }

  private void location(Object named) {
    if (named instanceof TableSpec spec) {
      if (spec.location().isDefined()) {
        location(spec.location().get());
      }
    } else if (named instanceof CatalogTable table) {
      if (table.storage().locationUri().isDefined()
          && !table.tableType().name().equals("MANAGED")) {
        location(table.storage().locationUri().get().toString());
      }
    } else {
      if (Sources.volume(named.toString()) != null) {
        throw Refused.because(
            "LOCATION '" + named + "' is in a volume, where no table can be (expected: s3://...)");
      }
      path("CREATE_EXTERNAL_TABLE", named.toString());
    }
  }

  // ---- special cases ----

  private static void setting(LogicalPlan node) {
    if (node instanceof ResetCommand reset) {
      if (reset.config().isEmpty()) {
        throw Refused.because("RESET of all settings cannot be used here (expected: RESET name)");
      }
      if (!Settings.isUnsettable(reset.config().get())) {
        throw Refused.because(Settings.notSettable(reset.config().get()));
      }
    } else if (node instanceof SetCommand set && set.kv().isDefined()) {
      String name = set.kv().get()._1();
      if (set.kv().get()._2().isDefined()) {
        if (!Settings.isSettable(name, set.kv().get()._2().get())) {
          throw Refused.because(Settings.notSettable(name));
        }
      } else if (!Settings.isReadable(name)) {
        throw Refused.because(Settings.notReadable(name));
      }
    } else {
      // Authorize has put the readable ones in its place; another form of it is not known.
      throw Refused.because("'" + node.nodeName() + "' cannot be used here");
    }
  }

  /** SQL functions of the session are their maker's; those of catalogs are the server's. */
  private static void sessionFunction(LogicalPlan node) {
    if (node instanceof CreateSQLFunctionCommand create
        && create.isTemp()
        && create.name().catalog().isEmpty()) {
      return;
    }
    throw Refused.because(
        "'" + node.nodeName() + "' cannot be used here (expected: CREATE TEMPORARY FUNCTION)");
  }

  private static void sessionView(CreateViewCommand view) {
    if (!view.viewType().toString().equals("LocalTempView")) {
      throw Refused.because(
          "view '"
              + view.name().table()
              + "' would be everybody's (expected: CREATE VIEW or CREATE TEMPORARY VIEW)");
    }
  }

  private void deltaPath(SaveIntoDataSourceCommand save) {
    Option<String> path = save.options().get("path");
    if (!save.dataSource()
            .getClass()
            .getName()
            .equals("org.apache.spark.sql.delta.sources.DeltaDataSource")
        || path.isEmpty()) {
      throw Refused.because(
          "data source '"
              + save.dataSource().getClass().getSimpleName()
              + "' cannot be written here");
    }
    path("MODIFY", path.get());
    path("SELECT", path.get());
  }

  private void directory(InsertIntoDataSourceDirCommand insert) {
    Sources.requireFormat(insert.provider());
    for (String name : CollectionConverters.asJava(insert.storage().properties()).keySet()) {
      Sources.requireOption(name);
      if (name.equalsIgnoreCase("path")) {
        throw Refused.because("option 'path' cannot be used here");
      }
    }
    if (insert.storage().locationUri().isEmpty()) {
      throw Refused.because("'" + insert.nodeName() + "' names nothing that is known");
    }
    Path path = new Path(insert.storage().locationUri().get());
    path("MODIFY", path.toString());
  }

  /** What a command would pass on to file systems. */
  private static void options(Product command) {
    for (int i = 0; i < command.productArity(); i++) {
      Object field = command.productElement(i);
      boolean properties =
          command.productElementName(i).toLowerCase(Locale.ROOT).contains("propert");
      if (field instanceof TableSpec spec) {
        CollectionConverters.asJava(spec.options()).keySet().forEach(Sources::requireOption);
        CollectionConverters.asJava(spec.properties()).keySet().forEach(Sources::requireProperty);
      } else if (field instanceof CaseInsensitiveStringMap map) {
        map.keySet().forEach(Sources::requireOption);
      } else if (field instanceof scala.collection.Map<?, ?> map) {
        for (Object key : CollectionConverters.asJava(map).keySet()) {
          if (key instanceof String name) {
            if (properties) {
              Sources.requireProperty(name);
            } else if (command.productElementName(i).toLowerCase(Locale.ROOT).contains("options")) {
              Sources.requireOption(name);
            }
          }
        }
      }
    }
  }

  // ---- names ----

  private void table(String privilege, String name) {
    need(privilege, "TABLE", name);
    touched.add(new Touch(name, at, behind));
  }

  private void need(String privilege, String type, String name) {
    found.add(new Need(privilege, type, name, List.copyOf(via)));
  }

  private static String name(CatalogPlugin catalog, Identifier ident) {
    return joined(catalog.name(), ident.namespace()) + "." + ident.name();
  }

  private static String joined(String catalog, String[] namespace) {
    return catalog + "." + String.join(".", namespace);
  }

  private static String name(TableIdentifier id) {
    if (id.catalog().isEmpty() || id.database().isEmpty()) {
      throw Refused.because("table '" + id.table() + "' is not one of a catalog");
    }
    return id.catalog().get() + "." + id.database().get() + "." + id.table();
  }
}
