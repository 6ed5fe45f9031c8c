"""A stack of the local run for Pulumi's own engine: a backend, a passphrase and a stack file of its
own, in a folder that goes with the run.

The stack file is a copy outside the working tree: `pulumi stack init` takes `secretsprovider` and
`encryptedkey` out of the file that it finds, and with them a real stack's secrets.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from infra.config import stack_file
from infra.local.provider.backend import Backend

_STRANGERS: Final = ("PULUMI_", "AWS_")
"""Variables of the caller that are for another stack."""
_OF_THE_MACHINE: Final = frozenset({"PULUMI_PYTHON_CMD"})
_OLDEST: Final = (3, 208)
"""The first release that reads PULUMI_OPTION_CONFIG_FILE; an older one would take the stack's own
file for the copy."""
_PATIENCE: Final = 10.0
"""Seconds until an update that is to stop is stopped."""


class PulumiError(Exception):
    """Pulumi's command line is missing, or refuses what the run asks of it; says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateStack:
    """A stack that is there, and in which nothing is deployed yet."""

    name: str
    project: Path
    backend: Backend
    passphrase: str
    config_file: Path
    """The copy of the stack file."""
    notes: Sequence[str]
    """What of the stack file is not in the copy, one line each."""

    def environment(self, ports: Mapping[str, int]) -> dict[str, str]:
        """What a shell needs so that `pulumi` works on this stack, with providers at the ports."""
        attached = ",".join(f"{package}:{port}" for package, port in ports.items())
        return {**_private(self.backend.folder, self.passphrase), **self._own(attached)}

    def _own(self, attached: str) -> dict[str, str]:
        return {
            "PULUMI_STACK": self.name,
            # For --config-file.
            "PULUMI_OPTION_CONFIG_FILE": str(self.config_file),
            "PULUMI_DEBUG_PROVIDERS": attached,
        }


def pulumi(
    *arguments: str, environment: Mapping[str, str], folder: Path, check: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Runs Pulumi's command line without a terminal. Raises `PulumiError`."""
    done = subprocess.run(  # noqa: S603 - Pulumi's own, without a shell
        [_executable("pulumi"), *arguments, "--non-interactive"],
        cwd=folder,
        env=clean_environment() | dict(environment),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if check and done.returncode:
        raise PulumiError(f"pulumi {' '.join(arguments)}:\n{done.stdout.strip()}")
    return done


def pulumi_printing(*arguments: str, environment: Mapping[str, str], folder: Path) -> None:
    """The same, and what it prints goes where this process prints. Raises `PulumiError`.

    What interrupts this process cancels the command: what it has begun, it ends.
    """
    with subprocess.Popen(  # noqa: S603 - Pulumi's own, without a shell
        [_executable("pulumi"), *arguments, "--non-interactive"],
        cwd=folder,
        env=clean_environment() | dict(environment),
        stdin=subprocess.DEVNULL,
        # The terminal's Ctrl-C reaches it once, from here.
        start_new_session=True,
    ) as command:
        try:
            command.wait()
        finally:
            if command.poll() is None:
                _cancel(command)
    if command.returncode:
        raise PulumiError(f"pulumi {arguments[0]} has failed; what it printed says why")


def _cancel(command: "subprocess.Popen[bytes]") -> None:
    command.send_signal(signal.SIGINT)
    try:
        command.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        command.kill()


def ensure_installed() -> None:
    """Raises `PulumiError` where the command line or its language host is missing or too old."""
    _executable("pulumi-language-python")
    with tempfile.TemporaryDirectory() as folder:
        version = pulumi("version", environment={"PULUMI_HOME": folder}, folder=Path(folder)).stdout
    numbers = re.match(r"v?(\d+)\.(\d+)", version.strip().rpartition("\n")[2])
    if numbers and (int(numbers[1]), int(numbers[2])) < _OLDEST:
        raise PulumiError(
            f"Pulumi's command line must be {_OLDEST[0]}.{_OLDEST[1]} or newer, "
            f"the one on PATH is {numbers[0]}"
        )


def _executable(name: str) -> str:
    found = shutil.which(name)
    if found is None and name != "pulumi":
        # Pulumi's releases have it there, whether that is on PATH or not.
        found = shutil.which(name, path=str(Path(_executable("pulumi")).resolve().parent))
    if found is None:
        raise PulumiError(
            f"--pulumi needs Pulumi's command line, and {name} is not on PATH: install Pulumi, "
            'or run `bash .ci/pulumi-cli` and `export PATH="$PATH:$PWD/.build/pulumi/bin"`'
        )
    return found


def clean_environment() -> dict[str, str]:
    """The caller's, without what is for another stack or another AWS."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_STRANGERS) or name in _OF_THE_MACHINE
    }


@contextlib.contextmanager
def private_stack(name: str, config: Mapping[str, Any], project: Path) -> Iterator[PrivateStack]:
    """Makes the stack, with `config` over its file's values; all of it is gone when the block ends.

    An update that another process is at by then is cancelled. Raises `PulumiError` and
    `StackFileError`.
    """
    with tempfile.TemporaryDirectory(prefix="pulumi-") as temporary:
        folder = Path(temporary)
        read = stack_file.read(project, name, config)
        file = folder / f"Pulumi.{name}.yaml"
        file.write_text(yaml.safe_dump({"config": dict(read.values)}, sort_keys=False), "utf-8")
        # The command line looks for a project, and for its stack file beside it.
        shutil.copy(project / "Pulumi.yaml", folder)
        passphrase = secrets.token_hex(16)
        private = _private(folder, passphrase)
        pulumi("stack", "init", name, environment=private, folder=folder)
        if read.encrypted:
            # A secret all the same: what the program does with one is done here too.
            keys = [_path(path) for path in read.encrypted]
            pairs = [each for key in keys for each in ("--secret", f"{key}={stack_file.ENCRYPTED}")]
            pulumi("config", "set-all", "--path", *pairs, environment=private, folder=folder)
        backend = Backend(folder=folder)
        try:
            yield PrivateStack(
                name=name,
                project=project,
                backend=backend,
                passphrase=passphrase,
                config_file=file,
                notes=read.notes,
            )
        finally:
            backend.interrupt(_PATIENCE)


def _private(folder: Path, passphrase: str) -> dict[str, str]:
    return {
        "PULUMI_BACKEND_URL": f"file://{folder}",
        "PULUMI_CONFIG_PASSPHRASE": passphrase,
        # Neither the caller's plug-ins nor the caller's choice of a stack.
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _path(keys: Sequence[str]) -> str:
    """As `pulumi config --path` takes it; a dot in a tag's name does not part it."""
    first, *rest = keys
    return first + "".join(f"[{json.dumps(key)}]" for key in rest)
