"""The findings in words: lines for a terminal, Markdown for a pull request's comment."""

import html
from collections.abc import Iterator, Sequence
from typing import Final

from infra.impact.finding import Finding, Severity

_ORDER: Final = (Severity.LOSSY, Severity.RISK, Severity.NOTICE)


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """What is lost first."""
    return sorted(findings, key=lambda each: _ORDER.index(each.severity))


def plain(stack: str, findings: Sequence[Finding], allowed: Sequence[Finding]) -> str:
    """Lines for a terminal."""
    lines = [_heading(stack, findings, allowed)]
    for each in in_order(findings):
        lines += [f"  {_label(each, allowed)}  {each.id}", f"    {each.what}"]
        lines += [f"    first: {each.first}"] if each.first else []
    return "\n".join(lines)


def markdown(stack: str, findings: Sequence[Finding], allowed: Sequence[Finding]) -> str:
    """A table, in which nothing that the program named can become markup."""
    lines = [f"#### Impact on {_escaped(_heading(stack, findings, allowed))}"]
    if findings:
        lines += ["", "| | what happens | first |", "| --- | --- | --- |"]
    lines += [
        f"| {_label(each, allowed)}<br>{_code(each.id)} | {_escaped(each.what)} "
        f"| {_escaped(each.first)} |"
        for each in in_order(findings)
    ]
    return "\n".join(lines)


def _heading(stack: str, findings: Sequence[Finding], allowed: Sequence[Finding]) -> str:
    counts = [f"{count} {severity}" for severity, count in _counts(findings) if count]
    said = ", ".join(counts) or "nothing is lost, nothing more is allowed"
    return f"{stack}: {said}{f', {len(allowed)} of them allowed' if allowed else ''}"


def _counts(findings: Sequence[Finding]) -> Iterator[tuple[Severity, int]]:
    for severity in _ORDER:
        yield severity, sum(each.severity is severity for each in findings)


def _label(finding: Finding, allowed: Sequence[Finding]) -> str:
    return f"{finding.severity}, allowed" if finding in allowed else str(finding.severity)


def _code(name: str) -> str:
    return f"<code>{_escaped(name)}</code>"


def _escaped(words: str) -> str:
    escaped = html.escape(words, quote=False).translate(_HARMLESS)
    # GitHub makes links of bare addresses.
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;")


_HARMLESS: Final = str.maketrans(
    {character: f"&#{ord(character)};" for character in "|`*_~[]\\"}
    # GitHub looks for mentions and issues in what is rendered: an empty character stops it.
    | {"@": "@&#8203;", "#": "#&#8203;", "\n": " ", "\r": " "}
)
