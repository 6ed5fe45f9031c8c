"""What the function prints, under AWS's own runtime client and set as Lambda sets it."""

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from handler.config import DETAILS_VARIABLE, ENTRY_POINT, HandlerConfig
from infra.local.function.invocation import Invocation
from infra.local.function.lambda_function import LambdaFunction
from infra.local.function.log_level import log_filter
from infra.local.function.sandbox import FunctionSettings
from tests.project import copy_of
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import MARKER
from tests.unit.infra.local.function.functions import ARN, run

LEVELS = ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")
EACH_LEVEL = [
    level if level in {"INFO", "FATAL"} else pytest.param(level, marks=pytest.mark.slow)
    for level in LEVELS
]
AT_EVERY_LEVEL = """
    import logging
    from aws_lambda_powertools import Logger

    LOGGERS = {"service": Logger(), "child": Logger(child=True), "own": Logger(service="own"),
               "standard": logging.getLogger("standard"), "root": logging.getLogger()}
    METHODS = {"DEBUG": "debug", "INFO": "info", "WARN": "warning", "ERROR": "error",
               "FATAL": "critical"}
    for name, method in METHODS.items():
        getattr(LOGGERS["service"], method)(f"loading {name}")

    def process(request):
        loggers = {**LOGGERS, "late": Logger(service="late"), "late child": Logger(child=True)}
        for title, logger in loggers.items():
            for name, method in METHODS.items():
                getattr(logger, method)(f"{title} {name}")
"""
FAILING = """
    from handler.records import RejectedRequestError

    def process(request):
        if request.request_id == "request-1":
            raise RejectedRequestError("poison")
        raise TimeoutError("outage")
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Printed:
    """The lines that a function has printed, and what its invocations gave."""

    lines: list[str]
    hidden: list[str]
    """Lines that Lambda's log-level filtering keeps out of the log."""
    invocations: list[Invocation]

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    @property
    def messages(self) -> list[Any]:
        return [each["message"] for each in self.documents if "message" in each]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [each for each in self.documents if "_aws" in each]


def printed(
    folder: Path, process: str, *events: Any, log_level: str = "INFO", details: bool = False
) -> Printed:
    """What is printed with this `handler/process.py`; the level is set as the program sets it."""
    copy_of("handler", folder)
    (folder / "handler/process.py").write_text(dedent(process), encoding="utf-8")
    config = HandlerConfig(failure_bucket="failures", log_level=log_level, service="a/dev/b")
    settings = FunctionSettings(
        name="processor",
        arn=ARN,
        entry_point=ENTRY_POINT,
        code=folder,
        # Parking finds nobody there: a rejected record has failed, at once.
        environment={**config.to_environ(), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        platform_environment={
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            **({DETAILS_VARIABLE: "true"} if details else {}),
        },
        timeout=30,
        memory_size=512,
        log_format="JSON",
        application_log_level="DEBUG" if log_level == "DEBUG" else "INFO",
    )
    lines: list[str] = []
    hidden: list[str] = []

    async def scenario(function: LambdaFunction) -> list[Invocation]:
        return [await function.invoke(event) for event in events or [batch(record(1))]]

    invocations = run(settings, scenario, on_log=lines.append, on_hidden=hidden.append)
    return Printed(invocations=invocations, lines=lines, hidden=hidden)


@pytest.mark.parametrize(
    ("level", "details", "is_told"),
    [("INFO", True, True), ("ERROR", True, True), ("INFO", False, False)],
)
def test_details_are_printed_where_the_developer_looks_and_stay_out_of_the_log(
    tmp_path: Path, level: str, details: bool, is_told: bool
) -> None:
    function = printed(tmp_path, FAILING, batch(record(2)), log_level=level, details=details)

    assert any("TimeoutError: outage" in line for line in function.hidden) is is_told
    assert not any("outage" in line for line in function.lines)


@pytest.mark.parametrize("level", EACH_LEVEL)
def test_every_logger_prints_from_the_stacks_level_on(tmp_path: Path, level: str) -> None:
    function = printed(tmp_path, AT_EVERY_LEVEL, log_level=level)

    said = {each for each in function.messages if str(each).split(" ")[-1] in LEVELS}
    titles = ["loading", "service", "child", "own", "standard", "root", "late", "late child"]
    loud = LEVELS[LEVELS.index(level) :]
    assert said == {f"{title} {name}" for title in titles for name in loud}


@pytest.mark.parametrize("level", EACH_LEVEL)
def test_metrics_are_printed_at_every_level(tmp_path: Path, level: str) -> None:
    function = printed(tmp_path, FAILING, batch(record(2)), log_level=level)

    (metrics,) = function.metrics
    assert metrics["Failed"] == [1.0]


@pytest.mark.parametrize("level", EACH_LEVEL)
def test_a_crash_is_told_at_every_level(tmp_path: Path, level: str) -> None:
    function = printed(tmp_path, FAILING, ["no batch"], log_level=level)

    (crash,) = (each for each in function.documents if each.get("errorType"))
    assert crash["errorType"] == "InvalidEventError"


@pytest.mark.parametrize("level", EACH_LEVEL)
def test_no_line_that_the_handler_logs_is_one_that_lambda_would_take_for_info(
    tmp_path: Path, level: str
) -> None:
    function = printed(tmp_path, FAILING, batch(record(1)), batch(record(2)), log_level=level)

    errors = [line for line in function.lines if '"level":"ERROR"' in line]
    assert len(errors) == (0 if level == "FATAL" else 2)
    assert all(map(log_filter("JSON", "ERROR"), errors))


def test_a_logger_of_the_users_for_the_service_has_the_handlers_timestamps(
    tmp_path: Path,
) -> None:
    function = printed(tmp_path, AT_EVERY_LEVEL)

    (line,) = (each for each in function.lines if '"message":"service ERROR"' in each)
    assert log_filter("JSON", "ERROR")(line)


def test_service_and_metrics_are_the_stacks_own(tmp_path: Path) -> None:
    function = printed(tmp_path, FAILING, batch(record(2)))

    (error,) = (each for each in function.documents if each.get("level") == "ERROR")
    (metrics,) = function.metrics
    assert error["service"] == metrics["service"] == "a/dev/b"
    assert metrics["function_name"] == "processor"
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert sorted(directive["Dimensions"][0]) == ["function_name", "service"]


RAISES = {
    "an interrupt": f"raise KeyboardInterrupt('{MARKER}')",
    "an interrupt with a cause": f"raise KeyboardInterrupt from ValueError('{MARKER}')",
    "an exit": f"raise SystemExit('{MARKER}')",
    "an exception": f"raise ValueError('{MARKER}')",
    "an exception that raises when asked": f"""
            class Hostile(Exception):
                def __str__(self):
                    raise ValueError('{MARKER}')
                __repr__ = __str__
                response = args = property(__str__)
            raise Hostile""",
    "an exception with a response": f"""
            error = ValueError()
            error.response = {{"Error": {{"Code": '{MARKER}'}}}}
            raise error""",
    "a thread": f"""
            def work():
                raise ValueError('{MARKER}')
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            raise ValueError""",
    "a destructor": f"""
            class Broken:
                def __del__(self):
                    raise ValueError('{MARKER}')
            Broken()
            raise ValueError""",
    "a task that nobody waits for": f"""
            async def work():
                raise ValueError('{MARKER}')
            async def main():
                asyncio.create_task(work())
                await asyncio.sleep(0)
            asyncio.run(main())
            gc.collect()
            raise ValueError""",
    "a callback": f"""
            def done(future):
                raise ValueError('{MARKER}')
            with concurrent.futures.ThreadPoolExecutor() as pool:
                pool.submit(int).add_done_callback(done)
            raise ValueError""",
}


@pytest.mark.parametrize(
    "raises",
    [
        pytest.param(
            raises, id=name, marks=() if name in {"an exception", "a thread"} else pytest.mark.slow
        )
        for name, raises in RAISES.items()
    ],
)
def test_no_text_of_an_exception_is_printed_wherever_it_is_raised(
    tmp_path: Path, raises: str
) -> None:
    imports = "import asyncio, concurrent.futures, gc, threading"
    body = indent(dedent(raises), "    ")
    function = printed(tmp_path, f"{imports}\ndef process(request):\n{body}\n")

    assert function.lines
    assert MARKER not in "\n".join(function.lines)
