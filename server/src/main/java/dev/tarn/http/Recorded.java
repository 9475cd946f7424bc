package dev.tarn.http;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Fields of the request that are checked, kept and shown, but cannot be enforced by this target,
 * each as {@code "field: why, and what is checked"}. They are listed in {@code
 * docs/api-coverage.md}; where the answer's shape has a place, the answer says so too.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Recorded {
  String[] value();
}
