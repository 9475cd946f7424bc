package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.GetQuotaRequest;
import com.databricks.sdk.service.catalog.GetQuotaResponse;
import com.databricks.sdk.service.catalog.ListQuotasRequest;
import com.databricks.sdk.service.catalog.ListQuotasResponse;
import com.databricks.sdk.service.catalog.QuotaInfo;
import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * {@code /api/2.1/unity-catalog/resource-quotas}: how many of a kind are in something, counted now.
 * There are no limits here, so none is shown.
 */
public final class ResourceQuotas {
  private static final int PAGE = 500;

  /**
   * What is counted.
   *
   * @param kind the one of the type; "" for all
   */
  private record Counted(SecurableType in, SecurableType type, String kind) {}

  private static final Map<String, Counted> QUOTAS =
      Map.of(
          "catalog-quota",
          new Counted(SecurableType.METASTORE, SecurableType.CATALOG, ""),
          "connection-quota",
          new Counted(SecurableType.METASTORE, SecurableType.CONNECTION, ""),
          "external-location-quota",
          new Counted(SecurableType.METASTORE, SecurableType.EXTERNAL_LOCATION, ""),
          "storage-credential-quota",
          new Counted(SecurableType.METASTORE, SecurableType.CREDENTIAL, "STORAGE"),
          "service-credential-quota",
          new Counted(SecurableType.METASTORE, SecurableType.CREDENTIAL, "SERVICE"),
          "schema-quota",
          new Counted(SecurableType.CATALOG, SecurableType.SCHEMA, ""),
          "table-quota",
          new Counted(SecurableType.SCHEMA, SecurableType.TABLE, ""),
          "volume-quota",
          new Counted(SecurableType.SCHEMA, SecurableType.VOLUME, ""),
          "function-quota",
          new Counted(SecurableType.SCHEMA, SecurableType.FUNCTION, Functions.KIND),
          "registered-model-quota",
          new Counted(SecurableType.SCHEMA, SecurableType.FUNCTION, Models.KIND));

  private final Access access;
  private final Clock clock;

  ResourceQuotas(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  /** For who manages what the things are in: the count has what others do not see. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public GetQuotaResponse getQuota(Caller caller, GetQuotaRequest request) {
    Counted counted = QUOTAS.get(request.getQuotaName());
    String type = String.valueOf(request.getParentSecurableType()).toUpperCase(Locale.ROOT);
    if (counted == null || !counted.in().name().equals(type)) {
      throw new InvalidParameterValue(
          "quota_name: "
              + Names.shown(request.getQuotaName())
              + " of a "
              + type
              + " (expected: one of "
              + QUOTAS.entrySet().stream()
                  .map(quota -> quota.getKey() + " of a " + quota.getValue().in())
                  .sorted()
                  .toList()
              + ")",
          null);
    }
    return access.read(
        caller,
        rights -> {
          Securable parent = rights.get(counted.in(), request.getParentFullName());
          rights.requireManages(parent);
          long count =
              rights
                  .handle()
                  .createQuery(
                      """
                      SELECT count(*) FROM securable WHERE parent_id = :parent
                        AND securable_type = :type AND (:kind = '' OR kind = :kind)
                        AND deleted_at IS NULL
                      """)
                  .bind("parent", parent.id())
                  .bind("type", counted.type().name())
                  .bind("kind", counted.kind())
                  .mapTo(Long.class)
                  .one();
          return new GetQuotaResponse().setQuotaInfo(quota(parent, request.getQuotaName(), count));
        });
  }

  private QuotaInfo quota(Securable parent, String name, long count) {
    return new QuotaInfo()
        .setParentSecurableType(parent.type())
        .setParentFullName(
            parent.type() == SecurableType.METASTORE ? parent.id() : parent.fullName())
        .setQuotaName(name)
        .setQuotaCount(count)
        .setLastRefreshedAt(clock.millis());
  }

  /** All that is not zero, for who administers the metastore. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ListQuotasResponse listQuotas(Caller caller, ListQuotasRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, 100);
    return access.read(
        caller,
        rights -> {
          rights.requireManages(rights.metastore());
          List<String> parents =
              parents(
                  rights.handle(),
                  rights.metastore(),
                  Page.after(request.getPageToken()),
                  size + 1);
          Page<String> page = Page.of(parents, size, id -> id);
          List<QuotaInfo> quotas = new ArrayList<>();
          page.items().forEach(id -> quotas.addAll(of(rights.handle(), id)));
          return new ListQuotasResponse().setQuotas(quotas).setNextPageToken(page.next());
        });
  }

  /** What has anything in it, page by page. */
  private static List<String> parents(Handle handle, Securable metastore, String after, int limit) {
    return handle
        .createQuery(
            """
            SELECT DISTINCT parent_id FROM securable
            WHERE metastore_id = :metastore AND parent_id > :after AND deleted_at IS NULL
            ORDER BY parent_id LIMIT :limit
            """)
        .bind("metastore", metastore.id())
        .bind("after", after)
        .bind("limit", limit)
        .mapTo(String.class)
        .list();
  }

  private List<QuotaInfo> of(Handle handle, String parentId) {
    Optional<Securable> parent =
        Securables.find(handle, parentId).filter(found -> found.deletedAt() == null);
    List<QuotaInfo> quotas = new ArrayList<>();
    if (parent.isPresent()) {
      handle
          .createQuery(
              """
              SELECT securable_type, CASE WHEN securable_type IN ('CREDENTIAL', 'FUNCTION')
                THEN kind ELSE '' END AS k, count(*) FROM securable
              WHERE parent_id = :parent AND deleted_at IS NULL GROUP BY securable_type, k
              """)
          .bind("parent", parentId)
          .map(
              (row, context) ->
                  Map.entry(
                      name(SecurableType.valueOf(row.getString(1)), row.getString(2)),
                      row.getLong(3)))
          .forEach(count -> quotas.add(quota(parent.get(), count.getKey(), count.getValue())));
    }
    return quotas;
  }

  private static String name(SecurableType type, String kind) {
    return QUOTAS.entrySet().stream()
        .filter(quota -> quota.getValue().type() == type)
        .filter(quota -> quota.getValue().kind().equals(kind))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }
}
