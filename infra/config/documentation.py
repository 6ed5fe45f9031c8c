"""Writes the tables of settings from their declarations: python -m infra.config.documentation

docs/configuration.md has every setting, README.md the ten that matter most, and Pulumi.yaml tells
`pulumi config` of them. With --check nothing is written, and the exit code is 1 when a file says
something else than the declarations. A page without its block is left alone: it may be the user's.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from infra.config.declaration import Declaration, DescribedSetting, declarations, described
from infra.config.stack import StackConfig

PROJECT: Final = Path(__file__).resolve().parents[2]

MOST_IMPORTANT: Final = (
    "table.deletionProtection",
    "stream.viewType",
    "stream.events",
    "function.architecture",
    "function.memorySize",
    "function.timeout",
    "eventSource.startingPosition",
    "eventSource.filters",
    "eventSource.batchSize",
    "failures.retentionDays",
)
"""What README.md shows, in this order."""

_BEGIN: Final = "settings: written by `make docs` from infra/config"
_END: Final = "end of the settings"


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the files, or says which ones are behind; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.config.documentation",
        description="Write the tables of settings from their declarations.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing, say what is behind")
    behind = [path for path, text in documents(PROJECT).items() if _read(path) != text]
    if parser.parse_args(arguments).check:
        for path in behind:
            sys.stderr.write(f"{path.name} is not what the settings say: run make docs\n")
        return 1 if behind else 0
    for path in behind:
        path.write_text(documents(PROJECT)[path], encoding="utf-8")
    return 0


def documents(project: Path) -> dict[Path, str]:
    """Each file with its block of settings written anew."""
    tables = {"docs/configuration.md": _every_table, "README.md": _short_table}
    pages = {
        path: with_block(_read(path), "\n".join(table()))
        for path, table in ((project / name, table) for name, table in tables.items())
        if path.exists() and _BEGIN in _read(path)
    }
    file = project / "Pulumi.yaml"
    return {**pages, file: _with_settings(_read(file), "\n".join(_project_file()))}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _every_table() -> Iterator[str]:
    own = []
    for declared in declarations(StackConfig):
        if not declared.is_section:
            own.append(declared)
            continue
        yield f"\n### {declared.key}\n\n{declared.type.__doc__}\n"
        yield from _table(described(declared.type, f"{declared.key}."))
    for declared in own:
        yield f"\n### {declared.key}\n"
        yield from _table(each for each in described(StackConfig) if each.key == declared.key)
    yield ""


def _short_table() -> Iterator[str]:
    settings = {each.key: each for each in described(StackConfig)}
    yield "\n| key | default | accepts | what |\n| --- | --- | --- | --- |"
    for key in MOST_IMPORTANT:
        each = settings[key]
        yield f"| `{key}` | {each.default} | {each.accepts} | {each.help} |"
    yield ""


def _table(settings: Iterator[DescribedSetting]) -> Iterator[str]:
    yield "| key | default | accepts | AWS's name | what |\n| --- | --- | --- | --- | --- |"
    for each in settings:
        yield f"| `{each.key}` | {each.default} | {each.accepts} | {each.aws} | {each.help} |"


def _project_file() -> Iterator[str]:
    yield "config:"
    for declared in declarations(StackConfig):
        yield f"  {declared.key}:"
        yield "    type: object"
        # Pulumi refuses a stack that lacks a key without a default.
        yield "    default: {}"
        yield "    description: |"
        yield from (f"      {line}" for line in _description(declared))


def _description(declared: Declaration) -> Iterator[str]:
    if not declared.is_section:
        yield declared.setting.help
        return
    yield str(declared.type.__doc__)
    for each in described(declared.type):
        yield (
            f"- {each.key}: {each.help} Default {each.default}; {each.accepts}. AWS: {each.aws}."
        )


def with_block(text: str, block: str, *, begin: str = _BEGIN, end: str = _END) -> str:
    """A page with what stands between two comments replaced."""
    begin, end = f"<!-- {begin} -->", f"<!-- {end} -->"
    before, _, rest = text.partition(f"{begin}\n")
    _, found_end, after = rest.partition(f"{end}\n")
    if not found_end:
        raise ValueError(f"there is no block between {begin} and {end}")
    return f"{before}{begin}\n{block}\n{end}\n{after}"


_SETTINGS: Final = re.compile(r"^config:\n(?:  (?!\S+?:\S).*\n|\n)*", re.MULTILINE)
"""What the project's own section of Pulumi.yaml is replaced by: up to a key of another namespace,
as `pulumi new` adds one, or to the next section."""


def _with_settings(text: str, section: str) -> str:
    return _SETTINGS.sub(lambda _: f"{section}\n", text, count=1)


if __name__ == "__main__":
    sys.exit(main())
