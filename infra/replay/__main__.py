"""The command line of the replay: list, show, run and backfill.

Exit codes: 0 all is done (or nothing was to do), 1 something is left, 2 the command cannot be done.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import Progress as ProgressBar
from rich.table import Table

from infra.replay.backfilling import Backfill, Selection
from infra.replay.dynamodb_json import json_ready, plain
from infra.replay.failed_batches import BrokenDocumentError, FailedBatch, FailureBucket
from infra.replay.running import Replay, changed_since
from infra.replay.sending import Sender, in_stream_order, item_key
from infra.replay.target import ReplayError, Target, target

DONE: Final = 0
NOT_DONE: Final = 1
UNUSABLE: Final = 2

_EPILOG: Final = """exit codes: 0 all is done, 1 something is left, 2 the command cannot be done

Credentials, region and endpoint come from the standard AWS environment (AWS_PROFILE, AWS_REGION,
AWS_ENDPOINT_URL ...), so that the same commands work on the local run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    options = _parser().parse_args(arguments)
    # A line is one line, and what is printed is never markup.
    screen = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    try:
        names = {part: getattr(options, part) for part in ("bucket", "function", "table")}
        code: int = options.command(options, target(stack=options.stack, named=names), screen)
    except (ReplayError, BrokenDocumentError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("stopped; what was done is put away, the rest stays as it was", file=sys.stderr)
        return NOT_DONE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.replay",
        description="Failed records: what they are, and the way back.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = _command(commands, "list", _list, "what failed, when, why: oldest first")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    show = _command(commands, "show", _show, "the records of one object, as plain JSON")
    show.add_argument("key", help="the object's key, as `list` prints it")
    run = _command(commands, "run", _run, "send failed records through the function again")
    run.add_argument("keys", nargs="*", metavar="KEY", help="objects to replay")
    run.add_argument("--all", action="store_true", help="every object of the bucket")
    _sending_options(run)
    backfill = _command(
        commands, "backfill", _backfill, "send the table's items as INSERTs, each once"
    )
    backfill.add_argument(
        "--since", metavar="ATTRIBUTE=VALUE", help="items whose attribute is at least this value"
    )
    backfill.add_argument(
        "--filter", metavar="EXPRESSION", help="items that fit this DynamoDB filter expression"
    )
    backfill.add_argument(
        "--values",
        type=_json_object,
        default={},
        metavar="JSON",
        help='the expression\'s :values in DynamoDB\'s JSON, as in {":a": {"S": "b"}}',
    )
    backfill.add_argument("--all", action="store_true", help="every item of the table")
    backfill.add_argument(
        "--rate", type=_positive, default=100.0, help="items a second (default: 100)"
    )
    backfill.add_argument(
        "--start-after", type=_json_object, metavar="KEY", help="go on behind this item's key"
    )
    _sending_options(backfill)
    return parser


def _command(commands: Any, name: str, command: Callable[..., int], summary: str) -> Any:
    parser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(command=command)
    parser.add_argument("--stack", help="take the names from this stack's outputs (Pulumi CLI)")
    parser.add_argument("--bucket", help="the failure bucket (output failureBucket)")
    parser.add_argument("--function", help="the function (output functionName)")
    parser.add_argument("--table", help="the table (output tableName)")
    return parser


def _sending_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    parser.add_argument(
        "--batch-size", type=_count, default=100, help="records of one invocation (default: 100)"
    )


def _json_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"must be a JSON object, got {text}")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"must be more than 0, got {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 10_000:
        raise argparse.ArgumentTypeError(f"must be between 1 and 10000, got {text}")
    return value


def _list(options: argparse.Namespace, target: Target, screen: Console) -> int:
    bucket = FailureBucket(target.s3, target.bucket)
    batches = sorted(_read(bucket, bucket.keys(), screen), key=lambda batch: batch.failed_at)
    if options.json:
        for batch in batches:
            print(json.dumps(_row(batch)))
    elif batches:
        table = Table("failed at", "why", "records", "key", box=None, pad_edge=False)
        for batch in batches:
            why = f"{batch.condition}: {batch.reason}" if batch.reason else batch.condition
            table.add_row(batch.failed_at, why, str(len(batch.records)), batch.key)
        # A key that is cut is of no use to whoever wants to paste it.
        Console(width=None if sys.stdout.isatty() else 400, highlight=False, markup=False).print(
            table
        )
    records = sum(len(batch.records) for batch in batches)
    screen.print(f"{_counted(records, 'failed record')} in {_counted(len(batches), 'object')}")
    return DONE


def _row(batch: FailedBatch) -> dict[str, Any]:
    return {
        "key": batch.key,
        "failedAt": batch.failed_at,
        "condition": batch.condition,
        "reason": batch.reason,
        "records": len(batch.records),
    }


def _show(options: argparse.Namespace, target: Target, screen: Console) -> int:
    del screen
    batch = FailureBucket(target.s3, target.bucket).read(options.key)
    print(json.dumps([_plain_record(one) for one in batch.records], indent=2, default=json_ready))
    return DONE


def _plain_record(record: object) -> object:
    """The record as it is, with its typed values as plain ones."""
    if not isinstance(record, dict) or not isinstance(record.get("dynamodb"), dict):
        return record
    images = ("Keys", "NewImage", "OldImage")
    dynamodb = {
        name: plain(value) if name in images else value
        for name, value in record["dynamodb"].items()
    }
    return {**record, "dynamodb": dynamodb}


def _run(options: argparse.Namespace, target: Target, screen: Console) -> int:
    if bool(options.keys) == options.all:
        raise ReplayError("name the objects to replay, or all of them with --all")
    bucket = FailureBucket(target.s3, target.bucket)
    keys = list(dict.fromkeys(options.keys)) or bucket.keys()
    batches = list(_read(bucket, keys, screen))
    unreadable = len(keys) - len(batches)
    records = in_stream_order(record for batch in batches for record in batch.records)
    if "table" in target.names:
        for key, change in changed_since(target.dynamodb, target.table, records):
            screen.print(f"warning: {change}: {key}")
    if options.dry_run:
        for record in records:
            print(f"would send {_named(record)}")
        print(f"{_counted(len(records), 'record')} of {_counted(len(batches), 'object')}")
        return NOT_DONE if unreadable else DONE
    sender = Sender(target.awslambda, target.function, batch_size=options.batch_size)
    with _progress(screen) as bar:
        task = bar.add_task("replaying", total=len(records))
        summary = Replay(bucket, sender, batches).run(lambda done: bar.advance(task, done))
    for error in summary.errors:
        screen.print(f"failed: {error}")
    print(
        f"{_counted(summary.read, 'record')} read: {summary.done} done, "
        f"{summary.rejected_again} rejected again, {summary.failed} failed, "
        f"{summary.held_back} held back behind a failed one; "
        f"{summary.removed} of {_counted(summary.objects, 'object')} removed"
    )
    return DONE if summary.is_complete and not unreadable else NOT_DONE


def _named(record: object) -> str:
    event_id = record.get("eventID") if isinstance(record, dict) else None
    return f"{event_id or 'a record without an event id'} of {item_key(record)}"


def _backfill(options: argparse.Namespace, target: Target, screen: Console) -> int:
    selected = options.since is not None or options.filter is not None
    if selected == options.all:
        raise ReplayError("choose items with --since or --filter, or take every one with --all")
    selection = Selection.of(since=options.since, expression=options.filter, values=options.values)
    sender = None
    if not options.dry_run:
        sender = Sender(target.awslambda, target.function, batch_size=options.batch_size)
    backfill = Backfill(target.dynamodb, target.table, sender, records_per_second=options.rate)
    result = backfill.result
    try:
        with _progress(screen) as bar:
            task = bar.add_task("backfilling", total=None)
            backfill.run(
                selection,
                start_after=options.start_after,
                on_page=lambda: bar.update(task, completed=result.scanned),
            )
    finally:
        if result.resume_after is not None:
            position = json.dumps(result.resume_after, separators=(",", ":"))
            screen.print(f"to go on from here: --start-after '{position}'")
    for error in result.errors:
        screen.print(f"failed: {error}")
    done = "would be sent" if options.dry_run else "done"
    print(
        f"{_counted(result.scanned, 'item')} scanned: {result.done} {done}, "
        f"{len(result.errors)} failed, {result.left_out} left out by the filter"
    )
    return NOT_DONE if result.errors else DONE


def _read(bucket: FailureBucket, keys: Sequence[str], screen: Console) -> list[FailedBatch]:
    """The readable ones; each of the others is named in one line."""
    batches = []
    for batch in bucket.read_all(keys):
        if isinstance(batch, BrokenDocumentError):
            screen.print(f"warning: not read: {batch}")
        else:
            batches.append(batch)
    return batches


def _progress(screen: Console) -> ProgressBar:
    """A bar on a terminal, nothing elsewhere."""
    return ProgressBar(console=screen, transient=True, disable=not screen.is_terminal)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


if __name__ == "__main__":
    sys.exit(main())
