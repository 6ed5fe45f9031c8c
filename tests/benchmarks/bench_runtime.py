"""Invocations a second through the local Runtime API to a real runtime.

The floor is a web server of the same kind that does nothing, asked as often as the runtime asks.
"""

import asyncio
import json
import tempfile
import time
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import web

from infra.local.function.lambda_function import LambdaFunction
from infra.local.function.sandbox import FunctionSettings
from tests.benchmarks.figures import Part, Table, with_spread
from tests.benchmarks.side_by_side import interleaved
from tests.benchmarks.target import at_least
from tests.unit.handler.events import batch, record

INVOCATIONS = 2_000
RATE = 1_000
"""Invocations a second, one at a time."""
ROUNDS = 3
EVENT = batch(record())

NOTHING = "def handler(event, context): return {'batchItemFailures': []}"


NOTES = (
    (
        "An event, through Lambda's Runtime API, to AWS's own runtime client and back. The bare "
        "server does nothing and is asked as often."
    ),
)


def main() -> Part:
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder)
        (code / "function.py").write_text(NOTHING, encoding="utf-8")
        rates = interleaved(
            {
                "one at a time": lambda: asyncio.run(_rate(_settings(code), concurrency=1)),
                "two at a time": lambda: asyncio.run(_rate(_settings(code), concurrency=2)),
                "a bare server": lambda: asyncio.run(_bare_rate()),
            },
            rounds=ROUNDS,
        )
    target = {"one at a time": at_least(rates["one at a time"], RATE)}
    rows = (
        (
            name,
            with_spread(rate, "{:,.0f}"),
            with_spread(rate.times(rates["a bare server"]), "{:.2f}"),
            target.get(name, ""),
        )
        for name, rate in rates.items()
    )
    head = ("invocations a second", "", "times the bare server's", "target")
    return Part(
        title="Local Runtime API", tables=(Table(head=head, rows=tuple(rows)),), notes=NOTES
    )


def _settings(code: Path) -> FunctionSettings:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:bench"
    return FunctionSettings(name="bench", arn=arn, entry_point="function.handler", code=code)


async def _rate(settings: FunctionSettings, *, concurrency: int) -> float:
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


async def _bare_rate() -> float:
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
