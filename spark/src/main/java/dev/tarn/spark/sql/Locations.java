package dev.tarn.spark.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.sql.TarnSqlParser.AlterCredentialContext;
import dev.tarn.spark.sql.TarnSqlParser.AlterLocationContext;
import dev.tarn.spark.sql.TarnSqlParser.CreateLocationContext;
import dev.tarn.spark.sql.TarnSqlParser.DescribeCredentialContext;
import dev.tarn.spark.sql.TarnSqlParser.DescribeLocationContext;
import dev.tarn.spark.sql.TarnSqlParser.DropCredentialContext;
import dev.tarn.spark.sql.TarnSqlParser.DropLocationContext;
import dev.tarn.spark.sql.TarnSqlParser.ShowCredentialsContext;
import dev.tarn.spark.sql.TarnSqlParser.ShowLocationsContext;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** External locations and the credentials behind them. */
final class Locations extends TarnSqlBaseVisitor<LogicalPlan> {
  private final Texts texts;

  Locations(Texts texts) {
    this.texts = texts;
  }

  @Override
  public LogicalPlan visitCreateLocation(CreateLocationContext create) {
    List<String> name = texts.name(create.location);
    List<String> credential = texts.name(create.credential);
    ObjectNode body = CatalogServer.JSON.createObjectNode().put("url", texts.text(create.url));
    if (create.comment != null) {
      body.put("comment", texts.text(create.comment));
    }
    return ServerCommand.create(
        "CREATE EXTERNAL LOCATION",
        create.ifNotExists() != null,
        server -> {
          body.put("name", server.complete(Kind.EXTERNAL_LOCATION, name).get(0));
          body.put("credential_name", server.complete(Kind.STORAGE_CREDENTIAL, credential).get(0));
          server.post("external-locations", body);
        });
  }

  @Override
  public LogicalPlan visitAlterLocation(AlterLocationContext alter) {
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    if (alter.url != null) {
      body.put("url", texts.text(alter.url));
    } else if (alter.credential != null) {
      body.put("credential_name", String.join(".", texts.name(alter.credential)));
    } else {
      body.put("new_name", String.join(".", texts.name(alter.to)));
    }
    if (alter.FORCE() != null) {
      body.put("force", true);
    }
    return ServerCommand.patch(
        "ALTER EXTERNAL LOCATION", Kind.EXTERNAL_LOCATION, texts.name(alter.location), body);
  }

  @Override
  public LogicalPlan visitDropLocation(DropLocationContext drop) {
    return ServerCommand.drop(
        Kind.EXTERNAL_LOCATION,
        texts.name(drop.multipartIdentifier()),
        drop.ifExists() != null,
        drop.FORCE() != null);
  }

  @Override
  public LogicalPlan visitDescribeLocation(DescribeLocationContext describe) {
    List<String> name = texts.name(describe.multipartIdentifier());
    return ServerCommand.rows(
        "DESCRIBE EXTERNAL LOCATION",
        "name STRING, url STRING, credential_name STRING, owner STRING, created_by STRING,"
            + " created_at STRING, comment STRING",
        server -> {
          JsonNode location = server.get(server.path(Kind.EXTERNAL_LOCATION, name));
          return List.<Object[]>of(
              new Object[] {
                OnServer.text(location.path("name")),
                OnServer.text(location.path("url")),
                OnServer.text(location.path("credential_name")),
                OnServer.text(location.path("owner")),
                OnServer.text(location.path("created_by")),
                server.time(location.path("created_at")),
                OnServer.text(location.path("comment"))
              });
        });
  }

  @Override
  public LogicalPlan visitShowLocations(ShowLocationsContext show) {
    String pattern = show.text() == null ? "*" : texts.text(show.text());
    return ServerCommand.rows(
        "SHOW EXTERNAL LOCATIONS",
        "name STRING, url STRING, comment STRING",
        server ->
            shown(server.list("external-locations", "external_locations"), pattern)
                .map(
                    each ->
                        new Object[] {
                          each.path("name").asText(),
                          OnServer.text(each.path("url")),
                          OnServer.text(each.path("comment"))
                        })
                .toList());
  }

  @Override
  public LogicalPlan visitAlterCredential(AlterCredentialContext alter) {
    String to = String.join(".", texts.name(alter.to));
    Kind kind = kind(alter.SERVICE() != null);
    return ServerCommand.patch(
        "ALTER " + kind.words() + " RENAME TO",
        kind,
        texts.name(alter.credential),
        CatalogServer.JSON.createObjectNode().put("new_name", to));
  }

  @Override
  public LogicalPlan visitDropCredential(DropCredentialContext drop) {
    return ServerCommand.drop(
        kind(drop.SERVICE() != null),
        texts.name(drop.multipartIdentifier()),
        drop.ifExists() != null,
        drop.FORCE() != null);
  }

  @Override
  public LogicalPlan visitDescribeCredential(DescribeCredentialContext describe) {
    List<String> name = texts.name(describe.multipartIdentifier());
    Kind kind = kind(describe.SERVICE() != null);
    return ServerCommand.rows(
        "DESCRIBE " + kind.words(),
        "name STRING, owner STRING, created_at STRING, created_by STRING, credential STRING",
        server -> {
          JsonNode credential = server.get(server.path(kind, name));
          return List.<Object[]>of(
              new Object[] {
                OnServer.text(credential.path("name")),
                OnServer.text(credential.path("owner")),
                server.time(credential.path("created_at")),
                OnServer.text(credential.path("created_by")),
                OnServer.text(credential.path("aws_iam_role").path("role_arn"))
              });
        });
  }

  @Override
  public LogicalPlan visitShowCredentials(ShowCredentialsContext show) {
    String pattern = show.text() == null ? "*" : texts.text(show.text());
    boolean service = show.SERVICE() != null;
    return ServerCommand.rows(
        "SHOW " + kind(service).words() + "S",
        "name STRING, comment STRING",
        server -> {
          List<JsonNode> all =
              service
                  ? server.list("credentials?purpose=SERVICE", "credentials")
                  : server.list("storage-credentials", "storage_credentials");
          return shown(all, pattern)
              .map(
                  each ->
                      new Object[] {
                        each.path("name").asText(), OnServer.text(each.path("comment"))
                      })
              .toList();
        });
  }

  private static Kind kind(boolean service) {
    return service ? Kind.CREDENTIAL : Kind.STORAGE_CREDENTIAL;
  }

  private static Stream<JsonNode> shown(List<JsonNode> all, String pattern) {
    List<String> names =
        Texts.matching(all.stream().map(each -> each.path("name").asText()), pattern).toList();
    return all.stream()
        .filter(each -> names.contains(each.path("name").asText()))
        .sorted(Comparator.comparing((JsonNode each) -> each.path("name").asText()));
  }
}
