"""Stream records for the handler's tests, as Lambda hands them over."""

from typing import Any

STREAM_ARN = (
    "arn:aws:dynamodb:ap-northeast-1:000000000000:table/requests/stream/2024-04-17T23:46:37.621"
)


def record(
    number: int = 1,
    *,
    event: str = "INSERT",
    request_id: str | None = None,
    payload: Any = None,
    key: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A record under NEW_IMAGE; `changes` replaces members of `dynamodb`."""
    request_id = request_id or f"request-{number}"
    image = {
        "request_id": {"S": request_id},
        "payload": {"M": {"key": {"S": "val"}}} if payload is None else payload,
    }
    images = {} if event == "REMOVE" else {"NewImage": image}
    return {
        "eventID": f"{number:032x}",
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "ap-northeast-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1713774119,
            "Keys": {"request_id": {"S": key or request_id}},
            **images,
            "SequenceNumber": f"{number:026d}",
            "SizeBytes": 248,
            "StreamViewType": "NEW_IMAGE",
            **changes,
        },
        "eventSourceARN": STREAM_ARN,
    }


def batch(*records: Any) -> dict[str, Any]:
    return {"Records": list(records)}


def article_insert() -> dict[str, Any]:
    """The article's two inserts, as printed there: neither is what DynamoDB writes.

    `{"M": {"key": "val"}}` is no typed value, and the first one's key differs from its image.
    """
    invalid = {"M": {"key": "val"}}
    return batch(
        record(
            1,
            request_id="01hw2ebjb94pch8sd6e696ptwq",
            key="01hw2ebjb940aqbejqcb42z7cg",
            payload=invalid,
        ),
        record(2, request_id="01hw2ebjb94pch8sd6e696ptwq", payload=invalid),
    )


def article_modify() -> dict[str, Any]:
    return batch(
        record(
            3,
            event="MODIFY",
            request_id="01hvrmxrn5f6k01ewsj1vtc05k",
            payload={"M": {"key": "val"}},
        )
    )


def article_remove() -> dict[str, Any]:
    return batch(record(4, event="REMOVE", request_id="01hw2ebjb8v3sk49ry3r693x9p"))
