"""What the tests of Lambda's API share: an embedded AWS with its Lambda, roles, tables, small code.

Clients are boto3's; what they are answered is on the wire.
"""

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from infra.local.aws.emulator import Emulator
from infra.local.embedded_aws import EmbeddedAws
from infra.local.function.image import Image
from tests.processes import wait_until

TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
    ],
}
_VERSIONS: Final = itertools.count()
ECHO: Final = "def handler(event, context): return event"


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedLambda:
    """An embedded AWS in which there is nothing yet but its Lambda."""

    aws: EmbeddedAws
    folder: Path
    """Holds what stands for an image's content, by the image's tag."""

    @property
    def client(self) -> Any:
        return self.aws.client("lambda")

    def image(self, tag: str, code: str = ECHO) -> str:
        """The URI of an image with this code."""
        content = self.folder / tag
        content.mkdir(exist_ok=True)
        (content / "function.py").write_text(dedent(code))
        return f"123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/images:{tag}"

    def role(self, name: str = "role", *actions: str) -> str:
        """The ARN of a role that Lambda may assume, and that may do everything, or these."""
        iam = self.aws.emulator.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        self.allow(name, *(actions or "*"))
        return str(role["Arn"])

    def allow(self, role: str, *actions: str) -> None:
        """All that the role may do from now on."""
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.aws.emulator.client("iam").put_role_policy(
            RoleName=role, PolicyName="some", PolicyDocument=document
        )

    def create_function(self, name: str, code: str = ECHO, **parameters: Any) -> Any:
        """With an image of its own, and a role that may do everything."""
        given = {"PackageType": "Image", **parameters}
        return self.client.create_function(
            FunctionName=name,
            Role=given.pop("Role", None) or self.role(f"{name}-role"),
            Code={"ImageUri": self.image(name, code)},
            **given,
        )

    def create_table(self, name: str = "table") -> str:
        """The ARN of its stream."""
        created = self.aws.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        return str(created["TableDescription"]["LatestStreamArn"])

    def put(self, *keys: str, table: str = "table", versions: bool = False) -> None:
        """An item of each key in turn, with a greater `version` than all before it if told so."""
        dynamodb = self.aws.client("dynamodb")
        for key in keys:
            version = {"version": {"N": str(next(_VERSIONS))}} if versions else {}
            dynamodb.put_item(TableName=table, Item={"id": {"S": key}, **version})

    def create_bucket(self, name: str) -> None:
        region = {"LocationConstraint": self.aws.emulator.region}
        self.aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=region)

    def objects(self, bucket: str) -> list[Any]:
        """The documents in a bucket."""
        s3 = self.aws.client("s3")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]

    def create_mapping(self, stream: str, function: str = "one", **parameters: Any) -> str:
        """The UUID of a mapping from the stream's beginning, enabled unless it is told not to be.

        As the answer to its creation says, not as it is then: `become` waits for that.
        """
        given = {"StartingPosition": "TRIM_HORIZON", **parameters}
        created = self.client.create_event_source_mapping(
            EventSourceArn=stream, FunctionName=function, **given
        )
        return str(created["UUID"])

    def pipe(
        self,
        code: str = ECHO,
        *,
        function: str = "one",
        table: str = "table",
        timeout: int = 10,
        **parameters: Any,
    ) -> str:
        """The UUID of an enabled mapping from a new table to a new function."""
        self.create_function(function, code, Timeout=timeout)
        uuid = self.create_mapping(self.create_table(table), function, **parameters)
        self.become(uuid, "Enabled")
        return uuid

    def mapping(self, uuid: str) -> Any:
        """As GetEventSourceMapping describes it."""
        return self.client.get_event_source_mapping(UUID=uuid)

    def become(self, uuid: str, state: str) -> None:
        """Waits for the state."""
        wait_until(lambda: self.mapping(uuid)["State"] == state)

    def update(self, uuid: str, **parameters: Any) -> None:
        """Changes a mapping and waits until it is changed."""
        self.client.update_event_source_mapping(UUID=uuid, **parameters)
        self.become(uuid, "Disabled" if parameters.get("Enabled") is False else "Enabled")

    def batches(self, function: str = "one", *, failed: bool = False) -> list[list[str]]:
        """The keys of each batch that the function processed, or failed on."""
        return [
            [keys_of(each) for each in records(invocation.event)]
            for invocation in self.aws.invocations
            if invocation.function_name == function and (invocation.error is not None) == failed
        ]

    def processed(self, function: str = "one") -> list[str]:
        """The keys of the records that the function processed, in order, repeated if they were."""
        return [key for batch in self.batches(function) for key in batch]

    @contextlib.contextmanager
    def writing(self, *prefixes: str) -> Iterator["Writer"]:
        """Puts item after item meanwhile; when the block ends, all are settled."""
        writer = Writer(embedded=self, prefixes=prefixes or ("item",))
        thread = threading.Thread(target=writer.run)
        thread.start()
        try:
            yield writer
        finally:
            writer.ending.set()
            thread.join()
        self.aws.drain()


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, str, int]:
    """Its code, its message, and the status of HTTP."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    error = response["Error"]
    return error["Code"], error["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def is_gone(lambda_: EmbeddedLambda, uuid: str) -> bool:
    with contextlib.suppress(ClientError):
        lambda_.mapping(uuid)
        return False
    return True


def records(event: Any) -> list[Any]:
    return list(event["Records"])


def keys_of(record: Any) -> str:
    return str(record["dynamodb"]["Keys"]["id"]["S"])


@dataclass(kw_only=True, slots=True)
class Writer:
    """Writes to the table until it is to end."""

    embedded: EmbeddedLambda
    prefixes: tuple[str, ...]
    """Of the items' keys, in turns."""
    written: list[str] = field(default_factory=list)
    """The keys, in order."""
    ending: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.ending.is_set():
            number = len(self.written)
            key = f"{self.prefixes[number % len(self.prefixes)]}-{number}"
            self.embedded.put(key)
            self.written.append(key)

    def wait_for(self, more: int = 4) -> None:
        """Returns when so many more are written."""
        enough = len(self.written) + more
        wait_until(lambda: len(self.written) >= enough)

    def wait_until_processed(self, more: int = 4, function: str = "one") -> None:
        """Returns when the function has processed so many more."""
        enough = len(self.embedded.processed(function)) + more
        wait_until(lambda: len(self.embedded.processed(function)) >= enough)


@pytest.fixture
def lambda_(aws: Emulator, tmp_path: Path) -> Iterator[EmbeddedLambda]:
    images = tmp_path / "images"
    images.mkdir()

    def image(uri: str) -> Image:
        tag = uri.partition("@")[0].rpartition(":")[2]
        return Image(code=images / tag, command="function.handler")

    embedded = EmbeddedAws(emulator=aws, images=image)
    try:
        yield EmbeddedLambda(aws=embedded, folder=images)
    finally:
        embedded.close()
