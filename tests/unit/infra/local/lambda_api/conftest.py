"""What the tests of Lambda's API share: an embedded AWS with its Lambda, roles, tables, small code.

Clients are boto3's; what they are answered is on the wire.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import pytest

from infra.local.aws.emulator import Emulator
from infra.local.embedded_aws import EmbeddedAws
from infra.local.function.image import Image

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

    def put(self, *keys: str, table: str = "table") -> None:
        dynamodb = self.aws.client("dynamodb")
        for key in keys:
            dynamodb.put_item(TableName=table, Item={"id": {"S": key}})


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
