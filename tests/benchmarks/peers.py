"""What others offer instead, installed into environments of their own under `.build`.

Each is installed once, in the version that stands here, by the ordinary client (pip, npm) from
where that is set to look. What cannot be installed is left out of the comparison, with the reason.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.project import PROJECT

FOLDER: Final = PROJECT / ".build" / "benchmarks"


class PeerLeftOutError(Exception):
    """It cannot be measured here; says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """An environment: a folder of its own, and the packages that belong into it."""

    name: str
    packages: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """Programs that must be there already."""
    is_python: bool = False

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return FOLDER / self.name

    @property
    def python(self) -> Path:
        """The interpreter of a Python environment."""
        return self.folder / "bin" / "python"


POWERTOOLS: Final = Peer(
    name="powertools",
    packages=("aws-lambda-powertools==3.37.0", "boto3==1.44.5"),
    is_python=True,
)


def versions(peer: Peer) -> str:
    """Its packages as one says them."""
    named = (package.replace("==", "@").rpartition("@") for package in peer.packages)
    return ", ".join(f"{name} {version}" for name, _, version in named)


def set_up(peer: Peer, *, run: "Run | None" = None, folder: Path | None = None) -> Path:
    """Its folder, with all in it. Raises `PeerLeftOutError`."""
    missing = [program for program in peer.needs if shutil.which(program) is None]
    if missing:
        raise PeerLeftOutError(f"{' and '.join(missing)} is not on this machine")
    folder = folder or peer.folder
    installed = folder / "installed"
    wanted = "\n".join(peer.packages)
    if not installed.is_file() or installed.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print(f"installing {', '.join(peer.packages)} ...", flush=True)
        for command in _commands(peer, folder):
            (run or run_command)(command, folder)
        installed.write_text(wanted, encoding="utf-8")
    return folder


Run = Callable[[Sequence[str], Path], None]


def _commands(peer: Peer, folder: Path) -> list[list[str]]:
    if peer.is_python:
        python = str(folder / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        return [[sys.executable, "-m", "venv", str(folder)], [*pip, *peer.packages]]
    # No script of a package is run: none of these needs one.
    npm = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", "."]
    return [[*npm, *peer.packages]]


def run_command(command: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(
            command,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.strip()]
        last = said[-1] if said else f"exit code {error.returncode}"
        raise PeerLeftOutError(
            f"{command[0].rpartition('/')[2]} could not install it: {last}"
        ) from error
