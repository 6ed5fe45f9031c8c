"""A cold start: from the process's start to its first request for an event, and what imports cost.

Beside ours a function with a Powertools Logger alone, and one that makes a boto3 client too: what a
function of this kind has at least. All under AWS's own runtime client, as in the image.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from handler.config import HandlerConfig
from infra.local.function.image import task_root
from infra.local.function.runtime_api import RuntimeApi
from infra.local.function.sandbox import FunctionSettings, LocalProcess, ProcessSandbox
from tests.benchmarks import imports
from tests.benchmarks.figures import Part, Table, with_spread
from tests.benchmarks.side_by_side import Samples, in_turns
from tests.benchmarks.target import at_most
from tests.project import copy_of_project

ROUNDS: Final = 11
IMPORT_RUNS: Final = 7
MOST: Final = 1.15
"""Times what stands beside it."""
_CPUCLOCK_SCHED: Final = 2

FUNCTIONS: Final = {
    "Logger": """
from aws_lambda_powertools import Logger
logger = Logger()
def handler(event, context):
    return event
""",
    "Logger and client": """
import boto3
from aws_lambda_powertools import Logger
logger = Logger()
client = boto3.client("dynamodb")
def handler(event, context):
    return event
""",
}
OFF: Final = HandlerConfig(failure_bucket="failures").to_environ()
ON: Final = HandlerConfig(failure_bucket="failures", idempotency_table="idempotency").to_environ()
NOTES: Final = (
    (
        "From the start of the process to its first request for an event, under AWS's runtime "
        "client; the ratio is that of CPU time."
    ),
    (
        "With idempotency the DynamoDB client is made in the init phase, so that it is no part of"
        " the first batch."
    ),
    (
        "The second table is `python -X importtime`: what the modules of a package take "
        "themselves, without those that each interpreter imports. With idempotency, `handler` "
        "includes making the client."
    ),
)


def main() -> Part:
    with TemporaryDirectory() as folder:
        project = copy_of_project(Path(folder) / "project")
        starts = _starts(project)
        return Part(title="Cold start", tables=(_table(starts), _imports(project)), notes=NOTES)


def _starts(project: Path) -> dict[str, list[tuple[float, float]]]:
    with _functions(project) as functions:
        for settings in functions.values():
            asyncio.run(_start(settings))  # what is compiled once is compiled
        works = {name: partial(_started, settings) for name, settings in functions.items()}
        return in_turns(works, rounds=ROUNDS)


def _table(starts: Mapping[str, list[tuple[float, float]]]) -> Table:
    cpu = {name: Samples(tuple(each for _, each in values)) for name, values in starts.items()}
    rows = []
    for name, values in starts.items():
        wall = Samples(tuple(each * 1000 for each, _ in values))
        cells = [name, with_spread(wall, "{:,.0f}"), with_spread(cpu[name].scaled(1000), "{:,.0f}")]
        beside = BESIDE.get(name)
        ratio = beside and cpu[name].times(cpu[beside])
        cells += [f"{with_spread(ratio)} {beside}", at_most(ratio, MOST)] if ratio else ["", ""]
        rows.append(tuple(cells))
    return Table(head=("start to first event", "ms", "CPU ms", "times", "target"), rows=tuple(rows))


BESIDE: Final = {
    "ours, idempotency off": "Logger",
    "ours, idempotency on": "Logger and client",
}


@contextmanager
def _functions(project: Path) -> Iterator[dict[str, FunctionSettings]]:
    with TemporaryDirectory() as folder, task_root(project) as ours:
        settings = {
            "ours, idempotency off": _settings(ours, "handler.app.handler", OFF),
            "ours, idempotency on": _settings(ours, "handler.app.handler", ON),
        }
        for number, (name, code) in enumerate(FUNCTIONS.items()):
            file = Path(folder) / str(number) / "function.py"
            file.parent.mkdir()
            file.write_text(code, encoding="utf-8")
            settings[name] = _settings(file.parent, "function.handler", {})
        yield settings


def _settings(code: Path, entry_point: str, environment: Mapping[str, str]) -> FunctionSettings:
    return FunctionSettings(
        name="bench",
        arn="arn:aws:lambda:eu-west-1:123456789012:function:bench",
        entry_point=entry_point,
        code=code,
        environment=environment,
        platform_environment={"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"},
    )


def _started(settings: FunctionSettings) -> tuple[float, float]:
    return asyncio.run(_start(settings))


async def _start(settings: FunctionSettings) -> tuple[float, float]:
    """Seconds, and CPU seconds of the process, until it asks for an event."""
    sandbox = ProcessSandbox()
    api = RuntimeApi(sandbox.host)
    await api.start()
    printed: list[str] = []
    begun = time.perf_counter()
    process = await sandbox.start(settings, api.address, printed.append)
    try:
        async with asyncio.timeout(60):
            error = await api.initialised
        took = time.perf_counter() - begun
        assert error is None, f"{error} {printed}"
        assert isinstance(process, LocalProcess)
        return took, _cpu_seconds(process._transport.get_pid())
    finally:
        process.kill()
        await process.wait()
        await api.stop()


def _cpu_seconds(process_id: int) -> float:
    # clock_getcpuclockid(3), which Python has not: /proc has hundredths of a second only.
    return time.clock_gettime(~process_id << 3 | _CPUCLOCK_SCHED)


def _imports(project: Path) -> Table:
    always = set(_importing("pass", {}, project))
    programs = {"off": OFF, "on": ON}
    runs = in_turns(
        {name: partial(_costs, environ, project, always) for name, environ in programs.items()},
        rounds=IMPORT_RUNS,
    )
    medians = [
        {name: statistics.median(run[name] for run in each) / 1000 for name in each[0]}
        for each in runs.values()
    ]
    rows = [
        (name, *(f"{ms:.1f}" for ms in costs)) for name, costs in imports.dearest(medians).items()
    ]
    total = ("all imports", *(f"{sum(each.values()):.1f}" for each in medians))
    head = ("imports of ours, ms", "idempotency off", "idempotency on")
    return Table(head=head, rows=(total, *rows))


def _costs(environ: Mapping[str, str], project: Path, always: set[str]) -> Mapping[str, int]:
    times = _importing("import handler.app", environ, project)
    return imports.by_package(times, without=always)


def _importing(program: str, environ: Mapping[str, str], project: Path) -> dict[str, int]:
    command = [sys.executable, "-X", "importtime", "-c", program]
    run = subprocess.run(
        command,
        cwd=project,
        env={"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", **environ},
        check=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    return imports.self_times(run.stderr)
