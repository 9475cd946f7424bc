package dev.tarn.cloudformation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import dev.tarn.cloudformation.Scope.Physical;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("database-blind") // see CONTRIBUTING
class ScopeTest {
  private static final String HEAD =
      """
      Parameters:
        Name: {Type: String, Default: rd}
        Empty: {Type: String, Default: ''}
      Conditions:
        IsRd: !Equals [!Ref Name, rd]
        IsEmpty: !Equals [!Ref Empty, '']
        Neither: !Not [!Or [!Condition IsRd, {Condition: IsEmpty}]]
        Both: !And [!Condition IsRd, !Condition IsEmpty]
      Resources:
        other: {Type: AWS::S3::Bucket}
        absent: {Type: AWS::S3::Bucket, Condition: Neither}
        it:
          Type: AWS::S3::Bucket
          Properties:
            Value: %s
      """;

  private static Scope scope(String value) {
    return new Scope(
        Template.parse(HEAD.formatted(value)),
        Map.of("Name", "rd", "Empty", ""),
        Map.of("AWS::Region", "us-east-1", "AWS::StackId", "arn:x:stack/s/1234"));
  }

  private static Object value(String value) {
    return scope(value)
        .properties("it", id -> new Physical("physical-" + id, Map.of("Arn", "arn:" + id)))
        .get("Value");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "!Ref Name | rd",
        "{Ref: Name} | rd",
        "!Ref other | physical-other",
        "!GetAtt other.Arn | arn:other",
        "{'Fn::GetAtt': [other, Arn]} | arn:other",
        "!Sub '${Name}-${AWS::Region}-${other}-${other.Arn}-${!Literal}' | rd-us-east-1-physical-other-arn:other-${Literal}",
        "!Sub ['${Id}/${Name}', {Id: !Select [2, !Split [/, !Ref AWS::StackId]]}] | 1234/rd",
        "!Join ['-', [a, !Ref Name, c]] | a-rd-c",
        "!Join ['', []] | ``",
        "!If [Both, !Ref Name, !Ref absent] | rd",
        "!If [Neither, !Ref absent, no] | no",
        "true | true",
        "007 | 007",
      })
  void aFunctionHasItsValue(String expression, String expected) {
    assertThat(value(expression)).isEqualTo(expected);
  }

  @Test
  void noValueLeavesThePropertyOut() {
    assertThat(value("!Ref AWS::NoValue")).isNull();
    assertThat(value("[a, !If [Both, !Ref AWS::NoValue, b], c]")).isEqualTo(List.of("a", "c"));
  }

  @Test
  void aPolicysOwnConditionIsNoFunction() {
    assertThat(value("{Condition: {StringEquals: {a: b}}}"))
        .isEqualTo(Map.of("Condition", Map.of("StringEquals", Map.of("a", "b"))));
  }

  @Test
  void whatIsReferredToComesFirstAndWhatIsNotThereIsNotWaitedFor() {
    Scope scope = scope("!If [Both, !Sub 'x${other.Arn}', !Ref absent]");
    assertThat(scope.included()).containsExactly("other", "it");
    assertThat(scope.dependencies().get("it")).containsExactly("other");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "!Select [5, [a]] | nonexistent value at index 5",
        "!Select [x, [a]] | nonexistent value at index x",
        "!Join [a] | Fn::Join (expected: a list of 2)",
        "!GetAtt other.Nothing | resource other has no attribute Nothing",
        "!GetAtt other | Fn::GetAtt (expected: a logical id and an attribute)",
        "!Ref absent | resource absent is not there",
        "!Sub '${nobody}' | unresolved reference 'nobody'",
        "!If [Nope, a, b] | condition 'Nope' is not defined",
        "!Equals [a, b] | Fn::Equals outside of a condition",
        "!Transform x | function 'Fn::Transform' is not supported",
        "!Base64 x | function 'Fn::Base64' is not supported",
      })
  void whatCannotBeEvaluatedIsSaid(String expression, String message) {
    assertThatThrownBy(() -> value(expression))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining(message);
  }

  @Test
  void aConditionThatRefersToItselfOrToAResourceIsRefused() {
    for (String condition : List.of("!Not [!Condition A]", "!Equals [!Ref b, x]")) {
      assertThatThrownBy(
              () ->
                  new Scope(
                      Template.parse(
                          """
                          Conditions: {A: %s}
                          Resources: {b: {Type: AWS::S3::Bucket, Condition: A}}
                          """
                              .formatted(condition)),
                      Map.of(),
                      Map.of()))
          .isInstanceOf(InvalidParameterValue.class);
    }
  }
}
