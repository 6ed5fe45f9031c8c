"""The Makefile's targets, run on a copy of it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import PROJECT


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


def test_help_lists_every_target_in_lines_that_fit_a_terminal(tmp_path: Path) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)

    lines = make(tmp_path, "help").stdout.splitlines()

    assert [line.split()[1] for line in lines] == [each for each in targets if each != "help"]
    assert max(map(len, lines)) <= 100


@pytest.mark.slow
def test_an_audit_that_cannot_ask_about_a_package_fails_and_names_it(tmp_path: Path) -> None:
    """A package that comes from a URL is no package of the index."""
    program = tmp_path / ".venv/bin/pip-audit"
    program.parent.mkdir(parents=True)
    program.symlink_to(Path(sys.executable).with_name("pip-audit"))
    (tmp_path / ".venv/installed").touch()
    os.utime(tmp_path / ".venv/installed", (2**32, 2**32))
    line = f"private @ https://packages.invalid/private-1.0.zip --hash=sha256:{'0' * 64}\n"
    (tmp_path / "requirements.txt").write_text(line, encoding="utf-8")
    (tmp_path / "handler").mkdir()
    (tmp_path / "handler/requirements.txt").touch()
    (tmp_path / "infra/policy_pack").mkdir(parents=True)
    (tmp_path / "infra/policy_pack/requirements.txt").touch()
    (tmp_path / "tests/aws_cli").mkdir(parents=True)
    (tmp_path / "tests/aws_cli/requirements.txt").touch()

    result = make(tmp_path, "audit")

    assert result.returncode != 0
    assert "private: URL requirements cannot be pinned" in result.stderr
