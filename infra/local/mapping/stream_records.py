"""Stream records in AWS's form, made of those that the embedded AWS hands out.

moto writes another version, always us-east-1, datetimes, raw bytes and its own sizes, leaves out
the stream's ARN, and writes records that DynamoDB never would. Pure functions; reading is
`stream_reader`'s matter.
"""

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
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
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": {
            # DynamoDB's clock has whole seconds here.
            "ApproximateCreationDateTime": float(
                int(change["ApproximateCreationDateTime"].timestamp())
            ),
            **images,
            "SequenceNumber": change["SequenceNumber"],
            "SizeBytes": sum(
                item_size(change[name])
                for name in ("Keys", "NewImage", "OldImage")
                if name in change
            ),
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


def item_size(item: Mapping[str, AttributeValue]) -> int:
    """Bytes as DynamoDB counts them (Developer Guide, "DynamoDB item sizes and formats")."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: AttributeValue) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            size = len(content.encode())
        case "N":
            size = _number_size(content)
        case "B":
            size = len(content)
        case "SS" | "NS" | "BS":
            size = sum(_value_size({kind[0]: element}) for element in content)
        case "L":
            size = 3 + sum(1 + _value_size(element) for element in content)
        case "M":
            size = 3 + len(content) + item_size(content)
        case _:
            size = 1
    return size


def _number_size(text: str) -> int:
    """One byte for two significant digits, one more, and one for a minus."""
    sign, digits, _ = Decimal(text).normalize().as_tuple()
    return (len(digits) + 1) // 2 + 1 + sign


def without_impossible(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records without the first of the two INSERTs that moto writes for one `update_item`.

    Of an item that the update creates it writes a record with the keys alone, then the whole one.
    """
    following: dict[str, str] = {}
    possible = []
    for record in reversed(records):
        key = item_key(record)
        if not (is_keys_only_insert(record) and following.get(key) == "INSERT"):
            possible.append(record)
        following[key] = record["eventName"]
    return possible[::-1]


def is_keys_only_insert(record: Mapping[str, Any]) -> bool:
    """Whether the record is an INSERT that shows nothing but the item's key."""
    keys, image = record["dynamodb"]["Keys"], record["dynamodb"].get("NewImage")
    return record["eventName"] == "INSERT" and (image is None or image == keys)


def item_key(record: Mapping[str, Any]) -> str:
    """The item's key as text."""
    return repr(sorted(record["dynamodb"]["Keys"].items()))
