"""`python -m infra.capacity`: reads the load and the stack's settings, prints what it takes."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from infra.capacity.question import Question, QuestionError, question
from infra.named_contract import CONTRACT, NamedContractError, contract_named

if TYPE_CHECKING:
    from handler.config import RequestsStream
    from infra.capacity.settings import Settings

FITS: Final = 0
DOES_NOT_FIT: Final = 1
UNUSABLE: Final = 2


def main(
    arguments: Sequence[str] | None = None, *, contract: "RequestsStream | None" = None
) -> int:
    """0: it fits; 1: it does not; 2: the question was wrong.

    `contract` is asked about where no stack is named; None: the project's.
    """
    words = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(_joined(words))
    # A stack's settings take a while to import, and the simulation too: help needs neither.
    from infra.capacity.settings import SettingsError, settings  # noqa: PLC0415

    mistakes: list[str] = []
    try:
        asked = question(options)
        changes = asked.changes
    except QuestionError as error:
        mistakes, changes = error.mistakes, error.changes
    try:
        if contract is None and options.stack is None:
            contract = contract_named(CONTRACT)
        of_stack = settings(options.stack, options.pipeline, changes, contract)
    except SettingsError as error:
        mistakes += error.mistakes
    except NamedContractError as error:
        mistakes.append(str(error))
    if mistakes:
        return _refused("; ".join(mistakes))
    return _answered(asked, of_stack)


def _joined(words: Sequence[str]) -> list[str]:
    """`--outage -5m` as one word: argparse takes what begins with a dash for an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1].startswith("--") and re.match(r"-[.\d]", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _refused(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return UNUSABLE


def _answered(asked: Question, of_stack: "Settings") -> int:
    from infra.capacity.assessment import ASSUMED, assess  # noqa: PLC0415 - as above
    from infra.capacity.plot import plot  # noqa: PLC0415
    from infra.capacity.report import report  # noqa: PLC0415

    shards, shards_from = asked.shards, "given"
    if shards is None and asked.stack is not None:
        shards, shards_from = _of_stream(asked.stack, asked.pipeline), "open in the stack's stream"
    found = assess(
        asked.workload, of_stack, shards=shards, shards_from=shards_from if shards else ASSUMED
    )
    print(report(found))
    if asked.plot is not None:
        try:
            asked.plot.write_text(plot(found), encoding="utf-8")
        except OSError as error:
            return _refused(f"--plot cannot be written: {error}")
    return FITS if found.fits else DOES_NOT_FIT


def _of_stream(stack: str, pipeline: str | None) -> int | None:
    """Of a deployed stack; None: it is said why its stream was not asked."""
    from infra.capacity.deployed import NotDeployedError, open_shards  # noqa: PLC0415 - as above

    try:
        return open_shards(stack, pipeline)
    except NotDeployedError as error:
        print(f"note: the stream of stack {stack} was not asked: {error}", file=sys.stderr)
        return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.capacity",
        description="What a load takes of a stack: shards, concurrency, the iterator's age through "
        "a burst or an outage, quotas, and dollars a month.",
        epilog="Exit codes: 0 it fits; 1 it does not keep up as it is set, or a quota is exceeded; "
        "2 the question was wrong. How it is reckoned: docs/scaling.md.",
    )
    parser.add_argument(
        "--writes-per-second", metavar="N", help="of the whole table; must be given"
    )
    parser.add_argument(
        "--record-kb",
        default="1",
        metavar="KB",
        help="size of an item, up to 400 (default: 1)",
    )
    parser.add_argument(
        "--process-ms",
        default="10",
        metavar="MS",
        help="what `process` takes for one record (default: 10)",
    )
    parser.add_argument(
        "--passing",
        default="50",
        metavar="PERCENT",
        help="share of the writes that the filter lets through (default: 50)",
    )
    parser.add_argument(
        "--burst",
        metavar="N/TIME",
        help="so many writes a second for so long, as in 8000/10m",
    )
    parser.add_argument(
        "--outage",
        metavar="TIME",
        help="what `process` calls is down for so long, as in 90s, 30m, 2h or 1d",
    )
    parser.add_argument("--shards", metavar="N", help="of the stream, where known")
    parser.add_argument(
        "--stack", help="its settings, and the shards that its stream has (default: the defaults)"
    )
    parser.add_argument("--pipeline", help="which pipeline's, where a program has several")
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value over the stack file's, as in eventSource.batchSize=500 or, in another "
        "pipeline's namespace, payments:eventSource.batchSize=500; may be given often",
    )
    parser.add_argument("--plot", metavar="FILE", help="draw the iterator's age into this .svg")
    return parser
