"""What Lambda looks at before it creates a mapping, and its words when that fails."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.mapping.permissions import ensure_readable
from infra.local.mapping.settings import InvalidParameterValueError
from tests.unit.infra.local.mapping.scripted import STREAM_ARN

OTHER = STREAM_ARN.replace("2025-01-01", "2024-01-01")


class Streams:
    """DynamoDB's Streams API of an account with one stream."""

    def __init__(self, stream_arn: str = STREAM_ARN, *, denies: str = "") -> None:
        self._stream_arn = stream_arn
        self._denies = denies

    def list_streams(self, *, TableName: str) -> Any:  # noqa: N803 - boto3's name
        assert f":table/{TableName}/" in self._stream_arn
        return {"Streams": [{"StreamArn": self._stream_arn}]}

    def describe_stream(self, **_: Any) -> Any:
        return {"StreamDescription": {"Shards": [{"ShardId": "shard"}]}}

    def get_shard_iterator(self, **_: Any) -> Any:
        return {"ShardIterator": "iterator"}

    def get_records(self, **_: Any) -> Any:
        if self._denies:
            raise ClientError(
                {"Error": {"Code": "AccessDeniedException", "Message": self._denies}}, "GetRecords"
            )
        return {"Records": []}


def test_a_stream_that_can_be_read_is_accepted() -> None:
    ensure_readable(Streams(), STREAM_ARN)


def test_an_unknown_stream_is_refused_in_lambdas_words() -> None:
    """[V]"""
    with pytest.raises(InvalidParameterValueError) as refused:
        ensure_readable(Streams(OTHER), STREAM_ARN)

    assert str(refused.value) == f"Stream not found: {STREAM_ARN}"


def test_a_role_that_may_not_read_the_stream_is_refused_in_lambdas_words_then_in_ours() -> None:
    """[S]"""
    with pytest.raises(InvalidParameterValueError) as refused:
        ensure_readable(Streams(denies="may not GetRecords"), STREAM_ARN)

    assert str(refused.value).startswith(
        f"Cannot access stream {STREAM_ARN}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM. ("
    )
    assert "may not GetRecords" in str(refused.value)
