package dev.tarn.iam;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import dev.tarn.iam.ScimFilter.And;
import dev.tarn.iam.ScimFilter.Compare;
import dev.tarn.iam.ScimFilter.Element;
import dev.tarn.iam.ScimFilter.Not;
import dev.tarn.iam.ScimFilter.Or;
import dev.tarn.iam.ScimSchema.Attribute;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jdbi.v3.core.statement.Query;

/** The SQL of one list: a condition on {@code principal p}, its order, and what is bound to it. */
final class ScimQuery {
  private final ScimSchema schema;
  private final List<Object> bound = new ArrayList<>();
  private final String filter;

  ScimQuery(ScimSchema schema, String filter) {
    this.schema = schema;
    this.filter = filter;
  }

  /** The condition, "1 = 1" when there is no filter. */
  String condition() {
    return filter == null || filter.isBlank() ? "1 = 1" : sql(ScimFilter.parse(filter));
  }

  /**
   * @throws InvalidParameterValue {@code sortBy} names no attribute that can be sorted by
   */
  String order(String sortBy, String sortOrder) {
    boolean down = "descending".equalsIgnoreCase(sortOrder);
    if (sortOrder != null && !down && !sortOrder.equalsIgnoreCase("ascending")) {
      throw new InvalidParameterValue(
          "sortOrder: '" + Scim.shortened(sortOrder) + "' (expected: ascending or descending)",
          null);
    }
    String direction = down ? " DESC" : "";
    if (sortBy == null || sortBy.isBlank()) {
      return "p.name" + direction + ", p.principal_id";
    }
    Attribute attribute = attribute(sortBy);
    if (attribute == null) {
      throw new InvalidParameterValue(
          "sortBy: '"
              + Scim.shortened(sortBy)
              + "' (expected: an attribute of "
              + schema.name
              + ")",
          null);
    }
    String expression =
        switch (attribute.path()) {
          case "id" -> "p.principal_id";
          case "username", "applicationid" -> "p.name";
          case "active" -> "p.active";
          case "meta.created" -> "p.created_at";
          case "meta.lastmodified" -> "p.changed_at";
          default ->
              "COALESCE((SELECT min(s.text) FROM principal_attribute s WHERE s.principal_id ="
                  + " p.principal_id AND s.path = "
                  + bind(attribute.path())
                  + "), '')";
        };
    return expression + direction + ", p.name" + direction;
  }

  Query bindTo(Query query) {
    for (int i = 0; i < bound.size(); i++) {
      query.bind("f" + i, bound.get(i));
    }
    return query;
  }

  private String bind(Object value) {
    bound.add(value);
    return ":f" + (bound.size() - 1);
  }

  /** The attribute or the part that is meant; of a complex one its value. */
  private Attribute attribute(String name) {
    Attribute found = schema.find(name);
    int dot = name.lastIndexOf('.');
    if (found == null && dot > 0) {
      Attribute owner = schema.find(name.substring(0, dot));
      found = owner == null ? null : owner.part(name.substring(dot + 1));
    }
    return found != null && found.isComplex() && found.part("value") != null
        ? found.part("value")
        : found;
  }

  private String sql(ScimFilter node) {
    return switch (node) {
      case And and -> "(" + sql(and.left()) + " AND " + sql(and.right()) + ")";
      case Or or -> "(" + sql(or.left()) + " OR " + sql(or.right()) + ")";
      case Not not -> "NOT " + sql(not.filter());
      case Element element -> element(element);
      case Compare compare -> compare(compare);
    };
  }

  private String compare(Compare compare) {
    Attribute attribute = attribute(compare.path());
    if (attribute == null) {
      throw ScimFilter.invalid(
          compare.path(), "an attribute of " + schema.name + " before " + compare.operator());
    }
    return switch (attribute.path()) {
      case "id" -> text("CAST(p.principal_id AS TEXT)", compare, Function.identity());
      case "username", "applicationid" -> text("p.name", compare, Principals::folded);
      case "active" -> truth("p.active", compare);
      case "roles.value" ->
          "(p.account_admin AND "
              + text("'" + Scim.ACCOUNT_ADMIN + "'", compare, ScimQuery::lower)
              + ")";
      case "meta.created" -> time("p.created_at", compare);
      case "meta.lastmodified" -> time("p.changed_at", compare);
      case "meta.version" ->
          text("'W/\"' || CAST(p.version AS TEXT) || '\"'", compare, Function.identity());
      case "meta.resourcetype" -> text("'" + schema.name + "'", compare, Function.identity());
      case "groups.value" ->
          member(
              "group_id",
              "member_id",
              text("CAST(m.group_id AS TEXT)", compare, Function.identity()));
      case "members.value" ->
          member(
              "member_id",
              "group_id",
              text("CAST(m.member_id AS TEXT)", compare, Function.identity()));
      case "groups.display" ->
          member("group_id", "member_id", text(display("m.group_id"), compare, Principals::folded));
      case "members.display" ->
          member(
              "member_id", "group_id", text(display("m.member_id"), compare, Principals::folded));
      case "entitlements.value" ->
          "EXISTS (SELECT 1 FROM workspace_entitlement e WHERE e.principal_id = p.principal_id AND"
              + " e.workspace_id = :workspace AND "
              + text("e.entitlement", compare, ScimQuery::lower)
              + ")";
      default -> {
        if (attribute.readOnly()) {
          throw ScimFilter.invalid(compare.path(), "an attribute that can be filtered by");
        }
        boolean not =
            compare.operator().equals("ne")
                || (compare.value() != null && compare.value().isNull());
        yield (not ? "NOT " : "")
            + "(p.principal_id IN (SELECT a.principal_id FROM principal_attribute a WHERE "
            + part(attribute, "a", positive(compare))
            + "))";
      }
    };
  }

  /** What a list lacks is what none of its values is. */
  private static Compare positive(Compare compare) {
    if (compare.value() != null && compare.value().isNull()) {
      return new Compare(compare.path(), "pr", null);
    }
    return compare.operator().equals("ne")
        ? new Compare(compare.path(), "eq", compare.value())
        : compare;
  }

  /** A row of {@code principal_attribute} for an attribute; a whole complex one by any part. */
  private String part(Attribute attribute, String alias, Compare compare) {
    if (attribute.isComplex()) {
      return alias + ".path LIKE " + bind(like(attribute.path()) + ".%") + " ESCAPE '!'";
    }
    return alias
        + ".path = "
        + bind(attribute.path())
        + " AND "
        + text(
            alias + ".text",
            compare,
            text -> Attributes.cut(attribute.caseExact() ? text : Principals.folded(text)));
  }

  private String element(Element element) {
    Attribute list = schema.find(element.path());
    if (list == null || !list.isComplex()) {
      throw ScimFilter.invalid(element.path(), "a complex attribute before [");
    }
    if (list.readOnly() || List.of("members", "roles", "entitlements").contains(list.path())) {
      // All that can be asked of these is their value.
      return sql(prefixed(element.filter(), element.path()));
    }
    return "EXISTS (SELECT 1 FROM principal_attribute b WHERE b.principal_id = p.principal_id AND"
        + " b.path LIKE "
        + bind(like(list.path()) + ".%")
        + " ESCAPE '!' AND "
        + within(element.filter(), list)
        + ")";
  }

  private static ScimFilter prefixed(ScimFilter filter, String path) {
    return switch (filter) {
      case And and -> new And(prefixed(and.left(), path), prefixed(and.right(), path));
      case Or or -> new Or(prefixed(or.left(), path), prefixed(or.right(), path));
      case Not not -> new Not(prefixed(not.filter(), path));
      case Compare compare ->
          new Compare(path + "." + compare.path(), compare.operator(), compare.value());
      case Element element -> throw ScimFilter.invalid(path, "no [ ] within [ ]");
    };
  }

  /** The parts of one element have one position. */
  private String within(ScimFilter filter, Attribute list) {
    return switch (filter) {
      case And and -> "(" + within(and.left(), list) + " AND " + within(and.right(), list) + ")";
      case Or or -> "(" + within(or.left(), list) + " OR " + within(or.right(), list) + ")";
      case Not not -> "NOT " + within(not.filter(), list);
      case Element element -> throw ScimFilter.invalid(element.path(), "no [ ] within [ ]");
      case Compare compare -> {
        Attribute part = list.part(compare.path());
        if (part == null) {
          throw ScimFilter.invalid(compare.path(), "a part of " + list.name());
        }
        yield (positive(compare).equals(compare) ? "" : "NOT ")
            + "EXISTS (SELECT 1 FROM principal_attribute a WHERE a.principal_id = p.principal_id"
            + " AND a.position = b.position AND "
            + part(part, "a", positive(compare))
            + ")";
      }
    };
  }

  private static String member(String other, String own, String condition) {
    return "EXISTS (SELECT 1 FROM group_member m WHERE m."
        + own
        + " = p.principal_id AND m."
        + other
        + " IS NOT NULL AND "
        + condition
        + ")";
  }

  private static String display(String id) {
    return "(SELECT d.text FROM principal_attribute d WHERE d.principal_id = "
        + id
        + " AND d.path = 'displayname')";
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  private String text(String expression, Compare compare, Function<String, String> fold) {
    if (compare.operator().equals("pr")) {
      return expression + " IS NOT NULL";
    }
    if (compare.value().isNull()) {
      return expression + (compare.operator().equals("ne") ? " IS NOT NULL" : " IS NULL");
    }
    String value = fold.apply(compare.value().asText());
    return switch (compare.operator()) {
      case "eq" -> expression + " = " + bind(value);
      case "ne" -> expression + " <> " + bind(value);
      case "co" -> expression + " LIKE " + bind("%" + like(value) + "%") + " ESCAPE '!'";
      case "sw" -> expression + " LIKE " + bind(like(value) + "%") + " ESCAPE '!'";
      case "ew" -> expression + " LIKE " + bind("%" + like(value)) + " ESCAPE '!'";
      case "gt" -> expression + " > " + bind(value);
      case "ge" -> expression + " >= " + bind(value);
      case "lt" -> expression + " < " + bind(value);
      default -> expression + " <= " + bind(value);
    };
  }

  private static String like(String text) {
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_");
  }

  private String truth(String expression, Compare compare) {
    if (compare.operator().equals("pr")) {
      return expression + " IS NOT NULL";
    }
    String value = compare.value().asText().toLowerCase(Locale.ROOT);
    if (!List.of("eq", "ne").contains(compare.operator())
        || !List.of("true", "false").contains(value)) {
      throw ScimFilter.invalid(
          compare.path() + " " + compare.operator() + " " + value, "eq or ne, true or false");
    }
    boolean wanted = value.equals("true") == compare.operator().equals("eq");
    return (wanted ? "" : "NOT ") + expression;
  }

  private String time(String expression, Compare compare) {
    if (compare.operator().equals("pr")) {
      return expression + " IS NOT NULL";
    }
    String operator =
        switch (compare.operator()) {
          case "eq" -> "=";
          case "ne" -> "<>";
          case "gt" -> ">";
          case "ge" -> ">=";
          case "lt" -> "<";
          case "le" -> "<=";
          default -> throw ScimFilter.invalid(compare.path(), "eq, ne, gt, ge, lt, le or pr");
        };
    try {
      return expression
          + " "
          + operator
          + " "
          + bind(Instant.parse(compare.value().asText()).toEpochMilli());
    } catch (DateTimeException e) {
      throw ScimFilter.invalid(compare.value().asText(), "a time such as 2026-01-31T12:00:00Z");
    }
  }
}
