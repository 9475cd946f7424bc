package dev.tarn.http;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A route the SDK does not know: Tarn's own operations, discovery, and paths that clients call
 * beside the SDK. The request is a record whose components are filled by name from the path, the
 * query string and the JSON body.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Operation {
  /** Verb and path, such as {@code "POST /api/2.0/accounts/{account_id}/stacks"}. */
  String value();
}
