"""A handler that fails as each request's payload asks, and what became of the requests in the end.

Everything but `process` is the real handler. A request's payload says which fault it meets and how
often; after that, or once the fault is mended, it takes effect: a line in a file.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from infra.local import LocalDeployment
from infra.replay.command import main
from tests.command_line import Done, call
from tests.project import PROJECT, copy_of
from tests.proof import Outcome

FOREVER: Final = 1_000_000

BATCH_PROCESS: Final = """
import json
from pathlib import Path

from handler.outcomes import Done, Failed, Rejected
from handler.records import RejectedRequestError, Request

__all__ = ["RejectedRequestError", "process", "process_batch"]
ROOT = Path(__file__).parents[1]


def process(request: Request) -> None:
    raise AssertionError("process_batch is called instead")


def process_batch(requests):
    return [outcome(request) for request in requests]


def outcome(request):
    fault = request.payload.get("fault")
    if fault == "poison":
        return Rejected("poison")
    if fault and not (ROOT / "mended").exists():
        return Failed("not now")
    with (ROOT / "effects").open("a") as effects:
        number = int(request.payload.get("number", 0))
        effects.write(json.dumps([request.event_id, request.request_id, number]) + "\\n")
    return Done()
"""

WRITING_PROCESS: Final = """
from handler.records import RejectedRequestError, Request
from handler.writes import Update, Writes

__all__ = ["RejectedRequestError", "process"]


def process(request: Request) -> Writes:
    key, one = {"id": request.request_id}, {":one": 1}
    return Writes([Update(table="orders", key=key, expression="ADD times :one", values=one)])
"""

PROCESS: Final = '''
"""Stands where a user's own process stands, and meets the fault that the payload names."""

import json
import os
import signal
import time
from pathlib import Path

from handler.records import RejectedRequestError, Request

__all__ = ["RejectedRequestError", "process"]
ROOT = Path(__file__).parents[1]


def process(request: Request) -> None:
    if is_faulty(request):
        FAULTS[str(request.payload["fault"])]()
    with (ROOT / "effects").open("a") as effects:
        number = int(request.payload.get("number", 0))
        effects.write(json.dumps([request.event_id, request.request_id, number]) + "\\n")


def is_faulty(request: Request) -> bool:
    if "fault" not in request.payload:
        return False
    attempts = ROOT / "attempts" / request.event_id
    with attempts.open("a") as attempt:
        attempt.write(".")
    is_mended = (ROOT / "mended").exists() and request.payload["fault"] != "poison"
    return not is_mended and attempts.stat().st_size <= int(request.payload["times"])


def fail() -> None:
    raise ConnectionError("a service is not there")


def reject() -> None:
    raise RejectedRequestError("poison")


def kill() -> None:
    time.sleep(0.5)  # what ended before it is remembered after 100 ms
    os.kill(os.getpid(), signal.SIGKILL)


def take_memory() -> None:
    time.sleep(0.5)  # as before a kill
    taken = [bytearray(64 * 1024 * 1024) for _ in range(16)]
    time.sleep(60)
    del taken


FAULTS = {
    "fail": fail,
    "poison": reject,
    "kill": kill,
    "hang": lambda: time.sleep(60),
    "memory": take_memory,
}
'''

FAULTY_ENTRY: Final = '''
"""The real handler behind an entry point that breaks what lies around it, a few times."""

import json
import os
import signal
from pathlib import Path

import botocore.awsrequest
import botocore.exceptions
import botocore.httpsession

from handler.app import handler

ROOT = Path(__file__).parent
SEND = botocore.httpsession.URLLib3Session.send
NONSENSE = [
    {"batchItemFailures": [{"itemIdentifier": ""}]},
    {"batchItemFailures": [{"itemIdentifier": None}]},
    {"batchItemFailures": [{"nonsense": "1"}]},
    {"batchItemFailures": [{"itemIdentifier": "no such record"}]},
]


def counted(name):
    path = ROOT / name
    with path.open("a") as file:
        file.write(".")
    return path.stat().st_size


def nonsense(event, context):
    response, number = handler(event, context), counted("nonsense")
    return NONSENSE[number - 1] if number <= len(NONSENSE) else response


def send(session, request):
    """Lets the first calls of one operation of DynamoDB fail as `call_fault` says."""
    fault = ROOT / "call_fault"
    operation, kind, times = fault.read_text().split() if fault.exists() else ("", "", "0")
    target = request.headers.get("X-Amz-Target", b"")
    target = target.decode() if isinstance(target, bytes) else target
    if not operation or not target.endswith(operation):
        return SEND(session, request)
    number = counted("call_faults")
    # A kill spares the call that follows it: the retry.
    if number > int(times) or (kind.startswith("kill") and number % 2 == 0):
        return SEND(session, request)
    if kind == "lost":
        SEND(session, request)
        raise botocore.exceptions.ReadTimeoutError(endpoint_url=request.url)
    if kind.startswith("kill"):
        if kind == "kill-after":
            SEND(session, request)
        os.kill(os.getpid(), signal.SIGKILL)
    body = json.dumps({
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "The level of configured provisioned throughput was exceeded.",
    }).encode()
    response = botocore.awsrequest.AWSResponse(request.url, 400, {}, None)
    response._content = body
    return response


botocore.httpsession.URLLib3Session.send = send
'''


@dataclass(kw_only=True, slots=True)
class FaultyHandler:
    """A folder with the handler in it, for `deploy(code=...)`."""

    folder: Path
    inserts: list[tuple[str, int]] = field(default_factory=list)
    """Key and number of each request that was written."""

    def __post_init__(self) -> None:
        (self.folder / "attempts").mkdir()
        copy_of("handler", self.folder)
        # No build context: the folder itself is /var/task, with what the faults leave in it.
        (self.folder / "handler" / "Dockerfile").unlink()
        self.process.write_text(PROCESS)
        (self.folder / "faulty.py").write_text(FAULTY_ENTRY)

    @property
    def process(self) -> Path:
        """The module that a user replaces."""
        return self.folder / "handler" / "process.py"

    def mend(self) -> None:
        """From now on nothing but poison fails."""
        (self.folder / "mended").touch()

    def fail_calls(self, operation: str, kind: str, *, times: int) -> None:
        """The next calls of an operation are throttled, their replies lost, or kill the process.

        `kind`: throttle, lost, kill-before or kill-after; every other call kills. It takes the
        entry `faulty.handler`.
        """
        (self.folder / "call_fault").write_text(f"{operation} {kind} {times}")

    @property
    def failed_calls(self) -> int:
        """How many calls of that operation there were."""
        file = self.folder / "call_faults"
        return file.stat().st_size if file.exists() else 0

    def put(
        self,
        deployment: LocalDeployment,
        key: str,
        fault: str | None = None,
        *,
        times: int = FOREVER,
        number: int = 0,
    ) -> None:
        """Writes one request that is processed, or meets the fault so many times."""
        self.put_all(deployment, [request(key, fault, times=times, number=number)])

    def put_all(self, deployment: LocalDeployment, items: Sequence[Mapping[str, Any]]) -> None:
        """Writes requests in their order."""
        _write(deployment, [{"PutRequest": {"Item": item}} for item in items])
        for item in items:
            number = item["payload"]["M"]["number"]["N"]
            self.inserts.append((item["request_id"]["S"], int(number)))

    def remove(self, deployment: LocalDeployment, *keys: str) -> None:
        """Deletes items, so that the next write of such a key is an INSERT again."""
        deletions = [{"DeleteRequest": {"Key": {"request_id": {"S": key}}}} for key in keys]
        _write(deployment, deletions)

    @property
    def effects(self) -> list[tuple[str, str, int]]:
        """Event id, key and number of each effect, in order."""
        file = self.folder / "effects"
        lines = file.read_text().splitlines() if file.exists() else []
        return [tuple(json.loads(line)) for line in lines]

    def outcome(self, fault: str, deployment: LocalDeployment) -> Outcome:
        """What became of every insert so far."""
        effects = self.effects
        took_effect = {(key, number) for _, key, number in effects}
        kept = set(_parked(deployment))
        inserted = set(self.inserts)
        numbers: dict[str, list[int]] = {}
        for _, key, number in effects:
            numbers.setdefault(key, []).append(number)
        return Outcome(
            fault=fault,
            records=len(inserted),
            processed=len(took_effect & inserted),
            parked=len((kept & inserted) - took_effect),
            lost=len(inserted - took_effect - kept),
            duplicates=sum(Counter(event_id for event_id, *_ in effects).values())
            - len({event_id for event_id, *_ in effects}),
            out_of_order=sum(each != sorted(each) for each in numbers.values()),
        )


def request(
    key: str, fault: str | None = None, *, times: int = FOREVER, number: int = 0
) -> Mapping[str, Any]:
    """An item that is processed, or meets the fault so many times."""
    payload: dict[str, Any] = {"number": {"N": str(number)}}
    if fault is not None:
        payload |= {"fault": {"S": fault}, "times": {"N": str(times)}}
    return {"request_id": {"S": key}, "payload": {"M": payload}}


def _write(deployment: LocalDeployment, writes: Sequence[Mapping[str, Any]]) -> None:
    """25 writes at a time, of different items, are what DynamoDB takes."""
    client, table = deployment.client("dynamodb"), deployment.outputs["tableName"]
    for first in range(0, len(writes), 25):
        answer = client.batch_write_item(RequestItems={table: writes[first : first + 25]})
        assert answer["UnprocessedItems"] == {}


def _parked(deployment: LocalDeployment) -> Iterator[tuple[str, int]]:
    """Key and number of each record that the failure bucket holds whole."""
    s3, bucket = deployment.client("s3"), deployment.outputs["failureBucket"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            document = json.loads(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
            for record in json.loads(document["payload"])["Records"]:
                image = record["dynamodb"]["NewImage"]
                yield image["request_id"]["S"], int(image["payload"]["M"]["number"]["N"])


def replay(deployment: LocalDeployment, *arguments: str) -> Done:
    """`python -m infra.replay` for a deployment, as somebody at its terminal has it."""
    return call(main, *arguments, *target(deployment), environment=deployment.environment)


def replay_command(
    deployment: LocalDeployment, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """The real command."""
    return subprocess.run(
        [sys.executable, "-m", "infra.replay", *arguments, *target(deployment)],
        cwd=PROJECT,
        env={**os.environ, **deployment.environment},
        capture_output=True,
        text=True,
        check=False,
    )


def target(deployment: LocalDeployment) -> list[str]:
    """The options that name a deployment's parts."""
    outputs = {"bucket": "failureBucket", "function": "functionName", "table": "tableName"}
    return [
        argument
        for part, output in outputs.items()
        for argument in (f"--{part}", deployment.outputs[output])
    ]
