"""Two local loops on an embedded AWS: ours, `python -m infra.local up`, and serverless-offline's.

Both run the same stack's stream with the same batch size and filter, and a Python function that
writes a line for each record. Both find an embedded AWS of the same kind that runs and is warm; in
it ours makes all of the stack, the table too, and the other finds the table made.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import boto3

from infra.local.aws.emulator import Emulator
from tests.benchmarks.peers import Peer
from tests.project import copy_of_project

REGION: Final = "ap-northeast-1"
BATCH_SIZE: Final = 50
PATIENCE: Final = 300.0
"""Seconds until what does not happen is an error."""

SERVERLESS: Final = Peer(
    name="serverless",
    packages=(
        "serverless@3.40.0",
        "serverless-offline@13.9.0",
        "serverless-offline-dynamodb-streams@8.0.1",
    ),
    needs=("node", "npm"),
)


class LoopError(Exception):
    """A loop does not do what is waited for; says what it printed last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What the function writes for a record."""

    time: float
    version: str
    """Of the code."""
    key: str

    @classmethod
    def parse(cls, line: str) -> "Line":
        """One line of the file."""
        seconds, version, key = line.split()
        return cls(time=float(seconds), version=version, key=key)


@dataclass(kw_only=True)
class Recorded:
    """The file with a line for each record that was processed."""

    file: Path
    _lines: list[Line] = field(default_factory=list)
    _read: int = 0

    def look(self) -> list[Line]:
        """All lines so far."""
        if self.file.exists():
            with self.file.open(encoding="utf-8") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind("\n") + 1]
            self._read += len(whole.encode())
            self._lines += map(Line.parse, whole.splitlines())
        return self._lines

    def times(self) -> dict[str, float]:
        """When each key was first processed."""
        first: dict[str, float] = {}
        for line in self.look():
            first.setdefault(line.key, line.time)
        return first


class Output:
    """What a process prints, read as it comes."""

    def __init__(self, process: "subprocess.Popen[str]", ready: str) -> None:
        self.lines: list[str] = []
        self._is_ready = threading.Event()
        self._process = process
        self._ready = ready
        threading.Thread(target=self._run, daemon=True).start()

    def wait(self) -> None:
        """Until the line is there that says that it is ready. Raises `LoopError`."""
        if not self._is_ready.wait(PATIENCE) or not any(self._ready in each for each in self.lines):
            raise LoopError(f"it is not ready; it printed last: {self.last()}")

    def last(self) -> str:
        return "\n".join(self.lines[-10:])

    def _run(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if self._ready in line:
                self._is_ready.set()
        self._is_ready.set()  # it has ended


@dataclass(kw_only=True)
class Running:
    """A loop that is ready."""

    seconds_to_ready: float
    """The embedded AWS runs already."""
    seconds_from_nothing: float
    """Its start included, and the table's where the loop does not make it."""
    recorded: Recorded
    output: Output
    change_code: Callable[[str], None]
    """To the code of that version."""
    _client: Any
    _table: str
    _written: int = 0

    def write(self, count: int) -> list[str]:
        """New items, 25 a call; returns their keys."""
        keys = [f"request-{number}" for number in range(self._written, self._written + count)]
        self._written += count
        for begin in range(0, count, 25):
            puts = [{"PutRequest": {"Item": _item(key)}} for key in keys[begin : begin + 25]]
            self._client.batch_write_item(RequestItems={self._table: puts})
        return keys

    def processed(self, count: int) -> float:
        """Seconds from the last of so many writes until all are processed."""
        keys = set(self.write(count))
        written = time.time()
        self._wait(lambda: keys <= {each.key for each in self.recorded.look()}, pause=0.005)
        times = self.recorded.times()
        return max(max(times[key] for key in keys) - written, 0)

    def changed(self, version: str) -> float:
        """Seconds from a change of the code until a record, one each 100 ms, is processed by it."""
        changed = time.time()
        self.change_code(version)

        def is_there() -> bool:
            self.write(1)
            return any(each.version == version for each in self.recorded.look())

        self._wait(is_there, pause=0.1)
        new = (each.time for each in self.recorded.look() if each.version == version)
        return min(new) - changed

    def _wait(self, is_there: Callable[[], bool], *, pause: float) -> None:
        end = time.monotonic() + PATIENCE
        while not is_there():
            if time.monotonic() > end:
                raise LoopError(f"not in {PATIENCE:g} s; it printed last:\n{self.output.last()}")
            time.sleep(pause)


def _item(key: str) -> Mapping[str, Any]:
    return {"request_id": {"S": key}, "payload": {"M": {"key": {"S": "val"}}}}


@contextmanager
def ours(*settings: str) -> Iterator[Running]:
    """The frozen project's dev stack with a `process` that writes the lines; `settings` over it."""
    with TemporaryDirectory() as folder:
        project = copy_of_project(Path(folder) / "project")
        recorded = Recorded(file=Path(folder) / "recorded")

        def change_code(version: str) -> None:
            code = PROCESS.format(file=str(recorded.file), version=version)
            (project / "handler" / "process.py").write_text(code, encoding="utf-8")

        change_code("v1")
        options = ["up", *_options(settings)]
        alone = [sys.executable, "-m", "infra.local", *options]
        # The first start of a project compiles it, and lays out what its image contains.
        for _ in range(2):
            with _started(alone, project, "Listening.") as (_output, from_nothing):
                pass
        with ExitStack() as running:
            emulator = running.enter_context(Emulator(region=REGION))
            _warm(emulator)
            command = [sys.executable, "-c", UP_IN, emulator.endpoint.rpartition(":")[2], *options]
            output, took = running.enter_context(_started(command, project, "Listening."))
            environment = exported(output.lines)
            yield Running(
                seconds_to_ready=took,
                seconds_from_nothing=from_nothing,
                recorded=recorded,
                output=output,
                change_code=change_code,
                _client=_client(environment["AWS_ENDPOINT_URL"], environment),
                _table=table_name(output.lines),
            )


def _options(settings: Iterable[str]) -> list[str]:
    return [part for setting in settings for part in ("--config", setting)]


UP_IN: Final = """
import sys
from infra.local.aws.emulator_process import LOOPBACK, EmulatorProcess
from infra.stopping import run

class Running(EmulatorProcess):
    def __init__(self, port):
        self.host, self._port = LOOPBACK, port

    def __exit__(self, *_):
        pass

run("infra.local.command", process=Running(sys.argv.pop(1)))
"""
"""`python -m infra.local`, in the embedded AWS on the port that is named before its options."""


def _warm(emulator: Emulator) -> None:
    """It has been asked for all that either needs, so that it has loaded it."""
    for service, call in _FIRST_CALLS.items():
        getattr(emulator.client(service), call)()


_FIRST_CALLS: Final = {
    "iam": "list_users",
    "s3": "list_buckets",
    "ecr": "describe_repositories",
    "logs": "describe_log_groups",
    "dynamodb": "list_tables",
    "dynamodbstreams": "list_streams",
    "sts": "get_caller_identity",
}

PROCESS: Final = """
import time
from handler.records import RejectedRequestError, Request

def process(request: Request) -> None:
    with open({file!r}, "a") as lines:
        print(time.time(), {version!r}, request.request_id, file=lines)
"""


@contextmanager
def serverless(folder: Path, *, reload: bool = False) -> Iterator[Running]:
    """serverless-offline with the plugin for streams; `reload`: the handler at each invocation."""
    begun = time.perf_counter()
    with Emulator(region=REGION) as emulator, TemporaryDirectory(dir=folder) as service:
        client = emulator.client("dynamodb")
        client.create_table(**TABLE)
        before = time.perf_counter() - begun
        _warm(emulator)
        recorded = Recorded(file=Path(service) / "recorded")

        def change_code(version: str) -> None:
            code = FUNCTION.format(file=str(recorded.file), version=version)
            (Path(service) / "function.py").write_text(code, encoding="utf-8")

        change_code("v1")
        stack = STACK.format(endpoint=emulator.endpoint, region=REGION, size=BATCH_SIZE)
        (Path(service) / "serverless.yml").write_text(stack, encoding="utf-8")
        program = folder / "node_modules" / "serverless" / "bin" / "serverless.js"
        command = ["node", str(program), "offline", "start", *(["--reloadHandler"] * reload)]
        with _started(command, Path(service), "Starting Offline Dynamodb Streams") as (out, took):
            yield Running(
                seconds_to_ready=took,
                seconds_from_nothing=before + took,
                recorded=recorded,
                output=out,
                change_code=change_code,
                _client=client,
                _table=TABLE["TableName"],
            )


TABLE: Final[Mapping[str, Any]] = {
    "TableName": "requests",
    "KeySchema": [{"AttributeName": "request_id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "request_id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}
FUNCTION: Final = """
import time

def handler(event, context):
    for record in event["Records"]:
        key = record["dynamodb"]["NewImage"]["request_id"]["S"]
        with open({file!r}, "a") as lines:
            print(time.time(), {version!r}, key, file=lines)
    return {{"batchItemFailures": []}}
"""
STACK: Final = """
service: bench
frameworkVersion: "3"
provider:
  name: aws
  runtime: python3.11
  region: {region}
plugins: [serverless-offline-dynamodb-streams, serverless-offline]
custom:
  serverless-offline-dynamodb-streams:
    endpoint: {endpoint}
    region: {region}
    accessKeyId: root
    secretAccessKey: root
functions:
  requests:
    handler: function.handler
    events:
      - stream:
          type: dynamodb
          arn: arn:aws:dynamodb:{region}:123456789012:table/requests/stream/2026-01-01T00:00:00.000
          batchSize: {size}
          startingPosition: TRIM_HORIZON
          filterPatterns:
            - eventName: [INSERT]
"""


@contextmanager
def _started(command: list[str], folder: Path, ready: str) -> Iterator[tuple[Output, float]]:
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **_QUIET},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # It is ended with all that it started.
        start_new_session=True,
    )
    output = Output(process, ready)
    try:
        output.wait()
        yield output, time.perf_counter() - begun
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        _end_group(process)


def _end_group(process: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


_QUIET: Final = {
    "CI": "1",
    "SLS_TELEMETRY_DISABLED": "1",
    "SLS_NOTIFICATIONS_MODE": "off",
    "PYTHONDONTWRITEBYTECODE": "",
    "AWS_ACCESS_KEY_ID": "root",
    "AWS_SECRET_ACCESS_KEY": "root",
}


def exported(lines: Iterable[str]) -> dict[str, str]:
    """The variables that `up` prints for another terminal."""
    found = (re.match(r"export (\w+)=(.*)", line) for line in lines)
    return {each[1]: each[2] for each in found if each}


def table_name(lines: Iterable[str]) -> str:
    """The table of the command that `up` prints."""
    command = next(line for line in lines if line.startswith("aws dynamodb put-item"))
    words = shlex.split(command)
    return words[words.index("--table-name") + 1]


def _client(endpoint: str, environment: Mapping[str, str]) -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=environment.get("AWS_REGION", REGION),
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
