package dev.tarn.billing;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.billing.DownloadRequest;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.YearMonth;
import java.util.Map;

/** {@code GET usage/download}: the billable usage log of some months as CSV. */
public final class BillableUsage {
  private final Usage usage;

  BillableUsage(Usage usage) {
    this.usage = usage;
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public Answer download(Caller caller, DownloadRequest request) {
    YearMonth first = month("start_month", request.getStartMonth());
    YearMonth last = month("end_month", request.getEndMonth());
    if (last.isBefore(first)) {
      throw new InvalidParameterValue(
          "end_month: '" + last + "' (expected: not before start_month '" + first + "')", null);
    }
    usage.meter();
    String csv = Usage.csv(usage.rows(first, last), Boolean.TRUE.equals(request.getPersonalData()));
    return new Answer(
        200, Map.of(), "text/plain; charset=utf-8", csv.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * @throws InvalidParameterValue it is none
   */
  static YearMonth month(String field, String text) {
    try {
      if (text != null && text.matches("\\d{4}-\\d{2}")) {
        return YearMonth.parse(text);
      }
    } catch (DateTimeException e) {
      // The message below says it.
    }
    throw new InvalidParameterValue(
        field + ": '" + (text == null ? "" : text) + "' (expected: a month, YYYY-MM)", null);
  }
}
