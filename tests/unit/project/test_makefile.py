"""The Makefile's targets, run on a copy of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.plan import PROJECT


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(PROJECT / "Makefile", folder)
    (folder / "requirements.txt").touch()
    return subprocess.run(
        ["make", *arguments, f"PYTHON={sys.executable}"],  # noqa: S607 - the one that the user has
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_environment_that_is_a_link_is_not_emptied(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".venv").symlink_to(elsewhere)

    result = make(folder, ".venv/installed")

    assert result.returncode != 0
    assert f".venv is a link to {elsewhere}, which would be emptied" in result.stdout
    assert (elsewhere / "precious").exists()
