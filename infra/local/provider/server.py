"""Our providers, listening on this machine for Pulumi's engine.

The engine attaches to them by port (PULUMI_DEBUG_PROVIDERS): there is no executable that could be
taken for the real provider.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Final

import grpc  # type: ignore[import-untyped] # it has no types
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from infra.local.aws.emulator import Emulator
from infra.local.provider.backend import Backend
from infra.local.provider.servicer import Faults, Provider

_PACKAGES: Final = {"aws": "pulumi_aws", "docker": "pulumi_docker"}
"""Pulumi's packages, with Python's, whose version the program was written for."""
_AT_ONCE: Final = 32
"""Requests: the engine creates as many resources at a time as it can."""
_LONGEST_MESSAGE: Final = 400 * 1024 * 1024
"""Bytes, as the engine's own limit is."""


@contextlib.contextmanager
def serving(
    emulator: Emulator, backend: Backend, *, faults: Faults | None = None
) -> Iterator[dict[str, int]]:
    """Serves until the block ends; gives the port of each package."""
    with contextlib.ExitStack() as running:
        ports = {}
        for package, distribution in _PACKAGES.items():
            provider = Provider(
                package=package,
                version=version(distribution),
                emulator=emulator,
                backend=backend,
                faults=faults or Faults(),
            )
            ports[package] = running.enter_context(_listening(provider))
        yield ports


@contextlib.contextmanager
def _listening(provider: Provider) -> Iterator[int]:
    limits = [
        (f"grpc.max_{direction}_message_length", _LONGEST_MESSAGE)
        for direction in ("receive", "send")
    ]
    server = grpc.server(ThreadPoolExecutor(_AT_ONCE), options=limits)
    add_ResourceProviderServicer_to_server(provider, server)
    port: int = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()
