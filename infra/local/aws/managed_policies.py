"""AWS's own policies, which a role of a user's has attached by their ARN.

moto knows them, and loads all 1,500 or none. Here each is loaded when the first role gets it.
"""

import json
from functools import cache
from typing import Any, Final

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

_OF_AWS: Final = "arn:aws:iam::aws:policy/"


def install() -> None:
    """Replaces moto's attaching of a policy to a role, in this process."""
    attach = IAMBackend.attach_role_policy

    def with_aws_own(backend: IAMBackend, policy_arn: str, role_name: str) -> None:
        if policy_arn.startswith(_OF_AWS) and policy_arn not in backend.managed_policies:
            _load(backend, policy_arn.rpartition("/")[2])
        attach(backend, policy_arn, role_name)

    IAMBackend.attach_role_policy = with_aws_own  # type: ignore[method-assign, assignment]


def _load(backend: IAMBackend, name: str) -> None:
    data = _known().get(name)
    if data is not None:
        policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
        backend.managed_policies[policy.arn] = policy


@cache
def _known() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(aws_managed_policies_data)
    return known
