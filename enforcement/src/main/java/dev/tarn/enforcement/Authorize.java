package dev.tarn.enforcement;

import java.util.List;

/**
 * What a driver asks before a statement runs, on behalf of the session's principal: {@code POST
 * /api/2.1/unity-catalog/tarn/authorize}, in JSON with names in snake case.
 *
 * @param needs in the order in which they stand in the plan; the first that does not hold is told
 */
public record Authorize(List<Need> needs) {}
