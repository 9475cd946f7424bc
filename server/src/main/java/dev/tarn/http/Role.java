package dev.tarn.http;

/**
 * What a caller is, as far as a route must know before it looks at the object that is asked for.
 */
public enum Role {
  /** Nobody in particular: discovery, token endpoints, health. */
  ANYONE,
  /** Any user or service principal of the account. */
  ACCOUNT_USER,
  ACCOUNT_ADMIN,
  /** A principal assigned to the workspace the call was resolved to. */
  WORKSPACE_USER,
  WORKSPACE_ADMIN,
  /** A quickstart stack: may make account objects, and delete what it made. */
  STACK,
  /** A Spark driver, speaking for a principal that has a session on it. */
  ENGINE
}
