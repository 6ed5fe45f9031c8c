"""A stack of the local run for Pulumi's own engine: a backend, a passphrase and a stack file of its
own, in a folder that goes with the run.

The stack file is a copy outside the working tree: `pulumi stack init` takes `secretsprovider` and
`encryptedkey` out of the file that it finds, and with them a real stack's secrets.
"""

import contextlib
import json
import os
import secrets
import shutil
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
            # Read by 3.208 and later for --config-file.
            "PULUMI_OPTION_CONFIG_FILE": str(self.config_file),
            "PULUMI_DEBUG_PROVIDERS": attached,
        }


def pulumi(
    *arguments: str, environment: Mapping[str, str], folder: Path, check: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Runs Pulumi's command line without a terminal. Raises `PulumiError`."""
    executable = shutil.which("pulumi")
    if executable is None:
        raise PulumiError(
            "Pulumi's own engine needs its command line, `pulumi`, on PATH; "
            "without --pulumi the program runs here all the same"
        )
    done = subprocess.run(  # noqa: S603 - Pulumi's own, without a shell
        [executable, *arguments, "--non-interactive"],
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

    Raises `PulumiError` and `StackFileError`.
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
        yield PrivateStack(
            name=name,
            project=project,
            backend=Backend(folder=folder),
            passphrase=passphrase,
            config_file=file,
            notes=read.notes,
        )


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
