"""`python -m infra.impact`: reads a preview, says what it loses, and is a gate by its exit code."""

import argparse
import codecs
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from infra.impact import access, code, kept, stream
from infra.impact.finding import Finding, Severity, told_apart
from infra.impact.preview import InvalidPreviewError, Preview, read
from infra.impact.report import markdown, plain

ALLOWING_LINE: Final = "Allow-impact:"
"""What a line of a pull request's description begins with to let a finding pass."""

_USAGE_ERROR: Final = 2


def findings(preview: Preview) -> list[Finding]:
    """All that the update does and a reviewer must know of."""
    parts = (stream, kept, access, code)
    return told_apart([finding for part in parts for finding in part.findings(preview)])


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing is lost that is not allowed; 1: something is; 2: what was read is no preview."""
    options = _parser().parse_args(arguments)
    try:
        preview = read(_content(options.preview))
        lines = _content(options.allow_lines_of) if options.allow_lines_of else ""
    except (OSError, UnicodeDecodeError) as error:
        return _refused(f"cannot be read: {error}")
    except InvalidPreviewError as error:
        return _refused(str(error))
    names = {*options.allow, *_named_in(lines)}
    found = findings(preview)
    allowed = [each for each in found if names & {each.kind, each.id}]
    show = markdown if options.markdown else plain
    print(show(preview.stack, found, allowed))
    for name in sorted(_needless(names, found)):
        print(f"note: nothing to allow for {name}", file=sys.stderr)
    stopping = [
        each for each in found if each.severity is not Severity.NOTICE and each not in allowed
    ]
    if stopping:
        print(_how_to_go_on(stopping, as_markdown=options.markdown))
    return 1 if stopping else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.impact",
        description="Says in words what an update would lose, and what it would newly allow.",
        epilog="Exit codes: 0 go on; 1 something is lost, or risked, that is not allowed; 2 no "
        "preview could be read. What each finding means: docs/changing.md.",
    )
    parser.add_argument(
        "preview", metavar="FILE", help="what `pulumi preview --json` printed; -: standard input"
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="FINDING",
        help="let a finding pass: KIND:RESOURCE, or KIND for all of a kind; may be repeated",
    )
    parser.add_argument(
        "--allow-lines-of",
        metavar="FILE",
        help=f"let those pass that a line `{ALLOWING_LINE} FINDING` of the file names",
    )
    parser.add_argument("--markdown", action="store_true", help="a pull request's comment")
    return parser


def _content(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    content = Path(path).read_bytes()
    # What PowerShell's > writes.
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_wide else "utf-8-sig")


def _named_in(lines: str) -> list[str]:
    pattern = rf"^{re.escape(ALLOWING_LINE)}[ \t]*(\S.*?)[ \t]*\r?$"
    return re.findall(pattern, lines, flags=re.MULTILINE | re.IGNORECASE)


def _needless(names: Iterable[str], found: Sequence[Finding]) -> set[str]:
    return set(names) - {name for each in found for name in (each.kind, each.id)}


def _how_to_go_on(stopping: Sequence[Finding], *, as_markdown: bool) -> str:
    if as_markdown:
        lines = "\n".join(f"{ALLOWING_LINE} {each.id}" for each in stopping)
        fence = "```" + max(re.findall("`+", lines), default="")
        return (
            "\nTo go on all the same, say so in the pull request's description:\n"
            f"{fence}\n{lines}\n{fence}"
        )
    flags = " ".join(f"--allow {shlex.quote(each.id)}" for each in stopping)
    return f"To go on all the same: {flags}"


def _refused(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return _USAGE_ERROR
