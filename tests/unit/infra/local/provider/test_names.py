"""The names that our providers give, as pulumi-aws would."""

import re
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from infra.local.aws.resource_type import Naming
from infra.local.provider.names import NAMED_HERE, NoNameError, is_given, named

ROLE = Naming(longest=64)
MODES = provider_pb2.CheckRequest.AutonamingOptions


def request(proposed: str = "", mode: Any = MODES.PROPOSE, seed: bytes = b"") -> Any:
    if not proposed and mode == MODES.PROPOSE:
        return provider_pb2.CheckRequest(randomSeed=seed)
    options = MODES(proposed_name=proposed, mode=mode)
    return provider_pb2.CheckRequest(randomSeed=seed, autonaming=options)


def test_a_name_is_the_resources_own_and_random_digits() -> None:
    given = named(ROLE, "requests", old={}, new={}, request=request())

    assert re.fullmatch(r"requests-[0-9a-f]{7}", given["name"])
    assert not is_given(ROLE, given)


def test_a_resource_keeps_the_name_that_it_got() -> None:
    old = {"name": "requests-1234567", NAMED_HERE: ["name"]}

    assert named(ROLE, "requests", old=old, new={}, request=request())["name"] == old["name"]
    assert named(ROLE, "requests", old={}, new={}, request=request())["name"] != old["name"]


def test_the_programs_own_name_wins() -> None:
    assert named(ROLE, "requests", old={}, new={"name": "mine"}, request=request()) == {
        "name": "mine"
    }
    assert is_given(ROLE, {"name": "mine"})


def test_a_name_fits_its_service() -> None:
    bucket = Naming(key="bucket", longest=20, lowercase=True)
    queue = Naming(longest=80, ending_if={"fifoQueue": ".fifo"})

    assert re.fullmatch(
        r"a{12}-[0-9a-f]{7}", named(bucket, "A" * 30, old={}, new={}, request=request())["bucket"]
    )
    fifo = named(queue, "q", old={}, new={"fifoQueue": True}, request=request())
    assert re.fullmatch(r"q-[0-9a-f]{7}\.fifo", fifo["name"])


def test_a_plan_and_what_follows_it_give_the_same_name() -> None:
    first, second = (
        named(ROLE, "requests", old={}, new={}, request=request(seed=b"1")) for _ in range(2)
    )

    assert first == second


def test_the_stacks_own_naming_is_followed() -> None:
    proposed = request(proposed="other-requests")
    enforced = request(proposed="Exactly", mode=MODES.ENFORCE)

    assert named(ROLE, "r", old={}, new={}, request=proposed)["name"] == "other-requests"
    assert named(ROLE, "r", old={}, new={}, request=enforced)["name"] == "Exactly"
    with pytest.raises(NoNameError):
        named(ROLE, "r", old={}, new={}, request=request(mode=MODES.DISABLE))
