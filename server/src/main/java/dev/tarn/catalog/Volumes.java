package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.CreateVolumeRequestContent;
import com.databricks.sdk.service.catalog.DeleteVolumeRequest;
import com.databricks.sdk.service.catalog.ListVolumesRequest;
import com.databricks.sdk.service.catalog.ListVolumesResponseContent;
import com.databricks.sdk.service.catalog.ReadVolumeRequest;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UpdateVolumeRequestContent;
import com.databricks.sdk.service.catalog.VolumeInfo;
import com.databricks.sdk.service.catalog.VolumeType;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Paths;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.UUID;

/**
 * {@code /api/2.1/unity-catalog/volumes}: folders of files, with the place of a managed one chosen
 * here; {@link VolumeFiles} are in them.
 */
public final class Volumes {
  private static final int PAGE = 10_000;

  private final Access access;
  private final Trash trash;
  private final Clock clock;

  Volumes(Access access, Trash trash, Clock clock) {
    this.access = access;
    this.trash = trash;
    this.clock = clock;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public VolumeInfo create(Caller caller, CreateVolumeRequestContent request) {
    String name = Names.valid("name", request.getName());
    if (request.getVolumeType() == null) {
      throw new InvalidParameterValue("volume_type: null (expected: MANAGED or EXTERNAL)", null);
    }
    boolean managed = request.getVolumeType() == VolumeType.MANAGED;
    if (managed) {
      Catalogs.refuse("storage_location", request.getStorageLocation());
    }
    String given =
        managed ? null : Paths.canonical("storage_location", request.getStorageLocation());
    long now = clock.millis();
    VolumeInfo document =
        new VolumeInfo()
            .setComment(request.getComment())
            .setCreatedAt(now)
            .setCreatedBy(caller.name())
            .setUpdatedAt(now)
            .setUpdatedBy(caller.name());
    return access.write(
        caller,
        rights -> {
          Securable schema =
              rights.get(
                  SecurableType.SCHEMA, request.getCatalogName() + "." + request.getSchemaName());
          rights.require(Privilege.CREATE_VOLUME, schema);
          String id = UUID.randomUUID().toString();
          if (!managed) {
            Locations.requireGiven(
                rights, "storage_location", given, Privilege.CREATE_EXTERNAL_VOLUME);
            Locations.refuseOverlapWithData(rights.handle(), given);
            Locations.refuseOverlapWithManagedStorage(rights.handle(), given);
          }
          return info(
              rights.insert(
                  Securable.of(
                      id,
                      SecurableType.VOLUME,
                      request.getVolumeType().name(),
                      schema,
                      name,
                      rights.principalId(),
                      managed ? Schemas.managedStorage(schema) + "/volumes/" + id : given,
                      Json.write(document))));
        });
  }

  private static VolumeInfo document(Securable volume) {
    return Json.read(volume.document(), VolumeInfo.class);
  }

  private static VolumeInfo info(Securable volume) {
    return document(volume)
        .setName(volume.name())
        .setSchemaName(volume.parent().name())
        .setCatalogName(volume.parent().parent().name())
        .setFullName(volume.fullName())
        .setVolumeId(volume.id())
        .setVolumeType(VolumeType.valueOf(volume.kind()))
        .setStorageLocation(volume.storageLocation())
        .setOwner(volume.owner())
        .setMetastoreId(volume.metastoreId());
  }

  private static VolumeInfo info(Rights rights, Securable volume, Boolean browse) {
    return info(volume).setBrowseOnly(rights.browseOnly(volume, browse));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public VolumeInfo read(Caller caller, ReadVolumeRequest request) {
    return access.read(
        caller,
        rights ->
            info(
                rights,
                rights.seen(SecurableType.VOLUME, request.getName(), request.getIncludeBrowse()),
                request.getIncludeBrowse()));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public ListVolumesResponseContent list(Caller caller, ListVolumesRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, PAGE);
    return access.read(
        caller,
        rights -> {
          Page<Securable> page =
              rights.page(
                  rights.get(
                      SecurableType.SCHEMA,
                      request.getCatalogName() + "." + request.getSchemaName()),
                  SecurableType.VOLUME,
                  "",
                  request.getIncludeBrowse(),
                  Page.after(request.getPageToken()),
                  size);
          return new ListVolumesResponseContent()
              .setVolumes(
                  page.items().stream()
                      .map(volume -> info(rights, volume, request.getIncludeBrowse()))
                      .toList())
              .setNextPageToken(page.next());
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public VolumeInfo update(Caller caller, UpdateVolumeRequestContent request, Presence presence) {
    String newName = Names.validOrNull("new_name", request.getNewName());
    Long owner = access.principal(request.getOwner());
    return access.write(
        caller,
        rights -> {
          Securable before = rights.get(SecurableType.VOLUME, request.getName());
          rights.requireOwn(before);
          VolumeInfo document =
              document(before).setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          if (presence.has("comment")) {
            document.setComment(request.getComment());
          }
          return info(
              rights.update(
                  before, before.named(newName).ownedBy(owner).with(Json.write(document))));
        });
  }

  /** The files of a managed one go with it, those of an external one stay. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteVolumeRequest request) {
    access.write(
        caller,
        rights -> {
          Securable volume = rights.get(SecurableType.VOLUME, request.getName());
          rights.requireOwn(volume);
          trash.delete(rights.handle(), volume);
          return null;
        });
    trash.wake();
  }
}
