"""Runs the function's image as a container, with the limits that Lambda sets around one.

The image is built with what the program registered for it, from the cache where nothing changed.
The container's network reaches this machine, for the Runtime API and the embedded AWS, and nothing
else. Linux only: elsewhere this machine is not on the containers' network.
"""

import asyncio
import contextlib
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from infra.build_context import staged_context
from infra.local.function.sandbox import FunctionSettings, LocalProcess
from infra.local.program.run import PROJECT

_LAMBDAS_USER: Final = "993:990"
"""sbx_user1051: no root, and no user of the image."""


class DockerError(Exception):
    """Docker is not there, or refuses; says what it said."""


@contextlib.contextmanager
def docker_sandbox() -> "Iterator[DockerSandbox]":
    """A sandbox with a network of its own, which is removed at the end. Raises `DockerError`."""
    network = f"requests-processor-{uuid.uuid4().hex[:8]}"
    _docker("network", "create", "--internal", network)
    try:
        form = "{{(index .IPAM.Config 0).Gateway}}"
        yield DockerSandbox(network, host=_docker("network", "inspect", "--format", form, network))
    finally:
        _docker("network", "rm", network)


class DockerSandbox:
    """Starts a container for each runtime. Made by `docker_sandbox`."""

    def __init__(self, network: str, *, host: str) -> None:
        self.host = host
        self.network = network

    async def start(
        self, settings: FunctionSettings, runtime_api: str, on_log: Callable[[str], None]
    ) -> "Container":
        """Builds the image and starts it. Raises `DockerError`."""
        if settings.image_build is None:
            raise DockerError("the stack uses an existing image, and only one built here can run")
        image = await asyncio.to_thread(_build_as_it_is_now, settings.image_build)
        name = f"requests-processor-{uuid.uuid4().hex[:12]}"
        environment = settings.runtime_environment(runtime_api)
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: Container(name, on_log),
            *("docker", "run", "--rm", "--name", name, "--network", self.network),
            *("--user", _LAMBDAS_USER, "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--read-only", "--tmpfs", f"/tmp:mode=1777,size={settings.ephemeral_storage}m"),  # noqa: S108 - the container's own
            *("--memory", f"{settings.memory_size}m", "--memory-swap", f"{settings.memory_size}m"),
            # Only the names: values stand in no process list.
            *(part for variable in environment for part in ("--env", variable)),
            image,
            settings.entry_point,
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return process


class Container(LocalProcess):
    """A running container, and the client that is attached to it."""

    def __init__(self, name: str, on_log: Callable[[str], None]) -> None:
        super().__init__(on_log)
        self.name = name
        self._killing: asyncio.Task[None] | None = None

    async def wait(self) -> str:
        how = await super().wait()
        # The client's exit status is the container's: 128 and the number of its signal.
        return {"exit status 137": "signal: killed"}.get(how, how)

    def kill(self) -> None:
        if not self._has_ended.is_set() and self._killing is None:
            self._killing = asyncio.create_task(self._kill())

    def interrupt(self) -> None:
        """Nothing: what runs is the image's own, and takes no signal for it."""

    def memory_in_use(self) -> None:
        """The kernel sees to the limit."""

    async def _kill(self) -> None:
        while not self._has_ended.is_set():
            # Fails as long as the client has not created the container yet.
            with contextlib.suppress(DockerError):
                await asyncio.to_thread(_docker, "kill", self.name)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_ended.wait(), 0.5)


def _build_as_it_is_now(build: Mapping[str, Any]) -> str:
    # The program staged the handler's folder as it was when it ran.
    context = staged_context().resolve()
    return build_image(
        {**build, "context": str(context), "dockerfile": str(context / "Dockerfile")}
    )


def build_image(build: Mapping[str, Any]) -> str:
    """Builds with the `build` that the program registered; the image's id. Raises `DockerError`."""
    arguments = build.get("args", {})
    return _docker(
        "build",
        "--quiet",
        *("--platform", build["platform"], "--file", build["dockerfile"]),
        *(part for name in arguments for part in ("--build-arg", f"{name}={arguments[name]}")),
        build["context"],
    )


def _docker(*arguments: str) -> str:
    # Buildx alone adds attestations by default, with which an image is an index.
    environment = {**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the arguments are the program's
            ["docker", *arguments],  # noqa: S607 - the one that the user has
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise DockerError("docker is not installed") from None
    if done.returncode:
        said = "; ".join(done.stderr.strip().splitlines()[-5:])
        raise DockerError(f"docker {arguments[0]} failed: {said}")
    return done.stdout.strip()
