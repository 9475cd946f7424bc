package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.catalyst.CurrentUserContext;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connect.service.SparkConnectService;
import org.apache.spark.sql.connect.service.SparkConnectService$;
import org.sparkproject.connect.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import org.sparkproject.connect.grpc.Metadata;
import org.sparkproject.connect.grpc.ServerCall;
import org.sparkproject.connect.grpc.ServerCallHandler;
import org.sparkproject.connect.grpc.ServerInterceptor;

/** Spark and Delta as they come, with a Connect server: where each attack must be seen to work. */
public final class StockSpark {
  static final Metadata.Key<String> USER =
      Metadata.Key.of("x-user", Metadata.ASCII_STRING_MARSHALLER);

  private StockSpark() {}

  public static void main(String[] args) throws Exception {
    JsonNode spec = new ObjectMapper().readTree(System.in);
    SparkConf conf = new SparkConf();
    conf.set("spark.master", "local[2]");
    conf.set("spark.app.name", "stock");
    conf.set("spark.ui.enabled", "false");
    conf.set("spark.connect.grpc.binding.address", "127.0.0.1");
    conf.set("spark.connect.grpc.binding.port", "0");
    conf.set("spark.connect.grpc.interceptor.classes", TellsUser.class.getName());
    conf.set("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension");
    conf.set("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog");
    conf.set("spark.sql.shuffle.partitions", "2");
    conf.set("spark.databricks.delta.snapshotPartitions", "2");
    conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2");
    spec.path("spark_conf").properties().forEach(e -> conf.set(e.getKey(), e.getValue().asText()));
    SparkSession spark = SparkSession.builder().config(conf).getOrCreate();
    SparkConnectService.start(spark.sparkContext());
    Path ready = Path.of(spec.path("ready_file").asText());
    Path hidden = ready.resolveSibling(".ready");
    Files.write(
        hidden, ("{\"port\":" + SparkConnectService$.MODULE$.localPort() + "}").getBytes(UTF_8));
    Files.move(hidden, ready, StandardCopyOption.ATOMIC_MOVE);
    SparkConnectService$.MODULE$.server().awaitTermination();
  }

  /** Whoever runs several people on stock Spark must do at least this. */
  public static final class TellsUser implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      String user = headers.get(USER);
      return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
        @Override
        public void onHalfClose() {
          CurrentUserContext.CURRENT_USER().set(user);
          try {
            super.onHalfClose();
          } finally {
            CurrentUserContext.CURRENT_USER().remove();
          }
        }
      };
    }
  }
}
