package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.GrantContext;
import dev.tarn.spark.sql.TarnSqlParser.PrivilegesContext;
import dev.tarn.spark.sql.TarnSqlParser.RevokeContext;
import dev.tarn.spark.sql.TarnSqlParser.SecurableContext;
import dev.tarn.spark.sql.TarnSqlParser.ShowGrantsContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** GRANT, REVOKE and SHOW GRANTS. */
final class Grants extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;

  Grants(Texts texts) {
    this.texts = texts;
  }

  @Override
  public LogicalPlan visitGrant(GrantContext grant) {
    String principal = texts.principal(grant.principal());
    return change("GRANT", "add", grant.privileges(), grant.securable(), principal);
  }

  @Override
  public LogicalPlan visitRevoke(RevokeContext revoke) {
    String principal = texts.principal(revoke.principal());
    return change("REVOKE", "remove", revoke.privileges(), revoke.securable(), principal);
  }

  private LogicalPlan change(
      String statement,
      String direction,
      PrivilegesContext privileges,
      SecurableContext securable,
      String principal) {
    Securable on = securable(securable);
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    ObjectNode change = body.putArray("changes").addObject().put("principal", principal);
    // Written with spaces or underscores; whether the object has such a privilege, the server says.
    for (var privilege : privileges.privilege()) {
      change.withArray("/" + direction).add(Texts.words(privilege).toUpperCase(Locale.ROOT));
    }
    return ServerCommand.change(
        statement, server -> server.patch("permissions/" + on.urlName(server), body));
  }

  @Override
  public LogicalPlan visitShowGrants(ShowGrantsContext show) {
    Securable on = securable(show.securable());
    String principal = show.principal() == null ? null : texts.principal(show.principal());
    return ServerCommand.rows(
        "SHOW GRANTS",
        "principal STRING NOT NULL, actionType STRING NOT NULL, objectType STRING, objectKey STRING",
        server -> {
          String path = "effective-permissions/" + on.urlName(server);
          if (principal != null) {
            path += "?principal=" + CatalogServer.encoded(principal);
          }
          List<Object[]> rows = new ArrayList<>();
          String own = String.join(".", server.complete(on.kind, on.name));
          for (JsonNode assignment : server.list(path, "privilege_assignments")) {
            for (JsonNode privilege : assignment.path("privileges")) {
              String from = privilege.path("inherited_from_type").asText("");
              rows.add(
                  new Object[] {
                    assignment.path("principal").asText(),
                    privilege.path("privilege").asText().replace('_', ' '),
                    from.isEmpty() ? on.kind.words() : from.replace('_', ' '),
                    from.isEmpty() ? own : OnServer.text(privilege.path("inherited_from_name"))
                  });
            }
          }
          return rows;
        });
  }

  /** What a privilege is on. */
  private record Securable(Kind kind, List<String> name) {
    /** {@code type/full name}; a metastore's name is its id. */
    String urlName(OnServer server) {
      return kind.securableType()
          + "/"
          + (kind == Kind.METASTORE ? server.metastoreId() : server.urlName(kind, name));
    }
  }

  private Securable securable(SecurableContext securable) {
    if (securable.METASTORE() != null) {
      return new Securable(Kind.METASTORE, List.of());
    }
    return new Securable(
        securable.kind() == null ? Kind.TABLE : Texts.kind(securable.kind()),
        texts.name(securable.multipartIdentifier()));
  }
}
