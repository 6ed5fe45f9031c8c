"""The handler as a whole: what becomes of any batch, what it prints, what it imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.records import RejectedRequestError, Request
from tests.project import PROJECT
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import MARKER, reported, run

_PROGRAM = """
import os, sys
from handler.config import HandlerConfig
os.environ.update(HandlerConfig(failure_bucket="b", log_level=sys.argv[1]).to_environ())
import handler.app
import handler.process
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import MARKER, FakeContext, Parked, failing_on, processor
secret = {"M": {"secret": {"S": MARKER}}}
work, _ = failing_on("request-4")
def process(request):
    handler.process.process(request)
    work(request)
    if request.request_id == "request-3":
        raise handler.process.RejectedRequestError(str(request.payload))
records = [record(1, payload=secret), record(2, payload={"S": MARKER}),
           record(3, payload=secret), record(4, payload=secret)]
print(processor(process, parking=Parked()).handle(batch(*records), FakeContext()))
records[1]["dynamodb"]["NewImage"]["request_id"] = {"N": MARKER}
processor(process, parking=Parked(fails=True)).handle(batch(records[1]), FakeContext())
"""


def ran(program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a program printed that imports the handler from a project's folder."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )


def output(log_level: str, folder: Path) -> str:
    result = ran(_PROGRAM, log_level, folder=folder)
    return result.stdout + result.stderr


@given(
    st.lists(
        st.sampled_from(["good", "poison", "outage", "ignored", "malformed"]),
        max_size=12,
    )
)
def test_every_record_is_processed_parked_ignored_or_delivered_again(kinds: list[str]) -> None:
    processed: list[str] = []

    def work(request: Request) -> None:
        kind = request.payload["kind"]
        if kind == "poison":
            raise RejectedRequestError("poison")
        if kind == "outage":
            raise ConnectionError("outage")
        processed.append(request.event_id)

    records = [
        record(
            number,
            event="MODIFY" if kind == "ignored" else "INSERT",
            payload={"S": "?"} if kind == "malformed" else {"M": {"kind": {"S": kind}}},
        )
        for number, kind in enumerate(kinds, start=1)
    ]
    response, parking = run(batch(*records), work)

    first = kinds.index("outage") if "outage" in kinds else len(kinds)
    expected = dict(enumerate(kinds[:first]))
    assert [int(one, 16) - 1 for one in processed] == [
        index for index, kind in expected.items() if kind == "good"
    ]
    assert [int(parked["eventID"], 16) - 1 for parked, _ in parking.records] == [
        index for index, kind in expected.items() if kind in {"poison", "malformed"}
    ]
    assert [int(one) - 1 for one in reported(response)] == ([first] if first < len(kinds) else [])


@pytest.mark.parametrize(
    "line",
    [
        "Record rejected and parked",
        "Record failed, it will be delivered again",
        "Rejected record cannot be parked",
    ],
)
def test_nothing_of_a_payload_is_printed_at_the_default_level(line: str, frozen: Path) -> None:
    printed = output("INFO", frozen)

    assert MARKER not in printed
    assert line in printed


def test_at_debug_the_payload_is_logged(frozen: Path) -> None:
    assert MARKER in output("DEBUG", frozen)


def test_importing_the_handler_imports_no_boto3_no_pulumi_and_no_pydantic(frozen: Path) -> None:
    program = (
        "import sys, handler.app; "
        "print([m for m in ('boto3', 'pulumi', 'pydantic', 'infra') if m in sys.modules])"
    )

    assert ran(program, folder=frozen).stdout == "[]\n"


_IMPORTS = """
import os, sys
from handler.config import HandlerConfig
table = sys.argv[1] or None
os.environ.update(HandlerConfig(failure_bucket="b", idempotency_table=table).to_environ())
os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"
import handler.app
print("boto3" in sys.modules, handler.entry_point._table.cache_info().currsize)
"""


@pytest.mark.parametrize(("table", "expected"), [("", "False 0\n"), ("events", "True 1\n")])
def test_the_client_is_made_in_the_init_phase_when_the_stack_needs_it_and_only_then(
    table: str, expected: str, frozen: Path
) -> None:
    assert ran(_IMPORTS, table, folder=frozen).stdout == expected
