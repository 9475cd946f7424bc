package dev.tarn.account;

import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.database.Database;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.util.List;
import java.util.Objects;
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

    /** The stack that made it, or null. */
    String stackId();

    /** What its maker asked for beside the name. */
    List<?> content();

    /** Gives an INSERT its values. */
    Update bind(Update insert);
  }

  private final Database database;
  private final String noun;
  private final String table;
  private final String key;
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
    this.database = database;
    this.noun = noun;
    this.table = table;
    this.key = key;
    this.nameField = nameField;
    this.insert = insert;
    this.mapper = mapper;
  }

  /** A stack that asks again for what it made is given that: its first answer may be lost. */
  R insertOrFind(R made) {
    try {
      database.inTransaction(handle -> made.bind(handle.createUpdate(insert)).execute());
      return made;
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
          .orElseThrow(
              () ->
                  new AlreadyExists(
                      nameField + ": '" + made.name() + "' already exists in this account", null));
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
            named(id) + " is in use by a workspace; delete the workspace first", null);
      }
      throw e;
    }
  }

  private List<R> all() {
    return database.<List<R>, RuntimeException>read(
        handle ->
            handle
                .createQuery("SELECT * FROM " + table + " ORDER BY created_at, " + key)
                .map(mapper)
                .list());
  }

  private R find(Handle handle, String id) {
    return handle
        .createQuery("SELECT * FROM " + table + " WHERE " + key + " = :id")
        .bind("id", id)
        .map(mapper)
        .findOne()
        .orElseThrow(() -> new ResourceDoesNotExist(named(id) + " does not exist", null));
  }

  private String named(String id) {
    return noun + " " + id;
  }
}
