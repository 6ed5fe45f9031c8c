"""Writes the tables of settings from their declarations: python -m infra.config.documentation

docs/configuration.md has every setting, README.md the ten that matter most, and Pulumi.yaml tells
`pulumi config` of them. With --check nothing is written, and the exit code is 1 when a file says
something else than the declarations.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
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
    blocks = {
        project / "docs/configuration.md": (_comment, "\n".join(_every_table())),
        project / "README.md": (_comment, "\n".join(_short_table())),
        project / "Pulumi.yaml": (_yaml_comment, "\n".join(_project_file())),
    }
    return {
        path: _with_block(_read(path), block, comment) for path, (comment, block) in blocks.items()
    }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _comment(text: str) -> str:
    return f"<!-- {text} -->"


def _yaml_comment(text: str) -> str:
    return f"# {text}"


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


def _with_block(text: str, block: str, comment: Callable[[str], str]) -> str:
    begin, end = comment(_BEGIN), comment(_END)
    before, found, rest = text.partition(f"{begin}\n")
    _, found_end, after = rest.partition(f"{end}\n")
    if not found or not found_end:
        raise ValueError(f"there is no block between {begin} and {end}")
    return f"{before}{begin}\n{block}\n{end}\n{after}"


if __name__ == "__main__":
    sys.exit(main())
