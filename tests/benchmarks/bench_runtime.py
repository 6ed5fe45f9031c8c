"""Invocations a second through the Runtime API to a real runtime, and how fast the handler starts.

The floor of the first is a web server of the same kind that does nothing, asked as often as the
runtime asks. The floor of the second is AWS's runtime client with a Powertools Logger.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import web

from infra.local.function.image import task_root
from infra.local.function.lambda_function import LambdaFunction
from infra.local.function.sandbox import FunctionSettings
from tests.benchmarks.side_by_side import medians
from tests.benchmarks.target import at_least, at_most
from tests.unit.handler.events import batch, record

INVOCATIONS = 2_000
RATE = 1_000
"""Invocations a second, one at a time."""
STARTS = 9
START = 1.15
"""Times the start of a Logger alone."""
EVENT = batch(record())

LOGGER_ONLY = """
from aws_lambda_powertools import Logger
logger = Logger()
def handler(event, context):
    return event
"""
NOTHING = "def handler(event, context): return {'batchItemFailures': []}"


def main() -> None:
    with tempfile.TemporaryDirectory() as nothing, tempfile.TemporaryDirectory() as logger_only:
        (Path(nothing) / "function.py").write_text(NOTHING)
        (Path(logger_only) / "function.py").write_text(LOGGER_ONLY)
        _print_rates(Path(nothing))
        with task_root() as ours:
            _print_starts(ours, Path(logger_only))


def _print_rates(code: Path) -> None:
    rates = medians(
        {
            "runtime": lambda: asyncio.run(_invocations_a_second(_settings(code), concurrency=1)),
            "two": lambda: asyncio.run(_invocations_a_second(_settings(code), concurrency=2)),
            "server": lambda: asyncio.run(_bare_invocations_a_second()),
        },
        rounds=3,
    )
    print(
        f"runtime, awslambdaric: {rates['runtime']:>9,.0f} invocations/s, "
        f"{rates['runtime'] / rates['server']:.2g} times a bare server's ({rates['server']:,.0f}) "
        f"{at_least(rates['runtime'], RATE)}"
    )
    print(
        f"runtime, two at a time: {rates['two']:>8,.0f} invocations/s, "
        f"{rates['two'] / rates['runtime']:.2g} times one at a time"
    )


def _print_starts(ours: Path, logger_only: Path) -> None:
    works: dict[str, Callable[[], float]] = {
        "ours": lambda: asyncio.run(_start(_settings(ours, "handler.app.handler"))),
        "logger only": lambda: asyncio.run(_start(_settings(logger_only))),
    }
    times = medians(works, rounds=STARTS)
    ratio = times["ours"] / times["logger only"]
    print(
        f"runtime, start to first event: {times['ours'] * 1000:>4,.0f} ms, "
        f"{ratio:.3g} times a Logger alone ({times['logger only'] * 1000:,.0f} ms) "
        f"{at_most(ratio, START, ' times')}"
    )


def _settings(code: Path, entry_point: str = "function.handler") -> FunctionSettings:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:bench"
    return FunctionSettings(name="bench", arn=arn, entry_point=entry_point, code=code)


async def _invocations_a_second(settings: FunctionSettings, *, concurrency: int) -> float:
    async with LambdaFunction(settings) as function:

        async def invoke(times: int) -> None:
            for _ in range(times):
                invocation = await function.invoke(EVENT)
                assert invocation.function_error is None

        async def all_at_once(times: int) -> None:
            await asyncio.gather(*(invoke(times // concurrency) for _ in range(concurrency)))

        await all_at_once(concurrency)  # every runtime is started before the clock is
        begun = time.perf_counter()
        await all_at_once(INVOCATIONS)
        return INVOCATIONS / (time.perf_counter() - begun)


async def _bare_invocations_a_second() -> float:
    """Two requests each, one for the event and one with the answer, client and server in one."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=json.dumps(EVENT).encode(), content_type="application/json")

    application = web.Application()
    application.router.add_route("*", "/", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with aiohttp.ClientSession() as session:
        begun = time.perf_counter()
        for _ in range(INVOCATIONS):
            for ask in (session.get, partial(session.post, data=b"{}")):
                async with ask(url) as response:
                    await response.read()
        rate = INVOCATIONS / (time.perf_counter() - begun)
    await runner.cleanup()
    return rate


async def _start(settings: FunctionSettings) -> float:
    """Seconds from the start of the process to its first request for an event."""
    async with LambdaFunction(settings) as function:
        begun = time.perf_counter()
        await function.check()
        return time.perf_counter() - begun


if __name__ == "__main__":
    main()
