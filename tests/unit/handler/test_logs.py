"""The keys of Powertools' loggers: what `process` does to them ends with its record."""

import json
import uuid
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from handler.logs import logger
from handler.records import Request
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import run


def lines_after(capsys: pytest.CaptureFixture[str], own: Logger, process: Any) -> dict[str, Any]:
    """What a line of `own` says once a record has gone through `process`."""
    run(batch(record(1)), process)
    capsys.readouterr()
    own.info("after")
    return dict(json.loads(capsys.readouterr().out))


def made(**keys: Any) -> Logger:
    """A logger of a service of its own."""
    return Logger(service=f"service-{uuid.uuid4().hex}", **keys)


def test_keys_end_with_the_record_that_appended_them(capsys: pytest.CaptureFixture[str]) -> None:
    own = made()

    line = lines_after(capsys, own, lambda request: own.append_keys(order=request.request_id))

    assert "order" not in line


def test_keys_of_the_handlers_own_logger_end_too() -> None:
    child = Logger(child=True)

    run(batch(record(1)), lambda request: child.append_keys(order=request.request_id))

    keys = logger.get_current_keys()
    assert "order" not in keys
    assert keys["function_request_id"] == "request-id"


def test_a_key_of_before_has_its_value_again(capsys: pytest.CaptureFixture[str]) -> None:
    own = made()
    own.append_keys(version="1", region="here")

    def process(_: Request) -> None:
        own.append_keys(version="2")
        own.remove_keys(["region"])

    line = lines_after(capsys, own, process)

    assert (line["version"], line["region"]) == ("1", "here")


class Asked:
    """Raises when it is compared: it is the user's, and may do anything then."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("the user's code is run")


@pytest.mark.parametrize("before", ["1", None, 1, [1], Asked()])
@pytest.mark.parametrize("after", [True, 1.0, [1], "2", Asked()])
def test_a_key_of_before_is_the_same_object_again(before: object, after: object) -> None:
    own = made()
    own.append_keys(version=before)

    run(batch(record(1)), lambda _: own.append_keys(version=after))

    assert own.get_current_keys()["version"] is before


def test_keys_that_are_cleared_are_there_again(capsys: pytest.CaptureFixture[str]) -> None:
    own = made()
    own.append_keys(version="1")

    line = lines_after(capsys, own, lambda _: own.clear_state())

    assert line["version"] == "1"


def test_a_logger_made_for_a_record_keeps_nothing_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made_there: list[Logger] = []

    def process(request: Request) -> None:
        made_there.append(made(team="orders"))
        made_there[0].append_keys(order=request.request_id)

    run(batch(record(1)), process)
    capsys.readouterr()
    made_there[0].info("after")

    line = json.loads(capsys.readouterr().out)
    assert line["team"] == "orders"
    assert "order" not in line


def test_keys_of_the_context_end_too(capsys: pytest.CaptureFixture[str]) -> None:
    own = made()
    own.thread_safe_append_keys(version="1")

    def process(request: Request) -> None:
        own.thread_safe_append_keys(order=request.request_id, version="2")

    line = lines_after(capsys, own, process)
    own.thread_safe_clear_keys()

    assert "order" not in line
    assert line["version"] == "1"


def test_keys_end_also_when_the_record_fails(capsys: pytest.CaptureFixture[str]) -> None:
    own = made()

    def process(request: Request) -> None:
        own.append_keys(order=request.request_id)
        raise TimeoutError

    assert "order" not in lines_after(capsys, own, process)
