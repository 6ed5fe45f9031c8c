"""Stands in for `pulumi-language-python`, which comes with Pulumi's releases only.

Pulumi's engine starts it to run a program in Python. The package itself has such a server, for
programs that are a function; this one runs `__main__.py` as Pulumi's own host does.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
import pulumi
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import (
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)


class LanguageHost(LanguageServer):
    """One program, or one policy pack, for the length of one command."""

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        os.chdir(request.info.program_directory or request.pwd)
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as Python has it for a script
        main = Path(request.info.entry_point or ".", "__main__.py")
        self.program = lambda: runpy.run_path(str(main), run_name="__main__") and None
        return super().Run(request, context)

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return language_pb2.GetProgramDependenciesResponse()

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return language_pb2.RuntimeOptionsResponse()

    def RunPlugin(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        main = str(Path(request.info.program_directory, request.info.entry_point))
        # Unbuffered: a policy pack writes its port without flushing it.
        command = [_python_of(request.info), "-u", main, *request.args]
        environment = {**os.environ, **dict(each.split("=", 1) for each in request.env)}
        with subprocess.Popen(  # noqa: S603 - a plug-in of the engine's
            command,
            cwd=request.pwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as plugin:
            # The engine ends it by ending this call.
            if not context.add_callback(plugin.kill):
                plugin.kill()
            for line in plugin.stdout or ():
                yield language_pb2.RunPluginResponse(stdout=line)
        yield language_pb2.RunPluginResponse(exitcode=plugin.returncode)


def _python_of(info: Any) -> str:
    """That of the virtual environment that PulumiPolicy.yaml names, as Pulumi's own host has it."""
    options = dict(info.options)
    python = Path(info.root_directory, str(options.get("virtualenv", "")), "bin", "python")
    return str(python) if "virtualenv" in options and python.exists() else sys.executable


def _end_with(engine: str) -> grpc.Channel:
    """Ends this process when the engine is gone, which may have been killed."""
    # For as long as an update takes: without a call a channel would be closed after half an hour.
    options = [("grpc.client_idle_timeout_ms", 2**31 - 1)]
    channel, reached = grpc.insecure_channel(engine, options), threading.Event()

    def look(state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.READY:
            reached.set()
        elif reached.is_set():
            os._exit(0)

    channel.subscribe(look, try_to_connect=True)
    return channel


def main() -> None:
    """Serves until the engine ends it, or is gone. Prints its port once it listens."""
    # The engine interrupts what it no longer needs; a traceback would be printed as the program's.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    server = grpc.server(ThreadPoolExecutor(4))
    host = LanguageHost(lambda: pulumi.log.error("no program was given"))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    channel = _end_with(sys.argv[-1])
    server.wait_for_termination()
    channel.close()


if __name__ == "__main__":
    main()
