"""The tests of this code stand on frozen files: the user may change theirs as they like."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.project import FROZEN, PACKAGES, PROJECT

USERS: Final = {
    f"{package}.{file.stem}" for package in PACKAGES for file in (FROZEN / package).glob("*.py")
}


def imported(file: Path) -> Iterator[str]:
    """The modules that a file imports, and the names in them, which may be modules too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_only_the_tests_of_the_users_own_files_import_them() -> None:
    own = [PROJECT / "tests" / name for name in ("yours", "fixtures", "changes")]
    others = [
        file
        for file in (PROJECT / "tests").rglob("*.py")
        if not any(folder in file.parents for folder in own)
    ]

    importing = [str(file.relative_to(PROJECT)) for file in others if USERS & set(imported(file))]

    assert {"handler.item", "handler.process", "infra.yours"} <= USERS
    assert importing == []
