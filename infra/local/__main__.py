"""The command line of the local run: demo, up and filter.

Exit codes: 0 as it should be, 1 not every insert was processed, 2 it could not be started.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.local import filter_command
from infra.local.demo import run_demo
from infra.local.emulator import EmulatorError
from infra.local.lambda_runtime import FunctionInitError
from infra.local.mapping_settings import InvalidParameterValueError
from infra.local.program import ProgramError
from infra.local.requests_file import ItemsError
from infra.local.up import run_up

UNUSABLE: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    options = _parser().parse_args(arguments)
    try:
        code: int = options.func(options)
    except FunctionInitError as error:
        return _refuse(f"the handler cannot be imported: {error}")
    except (ProgramError, EmulatorError, ItemsError, InvalidParameterValueError) as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return code


def _refuse(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.local",
        description="The Pulumi program on this machine: no account, no Docker, no Pulumi CLI.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="deploy, send requests through, say what happened")
    _stack_options(demo)
    source = demo.add_mutually_exclusive_group()
    source.add_argument("--items", type=Path, help="write these items: JSON, one object a line")
    source.add_argument("--count", type=_count, help="write so many new requests")
    demo.set_defaults(func=_demo)
    up = commands.add_parser("up", help="deploy and stay, for the AWS CLI and boto3")
    _stack_options(up)
    up.set_defaults(func=_up)
    filter_command.add_parser(commands)
    return parser


def _stack_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", default="dev", help="the stack to deploy (default: dev)")
    parser.add_argument(
        "--port", type=_port, default=0, help="port of the embedded AWS (default: a free one)"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a number from 1 on, got {text}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"must be between 1 and 65535, got {text}")
    return int(text)


def _demo(options: argparse.Namespace) -> int:
    return run_demo(
        stack=options.stack, items=options.items, count=options.count, port=options.port
    )


def _up(options: argparse.Namespace) -> int:
    return run_up(stack=options.stack, port=options.port)


if __name__ == "__main__":
    sys.exit(main())
