package dev.tarn.http;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Fields of the request that an operation takes and does nothing with, each as {@code "field: what
 * becomes of it"}. They are listed in {@code docs/api-coverage.md}: nothing is ignored in silence.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Ignores {
  String[] value();
}
