"""The command line of the local run: demo, up, expire and filter.

Exit codes: 0 as it should be, 1 not all that the filter let through was processed, 2 it could not
be started, 130 stopped before its end.
"""

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from infra.config.argument import setting
from infra.config.stack_file import merged
from infra.exports import WhichPipelineError
from infra.filters import command as filter_command
from infra.filters.pattern import FilterPattern
from infra.local.aws.emulator import EmulatorError, expire
from infra.local.aws.emulator_process import EmulatorProcess
from infra.local.demo import run_demo
from infra.local.function.docker_sandbox import DockerError, DockerSandbox, docker_sandbox
from infra.local.function.image_contents import MissingPackageError
from infra.local.function.lambda_function import FunctionInitError
from infra.local.pipelines import pipeline_of
from infra.local.program.run import ProgramError, declared_by_program, default_stack
from infra.local.provider.private_stack import PulumiError
from infra.local.requests_file import ItemsError
from infra.local.up import run_up
from infra.stopping import STOPPED
from infra.wording import counted

UNUSABLE: Final = 2


def main(arguments: Sequence[str] | None = None, *, process: EmulatorProcess | None = None) -> int:
    """Runs one command and returns its exit code.

    `process` is an embedded AWS that was begun ahead, for a command that can use it.
    """
    # Python's last resort writes to what sys.stderr is then: above a live display too.
    logging.basicConfig(format="%(message)s", handlers=filter(None, [logging.lastResort]))
    options = _parser().parse_args(arguments)
    options.process = process
    try:
        code: int = options.func(options)
    except FunctionInitError as error:
        return _refuse(f"the handler cannot be imported: {error}{_remedy(str(error))}")
    except (
        DockerError,
        EmulatorError,
        ItemsError,
        MissingPackageError,
        ProgramError,
        PulumiError,
        WhichPipelineError,
    ) as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be what is gone
            print("stopped; nothing is left running", file=sys.stderr)
        return STOPPED
    return code


def _remedy(error: str) -> str:
    if "No module named" not in error:
        return ""
    return (
        "; the image has AWS's own packages and those of handler/requirements.txt: add one to the "
        "group `handler` in pyproject.toml, and run make lock"
    )


def _refuse(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.local",
        description="The Pulumi program on this machine: no account, and no Pulumi CLI needed.",
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
    up.add_argument(
        "--pulumi",
        action="store_true",
        help="make the stack by Pulumi's own engine, whose commands then work on it",
    )
    up.set_defaults(func=_up)
    expire_parser = commands.add_parser(
        "expire", help="remove what is past its time to live from the run that `up` began"
    )
    expire_parser.add_argument(
        "--endpoint",
        default=os.environ.get("AWS_ENDPOINT_URL"),
        metavar="URL",
        help="the embedded AWS (default: AWS_ENDPOINT_URL, which `up` prints)",
    )
    expire_parser.set_defaults(func=_expire)
    _add_filter(commands)
    return parser


def _add_filter(commands: Any) -> None:
    parser = filter_command.add_parser(commands)
    parser.add_argument("--stack", help="the stack's own filters, in place of --pattern")
    _pipeline_and_config(parser)
    parser.set_defaults(func=_filter)


def _stack_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stack",
        default=default_stack(),
        help="the stack to deploy (default: dev, or the first that has a file)",
    )
    _pipeline_and_config(parser)
    parser.add_argument(
        "--port", type=_port, default=0, help="port of the embedded AWS (default: a free one)"
    )
    parser.add_argument(
        "--docker",
        action="store_true",
        help="build the image and run the handler in it, instead of as a process",
    )


def _pipeline_and_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pipeline", help="which one of the program's, if it has several")
    parser.add_argument(
        "--config",
        type=setting,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value over the stack file's, as in eventSource.batchSize=1; may be given often",
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
    with _sandbox(options) as sandbox:
        return run_demo(
            stack=options.stack,
            items=options.items,
            count=options.count,
            pipeline=options.pipeline,
            port=options.port,
            process=_process(options),
            config=_config(options),
            sandbox=sandbox,
        )


def _up(options: argparse.Namespace) -> int:
    with _sandbox(options) as sandbox:
        return run_up(
            stack=options.stack,
            pipeline=options.pipeline,
            port=options.port,
            process=_process(options),
            config=_config(options),
            sandbox=sandbox,
            by_pulumi=options.pulumi,
        )


def _filter(options: argparse.Namespace) -> int:
    if options.stack is None:
        return filter_command.run(options)
    if options.pattern is not None:
        return _refuse("--stack has patterns of its own: leave one of it and --pattern out")
    declared = declared_by_program(options.stack, _config(options))
    pipeline = pipeline_of(declared, options.pipeline)
    return filter_command.explain(map(FilterPattern, pipeline.filter_patterns), options.event)


def _expire(options: argparse.Namespace) -> int:
    if not options.endpoint:
        raise EmulatorError(
            "name the embedded AWS: by AWS_ENDPOINT_URL, which `python -m infra.local up` prints, "
            "or with --endpoint"
        )
    count = expire(options.endpoint)
    print(f"{counted(count, 'item')} removed")
    return 0


def _sandbox(
    options: argparse.Namespace,
) -> contextlib.AbstractContextManager[DockerSandbox | None]:
    return docker_sandbox() if options.docker else contextlib.nullcontext()


def _process(options: argparse.Namespace) -> EmulatorProcess | None:
    """What was begun ahead, unless the embedded AWS is to listen elsewhere."""
    process: EmulatorProcess | None = options.process
    return None if options.docker or options.port else process


def _config(options: argparse.Namespace) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for each in options.config:
        config = merged(config, each)
    return config
