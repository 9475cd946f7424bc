package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.ArtifactAllowlistInfo;
import com.databricks.sdk.service.catalog.ArtifactMatcher;
import com.databricks.sdk.service.catalog.ArtifactType;
import com.databricks.sdk.service.catalog.GetArtifactAllowlistRequest;
import com.databricks.sdk.service.catalog.MatchType;
import com.databricks.sdk.service.catalog.SetArtifactAllowlist;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Recorded;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code /api/2.1/unity-catalog/artifact-allowlists}: which libraries and scripts may come into an
 * engine that people share.
 */
public final class ArtifactAllowlists {
  private static final int LONGEST = 1024;
  private static final int MOST = 1000;

  private final Access access;
  private final Clock clock;

  ArtifactAllowlists(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ArtifactAllowlistInfo get(Caller caller, GetArtifactAllowlistRequest request) {
    ArtifactType type = type(request.getArtifactType());
    return access.read(
        caller,
        rights -> {
          Securable metastore = administered(rights);
          return rights
              .handle()
              .createQuery(
                  """
                  SELECT document FROM artifact_allowlist
                  WHERE metastore_id = :metastore AND artifact_type = :type
                  """)
              .bind("metastore", metastore.id())
              .bind("type", type.name())
              .mapTo(String.class)
              .findOne()
              .map(document -> Json.read(document, ArtifactAllowlistInfo.class))
              .orElseGet(() -> new ArtifactAllowlistInfo().setArtifactMatchers(List.of()))
              .setMetastoreId(metastore.id());
        });
  }

  /** The metastore, of which the caller may say what is allowed. */
  private static Securable administered(Rights rights) {
    Securable metastore = rights.metastore();
    if (!rights.manages(metastore)) {
      rights.require(Privilege.MANAGE_ALLOWLIST, metastore);
    }
    return metastore;
  }

  private static ArtifactType type(ArtifactType type) {
    if (type == null) {
      throw new InvalidParameterValue(
          "artifact_type: null (expected: INIT_SCRIPT, LIBRARY_JAR or LIBRARY_MAVEN)", null);
    }
    return type;
  }

  /** Puts a list in the place of the former one. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Recorded("artifact_matchers: kept; engines take no library and no script, allowed or not")
  @Ignores({
    "created_at: is an answer's field",
    "created_by: is an answer's field",
    "metastore_id: is the workspace's"
  })
  public ArtifactAllowlistInfo update(Caller caller, SetArtifactAllowlist request) {
    ArtifactType type = type(request.getArtifactType());
    ArtifactAllowlistInfo document =
        new ArtifactAllowlistInfo()
            .setArtifactMatchers(valid(request))
            .setCreatedAt(clock.millis())
            .setCreatedBy(caller.name());
    return access.write(
        caller,
        rights -> {
          Securable metastore = administered(rights);
          rights
              .handle()
              .createUpdate(
                  """
                  INSERT INTO artifact_allowlist VALUES (:metastore, :type, :document)
                  ON CONFLICT (metastore_id, artifact_type) DO UPDATE SET document = :document
                  """)
              .bind("metastore", metastore.id())
              .bind("type", type.name())
              .bind("document", Json.write(document))
              .execute();
          return document.setMetastoreId(metastore.id());
        });
  }

  private static List<ArtifactMatcher> valid(SetArtifactAllowlist request) {
    List<ArtifactMatcher> valid = new ArrayList<>();
    for (ArtifactMatcher matcher :
        request.getArtifactMatchers() == null
            ? List.<ArtifactMatcher>of()
            : request.getArtifactMatchers()) {
      String field = "artifact_matchers[" + valid.size() + "]";
      if (matcher == null
          || matcher.getArtifact() == null
          || matcher.getArtifact().isBlank()
          || matcher.getArtifact().length() > LONGEST) {
        throw new InvalidParameterValue(
            field
                + ".artifact: "
                + Names.shown(matcher == null ? null : matcher.getArtifact())
                + " (expected: a path or Maven coordinates, at most 1024 characters)",
            null);
      }
      if (matcher.getMatchType() != MatchType.PREFIX_MATCH) {
        throw new InvalidParameterValue(
            field + ".match_type: " + matcher.getMatchType() + " (expected: PREFIX_MATCH)", null);
      }
      valid.add(matcher);
    }
    if (valid.size() > MOST) {
      throw new InvalidParameterValue(
          "artifact_matchers: " + valid.size() + " (expected: at most " + MOST + ")", null);
    }
    return valid;
  }
}
