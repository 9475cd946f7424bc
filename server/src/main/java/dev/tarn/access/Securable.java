package dev.tarn.access;

import com.databricks.sdk.service.catalog.SecurableType;
import java.util.ArrayList;
import java.util.List;

/**
 * One of the things that have an owner and grants, and those above it.
 *
 * @param type as the SDK knows it; both kinds of credential are CREDENTIAL, views TABLE, models
 *     FUNCTION
 * @param kind what it is more precisely, such as VIEW; "" when there is no more to say
 * @param parent null for the metastore
 * @param name in lower case
 * @param ownerId a principal, or one that was removed since; null: nobody
 * @param owner its name, {@link #SYSTEM} for nobody; not stored by way of this record
 * @param storageLocation of a catalog or schema its own root, of others where the data is, or null
 * @param usesId its credential or connection, or null
 * @param document the rest, as JSON of the SDK's type
 */
public record Securable(
    String id,
    String metastoreId,
    SecurableType type,
    String kind,
    Securable parent,
    String name,
    Long ownerId,
    String owner,
    String storageLocation,
    String usesId,
    boolean isolated,
    boolean readOnly,
    Long deletedAt,
    String document) {
  /** Who owns what nobody made. */
  public static final String SYSTEM = "System user";

  /** A new one, with nothing but what every one has. */
  public static Securable of(
      String id,
      SecurableType type,
      String kind,
      Securable parent,
      String name,
      Long ownerId,
      String storageLocation,
      String document) {
    return new Securable(
        id,
        parent.metastoreId,
        type,
        kind,
        parent,
        name,
        ownerId,
        null,
        storageLocation,
        null,
        false,
        false,
        null,
        document);
  }

  public Securable named(String newName) {
    return newName == null ? this : copy(newName, ownerId, isolated, readOnly, usesId, document);
  }

  public Securable ownedBy(Long newOwner) {
    return newOwner == null ? this : copy(name, newOwner, isolated, readOnly, usesId, document);
  }

  public Securable isolated(boolean now) {
    return copy(name, ownerId, now, readOnly, usesId, document);
  }

  public Securable readOnly(boolean now) {
    return copy(name, ownerId, isolated, now, usesId, document);
  }

  public Securable using(String id) {
    return copy(name, ownerId, isolated, readOnly, id, document);
  }

  /** With its data, or its root, somewhere else. */
  public Securable at(String newLocation) {
    return new Securable(
        id,
        metastoreId,
        type,
        kind,
        parent,
        name,
        ownerId,
        owner,
        newLocation,
        usesId,
        isolated,
        readOnly,
        deletedAt,
        document);
  }

  public Securable with(String newDocument) {
    return copy(name, ownerId, isolated, readOnly, usesId, newDocument);
  }

  private Securable copy(
      String newName,
      Long newOwner,
      boolean nowIsolated,
      boolean nowReadOnly,
      String newUses,
      String newDocument) {
    return new Securable(
        id,
        metastoreId,
        type,
        kind,
        parent,
        newName,
        newOwner,
        owner,
        storageLocation,
        newUses,
        nowIsolated,
        nowReadOnly,
        deletedAt,
        newDocument);
  }

  /** The names from the one below the metastore on, joined by periods. */
  public String fullName() {
    return parent == null || parent.type == SecurableType.METASTORE
        ? name
        : parent.fullName() + "." + name;
  }

  /** This one and those above it, without the metastore unless it is that. */
  public List<Securable> chain() {
    List<Securable> chain = new ArrayList<>();
    chain.add(this);
    for (Securable at = parent; at != null; at = at.parent) {
      if (at.type != SecurableType.METASTORE) {
        chain.add(at);
      }
    }
    return chain;
  }

  /** This one or one above it, or null. */
  public Securable above(SecurableType wanted) {
    for (Securable at = this; at != null; at = at.parent) {
      if (at.type == wanted) {
        return at;
      }
    }
    return null;
  }

  public boolean isView() {
    return kind.equals("VIEW") || kind.equals("METRIC_VIEW") || kind.equals("MATERIALIZED_VIEW");
  }

  /** As messages call it: {@code Table 'c.s.t'}. */
  public String shown() {
    return noun(type) + " " + Names.shown(fullName());
  }

  static String noun(SecurableType type) {
    String words = type.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
    return Character.toUpperCase(words.charAt(0)) + words.substring(1);
  }
}
