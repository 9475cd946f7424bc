package dev.tarn.stack;

import java.util.Map;

/**
 * {@code Custom::CreateVpcEndpoint}: an endpoint of the VPC, registered with the account.
 *
 * <p>Properties {@code endpoint_name}, {@code vpc_endpoint_id} (AWS's), {@code aws_region}; id
 * {@code vpc_endpoint_id} (the account's); no attributes.
 */
public final class CreateVpcEndpoint extends NamedObject {
  /** What the Lambda runtime calls. */
  public CreateVpcEndpoint() {
    this(Patience.real());
  }

  CreateVpcEndpoint(Patience patience) {
    super(patience, "/vpc-endpoints", "vpc_endpoint_id", "vpc_endpoint_name", "endpoint_name");
  }

  @Override
  Map<String, Object> body(Event event, String name) {
    return Map.of(
        "vpc_endpoint_name",
        name,
        "aws_vpc_endpoint_id",
        event.required("vpc_endpoint_id"),
        "region",
        event.required("aws_region"));
  }

  @Override
  boolean sameContent(Event event, Map<String, Object> object) {
    return event.required("vpc_endpoint_id").equals(text(object, "aws_vpc_endpoint_id"));
  }

  @Override
  boolean contentChanged(Event event) {
    return event.changed("vpc_endpoint_id") || event.changed("aws_region");
  }

  @Override
  Map<String, String> attributes(Event event, Map<String, Object> object) {
    return Map.of();
  }
}
