package dev.tarn.iam;

import dev.tarn.database.Json;
import java.util.List;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/** What the documents of principals say, as rows that filters and sorting can ask. */
final class Attributes {
  private static final int LONGEST = 500;

  private Attributes() {}

  /** As much of a text as is compared. */
  static String cut(String text) {
    return text.codePointCount(0, text.length()) <= LONGEST
        ? text
        : text.substring(0, text.offsetByCodePoints(0, LONGEST));
  }

  static void write(Handle handle, Principal principal) {
    handle
        .createUpdate("DELETE FROM principal_attribute WHERE principal_id = :id")
        .bind("id", principal.id())
        .execute();
    PreparedBatch batch =
        handle.prepareBatch(
            """
            INSERT INTO principal_attribute (principal_id, path, position, text)
            VALUES (:id, :path, :position, :text)
            """);
    if (!principal.displayName().isEmpty()) {
      add(batch, principal, "displayname", 0, Principals.folded(principal.displayName()));
    }
    ScimSchema.of(principal.kind())
        .texts(
            Json.tree(principal.document()),
            (attribute, position, text) ->
                add(
                    batch,
                    principal,
                    attribute.path(),
                    position,
                    attribute.caseExact() ? text : Principals.folded(text)));
    if (batch.size() > 0) {
      batch.execute();
    }
  }

  private static void add(
      PreparedBatch batch, Principal principal, String path, int position, String text) {
    batch
        .bind("id", principal.id())
        .bind("path", path)
        .bind("position", position)
        .bind("text", cut(text))
        .add();
  }

  /** For principals of a version that had no such rows. */
  static void complete(Handle handle) {
    List<Principal> old =
        handle
            .createQuery("SELECT * FROM principal WHERE changed_at = 0")
            .map((row, context) -> Principal.of(row))
            .list();
    for (Principal principal : old) {
      write(handle, principal);
      handle
          .createUpdate(
              """
              UPDATE principal
              SET changed_at = CASE WHEN created_at > 0 THEN created_at ELSE 1 END
              WHERE principal_id = :id
              """)
          .bind("id", principal.id())
          .execute();
    }
  }
}
