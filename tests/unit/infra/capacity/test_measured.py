"""What the model takes from measurements is what is measured here, and what the docs say."""

import contextlib
import io
import json
import logging
import re
import runpy

import pytest

from handler.idempotency_table import _completed
from handler.logs import logger
from infra.capacity.cost import LOG_BYTES_A_RECORD, LOG_BYTES_AN_INVOCATION, MEMORY_BYTES
from infra.capacity.function_time import CPU_SECONDS, CPU_SECONDS_REMEMBERING, FunctionTime
from infra.capacity.scenario import ENVELOPE_BYTES
from infra.local.aws.dynamodb.sizes import item_size
from tests import pages
from tests.project import FROZEN
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import FakeContext, Parked, processor

SCALING = pages.text("scaling.md")

LAMBDAS_OWN_LINES = 470
"""platform.start and platform.report of the Lambda Developer Guide's examples, in JSON."""


class OnLambda(FakeContext):
    aws_request_id = "8f507cfc-0c1b-4697-b07a-ac58fc914c95"
    function_name = "requests-processor-1a2b3c4"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the handler prints of a batch of ten."""
    out = io.StringIO()
    for each in logging.getLogger(logger.name).handlers:
        assert isinstance(each, logging.StreamHandler)
        monkeypatch.setattr(each, "stream", out)
    with contextlib.redirect_stdout(out):
        process = runpy.run_path(str(FROZEN / "handler/process.py"))["process"]
        handled = processor(process, parking=Parked())
        handled.handle(batch(*map(record, range(1, 11))), OnLambda())
    return [_as_deployed(line) for line in out.getvalue().splitlines()]


def _as_deployed(line: str) -> str:
    """The service's name as long as a stack's is."""
    named = {**json.loads(line), "service": "requests-processor/prod/requests"}
    return json.dumps(named, separators=(",", ":"))


def test_a_record_logs_one_line_as_long_as_the_model_says(lines: list[str]) -> None:
    of_records, metrics = lines[:-1], lines[-1]

    assert len(of_records) == 10
    assert max(map(len, of_records)) == pytest.approx(LOG_BYTES_A_RECORD, rel=0.1)
    assert len(metrics) + LAMBDAS_OWN_LINES == pytest.approx(LOG_BYTES_AN_INVOCATION, rel=0.1)


def test_a_remembered_event_is_as_large_as_the_model_says() -> None:
    event_id = "f07f8ca4b0b26cb9c4e5e77e69f274ee"

    assert item_size(_completed(event_id, 1_764_064_800)) + 100 == MEMORY_BYTES


def test_a_record_without_its_image_is_as_large_as_the_model_says() -> None:
    bare = record()
    del bare["dynamodb"]["NewImage"]

    assert len(json.dumps(bare, separators=(",", ":"))) == pytest.approx(ENVELOPE_BYTES, rel=0.05)


def _measured(row: str) -> tuple[float, float]:
    """Of a row of "What remembering costs": records a second, and CPU seconds a record."""
    (line,) = re.findall(rf"^\| {re.escape(row)} \| (.*) \|$", SCALING, re.MULTILINE)
    cells = [cell.strip() for cell in line.split("|")]
    cpu = float(cells[3].removesuffix(" µs").replace(",", "") or "nan")
    return float(cells[0].replace(",", "")), cpu * 1e-6


def test_the_handlers_cpu_is_what_make_bench_measured() -> None:
    assert _measured("without idempotency")[1] == pytest.approx(CPU_SECONDS)
    assert _measured("with it")[1] == pytest.approx(CPU_SECONDS_REMEMBERING)


@pytest.mark.parametrize(
    ("row", "records", "remembers", "process_seconds"),
    [
        ("without idempotency", 100, False, 0.0),
        ("with it", 100, True, 0.0),
        ("the same, a batch of 1,000", 1000, True, 0.0),
        ("`process` of 20 ms", 100, True, 0.020),
    ],
)
def test_an_invocation_takes_as_long_as_make_bench_measured(
    row: str, records: int, remembers: bool, process_seconds: float
) -> None:
    whole_core = FunctionTime(
        process_seconds=process_seconds,
        remembers=remembers,
        memory_size=1769,
        timeout=60,
        minimum_remaining=1,
    )

    assert records / whole_core.seconds(records) == pytest.approx(_measured(row)[0], rel=0.25)
