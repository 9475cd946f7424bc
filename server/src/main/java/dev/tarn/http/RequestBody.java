package dev.tarn.http;

import java.io.IOException;
import java.io.InputStream;

/** The body of a request, not read until an operation that may be called wants it. */
interface RequestBody {
  /** Bytes that a body may have when it is read at once. */
  int LIMIT = 10 * 1024 * 1024;

  /**
   * All of it.
   *
   * @throws com.databricks.sdk.core.error.platform.BadRequest it is longer than {@link #LIMIT}; the
   *     rest is not read
   */
  byte[] bytes() throws IOException;

  /** As it arrives: reading it slowly slows the sender down. */
  InputStream stream();
}
