package dev.tarn.http;

import java.util.Set;

/**
 * Which fields a body really had, by dotted JSON name ({@code "aws_credentials.sts_role"}): null,
 * absent and "" are three things. An operation asks for it as its third argument.
 */
public record Presence(Set<String> names) {
  public boolean has(String name) {
    return names.contains(name);
  }
}
