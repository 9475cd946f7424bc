package dev.tarn.account;

import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.database.Database;
import dev.tarn.database.Slice;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.statement.Update;

/**
 * One table of configuration objects: what an account admin or a stack made, under a unique name,
 * for workspaces to use.
 *
 * @param <R> a row
 */
final class Configurations<R extends Configurations.Row> {
  /** What all kinds of configuration have. */
  interface Row {
    String id();

    String name();

    Made made();

    /** The stack that made it, or null. */
    default String stackId() {
      return made().stackId();
    }

    /** What its maker asked for beside the name. */
    List<?> content();

    /** Gives an INSERT its values. */
    Update bind(Update insert);

    /** Writes what a row has beside its own table, in the same transaction. */
    default void insertParts(Handle handle) {}
  }

  /** Who made a configuration, and when. */
  record Made(String stackId, long createdBy, long createdAt) {
    static Made by(Caller caller, Clock clock) {
      return new Made(caller.stackId(), Long.parseLong(caller.principalId()), clock.millis());
    }

    static Made of(ResultSet row) throws SQLException {
      return new Made(
          row.getString("stack_id"), row.getLong("created_by"), row.getLong("created_at"));
    }

    Update bind(Update insert) {
      return insert
          .bind("stackId", stackId)
          .bind("createdBy", createdBy)
          .bind("createdAt", createdAt);
    }
  }

  private final Database database;
  private final String noun;
  private final String table;
  private final String from;
  private final String key;
  private final String nameColumn;
  private final String nameField;
  private final String insert;
  private final RowMapper<R> mapper;

  /**
   * @param noun what it is called in messages
   * @param key of the table; {@code <object>_id}
   * @param nameField of the API and the table
   * @param insert one row, with the parameters that {@link Row#bind} gives it
   */
  Configurations(
      Database database,
      String noun,
      String table,
      String key,
      String nameField,
      String insert,
      RowMapper<R> mapper) {
    this(database, noun, table, table, key, nameField, nameField, insert, mapper);
  }

  /**
   * @param from the table, or a query in parentheses that adds columns to it, with an alias
   * @param nameColumn of the table, by which rows are listed
   * @param nameField of the API; {@code <one> or <another>} when either is unique
   */
  Configurations(
      Database database,
      String noun,
      String table,
      String from,
      String key,
      String nameColumn,
      String nameField,
      String insert,
      RowMapper<R> mapper) {
    this.database = database;
    this.noun = noun;
    this.table = table;
    this.from = from;
    this.key = key;
    this.nameColumn = nameColumn;
    this.nameField = nameField;
    this.insert = insert;
    this.mapper = mapper;
  }

  /** A stack that asks again for what it made is given that: its first answer may be lost. */
  R insertOrFind(R made) {
    try {
      return database.<R, RuntimeException>inTransaction(
          handle -> {
            made.bind(handle.createUpdate(insert)).execute();
            made.insertParts(handle);
            return find(handle, made.id());
          });
    } catch (RuntimeException e) {
      if (!Database.isUniqueViolation(e)) {
        throw e;
      }
      return all().stream()
          .filter(
              row ->
                  row.name().equals(made.name())
                      && made.stackId() != null
                      && made.stackId().equals(row.stackId())
                      && made.content().equals(row.content()))
          .findFirst()
          .orElseThrow(() -> taken(made.name()));
    }
  }

  private AlreadyExists taken(String name) {
    return new AlreadyExists(nameField + ": '" + name + "' already exists in this account", null);
  }

  /**
   * Puts another row in the place of one.
   *
   * @param update of all columns of the row that {@link Row#bind} gives values
   * @param change also sees to what the row has beside its own table
   */
  R replace(Caller caller, String id, String update, BiFunction<Handle, R, R> change) {
    String[] name = {""};
    try {
      return database.<R, RuntimeException>inTransaction(
          handle -> {
            R before = find(handle, id);
            Checks.mayTouch(caller, named(id), before.stackId());
            R after = change.apply(handle, before);
            name[0] = after.name();
            after.bind(handle.createUpdate(update)).execute();
            return find(handle, id);
          });
    } catch (RuntimeException e) {
      throw Database.isUniqueViolation(e) ? taken(name[0]) : e;
    }
  }

  R get(Caller caller, String id) {
    R row = database.<R, RuntimeException>read(handle -> find(handle, id));
    Checks.mayTouch(caller, named(id), row.stackId());
    return row;
  }

  /** Oldest first; a stack sees what it made. */
  List<R> list(Caller caller) {
    return all().stream()
        .filter(
            row -> caller.is(Role.ACCOUNT_ADMIN) || Objects.equals(caller.stackId(), row.stackId()))
        .toList();
  }

  /** Those whose name has part of what was typed, for an administrator. */
  Slice<R> page(Slice.Wanted wanted) {
    return database.<Slice<R>, RuntimeException>read(
        handle ->
            Slice.read(handle, "SELECT * FROM " + from, nameColumn, key, wanted, Map.of(), mapper));
  }

  /** What there was; one in use by a workspace stays. */
  R delete(Caller caller, String id) {
    try {
      return database.<R, RuntimeException>inTransaction(
          handle -> {
            R row = find(handle, id);
            Checks.mayTouch(caller, named(id), row.stackId());
            handle
                .createUpdate("DELETE FROM " + table + " WHERE " + key + " = :id")
                .bind("id", id)
                .execute();
            return row;
          });
    } catch (RuntimeException e) {
      if (Database.isForeignKeyViolation(e)) {
        throw new ResourceConflict(
            named(id) + " is in use (expected: no workspace or configuration that refers to it)",
            null);
      }
      throw e;
    }
  }

  private List<R> all() {
    return database.<List<R>, RuntimeException>read(
        handle ->
            handle
                .createQuery("SELECT * FROM " + from + " ORDER BY created_at, " + key)
                .map(mapper)
                .list());
  }

  private R find(Handle handle, String id) {
    return handle
        .createQuery("SELECT * FROM " + from + " WHERE " + key + " = :id")
        .bind("id", id)
        .map(mapper)
        .findOne()
        .orElseThrow(() -> new ResourceDoesNotExist(named(id) + " does not exist", null));
  }

  private String named(String id) {
    return noun + " " + id;
  }
}
