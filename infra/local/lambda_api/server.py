"""Serves Lambda to the embedded AWS, which has one endpoint for all services.

It listens on a socket in a folder of its own, which no page in a browser and no other user of the
machine can reach: who may call what, the embedded AWS asks before it hands a request on.
"""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from aiohttp import web

from infra.local.lambda_api.service import LambdaService

_ANY_PAYLOAD: Final = 256 * 1024 * 1024
_SHUTDOWN_TIMEOUT: Final = 0.01


@contextlib.asynccontextmanager
async def serving(service: LambdaService) -> AsyncIterator[Path]:
    """The socket on which it listens until the block ends; then everything is stopped."""

    async def answer(request: web.Request) -> web.Response:
        answered = await service.answer(
            request.method, request.raw_path, request.headers, await request.read()
        )
        return web.Response(
            status=answered.status, headers=answered.headers, body=answered.body or None
        )

    application = web.Application(client_max_size=_ANY_PAYLOAD)
    application.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        with tempfile.TemporaryDirectory(prefix="lambda-") as folder:
            socket = Path(folder) / "api"
            await web.UnixSite(runner, str(socket)).start()
            yield socket
    finally:
        await service.close()
        await runner.cleanup()
