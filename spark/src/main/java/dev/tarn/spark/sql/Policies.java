package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.ArgumentContext;
import dev.tarn.spark.sql.TarnSqlParser.CreatePolicyContext;
import dev.tarn.spark.sql.TarnSqlParser.DescribePolicyContext;
import dev.tarn.spark.sql.TarnSqlParser.DropPolicyContext;
import dev.tarn.spark.sql.TarnSqlParser.KindContext;
import dev.tarn.spark.sql.TarnSqlParser.MatchContext;
import dev.tarn.spark.sql.TarnSqlParser.PrincipalContext;
import dev.tarn.spark.sql.TarnSqlParser.PrincipalsContext;
import dev.tarn.spark.sql.TarnSqlParser.ShowPoliciesContext;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** Policies: filters and masks for all tables below something whose tags match. */
final class Policies extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;

  Policies(Texts texts) {
    this.texts = texts;
  }

  /** What carries a policy. */
  private record On(Kind kind, List<String> name) {
    String fullName(OnServer server) {
      return String.join(".", server.complete(kind, name));
    }

    String policies(OnServer server) {
      return "policies/" + kind.name() + "/" + server.urlName(kind, name);
    }

    String policy(OnServer server, String policy) {
      return policies(server) + "/" + CatalogServer.encoded(policy);
    }
  }

  private static On on(KindContext kind, List<String> name) {
    return new On(Texts.kind(kind), name);
  }

  @Override
  public LogicalPlan visitCreatePolicy(CreatePolicyContext create) {
    On on = on(create.kind(), texts.name(create.on));
    String name = Texts.identifier(create.name);
    List<String> function = texts.name(create.function);
    boolean mask = create.MASK() != null;
    ObjectNode policy = CatalogServer.JSON.createObjectNode();
    policy.put("name", name);
    policy.put("policy_type", mask ? "POLICY_TYPE_COLUMN_MASK" : "POLICY_TYPE_ROW_FILTER");
    policy.put("for_securable_type", "TABLE");
    policy.put("on_securable_type", on.kind.name());
    if (create.comment != null) {
      policy.put("comment", texts.text(create.comment));
    }
    principals(policy.putArray("to_principals"), create.principals(0));
    principals(policy.putArray("except_principals"), create.except);
    if (create.condition() != null) {
      policy.put("when_condition", Texts.written(create.condition()));
    }
    ArrayNode matches = policy.putArray("match_columns");
    for (MatchContext match : create.match()) {
      ObjectNode one = matches.addObject().put("condition", Texts.written(match.condition()));
      if (match.alias != null) {
        one.put("alias", Texts.identifier(match.alias));
      }
    }
    ObjectNode rule = policy.putObject(mask ? "column_mask" : "row_filter");
    if (create.column != null) {
      rule.put("on_column", Texts.identifier(create.column));
    }
    arguments(rule.putArray("using"), create.argument());
    boolean replace = create.REPLACE() != null;
    return ServerCommand.change(
        "CREATE POLICY",
        server -> {
          policy.put("on_securable_fullname", on.fullName(server));
          rule.put("function_name", String.join(".", server.complete(Kind.FUNCTION, function)));
          if (!replace || !isReplaced(server, on, name, policy)) {
            server.post("policies", policy);
          }
        });
  }

  /** In one step: between a drop and a create all would be open. */
  private static boolean isReplaced(OnServer server, On on, String name, ObjectNode policy) {
    String path = on.policy(server, name) + "?update_mask=*";
    return OnServer.ifThere(() -> server.patch(path, policy));
  }

  private void principals(ArrayNode all, PrincipalsContext principals) {
    if (principals != null) {
      for (PrincipalContext principal : principals.principal()) {
        all.add(texts.principal(principal));
      }
    }
  }

  private void arguments(ArrayNode all, List<ArgumentContext> arguments) {
    for (ArgumentContext argument : arguments) {
      if (argument.identifier() != null) {
        all.addObject().put("alias", Texts.identifier(argument.identifier()));
      } else {
        all.addObject()
            .put(
                "constant",
                argument.text() == null ? argument.getText() : texts.text(argument.text()));
      }
    }
  }

  @Override
  public LogicalPlan visitDropPolicy(DropPolicyContext drop) {
    On on = on(drop.kind(), texts.name(drop.on));
    String name = Texts.identifier(drop.name);
    return ServerCommand.change("DROP POLICY", server -> server.delete(on.policy(server, name)));
  }

  @Override
  public LogicalPlan visitShowPolicies(ShowPoliciesContext show) {
    On on = on(show.kind(), texts.name(show.on));
    boolean inherited = show.EFFECTIVE() != null;
    return ServerCommand.rows(
        "SHOW POLICIES",
        "name STRING, policy_type STRING, function STRING, to_principals STRING,"
            + " except_principals STRING, on_securable_type STRING, on_securable STRING",
        server ->
            server
                .list(on.policies(server) + "?include_inherited=" + inherited, "policies")
                .stream()
                .map(
                    policy ->
                        new Object[] {
                          policy.path("name").asText(),
                          type(policy),
                          rule(policy).path("function_name").asText(),
                          joined(policy.path("to_principals")),
                          joined(policy.path("except_principals")),
                          policy.path("on_securable_type").asText(),
                          policy.path("on_securable_fullname").asText()
                        })
                .toList());
  }

  @Override
  public LogicalPlan visitDescribePolicy(DescribePolicyContext describe) {
    On on = on(describe.kind(), texts.name(describe.on));
    String name = Texts.identifier(describe.name);
    return ServerCommand.rows(
        "DESCRIBE POLICY",
        "info_name STRING NOT NULL, info_value STRING",
        server -> described(server, server.get(on.policy(server, name))));
  }

  private static List<Object[]> described(OnServer server, JsonNode policy) {
    JsonNode rule = rule(policy);
    List<Object[]> rows = new ArrayList<>();
    rows.add(new Object[] {"Name", policy.path("name").asText()});
    rows.add(
        new Object[] {
          "On Securable",
          policy.path("on_securable_type").asText()
              + " "
              + policy.path("on_securable_fullname").asText()
        });
    rows.add(new Object[] {"Policy Type", type(policy)});
    rows.add(new Object[] {"Function", rule.path("function_name").asText()});
    rows.add(new Object[] {"To Principals", joined(policy.path("to_principals"))});
    rows.add(new Object[] {"Except Principals", joined(policy.path("except_principals"))});
    rows.add(new Object[] {"When", OnServer.text(policy.path("when_condition"))});
    for (JsonNode match : policy.path("match_columns")) {
      rows.add(
          new Object[] {
            "Match Columns",
            match.path("condition").asText()
                + (match.hasNonNull("alias") ? " AS " + match.path("alias").asText() : "")
          });
    }
    rows.add(new Object[] {"On Column", OnServer.text(rule.path("on_column"))});
    rows.add(
        new Object[] {
          "Using Columns",
          StreamSupport.stream(rule.path("using").spliterator(), false)
              .map(
                  argument ->
                      argument.hasNonNull("alias")
                          ? argument.path("alias").asText()
                          : Texts.literal(argument.path("constant").asText()))
              .collect(Collectors.joining(", "))
        });
    rows.add(new Object[] {"Comment", OnServer.text(policy.path("comment"))});
    rows.add(new Object[] {"Created By", OnServer.text(policy.path("created_by"))});
    rows.add(new Object[] {"Created At", server.time(policy.path("created_at"))});
    return rows;
  }

  private static JsonNode rule(JsonNode policy) {
    return policy.path(policy.hasNonNull("row_filter") ? "row_filter" : "column_mask");
  }

  private static String type(JsonNode policy) {
    return policy.path("policy_type").asText().replace("POLICY_TYPE_", "").replace('_', ' ');
  }

  private static String joined(JsonNode names) {
    return StreamSupport.stream(names.spliterator(), false)
        .map(JsonNode::asText)
        .collect(Collectors.joining(", "));
  }
}
