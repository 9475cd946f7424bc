package dev.tarn.enforcement;

import java.util.List;

/**
 * One privilege on one securable. USE CATALOG, USE SCHEMA and bindings are part of every need.
 *
 * @param privilege as in the public API, such as {@code SELECT} or {@code CREATE_TABLE}; or {@code
 *     OWN} (owner or MANAGE, here or on a parent), or {@code SEE} (its metadata)
 * @param securableType as in the public API, such as {@code TABLE}; or {@code PATH}
 * @param fullName names joined by periods; of a PATH its URL, or {@code /Volumes/…}
 * @param via what it is reached through, the outermost first: a view as its full name, a function
 *     as {@code FUNCTION} and its full name. The owner of the last is who needs it; empty: the
 *     principal
 */
public record Need(String privilege, String securableType, String fullName, List<String> via) {}
