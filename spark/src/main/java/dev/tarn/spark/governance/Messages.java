package dev.tarn.spark.governance;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.spark.connect.proto.AddArtifactsRequest;
import org.apache.spark.connect.proto.AnalyzePlanRequest;
import org.apache.spark.connect.proto.ConfigRequest;
import org.apache.spark.connect.proto.ConfigResponse;
import org.apache.spark.connect.proto.CreateDataFrameViewCommand;
import org.apache.spark.connect.proto.CreateExternalTable;
import org.apache.spark.connect.proto.CreateTable;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.KeyValue;
import org.apache.spark.connect.proto.LocalRelation;
import org.apache.spark.connect.proto.Plan;
import org.apache.spark.connect.proto.Read;
import org.apache.spark.connect.proto.WriteOperation;
import org.apache.spark.connect.proto.WriteOperationV2;
import org.apache.spark.sql.connect.utils.PlanCompressionUtils$;
import org.sparkproject.connect.protobuf.Descriptors.FieldDescriptor;
import org.sparkproject.connect.protobuf.Message;

/**
 * Which messages people may send: those of {@code messages.txt}, whatever they are part of.
 *
 * <p>A plan that came compressed is unpacked first and goes on unpacked, so nobody behind this sees
 * another plan than the one that was judged.
 */
public final class Messages {
  private static final String PACKAGE = "spark.connect.";
  private static final Set<String> ADMITTED =
      Table.read("messages.txt", " ").stream().map(line -> line[0]).collect(Collectors.toSet());

  /** A type that names a class, which the driver would load, in Spark's JSON form of a schema. */
  private static final Pattern CLASS_IN_SCHEMA = Pattern.compile("[\"']udt[\"']");

  private Messages() {}

  /**
   * The message as it may go on.
   *
   * @throws SecurityException it may not
   */
  public static Message admitted(Message message) {
    try {
      return walked(message);
    } catch (StackOverflowError e) {
      throw refused(message, "is nested too deeply");
    }
  }

  /**
   * The answer to a configuration call, without what may not be read.
   *
   * @param prefix that was asked for; the answer has the names without it
   */
  public static ConfigResponse readable(ConfigResponse answer, String prefix) {
    List<KeyValue> pairs =
        answer.getPairsList().stream()
            .filter(pair -> Settings.isReadable(prefix + pair.getKey()))
            .toList();
    return answer.toBuilder().clearPairs().addAllPairs(pairs).build();
  }

  private static Message walked(Message message) {
    Message plain = unpacked(message);
    String name = plain.getDescriptorForType().getFullName();
    if (!name.startsWith(PACKAGE) || !ADMITTED.contains(name.substring(PACKAGE.length()))) {
      throw refused(plain, "is not admitted by this engine");
    }
    inspect(plain);
    Message.Builder changed = null;
    for (var field : plain.getAllFields().entrySet()) {
      if (field.getKey().getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
        continue;
      }
      if (field.getKey().isRepeated()) {
        List<?> parts = (List<?>) field.getValue();
        for (int i = 0; i < parts.size(); i++) {
          Message before = (Message) parts.get(i);
          Message after = walked(before);
          if (after != before) {
            changed = changed == null ? plain.toBuilder() : changed;
            changed.setRepeatedField(field.getKey(), i, after);
          }
        }
      } else {
        Message before = (Message) field.getValue();
        Message after = walked(before);
        if (after != before) {
          changed = changed == null ? plain.toBuilder() : changed;
          changed.setField(field.getKey(), after);
        }
      }
    }
    return changed == null ? plain : changed.build();
  }

  private static Message unpacked(Message message) {
    if (message instanceof Plan plan && plan.hasCompressedOperation()) {
      try {
        return PlanCompressionUtils$.MODULE$.decompressPlan(plan);
      } catch (RuntimeException e) {
        throw new SecurityException("a compressed plan cannot be read: " + e.getMessage(), e);
      }
    }
    return message;
  }

  /** What the kind of a message does not tell. */
  private static void inspect(Message message) {
    if (message instanceof ConfigRequest.Operation operation) {
      inspect(operation);
    } else if (message instanceof AddArtifactsRequest.SingleChunkArtifact artifact) {
      requireCached(artifact.getName());
    } else if (message instanceof AddArtifactsRequest.BeginChunkedArtifact artifact) {
      requireCached(artifact.getName());
    } else if (message instanceof CreateDataFrameViewCommand view && view.getIsGlobal()) {
      throw refused(view, "with is_global is not admitted: a global view would be everybody's");
    } else if (message instanceof Read read) {
      if (read.getIsStreaming()) {
        throw refused(read, "with is_streaming is not admitted by this engine");
      }
    } else if (message instanceof Read.DataSource source) {
      if (source.hasFormat()) {
        requireFormat(source, source.getFormat());
      }
      requireOptions(source, source.getOptionsMap().keySet());
      requirePlainSchema(source, source.getSchema());
      if (source.getPredicatesCount() > 0) {
        throw refused(source, "with predicates is not admitted by this engine");
      }
    } else if (message instanceof Read.NamedTable table) {
      requireOptions(table, table.getOptionsMap().keySet());
    } else if (message instanceof WriteOperation write) {
      if (write.hasSource()) {
        requireFormat(write, write.getSource());
      }
      requireOptions(write, write.getOptionsMap().keySet());
      requireNoSubquery(write, write.getOptionsMap());
    } else if (message instanceof WriteOperationV2 write) {
      if (write.hasProvider()) {
        requireFormat(write, write.getProvider());
      }
      requireOptions(write, write.getOptionsMap().keySet());
      requireNoSubquery(write, write.getOptionsMap());
    } else if (message instanceof CreateTable table) {
      requireOptions(table, table.getOptionsMap().keySet());
    } else if (message instanceof CreateExternalTable table) {
      requireOptions(table, table.getOptionsMap().keySet());
    } else if (message instanceof LocalRelation relation) {
      requirePlainSchema(relation, relation.getSchema());
    } else if (message instanceof DataType.Unparsed type) {
      requirePlainSchema(type, type.getDataTypeString());
    } else if (message instanceof AnalyzePlanRequest.DDLParse parse) {
      requirePlainSchema(parse, parse.getDdlString());
    } else if (message instanceof AnalyzePlanRequest.JsonToDDL json) {
      requirePlainSchema(json, json.getJsonString());
    }
  }

  private static void inspect(ConfigRequest.Operation operation) {
    switch (operation.getOpTypeCase()) {
      case SET ->
          operation
              .getSet()
              .getPairsList()
              .forEach(
                  pair ->
                      requireSettable(
                          pair.getKey(), Settings.isSettable(pair.getKey(), pair.getValue())));
      case UNSET ->
          operation
              .getUnset()
              .getKeysList()
              .forEach(key -> requireSettable(key, Settings.isUnsettable(key)));
      case GET -> operation.getGet().getKeysList().forEach(Messages::requireReadable);
      case GET_WITH_DEFAULT ->
          operation
              .getGetWithDefault()
              .getPairsList()
              .forEach(pair -> requireReadable(pair.getKey()));
      case GET_OPTION -> operation.getGetOption().getKeysList().forEach(Messages::requireReadable);
      case IS_MODIFIABLE ->
          operation.getIsModifiable().getKeysList().forEach(Messages::requireReadable);
      case GET_ALL -> {
        // The answer is cut to what may be read.
      }
      default -> throw refused(operation, "is of a kind this engine does not know");
    }
  }

  private static void requireReadable(String name) {
    if (!Settings.isReadable(name)) {
      throw new SecurityException(Settings.notReadable(name));
    }
  }

  private static void requireSettable(String name, boolean settable) {
    if (!settable) {
      throw new SecurityException(Settings.notSettable(name));
    }
  }

  /** Data of local relations; jars, classes, archives and Python files would be code. */
  private static void requireCached(String name) {
    if (!name.startsWith("cache/") || name.contains("..")) {
      throw new SecurityException(
          "artifact '" + name + "' is not admitted by this engine (expected: cache/...)");
    }
  }

  private static void requireFormat(Message message, String format) {
    if (!Sources.isFormat(format)) {
      throw refused(message, "of data source '" + format + "' is not admitted by this engine");
    }
  }

  private static void requireOptions(Message message, Set<String> names) {
    for (String name : names) {
      if (!Sources.isOption(name)) {
        throw refused(message, "with option '" + name + "' is not admitted by this engine");
      }
    }
  }

  private static void requireNoSubquery(Message message, Map<String, String> options) {
    for (String value : options.values()) {
      if (Sources.hasSubquery(value)) {
        throw refused(message, "with a subquery in an option is not admitted by this engine");
      }
    }
  }

  private static void requirePlainSchema(Message message, String schema) {
    if (CLASS_IN_SCHEMA.matcher(schema).find()) {
      throw refused(message, "with a user-defined type is not admitted by this engine");
    }
  }

  private static SecurityException refused(Message message, String why) {
    return new SecurityException(message.getDescriptorForType().getFullName() + " " + why);
  }
}
