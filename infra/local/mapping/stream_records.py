"""Stream records as Lambda hands them to a function, made of those that GetRecords returns.

Lambda adds the stream's ARN, and has JSON in place of datetimes and bytes. Pure functions; reading
is `stream_reader`'s matter.
"""

import base64
from collections.abc import Mapping
from typing import Any, TypeAlias

AttributeValue: TypeAlias = Mapping[str, Any]
"""A typed DynamoDB value: {"S": "text"}, {"N": "1"}, ..."""


def lambda_record(record: Mapping[str, Any], *, stream_arn: str, region: str) -> dict[str, Any]:
    """A record of GetRecords as Lambda puts it into an event."""
    change = record["dynamodb"]
    images = {
        name: _item(change[name]) for name in ("Keys", "NewImage", "OldImage") if name in change
    }
    converted = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": {
            # DynamoDB's clock has whole seconds here.
            "ApproximateCreationDateTime": float(
                int(change["ApproximateCreationDateTime"].timestamp())
            ),
            **images,
            "SequenceNumber": change["SequenceNumber"],
            "SizeBytes": change["SizeBytes"],
            "StreamViewType": change["StreamViewType"],
        },
        "eventSourceARN": stream_arn,
    }
    if "userIdentity" in record:
        identity = record["userIdentity"]
        converted["userIdentity"] = {
            "type": identity["Type"],
            "principalId": identity["PrincipalId"],
        }
    return converted


def _item(item: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {name: _json_value(value) for name, value in item.items()}


def _json_value(value: AttributeValue) -> AttributeValue:
    """The value with binaries as base64 text."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: base64.b64encode(content).decode()}
        case "BS":
            return {kind: [base64.b64encode(element).decode() for element in content]}
        case "L":
            return {kind: [_json_value(element) for element in content]}
        case "M":
            return {kind: _item(content)}
    return value
