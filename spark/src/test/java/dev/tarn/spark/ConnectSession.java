package dev.tarn.spark;

import dev.tarn.enforcement.SignedPrincipal;
import java.io.IOException;
import java.security.PrivateKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.spark.connect.proto.Command;
import org.apache.spark.connect.proto.ExecutePlanRequest;
import org.apache.spark.connect.proto.ExecutePlanResponse;
import org.apache.spark.connect.proto.Expression;
import org.apache.spark.connect.proto.GetStatusRequest;
import org.apache.spark.connect.proto.GetStatusResponse.OperationStatus.OperationState;
import org.apache.spark.connect.proto.Plan;
import org.apache.spark.connect.proto.Relation;
import org.apache.spark.connect.proto.ReleaseSessionRequest;
import org.apache.spark.connect.proto.SQL;
import org.apache.spark.connect.proto.SparkConnectServiceGrpc;
import org.apache.spark.connect.proto.SparkConnectServiceGrpc.SparkConnectServiceBlockingStub;
import org.apache.spark.connect.proto.SparkConnectServiceGrpc.SparkConnectServiceStub;
import org.apache.spark.connect.proto.UserContext;
import org.sparkproject.connect.grpc.ClientInterceptor;
import org.sparkproject.connect.grpc.ManagedChannel;
import org.sparkproject.connect.grpc.Metadata;
import org.sparkproject.connect.grpc.stub.MetadataUtils;

/** A client session: one ExecutePlan a statement, whose root is a SQL relation. */
final class ConnectSession {
  final String id = UUID.randomUUID().toString();
  private final ManagedChannel channel;
  private final PrivateKey key;
  final String userId;
  final String userName;
  String catalogsVersion = "1";
  String engineId = TestEngine.ID;
  String signedSession = id;
  String requestId = "req-test";
  long validSeconds = 60;

  ConnectSession(ManagedChannel channel, PrivateKey key, String userId, String userName) {
    this.channel = channel;
    this.key = key;
    this.userId = userId;
    this.userName = userName;
  }

  SparkConnectServiceBlockingStub stub() {
    return SparkConnectServiceGrpc.newBlockingStub(channel).withInterceptors(identity());
  }

  SparkConnectServiceStub asyncStub() {
    return SparkConnectServiceGrpc.newStub(channel).withInterceptors(identity());
  }

  private ClientInterceptor identity() {
    Metadata headers = new Metadata();
    headers.put(
        IdentityInterceptor.PRINCIPAL,
        new SignedPrincipal(
                engineId,
                signedSession,
                userId,
                userName,
                7L,
                Instant.now().getEpochSecond() + validSeconds)
            .sign(key));
    headers.put(IdentityInterceptor.REQUEST, requestId);
    headers.put(StockSpark.USER, userName);
    if (catalogsVersion != null) {
      headers.put(IdentityInterceptor.CATALOGS, catalogsVersion);
    }
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  static ExecutePlanRequest request(
      String sessionId, String query, Map<String, Expression.Literal> arguments) {
    SQL.Builder sql = SQL.newBuilder().setQuery(query);
    arguments.forEach(
        (name, value) ->
            sql.putNamedArguments(name, Expression.newBuilder().setLiteral(value).build()));
    return request(sessionId, Plan.newBuilder().setRoot(Relation.newBuilder().setSql(sql)).build());
  }

  /** Rows of a statement, values as text. */
  List<List<String>> sql(String query) {
    return sql(query, Map.of());
  }

  List<List<String>> sql(String query, Map<String, Expression.Literal> arguments) {
    return rows(request(id, query, arguments));
  }

  /** Rows of a relation. */
  List<List<String>> rows(Relation relation) {
    return rows(request(id, Plan.newBuilder().setRoot(relation).build()));
  }

  /** Runs a command of the protocol. */
  List<List<String>> run(Command command) {
    return rows(request(id, Plan.newBuilder().setCommand(command).build()));
  }

  static ExecutePlanRequest request(String sessionId, Plan plan) {
    return ExecutePlanRequest.newBuilder()
        .setSessionId(sessionId)
        .setUserContext(UserContext.newBuilder().setUserId("root").setUserName("root"))
        .setOperationId(UUID.randomUUID().toString())
        .setPlan(plan)
        .build();
  }

  List<List<String>> rows(ExecutePlanRequest request) {
    List<List<String>> rows = new ArrayList<>();
    Iterator<ExecutePlanResponse> answers = stub().executePlan(request);
    while (answers.hasNext()) {
      ExecutePlanResponse answer = answers.next();
      if (answer.hasArrowBatch()) {
        read(answer, rows);
      }
    }
    return rows;
  }

  /** What the engine says of an operation of this session. */
  OperationState state(String operationId) {
    return stub()
        .getStatus(
            GetStatusRequest.newBuilder()
                .setSessionId(id)
                .setUserContext(UserContext.newBuilder().setUserId("root"))
                .setOperationStatus(
                    GetStatusRequest.OperationStatusRequest.newBuilder()
                        .addOperationIds(operationId))
                .build())
        .getOperationStatuses(0)
        .getState();
  }

  void release() {
    var unused =
        stub()
            .releaseSession(
                ReleaseSessionRequest.newBuilder()
                    .setSessionId(id)
                    .setUserContext(UserContext.newBuilder().setUserId("root"))
                    .build());
  }

  private static void read(ExecutePlanResponse answer, List<List<String>> rows) {
    try (RootAllocator allocator = new RootAllocator();
        ArrowStreamReader reader =
            new ArrowStreamReader(answer.getArrowBatch().getData().newInput(), allocator)) {
      while (reader.loadNextBatch()) {
        List<FieldVector> columns = reader.getVectorSchemaRoot().getFieldVectors();
        for (int i = 0; i < reader.getVectorSchemaRoot().getRowCount(); i++) {
          List<String> row = new ArrayList<>();
          for (FieldVector column : columns) {
            row.add(String.valueOf(column.getObject(i)));
          }
          rows.add(row);
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
