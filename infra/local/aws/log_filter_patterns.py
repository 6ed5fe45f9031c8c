"""Filter patterns of CloudWatch Logs for log events that are JSON, as `aws logs` takes them.

moto lets every event through such a pattern. Source: CloudWatch Logs user guide, "Filter and
pattern syntax". Patterns of terms are moto's matter; regular expressions (`%...%`) are left out,
and refused.
"""

import json
import operator
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, TypeAlias

from moto.logs import models
from moto.logs.exceptions import InvalidParameterException
from moto.logs.utils import EventMessageFilter

Condition: TypeAlias = Callable[[Any], bool]
"""Whether a document matches."""

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<sign>&&|\|\||\(|\))
      | (?P<operator>!=|<=|>=|=|<|>)
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | (?P<selector>\$(?:\.[\w-]+|\[\d+\])+)
      | (?P<word>[^\s()&|=!<>"%]+)
    )""",
    re.VERBOSE,
)
_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_IS: Final = {"NULL": None, "TRUE": True, "FALSE": False}
_ABSENT: Final = object()


class LogFilterPattern:
    """In the place of moto's `EventMessageFilter`. Raises AWS's refusal of a pattern."""

    def __init__(self, pattern: str | None) -> None:
        text = (pattern or "").strip()
        self._condition = _condition(text) if text.startswith("{") else None
        self._terms = EventMessageFilter(pattern or "")

    def matches(self, message: str) -> bool:
        if self._condition is None:
            return self._terms.matches(message)
        try:
            document = json.loads(message)
        except ValueError:
            return False
        return isinstance(document, dict | list) and self._condition(document)


def install() -> None:
    """Replaces moto's patterns, in this process."""
    models.EventMessageFilter = LogFilterPattern  # type: ignore[attr-defined, assignment]


@cache
def _condition(pattern: str) -> Condition:
    if not pattern.endswith("}"):
        raise InvalidParameterException("Invalid filter pattern")
    parser = _Parser(pattern[1:-1])
    condition = parser.either()
    parser.end()
    return condition


class _Parser:
    """Reads conditions; && binds more closely than ||."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), ("end", "")]

    def either(self) -> Condition:
        conditions = [self._both()]
        while self._took("sign", "||"):
            conditions.append(self._both())
        return lambda document: any(each(document) for each in conditions)

    def _both(self) -> Condition:
        conditions = [self._one()]
        while self._took("sign", "&&"):
            conditions.append(self._one())
        return lambda document: all(each(document) for each in conditions)

    def _one(self) -> Condition:
        if self._took("sign", "("):
            within = self.either()
            self._take("sign", ")")
            return within
        path = _path(self._take("selector"))
        if self._took("word", "NOT"):
            self._take("word", "EXISTS")
            return lambda document: _at(path, document) is _ABSENT
        if self._took("word", "IS"):
            value = _IS.get(self._take("word"), _ABSENT)
            if value is _ABSENT:
                raise InvalidParameterException("Invalid filter pattern")
            return lambda document: _at(path, document) is value
        return _comparison(path, self._take("operator"), *self._tokens.pop(0))

    def end(self) -> None:
        self._take("end")

    def _took(self, kind: str, text: str) -> bool:
        is_next = self._tokens[0] == (kind, text)
        if is_next:
            self._tokens.pop(0)
        return is_next

    def _take(self, kind: str, text: str | None = None) -> str:
        found, taken = self._tokens[0]
        if found != kind or text not in (None, taken):
            raise InvalidParameterException("Invalid filter pattern")
        if kind != "end":
            self._tokens.pop(0)
        return taken


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise InvalidParameterException("Invalid filter pattern")
        kind = str(found.lastgroup)
        yield kind, found[kind]
        position = found.end()


def _path(selector: str) -> list[str | int]:
    parts = re.findall(r"\.([\w-]+)|\[(\d+)\]", selector)
    return [name or int(index) for name, index in parts]


def _at(path: list[str | int], document: Any) -> Any:
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return document


def _comparison(path: list[str | int], sign: str, kind: str, text: str) -> Condition:
    """Of a value that is a string or a number; of everything else it is false, as on AWS."""
    if kind not in ("quoted", "word"):
        raise InvalidParameterException("Invalid filter pattern")
    number = _number(text) if kind == "word" else None
    if number is not None:
        return lambda document: _compared(sign, _at(path, document), number)
    if sign not in ("=", "!="):
        raise InvalidParameterException("Invalid filter pattern")
    like = re.compile(".*".join(map(re.escape, _unescaped(text).split("*"))), re.DOTALL)
    return lambda document: _is_like(like, _at(path, document), is_wanted=sign == "=")


def _compared(sign: str, value: Any, number: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, str) and sign in ("=", "!="):
        return (_number(value) == number) is (sign == "=")
    return is_number and _COMPARED[sign](value, number)


def _is_like(like: re.Pattern[str], value: Any, *, is_wanted: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    return (like.fullmatch(str(value)) is not None) is is_wanted


def _number(text: str) -> float | None:
    is_number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text, re.IGNORECASE)
    return float(text) if is_number else None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
