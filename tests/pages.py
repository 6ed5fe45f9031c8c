"""The files that a page of the documentation tells its reader to write, as they stand there."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
import yaml

from infra.config.stack_file import merged
from tests.project import PROJECT

_BLOCK: Final = re.compile(r"```(python|yaml)\n(.*?)```", re.DOTALL)
_FILE: Final = re.compile(r"`((?:handler|infra)/[\w/]+\.py|__main__\.py|Pulumi\.dev\.yaml)`")


DOCS: Final = PROJECT / "docs"


def file(name: str) -> Path:
    """A file of docs/. Who has removed the folder has nothing in it that could be wrong."""
    if not DOCS.exists():
        pytest.skip("docs/ was removed", allow_module_level=True)
    return DOCS / name


def text(page: str) -> str:
    """What a page of docs/ says."""
    return file(page).read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    """The sections of second order of a page of docs/, by their headings."""
    parts = re.split(r"^## (.+)\n", text(page), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def files(section: str) -> dict[str, str]:
    """The blocks of a section, each by the file that the paragraph before it names first."""
    found: dict[str, str] = {}
    before = 0
    for block in _BLOCK.finditer(section):
        paragraph = section[before : block.start()].strip().rsplit("\n\n", 1)[-1]
        before = block.end()
        named = _FILE.search(paragraph)
        assert named is not None, f"no file is named before:\n{block[2]}"
        found[named[1]] = block[2]
    return found


def write(files: Mapping[str, str], project: Path) -> None:
    """Writes them into a project; what is said of the stack is set beside what stands there."""
    for name, text in files.items():
        file = project / name
        file.parent.mkdir(exist_ok=True)
        is_stack = file.suffix == ".yaml"
        file.write_text(_set_beside(file, text) if is_stack else text, encoding="utf-8")


def _set_beside(file: Path, text: str) -> str:
    stack = yaml.safe_load(file.read_text(encoding="utf-8"))
    return yaml.safe_dump(merged(stack, yaml.safe_load(text)))
