package dev.tarn.cloudformation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigInteger;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.function.Supplier;

/** Names as AWS makes them, from the stack: legal, unique, and the same when asked for again. */
final class Arns {
  private static final int SUFFIX = 12;

  private final Supplier<String> accountId;
  private final Supplier<String> region;
  private String awsAccountId;

  /**
   * @param accountId our account's; asked for when a first stack is made
   */
  Arns(Supplier<String> accountId, Supplier<String> region) {
    this.accountId = accountId;
    this.region = region;
  }

  String region() {
    return region.get();
  }

  /** The AWS account that stands for ours: twelve digits of its id's hash. */
  synchronized String awsAccountId() {
    if (awsAccountId == null) {
      String hash = sha256(accountId.get().getBytes(UTF_8));
      awsAccountId = String.format("%012d", new BigInteger(hash, 16).mod(BigInteger.TEN.pow(12)));
    }
    return awsAccountId;
  }

  String stack(String name, String uuid) {
    return "arn:aws:cloudformation:"
        + region()
        + ":"
        + awsAccountId()
        + ":stack/"
        + name
        + "/"
        + uuid;
  }

  String role(String name) {
    return "arn:aws:iam::" + awsAccountId() + ":role/" + name;
  }

  String function(String name) {
    return "arn:aws:lambda:" + region() + ":" + awsAccountId() + ":function:" + name;
  }

  /** {@code stack-logicalId-SUFFIX}, at most 64 characters, as roles and functions are called. */
  static String name(ResourceType.Work work) {
    String suffix = suffix(work);
    return cut(work.stackName(), 24)
        + "-"
        + cut(work.logicalId(), 64 - 24 - 2 - SUFFIX)
        + "-"
        + suffix.toUpperCase(Locale.ROOT);
  }

  /** The same as a bucket may be called: lower case, at most 63 characters. */
  static String bucketName(ResourceType.Work work) {
    return (cut(work.stackName(), 23)
            + "-"
            + cut(work.logicalId(), 63 - 23 - 2 - SUFFIX)
            + "-"
            + suffix(work))
        .toLowerCase(Locale.ROOT);
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("a JDK without SHA-256", e);
    }
  }

  private static String suffix(ResourceType.Work work) {
    String of = work.stackId() + "\n" + work.logicalId();
    return sha256((work.replacement() ? of + "\n" + work.requestId() : of).getBytes(UTF_8))
        .substring(0, SUFFIX);
  }

  private static String cut(String text, int length) {
    return text.length() <= length ? text : text.substring(0, length);
  }
}
