"""The replay's command line with the clients of an embedded AWS and a scripted function."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from infra.local.aws.emulator import Emulator
from infra.replay.command import main
from infra.replay.target import Target
from tests.unit.infra.replay.scripted import BUCKET, TABLE, ScriptedFunction

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@pytest.fixture
def session(aws: Emulator) -> boto3.Session:
    class LocalSession(boto3.Session):
        def client(self, service_name: str, **_: Any) -> Any:  # type: ignore[override] # any service
            return aws.client(service_name)

    return LocalSession("key", "secret", region_name=aws.region)


@pytest.fixture
def s3(aws: Emulator) -> "S3Client":
    client: S3Client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=_in_region(aws.region))
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


def _in_region(region: str) -> Any:  # boto3's types know the regions one by one
    return {"LocationConstraint": region}


@pytest.fixture
def replay(
    session: boto3.Session, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Runs a command line with clients of the embedded AWS and a scripted function."""
    del s3

    def run(*arguments: str, function: ScriptedFunction | None = None) -> int:
        def local_target(
            *, stack: str | None, pipeline: str | None, named: dict[str, str | None]
        ) -> Target:
            del stack, pipeline
            names = {"bucket": BUCKET, "function": "processor", **_given(named)}
            made = Target(names=names, session=session)
            made.__dict__["awslambda"] = function or ScriptedFunction()
            return made

        monkeypatch.setattr("infra.replay.command.target", local_target)
        return main(arguments)

    return run


def _given(named: dict[str, str | None]) -> dict[str, str]:
    return {part: name for part, name in named.items() if name is not None}


@pytest.fixture
def table(aws: Emulator) -> Any:
    """A client, and a table that has a stream."""
    client = aws.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "request_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "request_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return client
