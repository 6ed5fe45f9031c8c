"""The files that a page of the documentation tells its reader to write, as they stand there."""

import re
from pathlib import Path
from typing import Final

from tests.project import PROJECT

_BLOCK: Final = re.compile(r"```(?:python|yaml)\n(.*?)```", re.DOTALL)
_FILE: Final = re.compile(r"`((?:handler|infra)/[\w/]+\.py|__main__\.py|Pulumi\.dev\.yaml)`")


def sections(page: str) -> dict[str, str]:
    """The sections of second order of a page of docs/, by their headings."""
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def files(section: str) -> dict[str, str]:
    """The blocks of a section, each by the file that the paragraph before it names first."""
    found: dict[str, str] = {}
    before = 0
    for block in _BLOCK.finditer(section):
        paragraph = section[before : block.start()].strip().rsplit("\n\n", 1)[-1]
        before = block.end()
        if (named := _FILE.search(paragraph)) is not None:
            found[named[1]] = block[1]
    return found


def write(files: dict[str, str], project: Path) -> None:
    """Writes them into a project; a package of its own needs nothing but its folder."""
    for name, text in files.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
