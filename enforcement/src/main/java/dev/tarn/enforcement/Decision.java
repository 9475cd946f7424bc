package dev.tarn.enforcement;

import java.util.List;

/**
 * The answer when all needs hold.
 *
 * @param version of all that decided: as long as the control plane sends this one, it still holds
 * @param groups names of the account groups that the principal is in, directly or through another
 */
public record Decision(String version, List<String> groups) {}
