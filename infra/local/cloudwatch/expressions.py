"""The two little languages of alarms: metric math over data points, and rules over other alarms.

Of metric math FILL, IF, arithmetic, comparisons, AND and OR; of alarm rules ALARM(), AND and OR.
What lies outside is refused when it is read, and so before anything rests on it.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeAlias

Value: TypeAlias = float | None
"""None: a missing data point."""


class UnsupportedAlarmError(Exception):
    """An alarm's definition holds what is not evaluated here; says what."""


class Expression(Protocol):
    """Metric math, read: from the data points of a period to the result's."""

    def __call__(self, values: Mapping[str, Value], /) -> Value: ...


class Rule(Protocol):
    """A composite alarm's rule, read: whether it fires, given which alarms do."""

    def __call__(self, is_firing: Callable[[str], bool], /) -> bool: ...


def read_expression(text: str, ids: frozenset[str]) -> Expression:
    """Metric math over metrics with these ids. Raises `UnsupportedAlarmError`."""
    return _Math(text, ids).read()


def read_rule(text: str) -> tuple[Rule, frozenset[str]]:
    """A composite alarm's rule, and the alarms it names. Raises `UnsupportedAlarmError`."""
    reader = _Rules(text)
    return reader.read(), frozenset(reader.named)


class _Tokens:
    """Reads a text token by token."""

    def __init__(self, text: str, token: str) -> None:
        self._text = text
        self._rest = re.findall(rf"\s*({token}|\S)", text)

    def next_is(self, *tokens: str) -> bool:
        return bool(self._rest) and self._rest[0] in tokens

    def take(self, *expected: str) -> str:
        """The next token, which must be one of these where any are given."""
        if not self._rest or (expected and self._rest[0] not in expected):
            raise self.refusal(self._rest[0] if self._rest else "the end")
        return str(self._rest.pop(0))

    def end(self) -> None:
        if self._rest:
            raise self.refusal(self._rest[0])

    def refusal(self, what: str) -> UnsupportedAlarmError:
        return UnsupportedAlarmError(f"{what} in {self._text!r} is not evaluated here")


_BINARY: Final[tuple[Mapping[str, Callable[[float, float], float]], ...]] = (
    {"OR": lambda a, b: float(bool(a) or bool(b)), "||": lambda a, b: float(bool(a) or bool(b))},
    {"AND": lambda a, b: float(bool(a) and bool(b)), "&&": lambda a, b: float(bool(a) and bool(b))},
    {
        ">": lambda a, b: float(a > b),
        ">=": lambda a, b: float(a >= b),
        "<": lambda a, b: float(a < b),
        "<=": lambda a, b: float(a <= b),
        "==": lambda a, b: float(a == b),
        "!=": lambda a, b: float(a != b),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": lambda a, b: a / b if b else float("nan")},
)
"""From the loosest to the tightest."""


class _Math:
    """A missing data point makes what it is part of missing, but for FILL and a branch not taken.

    As CloudWatch has it ("Using metric math", "IF": data points are matched by their time).
    """

    def __init__(self, text: str, ids: frozenset[str]) -> None:
        self._tokens = _Tokens(text, r"[A-Za-z]\w*|\d+(?:\.\d+)?|>=|<=|==|!=|&&|\|\|")
        self._ids = ids

    def read(self) -> Expression:
        expression = self._binary(0)
        self._tokens.end()
        return expression

    def _binary(self, level: int) -> Expression:
        if level == len(_BINARY):
            return self._unary()
        left = self._binary(level + 1)
        while self._tokens.next_is(*_BINARY[level]):
            left = _combined(_BINARY[level][self._tokens.take()], left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        if self._tokens.next_is("-"):
            self._tokens.take()
            return _combined(operator.sub, lambda _: 0.0, self._unary())
        if self._tokens.next_is("("):
            return self._parenthesized(1)[0]
        word = self._tokens.take()
        if word == "FILL":
            return _filled(*self._parenthesized(2))
        if word == "IF":
            return _chosen(*self._parenthesized(3))
        if word in self._ids:
            return lambda values: values[word]
        if word[0].isdecimal():
            number = float(word)
            return lambda _: number
        raise self._tokens.refusal(word)

    def _parenthesized(self, count: int) -> list[Expression]:
        self._tokens.take("(")
        arguments = [self._binary(0)]
        while len(arguments) < count:
            self._tokens.take(",")
            arguments.append(self._binary(0))
        self._tokens.take(")")
        return arguments


def _combined(
    combine: Callable[[float, float], float], left: Expression, right: Expression
) -> Expression:
    def combined(values: Mapping[str, Value]) -> Value:
        a, b = left(values), right(values)
        return None if a is None or b is None else combine(a, b)

    return combined


def _filled(series: Expression, filler: Expression) -> Expression:
    def filled(values: Mapping[str, Value]) -> Value:
        value = series(values)
        return filler(values) if value is None else value

    return filled


def _chosen(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    def chosen(values: Mapping[str, Value]) -> Value:
        value = condition(values)
        if value is None:
            return None
        return then(values) if value else otherwise(values)

    return chosen


class _Rules:
    def __init__(self, text: str) -> None:
        self._tokens = _Tokens(text, r'"[^"]*"|[^\s()"]+')
        self.named: list[str] = []

    def read(self) -> Rule:
        rule = self._any()
        self._tokens.end()
        return rule

    def _any(self) -> Rule:
        rules = [self._all()]
        while self._tokens.next_is("OR"):
            self._tokens.take()
            rules.append(self._all())
        return lambda is_firing: any(rule(is_firing) for rule in rules)

    def _all(self) -> Rule:
        rules = [self._one()]
        while self._tokens.next_is("AND"):
            self._tokens.take()
            rules.append(self._one())
        return lambda is_firing: all(rule(is_firing) for rule in rules)

    def _one(self) -> Rule:
        if self._tokens.take("ALARM", "(") == "(":
            rule = self._any()
            self._tokens.take(")")
            return rule
        self._tokens.take("(")
        name = self._tokens.take().strip('"')
        self._tokens.take(")")
        self.named.append(name)
        return lambda is_firing: is_firing(name)
