"""The command line of the replay: list, show, run and backfill.

Exit codes: 0 all is done (or nothing was to do), 1 something is left, 2 the command cannot be done.
Of a dry run: 0 every record fits the contract, 1 some do not.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.events.stream_record import event_item, item_key
from infra.named_contract import CONTRACT, NamedContractError, contract_named
from infra.replay.backfilling import Backfill, Backfilled, described_table
from infra.replay.dynamodb_json import is_number, plain
from infra.replay.failed_batches import BrokenDocumentError, FailedBatch, FailedBatches
from infra.replay.fitting import Misfits
from infra.replay.printing import as_json, capped, harmless, listing
from infra.replay.running import Replay, changed_since
from infra.replay.selection import Selection, typed
from infra.replay.sending import Counts, Fate, Sender, Settled
from infra.replay.spool import Spool
from infra.replay.stream_filter import deployed_filter
from infra.replay.stream_record import Record
from infra.replay.target import ReplayError, Target, target
from infra.wording import counted

DONE: Final = 0
NOT_DONE: Final = 1
UNUSABLE: Final = 2

_EPILOG: Final = """exit codes: 0 all is done, 1 something is left, 2 the command cannot be done;
of a dry run: 0 every record fits the contract, 1 some do not or cannot be read

Credentials, region and endpoint come from the standard AWS environment (AWS_PROFILE, AWS_REGION,
AWS_ENDPOINT_URL ...), so that the same commands work on the local run. With --stack the region is
the stack's."""

_SHOWN_REASON: Final = 2000
_RATES: Final = (0.01, 100_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    options = _parser().parse_args(arguments)
    terminal = Terminal()
    try:
        names = {part: getattr(options, part) for part in ("bucket", "function", "table")}
        code: int = options.command(
            options, target(stack=options.stack, named=names, pipeline=options.pipeline), terminal
        )
    except (
        ReplayError,
        NamedContractError,
        BrokenDocumentError,
        BotoCoreError,
        ClientError,
    ) as error:
        terminal.say(f"error: {' '.join(str(error).split())}")
        return UNUSABLE
    except KeyboardInterrupt:
        terminal.say("stopped; what was done is put away, the rest stays as it was")
        return NOT_DONE
    except BrokenPipeError:
        # Whoever read the output has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_DONE
    return code


class Terminal:
    """Where it is said how far a command is, beside its output: lines that harm no terminal."""

    def __init__(self, *, interval: float = 5.0) -> None:
        self._interval = interval
        self._told_at = time.monotonic()
        self._is_terminal = sys.stderr.isatty()

    def say(self, message: str) -> None:
        """One line."""
        over = "\x1b[K" if self._is_terminal else ""
        print(f"{over}{harmless(message)}", file=sys.stderr)

    def progress(self, what: str, count: int) -> None:
        """How far it is, every few seconds; on a terminal the line is written over."""
        if time.monotonic() - self._told_at < (0.1 if self._is_terminal else self._interval):
            return
        self._told_at = time.monotonic()
        end = "\x1b[K\r" if self._is_terminal else "\n"
        print(f"{what}: {count:,}", end=end, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.replay",
        description="Failed records: what they are, and the way back.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = _command(commands, "list", _list, "what failed, when, why: oldest first")
    listing.add_argument(
        "--json", action="store_true", help="one JSON object a line, with the whole reasons"
    )
    show = _command(commands, "show", _show, "the records of one object, as plain JSON")
    show.add_argument("key", help="the object's key, as `list` prints it")
    show.add_argument("--json", action="store_true", help="in one line, with the whole reason")
    run = _command(commands, "run", _run, "send failed records through the function again")
    run.add_argument("keys", nargs="*", metavar="KEY", help="objects to replay")
    run.add_argument("--all", action="store_true", help="every object of the bucket")
    _sending_options(run)
    _backfill_options(_command(commands, "backfill", _backfill, "send a table's items as INSERTs"))
    return parser


def _command(commands: Any, name: str, command: Callable[..., int], summary: str) -> Any:
    parser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(command=command)
    parser.add_argument("--stack", help="take names and region from this stack's outputs (Pulumi)")
    parser.add_argument("--pipeline", help="which one of the stack's, if it has several")
    parser.add_argument("--bucket", help="the failure bucket (output failureBucket)")
    parser.add_argument("--function", help="the function (output functionName)")
    parser.add_argument("--table", help="the table (output tableName)")
    return parser


def _backfill_options(parser: argparse.ArgumentParser) -> None:
    for option, meaning in (("since", "at least"), ("before", "less than")):
        parser.add_argument(
            f"--{option}",
            metavar="ATTRIBUTE=VALUE",
            help=f"items whose attribute is {meaning} this value",
        )
    parser.add_argument(
        "--filter", metavar="EXPRESSION", help="items that fit this DynamoDB filter expression"
    )
    parser.add_argument(
        "--values",
        type=_json_object,
        default={},
        metavar="JSON",
        help='the expression\'s :values in DynamoDB\'s JSON, as in {":a": {"S": "b"}}',
    )
    parser.add_argument(
        "--names",
        type=_json_object,
        default={},
        metavar="JSON",
        help='the expression\'s #names, as in {"#at": "at"}: DynamoDB reserves many words',
    )
    parser.add_argument("--all", action="store_true", help="every item of the table; it is asked")
    parser.add_argument("--yes", action="store_true", help="with --all: do not ask")
    parser.add_argument("--rate", type=_rate, default=100.0, help="items a second (default: 100)")
    parser.add_argument(
        "--start-after", type=_json_object, metavar="KEY", help="go on behind this item's key"
    )
    _sending_options(parser)


def _sending_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be done and which records do not fit the contract, do nothing",
    )
    parser.add_argument(
        "--contract",
        default=CONTRACT,
        metavar="MODULE.NAME",
        help=f"for a dry run: the contract that records must fit (default: {CONTRACT})",
    )
    parser.add_argument(
        "--batch-size", type=_count, default=100, help="records of one invocation (default: 100)"
    )
    parser.add_argument(
        "--trust-silence",
        action="store_true",
        help="count a record as processed when the function neither reports it as failed nor says "
        "what became of it, as one with a handler of your own may",
    )


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"must be a JSON object, got {harmless(text)}")
    return value


def _rate(text: str) -> float:
    low, high = _RATES
    if is_number(text) and low <= float(text) <= high:
        return float(text)
    raise argparse.ArgumentTypeError(
        f"must be a number between {low} and {high:,}, got {harmless(text)}"
    )


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 10_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be between 1 and 10000, got {harmless(text)}")


def _list(options: argparse.Namespace, target: Target, terminal: Terminal) -> int:
    bucket = FailedBatches(target.s3, target.bucket)
    rows: list[dict[str, Any]] = []
    unreadable = 0
    for row in bucket.read_each(bucket.keys(), _row if options.json else _short_row):
        if isinstance(row, BrokenDocumentError):
            unreadable += 1
            terminal.say(f"warning: not read: {row}")
        else:
            rows.append(row)
        terminal.progress("objects read", len(rows))
    rows.sort(key=lambda row: str(row["failedAt"]))
    if options.json:
        for row in rows:
            print(as_json(row))
    elif rows:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in listing(rows, width):
            print(line)
    records = sum(row["records"] for row in rows)
    terminal.say(f"{counted(records, 'failed record')} in {counted(len(rows), 'object')}")
    return NOT_DONE if unreadable else DONE


def _row(batch: FailedBatch) -> dict[str, Any]:
    return {
        "key": batch.key,
        "failedAt": batch.failed_at,
        "condition": batch.condition,
        "reason": batch.reason,
        "records": len(batch.records),
    }


def _short_row(batch: FailedBatch) -> dict[str, Any]:
    return {
        name: capped(value) if isinstance(value, str) and name != "key" else value
        for name, value in _row(batch).items()
    }


def _show(options: argparse.Namespace, target: Target, terminal: Terminal) -> int:
    del terminal
    batch = FailedBatches(target.s3, target.bucket).read(options.key)
    shown = {**_row(batch), "records": [_plain_record(one) for one in batch.records]}
    if not options.json:
        shown["reason"] = capped(batch.reason, _SHOWN_REASON)
    try:
        text = as_json(shown, indent=None if options.json else "  ")
    except RecursionError as error:
        raise BrokenDocumentError(f"{batch.key}: it is nested too deeply") from error
    print(text)
    return DONE


def _plain_record(record: Record) -> object:
    """The record as it is, with its typed values as plain ones."""
    if not isinstance(record, dict) or not isinstance(record.get("dynamodb"), dict):
        return record
    images = ("Keys", "NewImage", "OldImage")
    dynamodb = {
        name: plain(value) if name in images else value
        for name, value in record["dynamodb"].items()
    }
    return {**record, "dynamodb": dynamodb}


def _run(options: argparse.Namespace, target: Target, terminal: Terminal) -> int:
    if bool(options.keys) == options.all:
        raise ReplayError("name the objects to replay, or all of them with --all")
    bucket = FailedBatches(target.s3, target.bucket)
    with closing(Spool()) as spool:
        replay = Replay(bucket, spool, say=terminal.say)
        unreadable = _read(replay, bucket, options.keys, terminal)
        if "table" in target.names:
            for key, change in changed_since(
                target.dynamodb, target.table, _watched(spool, terminal)
            ):
                terminal.say(f"warning: {change}: {key}")
        if options.dry_run:
            misfits = Misfits(contract_named(options.contract))
            for record in spool.in_stream_order():
                print(harmless(f"would send {_named(record)}{_but_parked(misfits.judge(record))}"))
            print(f"{counted(len(spool), 'record')} of {counted(replay.objects, 'object')}")
            _say_misfits(misfits)
            return NOT_DONE if unreadable or misfits.count else DONE
        reported = _Reported(terminal, "records replayed")
        replayed = replay.run(_sender(options, target, terminal), reported)
        print(
            f"{counted(len(spool), 'record')} read: {replayed.counts}; "
            f"{replayed.removed} of {counted(replay.objects, 'object')} removed"
        )
        reported.explain(replayed.counts)
    complete = replayed.counts.is_complete and not replayed.not_removed
    return DONE if complete and not unreadable else NOT_DONE


def _but_parked(reason: str | None) -> str:
    return f", which does not fit: {capped(reason)}" if reason else ""


def _say_misfits(misfits: Misfits) -> None:
    if not misfits.count:
        return
    print(f"{counted(misfits.count, 'record')} would be parked, as the contract has them not:")
    for path, count in misfits.by_path.most_common(_SHOWN_PATHS):
        print(harmless(f"  {path}: {counted(count, 'record')}"))


_SHOWN_PATHS: Final = 20


def _read(replay: Replay, bucket: FailedBatches, keys: Sequence[str], terminal: Terminal) -> int:
    """How many objects are left alone; each of them is named in one line."""
    left_alone = 0
    named = dict.fromkeys(keys) or bucket.keys()
    for batch in bucket.read_each(named, lambda batch: batch):
        try:
            if isinstance(batch, BrokenDocumentError):
                raise batch
            replay.read(batch)
        except BrokenDocumentError as error:
            left_alone += 1
            terminal.say(f"warning: left alone: {error}")
        terminal.progress("objects read", replay.objects)
    return left_alone


def _watched(spool: Spool, terminal: Terminal) -> Iterator[Record]:
    for count, record in enumerate(spool.newest_of_each_item()):
        terminal.progress("items compared with the table", count)
        yield record


def _sender(options: argparse.Namespace, target: Target, terminal: Terminal) -> Sender:
    return Sender(
        target.awslambda,
        target.function,
        batch_size=options.batch_size,
        say=terminal.say,
        trusts_silence=options.trust_silence,
    )


class _Reported:
    """Says of each record that is not done what became of it."""

    def __init__(self, terminal: Terminal, what: str) -> None:
        self._terminal = terminal
        self._what = what
        self._count = 0

    def __call__(self, settled: Settled) -> None:
        self._count += 1
        if settled.fate in (Fate.REJECTED, Fate.FAILED):
            self._terminal.say(f"{settled.fate}: {item_key(settled.record)}: {settled.detail}")
        self._terminal.progress(self._what, self._count)

    def explain(self, counts: Counts) -> None:
        """Why there are records that nothing was done with."""
        if counts.by_fate[Fate.UNTOLD]:
            self._terminal.say(
                "untold: the function does not say what became of a record; deploy this version's "
                "handler, or use --trust-silence if what it does not report as failed is done"
            )
        if counts.by_fate[Fate.IGNORED]:
            self._terminal.say("ignored: they are of none of the events that the function takes")


def _named(record: Record) -> str:
    event_id = record.get("eventID") if isinstance(record, dict) else None
    return f"{event_id or 'a record without an event id'} of {item_key(record)}"


def _backfill(options: argparse.Namespace, target: Target, terminal: Terminal) -> int:
    selected = any(each is not None for each in (options.since, options.before, options.filter))
    if selected == options.all:
        raise ReplayError(
            "choose items with --since, --before or --filter, or take every one with --all"
        )
    selection = Selection.of(
        since=options.since,
        before=options.before,
        expression=options.filter,
        names=options.names,
        values=options.values,
    )
    description = described_table(target.dynamodb, target.table)
    start_after = typed("--start-after", options.start_after) if options.start_after else None
    backfill = Backfill(
        target.dynamodb,
        description,
        deployed_filter(target.awslambda, target.function, description["TableArn"]),
        selection,
        start_after=start_after,
    )
    misfits = Misfits(contract_named(options.contract)) if options.dry_run else None
    found = backfill.count(
        lambda result: terminal.progress("items counted", result.scanned),
        on_record=misfits.judge if misfits else lambda _: None,
    )
    print(
        f"{counted(found.scanned, 'item')} scanned: {found.to_send} to send, "
        f"{found.left_out} left out by the selection, "
        f"{found.kept_away} kept away by the mapping's filters"
    )
    if misfits is not None:
        _say_misfits(misfits)
        return NOT_DONE if misfits.count else DONE
    if not found.to_send:
        return DONE
    terminal.say(
        f"{counted(found.to_send, 'item')} will be sent. Those that the stream has delivered "
        "take effect again, and so may those that are written while this runs, unless the "
        "selection leaves them out."
    )
    if options.all and not options.yes and not _confirmed(terminal):
        return NOT_DONE
    return _send_items(backfill, options, _sender(options, target, terminal), terminal)


def _confirmed(terminal: Terminal) -> bool:
    if not sys.stdin.isatty():
        raise ReplayError("--all asks before it sends, and nobody is there to answer: add --yes")
    terminal.say("Send them? [y/N]")
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    terminal.say("nothing was sent")
    return False


def _send_items(
    backfill: Backfill, options: argparse.Namespace, sender: Sender, terminal: Terminal
) -> int:
    reported = _Reported(terminal, "items sent")
    last = Backfilled()

    def on_page(result: Backfilled) -> None:
        nonlocal last
        last = result

    try:
        backfill.run(sender, records_per_second=options.rate, on_settled=reported, on_page=on_page)
    finally:
        if last.resume_after is not None:
            terminal.say(
                f"to go on from here: --start-after '{as_json(event_item(last.resume_after))}'"
            )
    print(f"{counted(last.to_send, 'item')} sent: {last.counts}")
    reported.explain(last.counts)
    return DONE if last.counts.is_complete else NOT_DONE
