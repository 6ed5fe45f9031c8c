"""The Runtime API as a runtime meets it that does not keep to its rules."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import aiohttp

from infra.local.function.runtime_api import RuntimeApi, Work
from tests.unit.infra.local.function.functions import ARN

T = TypeVar("T")


def test_the_runtime_api_refuses_answers_to_what_was_not_asked() -> None:
    async def scenario(session: aiohttp.ClientSession, api: RuntimeApi, url: str) -> list[int]:
        api.give(Work(request_id="a", payload=b"{}", deadline=0.0, function_arn=ARN))
        return [
            await status(session.post(f"{url}/invocation/a/response", data=b"1")),
            await status(session.get(f"{url}/invocation/next")),
            await status(session.get(f"{url}/invocation/next")),
            await status(session.post(f"{url}/invocation/b/response", data=b"1")),
            await status(session.post(f"{url}/invocation/a/response", data=b"1")),
            await status(session.post(f"{url}/invocation/a/response", data=b"1")),
            await status(session.post(f"{url}/invocation/a/error", data=b"1")),
            await status(session.post(f"{url}/init/error", data=b"{}")),
        ]

    assert as_runtime(scenario) == [400, 200, 403, 400, 202, 403, 403, 403]


def test_an_error_that_is_no_document_is_an_error_nevertheless() -> None:
    async def scenario(session: aiohttp.ClientSession, api: RuntimeApi, url: str) -> Any:
        work = Work(request_id="a", payload=b"{}", deadline=0.0, function_arn=ARN)
        api.give(work)
        await status(session.get(f"{url}/invocation/next"))
        await status(session.post(f"{url}/invocation/a/error", data=b"nonsense"))
        return work.answer.result().error

    assert as_runtime(scenario) == {
        "errorType": "Runtime.Unknown",
        "errorMessage": "nonsense",
    }


def as_runtime(
    scenario: Callable[[aiohttp.ClientSession, RuntimeApi, str], Awaitable[T]],
) -> T:
    """Runs the scenario in the place of a runtime client."""

    async def main() -> T:
        api = RuntimeApi("127.0.0.1")
        await api.start()
        try:
            async with aiohttp.ClientSession() as session:
                return await scenario(session, api, f"http://{api.address}/2018-06-01/runtime")
        finally:
            await api.stop()

    return asyncio.run(main())


async def status(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> int:
    async with request as answer:
        return answer.status
