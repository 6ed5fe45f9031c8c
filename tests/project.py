"""The project that the tests stand on: this one's code, with the user's own files as they came.

A project is taken to be changed: what an item is, what is done with it, the program, the stacks and
their values, the project's name. None of that may turn a test of the code beneath it red. So those
files are frozen in `tests/fixtures/project`, and no test but those of `tests/yours` reads or
imports the user's.
"""

import shutil
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
"""The repository, as its user has it."""

FROZEN: Final = Path(__file__).parent / "fixtures" / "project"
"""The user's own files, as they came: a program with its stacks, and what stands in packages."""

PACKAGES: Final = ("handler", "infra")


def copy_of_project(folder: Path) -> Path:
    """The whole frozen project, for other processes to run; returns the folder."""
    for package in PACKAGES:
        copy_of(package, folder)
    for file in FROZEN.iterdir():
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
    return folder


def copy_of(package: str, folder: Path) -> None:
    """A package in a folder, with the frozen files in it."""
    for source in (PROJECT, FROZEN):
        shutil.copytree(source / package, folder / package, ignore=_not_copied, dirs_exist_ok=True)


def _not_copied(folder: str, names: list[str]) -> set[str]:
    """What else the user keeps beside the handler's code: the local run would name it."""
    ignored = {"__pycache__", ".venv"} & {*names}
    if PROJECT / "handler" in (Path(folder), *Path(folder).parents):
        files = {name for name in names if (Path(folder) / name).is_file()}
        ignored |= {name for name in files - _OF_A_BUILD if not name.endswith(".py")}
    return ignored


_OF_A_BUILD: Final = {"Dockerfile", ".dockerignore", "requirements.txt"}
