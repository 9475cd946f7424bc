package dev.tarn.access;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.SecurableType;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What can be granted, and on what; more than the SDK's enum of the same name, which lags behind
 * the platform.
 */
public enum Privilege {
  ACCESS,
  ALL_PRIVILEGES,
  APPLY_TAG,
  BROWSE,
  CREATE_CATALOG,
  CREATE_CLEAN_ROOM,
  CREATE_CONNECTION,
  CREATE_EXTERNAL_LOCATION,
  CREATE_EXTERNAL_METADATA,
  CREATE_EXTERNAL_TABLE,
  CREATE_EXTERNAL_VOLUME,
  CREATE_FOREIGN_CATALOG,
  CREATE_FOREIGN_SECURABLE,
  CREATE_FUNCTION,
  CREATE_MANAGED_STORAGE,
  CREATE_MATERIALIZED_VIEW,
  CREATE_MODEL,
  CREATE_MODEL_VERSION,
  CREATE_PROVIDER,
  CREATE_RECIPIENT,
  CREATE_SCHEMA,
  CREATE_SERVICE_CREDENTIAL,
  CREATE_SHARE,
  CREATE_STORAGE_CREDENTIAL,
  CREATE_TABLE,
  CREATE_VOLUME,
  EXECUTE,
  EXTERNAL_USE_LOCATION,
  EXTERNAL_USE_SCHEMA,
  MANAGE,
  MANAGE_ALLOWLIST,
  MODIFY,
  READ_FILES,
  READ_VOLUME,
  REFRESH,
  SELECT,
  SET_SHARE_PERMISSION,
  USE_CATALOG,
  USE_CONNECTION,
  USE_MARKETPLACE_ASSETS,
  USE_PROVIDER,
  USE_RECIPIENT,
  USE_SCHEMA,
  USE_SHARE,
  WRITE_FILES,
  WRITE_VOLUME;

  /** What ALL PRIVILEGES does not stand for. */
  private static final Set<Privilege> APART =
      EnumSet.of(MANAGE, EXTERNAL_USE_LOCATION, EXTERNAL_USE_SCHEMA);

  /** What changes nothing, and so is left where only reading is. */
  private static final Set<Privilege> READING =
      EnumSet.of(
          ACCESS,
          BROWSE,
          EXECUTE,
          EXTERNAL_USE_LOCATION,
          EXTERNAL_USE_SCHEMA,
          READ_FILES,
          READ_VOLUME,
          SELECT,
          USE_CATALOG,
          USE_CONNECTION,
          USE_SCHEMA);

  private static final Map<SecurableType, Set<Privilege>> GRANTABLE =
      new EnumMap<>(SecurableType.class);

  private static final Set<Privilege> ON_TABLES =
      EnumSet.of(ALL_PRIVILEGES, APPLY_TAG, MANAGE, MODIFY, SELECT);
  private static final Set<Privilege> ON_VIEWS =
      EnumSet.of(ALL_PRIVILEGES, APPLY_TAG, MANAGE, SELECT);
  private static final Set<Privilege> ON_MATERIALIZED_VIEWS =
      EnumSet.of(ALL_PRIVILEGES, APPLY_TAG, MANAGE, REFRESH, SELECT);
  private static final Set<Privilege> ON_MODELS =
      EnumSet.of(ALL_PRIVILEGES, APPLY_TAG, CREATE_MODEL_VERSION, EXECUTE, MANAGE);
  private static final Set<Privilege> ON_SERVICE_CREDENTIALS =
      EnumSet.of(ALL_PRIVILEGES, ACCESS, CREATE_CONNECTION, MANAGE);
  private static final Set<Privilege> ON_STORAGE_CREDENTIALS =
      EnumSet.of(
          ALL_PRIVILEGES,
          CREATE_EXTERNAL_LOCATION,
          CREATE_EXTERNAL_TABLE,
          MANAGE,
          READ_FILES, // of former times: stored, and without effect
          WRITE_FILES);

  static {
    Set<Privilege> schema =
        EnumSet.of(
            ALL_PRIVILEGES,
            APPLY_TAG,
            CREATE_FUNCTION,
            CREATE_MATERIALIZED_VIEW,
            CREATE_MODEL,
            CREATE_MODEL_VERSION,
            CREATE_TABLE,
            CREATE_VOLUME,
            EXECUTE,
            MANAGE,
            MODIFY,
            READ_VOLUME,
            REFRESH,
            SELECT,
            USE_SCHEMA,
            WRITE_VOLUME);
    Set<Privilege> catalog = EnumSet.copyOf(schema);
    catalog.addAll(EnumSet.of(BROWSE, CREATE_SCHEMA, USE_CATALOG));
    schema.add(EXTERNAL_USE_SCHEMA);
    GRANTABLE.put(SecurableType.CATALOG, catalog);
    GRANTABLE.put(SecurableType.SCHEMA, schema);
    GRANTABLE.put(
        SecurableType.METASTORE,
        EnumSet.of(
            CREATE_CATALOG,
            CREATE_CLEAN_ROOM,
            CREATE_CONNECTION,
            CREATE_EXTERNAL_LOCATION,
            CREATE_EXTERNAL_METADATA,
            CREATE_PROVIDER,
            CREATE_RECIPIENT,
            CREATE_SHARE,
            CREATE_SERVICE_CREDENTIAL,
            CREATE_STORAGE_CREDENTIAL,
            MANAGE_ALLOWLIST,
            SET_SHARE_PERMISSION,
            USE_MARKETPLACE_ASSETS,
            USE_PROVIDER,
            USE_RECIPIENT,
            USE_SHARE));
    GRANTABLE.put(
        SecurableType.VOLUME,
        EnumSet.of(ALL_PRIVILEGES, APPLY_TAG, MANAGE, READ_VOLUME, WRITE_VOLUME));
    GRANTABLE.put(SecurableType.FUNCTION, EnumSet.of(ALL_PRIVILEGES, EXECUTE, MANAGE));
    GRANTABLE.put(
        SecurableType.EXTERNAL_LOCATION,
        EnumSet.of(
            ALL_PRIVILEGES,
            BROWSE,
            CREATE_EXTERNAL_TABLE,
            CREATE_EXTERNAL_VOLUME,
            CREATE_FOREIGN_SECURABLE,
            CREATE_MANAGED_STORAGE,
            EXTERNAL_USE_LOCATION,
            MANAGE,
            READ_FILES,
            WRITE_FILES));
    GRANTABLE.put(
        SecurableType.CONNECTION,
        EnumSet.of(ALL_PRIVILEGES, CREATE_FOREIGN_CATALOG, MANAGE, USE_CONNECTION));
  }

  /** As SQL and messages spell it: {@code USE CATALOG}. */
  public String words() {
    return name().replace('_', ' ');
  }

  /** Whether ALL PRIVILEGES stands for it. */
  boolean inAll() {
    return !APART.contains(this);
  }

  /** Whether the owner of an object has it there without a grant. */
  boolean inOwnership() {
    return this != EXTERNAL_USE_LOCATION && this != EXTERNAL_USE_SCHEMA;
  }

  boolean writes() {
    return !READING.contains(this);
  }

  /** Whether it is about what comes to be in a catalog or schema, which itself must be usable. */
  boolean isInside() {
    return this == CREATE_SCHEMA
        || this == CREATE_TABLE
        || this == CREATE_VOLUME
        || this == CREATE_FUNCTION
        || this == CREATE_MODEL
        || this == CREATE_MATERIALIZED_VIEW
        || this == EXTERNAL_USE_SCHEMA;
  }

  /** What can be granted on a securable, there or for what is below it. */
  static Set<Privilege> grantableOn(Securable securable) {
    return switch (securable.type()) {
      case TABLE ->
          switch (securable.kind()) {
            case "VIEW", "METRIC_VIEW" -> ON_VIEWS;
            case "MATERIALIZED_VIEW" -> ON_MATERIALIZED_VIEWS;
            default -> ON_TABLES;
          };
      case FUNCTION ->
          securable.kind().equals("MODEL") ? ON_MODELS : GRANTABLE.get(SecurableType.FUNCTION);
      case CREDENTIAL ->
          securable.kind().equals("SERVICE") ? ON_SERVICE_CREDENTIALS : ON_STORAGE_CREDENTIALS;
      default -> GRANTABLE.getOrDefault(securable.type(), Set.of());
    };
  }

  /** What of a parent's grants shows its children of a type. */
  static Set<Privilege> showing(SecurableType type) {
    return switch (type) {
      case TABLE -> EnumSet.of(ALL_PRIVILEGES, APPLY_TAG, MODIFY, REFRESH, SELECT);
      case FUNCTION -> EnumSet.of(ALL_PRIVILEGES, EXECUTE, CREATE_MODEL_VERSION);
      default -> {
        Set<Privilege> shown = EnumSet.of(ALL_PRIVILEGES);
        shown.addAll(GRANTABLE.getOrDefault(type, Set.of()));
        shown.remove(MANAGE); // decided with who manages the parent
        shown.remove(BROWSE);
        yield shown;
      }
    };
  }

  /**
   * @param field what the client calls it
   * @throws InvalidParameterValue there is no such privilege
   */
  public static Privilege of(String field, String text) {
    String name = String.valueOf(text).strip().toUpperCase(Locale.ROOT).replace(' ', '_');
    return Arrays.stream(values())
        .filter(privilege -> privilege.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidParameterValue(
                    field + ": " + Names.shown(text) + " (expected: a privilege such as SELECT)",
                    null));
  }
}
