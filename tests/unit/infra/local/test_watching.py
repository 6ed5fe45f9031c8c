"""Who watches is told in order, and can neither stop nor hold up what is watched."""

import logging
import threading

import pytest

from infra.local.watching import Telling


def test_those_who_watch_are_told_in_order() -> None:
    told: list[int] = []
    telling = Telling()

    with telling.begun():
        for number in range(100):
            telling.tell(told.append, number)
        telling.catch_up()

        assert told == list(range(100))


@pytest.mark.parametrize(
    "error", [TypeError("not this shape"), SystemExit(), KeyboardInterrupt()], ids=repr
)
def test_what_one_raises_is_said_and_the_next_are_told(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    telling = Telling()

    def fail() -> None:
        raise error

    with telling.begun():
        telling.tell(fail)
        telling.tell(told.append, "the next")
        telling.catch_up()

    assert told == ["the next"]
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert said.exc_info is not None
    assert said.exc_info[1] is error


def test_one_who_takes_forever_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.watching._PATIENCE", 0.01)
    held = threading.Event()
    telling = Telling()

    with telling.begun():
        telling.tell(held.wait)
        telling.tell(lambda: None)
        telling.catch_up()

    held.set()
