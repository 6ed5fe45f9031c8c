"""Stream records as Lambda hands them to a function, made of those that GetRecords returns.

Lambda adds the stream's ARN, and has JSON in place of datetimes and bytes. Pure functions; reading
is `stream_reader`'s matter.
"""

from collections.abc import Mapping
from typing import Any

from infra.events.stream_record import event_item


def lambda_record(record: Mapping[str, Any], *, stream_arn: str, region: str) -> dict[str, Any]:
    """A record of GetRecords as Lambda puts it into an event."""
    change = record["dynamodb"]
    images = {
        name: event_item(change[name])
        for name in ("Keys", "NewImage", "OldImage")
        if name in change
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
