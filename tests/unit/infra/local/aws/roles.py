"""Roles for tests of what a permission allows."""

import json
from collections.abc import Sequence

from infra.local.aws.emulator import Credentials, Emulator


def role_with(
    aws: Emulator, name: str, action: str | Sequence[str], resource: str | Sequence[str]
) -> Credentials:
    """Credentials of a role that may do one thing."""
    iam = aws.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=policy)
    return aws.assume_role(role["Arn"])
