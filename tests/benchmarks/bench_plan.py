"""From the program to its full plan, beside the same stack in CDK up to its template.

Process and imports included, no account and no Docker; each is run once before, so that what is
compiled or unpacked once is.
"""

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks import commands
from tests.benchmarks.figures import Bar, Panel, Part, Table, with_spread
from tests.benchmarks.peers import Peer, PeerLeftOutError, set_up
from tests.benchmarks.side_by_side import Samples, in_turns
from tests.benchmarks.target import at_least
from tests.project import PROJECT

ROUNDS: Final = 5
TARGET: Final = 3
"""Times sooner than CDK in Python."""
APPS: Final = Path(__file__).parent / "cdk"
OURS: Final = "ours, Pulumi in Python"

# Solutions Constructs' Python package takes no newer aws-cdk-lib.
PYTHON: Final = Peer(
    name="cdk-python",
    packages=(
        "aws-cdk-lib==2.257.0",
        "constructs==10.8.1",
        "aws-solutions-constructs.aws-dynamodbstreams-lambda==2.101.0",
    ),
    needs=("node",),
    is_python=True,
)
JAVASCRIPT: Final = Peer(
    name="cdk-javascript",
    packages=(
        "aws-cdk-lib@2.276.0",
        "constructs@10.8.1",
        "@aws-solutions-constructs/core@2.101.0",
        "@aws-solutions-constructs/aws-dynamodbstreams-lambda@2.101.0",
    ),
    needs=("node", "npm"),
)
PEERS: Final = {"CDK in Python": PYTHON, "CDK in JavaScript": JAVASCRIPT}


def main() -> Part:
    with TemporaryDirectory() as folder:
        works, left_out = _works(Path(folder))
        for work in works.values():
            work()
        times = in_turns(works, rounds=ROUNDS)
        for name in PEERS:
            if name in times:
                check(Path(folder) / name)
    wall = {name: Samples(tuple(each.wall for each in took)) for name, took in times.items()}
    cpu = {name: Samples(tuple(each.cpu for each in took)) for name, took in times.items()}
    rows = [
        (name, with_spread(wall[name]), with_spread(cpu[name]), *_ratio(name, wall))
        for name in wall
    ]
    head = ("program to full plan", "s", "CPU s", "times ours", "target")
    bars = (
        Bar(name=name, value=samples.median, is_ours=name == OURS) for name, samples in wall.items()
    )
    panel = Panel(title="Program to full plan", unit="s", bars=tuple(bars))
    return Part(
        title="Program to full plan",
        tables=(Table(head=head, rows=tuple(rows)),),
        notes=(*NOTES, *left_out),
        panel=panel,
    )


NOTES: Final = (
    (
        "The dev stack: table with stream, image, function, filtered mapping with its failure "
        "bucket, table of events, permissions; process and imports included. CDK's is synthesised"
        " to its template with AWS Solutions Constructs' aws-dynamodbstreams-lambda "
        "(tests/benchmarks/cdk); ours is registered in full with an engine that makes nothing."
    ),
    (
        "CDK is itself JavaScript: a Python program drives it through jsii, in a process of node."
        " The target is held against CDK in the same language as ours."
    ),
)


def _ratio(name: str, wall: Mapping[str, Samples]) -> tuple[str, str]:
    if name == OURS:
        return "", ""
    ratio = wall[name].times(wall[OURS])
    return with_spread(ratio), at_least(ratio, TARGET) if name == "CDK in Python" else ""


def _works(folder: Path) -> tuple[dict[str, Callable[[], commands.Took]], list[str]]:
    plan = [sys.executable, "-c", "from tests.plan import plan_of; plan_of()"]
    works: dict[str, Callable[[], commands.Took]] = {OURS: partial(commands.run, plan, PROJECT)}
    left_out = []
    for name, peer in PEERS.items():
        try:
            set_up(peer)
        except PeerLeftOutError as error:
            left_out.append(f"{name} is left out: {error}.")
            continue
        works[name] = partial(commands.run, _command(peer, folder / name), PROJECT, QUIET)
    return works, left_out


QUIET: Final = {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"}


def _command(peer: Peer, output: Path) -> list[str]:
    folders = [str(PROJECT / "handler"), str(output)]
    if peer.is_python:
        return [str(peer.python), str(APPS / "app.py"), *folders]
    return ["node", str(APPS / "app.js"), str(peer.folder), *folders]


def check(output: Path) -> None:
    """The template holds what it is compared for: a mapping with a filter and a destination."""
    template = json.loads((output / "requests.template.json").read_text(encoding="utf-8"))
    (mapping,) = (
        each["Properties"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Lambda::EventSourceMapping"
    )
    assert mapping["FilterCriteria"]["Filters"] == [{"Pattern": '{"eventName":["INSERT"]}'}]
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"]
