package dev.tarn.account;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;

/** What the nouns of provisioning ask of their callers and of the values they are given. */
final class Checks {
  private static final Pattern ROLE =
      Pattern.compile("arn:aws(?:-us-gov|-cn)?:iam::\\d{12}:role/[\\w+=,.@/-]{1,512}");

  private static final Pattern REGION = Pattern.compile("[a-z]{2}(-[a-z]+)+-\\d");

  private Checks() {}

  /** A name people gave: any characters but controls. */
  static String name(String field, String name, int longest) {
    return name(field, name, 1, longest);
  }

  static String name(String field, String name, int shortest, int longest) {
    if (name == null
        || name.isBlank()
        || name.codePointCount(0, name.length()) < shortest
        || name.codePointCount(0, name.length()) > longest
        || name.chars().anyMatch(Character::isISOControl)) {
      throw invalid(field, name, shortest + " to " + longest + " characters");
    }
    return name;
  }

  static String roleArn(String field, String arn) {
    if (arn == null || !ROLE.matcher(arn).matches()) {
      throw invalid(field, arn, "the ARN of a role, arn:aws:iam::<12 digits>:role/<name>");
    }
    return arn;
  }

  static String matching(String field, String value, Pattern pattern, String expected) {
    if (value == null || !pattern.matcher(value).matches()) {
      throw invalid(field, value, expected);
    }
    return value;
  }

  static String region(String field, String region) {
    return matching(field, region, REGION, "an AWS region such as us-east-1");
  }

  /** Ids of one kind, each once. */
  static List<String> ids(
      String field, Collection<String> ids, Pattern pattern, int least, int most, String expected) {
    List<String> given = ids == null ? List.of() : List.copyOf(ids);
    if (given.size() < least || given.size() > most) {
      throw invalid(field, given.size() + " ids", least + " to " + most + " " + expected);
    }
    Set<String> seen = new HashSet<>();
    for (String id : given) {
      matching(field, id, pattern, expected);
      if (!seen.add(id)) {
        throw invalid(field, id, "each id once");
      }
    }
    return given;
  }

  /** A field that means nothing here, and is not silently accepted. */
  static void none(String field, Object value) {
    if (value != null) {
      throw invalid(field, value.toString(), "none: not supported by this installation");
    }
  }

  static InvalidParameterValue invalid(String field, String value, String expected) {
    String shown = value == null || value.length() <= 80 ? value : value.substring(0, 80) + "…";
    return new InvalidParameterValue(
        field + ": '" + (shown == null ? "" : shown) + "' (expected: " + expected + ")", null);
  }

  /** Account admins may all; a stack may what it made itself. */
  static void mayTouch(Caller caller, String what, String madeByStack) {
    if (caller.is(Role.ACCOUNT_ADMIN)) {
      return;
    }
    if (caller.kind() != Caller.Kind.STACK || !Objects.equals(madeByStack, caller.stackId())) {
      throw new PermissionDenied(what + " was not made by " + caller.name(), null);
    }
  }
}
