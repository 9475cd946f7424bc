package dev.tarn.telemetry;

import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;
import java.util.function.Supplier;

/**
 * What an administrator's Prometheus reads at {@code /metrics}: counts and times, no names of
 * people.
 */
public final class Metrics implements AutoCloseable {
  private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics collections = new JvmGcMetrics();

  public Metrics() {
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    collections.bindTo(registry);
  }

  /** One call that was answered. */
  public void call(String action, int status, long nanos) {
    Timer.builder("tarn.calls")
        .description("Calls by operation and status, and how long they took")
        .tag("operation", action == null ? "none" : action)
        .tag("status", Integer.toString(status))
        .register(registry)
        .record(nanos, TimeUnit.NANOSECONDS);
  }

  /** A number that is asked for when somebody looks. */
  public void gauge(String name, String description, Supplier<Number> value, String... tags) {
    Gauge.builder(name, value).description(description).tags(Tags.of(tags)).register(registry);
  }

  /** What is shown. */
  public String text() {
    return registry.scrape();
  }

  /**
   * The page.
   *
   * @param mayRead from whom (the call, and its Authorization header or null)
   * @param calls runs what may block
   */
  public HttpService page(
      BiPredicate<ServiceRequestContext, String> mayRead, ExecutorService calls) {
    return (context, request) ->
        HttpResponse.of(
            CompletableFuture.supplyAsync(
                () ->
                    mayRead.test(context, request.headers().get("authorization"))
                        ? HttpResponse.of(HttpStatus.OK, MediaType.parse(TEXT), text())
                        : HttpResponse.of(
                            HttpStatus.UNAUTHORIZED,
                            MediaType.PLAIN_TEXT_UTF_8,
                            "/metrics is for this machine, for the token in metrics.token_file and"
                                + " for account admins (expected: header Authorization: Bearer …)\n"),
                calls));
  }

  @Override
  public void close() {
    collections.close();
    registry.close();
  }
}
