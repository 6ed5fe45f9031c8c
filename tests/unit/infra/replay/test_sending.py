"""What the sender does while the function has no room, and how its connection is kept."""

import socket
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.replay.sending import Fate, Sender
from infra.replay.target import ReplayError, target
from tests.unit.infra.replay.scripted import ScriptedFunction, record


def throttled(code: str = "TooManyRequestsException") -> ClientError:
    error: Any = {"Error": {"Code": code, "Message": "Rate Exceeded."}}
    return ClientError(error, "Invoke")


class Waits:
    """What a sender said and how long it slept."""

    def __init__(self, function: ScriptedFunction) -> None:
        client: Any = function
        self.said: list[str] = []
        self.slept: list[float] = []
        self.sender = Sender(
            client, "processor", batch_size=10, say=self.said.append, sleep=self.slept.append
        )


def test_a_throttled_function_is_waited_for_longer_each_time_with_a_word() -> None:
    answers: list[Any] = [throttled(), throttled("EC2ThrottledException"), throttled(), None]
    function = ScriptedFunction(lambda _: answers.pop(0))
    waits = Waits(function)

    settled = list(waits.sender.send([record(1), record(2)]))

    assert [one.fate for one in settled] == [Fate.PROCESSED, Fate.PROCESSED]
    assert function.batches == [["event-1", "event-2"]] * 4
    assert waits.slept == [1, 2, 4]
    assert waits.said[-1].endswith("Rate Exceeded.); trying again in 4 s")


def test_a_function_that_stays_throttled_ends_the_command() -> None:
    waits = Waits(ScriptedFunction(lambda _: throttled()))

    with pytest.raises(ReplayError, match="throttled after 15 minutes still"):
        list(waits.sender.send([record(1)]))
    assert sum(waits.slept) == 900


def test_the_connection_of_a_long_invocation_is_probed_before_a_nat_gateway_forgets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def refuse(address: object, *_: object, socket_options: Any, **__: object) -> Any:
        del address
        asked.extend(socket_options)
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    monkeypatch.setattr(
        boto3,
        "Session",
        lambda **_: boto3.session.Session("key", "secret", region_name="eu-west-1"),
    )
    found = target(stack=None, named={"function": "processor"})

    with pytest.raises(ReplayError, match="cannot be reached"):
        list(Sender(found.awslambda, "f", batch_size=1, say=print).send([record(1)]))
    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in asked
    assert (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60) in asked
