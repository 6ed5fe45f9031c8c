"""PartiQL, as far as one item goes: INSERT, UPDATE, DELETE, SELECT by key, and EXISTS.

A statement becomes what the item calls take, a key with a condition and an update expression, so
that both have the same rules. The grammar is the Developer Guide's ("PartiQL - a SQL-compatible
query language for Amazon DynamoDB"); the rest is refused with one line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.table import Table

from infra.local.aws.dynamodb import writes
from infra.local.aws.dynamodb.transactions import DuplicateItemError
from infra.local.aws.dynamodb.values import AttributeValue, canonical
from infra.local.aws.dynamodb.writes import Attributes, Condition, ConditionFailedError, Write

_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")+")
    |(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign><<|>>|<=|>=|<>|!=|[?(){}\[\],:.*=<>+-])
    )""",
    re.VERBOSE,
)
_FUNCTIONS: Final = ("BEGINS_WITH", "CONTAINS", "ATTRIBUTE_TYPE")
_ACTIONS: Final = {
    "INSERT": "dynamodb:PartiQLInsert",
    "UPDATE": "dynamodb:PartiQLUpdate",
    "DELETE": "dynamodb:PartiQLDelete",
    "SELECT": "dynamodb:PartiQLSelect",
    # A condition on an item that is read for it.
    "EXISTS": "dynamodb:PartiQLSelect",
}


class StatementError(MockValidationException):
    """A statement that is none, or that the embedded DynamoDB does not know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A statement in the terms of the item calls."""

    kind: str
    table: str
    item: Attributes = field(default_factory=dict)
    keys: Attributes = field(default_factory=dict)
    """Of each attribute that WHERE sets equal to a value at its top, the value."""
    conjuncts: Sequence[tuple[str, str | None]] = ()
    """The parts of WHERE, as condition expressions, with the attribute that one sets equal."""
    update: str = ""
    updated: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    values: Attributes = field(default_factory=dict)
    returning: str = ""

    @property
    def action(self) -> str:
        """The permission that it needs on its table."""
        return _ACTIONS[self.kind]

    @property
    def is_read(self) -> bool:
        return self.kind == "SELECT"

    def plan(self, table: Table, *, shows_item: bool = False) -> Write:
        """What it writes. Raises as `writes` does, and `DuplicateItemError`."""
        if self.kind == "INSERT":
            return self._insert(table)
        key = self._key(table)
        condition = self._condition(table, shows_item=shows_item)
        if self.is_read and condition.expression is not None:
            raise _malformed("a SELECT by more than the key")
        if self.kind == "UPDATE":
            return writes.update(table, key, condition, expression=self.update)
        if self.kind == "DELETE":
            return self._delete(table, key, condition)
        return writes.check(table, key, condition)

    def returned(self, write: Write) -> Mapping[str, Any] | None:
        """The item that RETURNING asks for."""
        which, _, when = self.returning.partition(" ")
        item = write.old if when == "OLD" or self.is_read else write.new
        if item is None or not (self.returning or self.is_read):
            return None
        shown = item.attrs.items()
        return {name: each for name, each in shown if which != "MODIFIED" or name in self.updated}

    def _insert(self, table: Table) -> Write:
        condition = Condition(
            expression="attribute_not_exists(#key)", names={"#key": table.hash_key_attr}
        )
        try:
            return writes.put(table, self.item, condition)
        except ConditionFailedError as error:
            raise DuplicateItemError from error

    def _delete(self, table: Table, key: Attributes, condition: Condition) -> Write:
        """Of an item that is not there, nothing is deleted, and no condition fails."""
        write = writes.check(table, key, Condition())
        return writes.delete(table, key, condition) if write.old is not None else write

    def _key(self, table: Table) -> Attributes:
        missing = [name for name in table.table_key_attrs if name not in self.keys]
        if missing:
            raise StatementError(
                "Where clause does not contain a mandatory equality on all key attributes"
            )
        return {name: self.keys[name] for name in table.table_key_attrs}

    def _condition(self, table: Table, *, shows_item: bool) -> Condition:
        parts = [text for text, name in self.conjuncts if name not in table.table_key_attrs]
        names = dict(self.names)
        if self.kind in ("UPDATE", "EXISTS"):
            names["#key"] = table.hash_key_attr
            parts.insert(0, "attribute_exists(#key)")
        return Condition(
            expression=" AND ".join(parts) or None,
            names=names,
            values=self.values,
            shows_item=shows_item,
        )


def parse(text: str, parameters: Sequence[AttributeValue] = ()) -> Statement:
    """Raises `StatementError`."""
    return _Parser(text, parameters).statement()


class _Parser:
    def __init__(self, text: str, parameters: Sequence[AttributeValue]) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._parameters = list(parameters)
        self._names: dict[str, str] = {}
        self._values: dict[str, AttributeValue] = {}
        self._keys: dict[str, AttributeValue] = {}
        self._updated: list[str] = []

    def statement(self) -> Statement:
        kind = self._word("INSERT", "UPDATE", "DELETE", "SELECT", "EXISTS")
        read = {
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
            "SELECT": self._select,
            "EXISTS": self._exists,
        }[kind]
        parts = read()
        self._end()
        if self._parameters:
            raise StatementError("Number of parameters in request and statement don't match.")
        return Statement(
            kind=kind,
            keys=self._keys,
            names=self._names,
            values=self._values,
            updated=self._updated,
            **parts,
        )

    def _insert(self) -> dict[str, Any]:
        self._word("INTO")
        table = self._name()
        self._word("VALUE")
        item = self._literal()
        if "M" not in item:
            raise self._unknown("an item that is no tuple")
        return {"table": table, "item": item["M"]}

    def _update(self) -> dict[str, Any]:
        table = self._name()
        clauses: dict[str, list[str]] = {}
        while (word := self._word("SET", "REMOVE", "WHERE")) != "WHERE":
            while True:
                action, text = self._assignment() if word == "SET" else ("REMOVE", self._updating())
                clauses.setdefault(action, []).append(text)
                if not self._accept(","):
                    break
        update = " ".join(f"{action} {', '.join(each)}" for action, each in clauses.items())
        conjuncts = self._condition()
        returning = self._returning("ALL", "MODIFIED")
        return {"table": table, "update": update, "conjuncts": conjuncts, "returning": returning}

    def _delete(self) -> dict[str, Any]:
        table, conjuncts = self._from_where()
        return {"table": table, "conjuncts": conjuncts, "returning": self._returning("ALL")}

    def _select(self) -> dict[str, Any]:
        self._sign("*")
        table, conjuncts = self._from_where()
        return {"table": table, "conjuncts": conjuncts}

    def _exists(self) -> dict[str, Any]:
        self._sign("(")
        self._word("SELECT")
        self._sign("*")
        table, conjuncts = self._from_where()
        self._sign(")")
        return {"table": table, "conjuncts": conjuncts}

    def _from_where(self) -> tuple[str, list[tuple[str, str | None]]]:
        self._word("FROM")
        table = self._name()
        self._word("WHERE")
        return table, self._condition()

    def _returning(self, *which: str) -> str:
        if not self._peek_word("RETURNING"):
            return ""
        self._word("RETURNING")
        shown = f"{self._word(*which)} {self._word('OLD', *(['NEW'] if len(which) > 1 else []))}"
        self._sign("*")
        return shown

    def _assignment(self) -> tuple[str, str]:
        """A part of SET, and of which clause of an update expression it is."""
        path = self._updating()
        self._sign("=")
        for function, action in (("SET_ADD", "ADD"), ("SET_DELETE", "DELETE")):
            if self._peek_word(function):
                self._word(function)
                self._sign("(")
                self._path()
                self._sign(",")
                value = self._operand()
                self._sign(")")
                return action, f"{path} {value}"
        return "SET", f"{path} = {self._sum()}"

    def _updating(self) -> str:
        path = self._path()
        name = self._names[path.partition(".")[0].partition("[")[0]]
        self._updated.append(name)
        return path

    def _sum(self) -> str:
        text = self._operand()
        while (sign := self._peek()) in ("+", "-"):
            self._at += 1
            text += f" {sign} {self._operand()}"
        return text

    def _condition(self) -> list[tuple[str, str | None]]:
        """The parts that must all hold."""
        conjuncts = self._conjunction()
        if not self._peek_word("OR"):
            return conjuncts
        self._keys.clear()
        text = _joined(conjuncts)
        while self._accept_word("OR"):
            text += f" OR {_joined(self._conjunction())}"
            self._keys.clear()
        return [(text, None)]

    def _conjunction(self) -> list[tuple[str, str | None]]:
        conjuncts = [self._comparison()]
        while self._accept_word("AND"):
            conjuncts.append(self._comparison())
        return conjuncts

    def _comparison(self) -> tuple[str, str | None]:
        if self._accept_word("NOT"):
            outside = dict(self._keys)
            text = self._comparison()[0]
            self._keys = outside
            return f"(NOT {text})", None
        if self._accept("("):
            outside = dict(self._keys)
            text = _joined(self._condition())
            self._sign(")")
            self._keys = outside
            return f"({text})", None
        for function in _FUNCTIONS:
            if self._peek_word(function):
                return self._function(function), None
        return self._compared(self._operand())

    def _compared(self, left: str) -> tuple[str, str | None]:
        if self._accept_word("IS"):
            return self._is(left), None
        if self._accept_word("BETWEEN"):
            low = self._operand()
            self._word("AND")
            return f"{left} BETWEEN {low} AND {self._operand()}", None
        if self._accept_word("IN"):
            close = {"(": ")", "[": "]"}[self._sign("(", "[")]
            return f"{left} IN ({self._listed(close)})", None
        sign = self._sign("=", "<>", "!=", "<=", ">=", "<", ">").replace("!=", "<>")
        right = self._operand()
        name = self._names.get(left)
        if sign == "=" and name is not None and right in self._values:
            self._keys[name] = self._values[right]
            return f"{left} = {right}", name
        return f"{left} {sign} {right}", None

    def _is(self, path: str) -> str:
        """MISSING: not there; NULL: of type NULL."""
        negated = self._accept_word("NOT")
        if self._word("MISSING", "NULL") == "MISSING":
            return f"attribute{'' if negated else '_not'}_exists({path})"
        text = f"attribute_type({path}, {self._placed({'S': 'NULL'})})"
        return f"(NOT {text})" if negated else text

    def _function(self, name: str) -> str:
        self._word(name)
        self._sign("(")
        return f"{name.lower()}({self._listed(')')})"

    def _listed(self, close: str) -> str:
        operands = [self._operand()]
        while self._accept(","):
            operands.append(self._operand())
        self._sign(close)
        return ", ".join(operands)

    def _operand(self) -> str:
        for function in ("SIZE", "LIST_APPEND"):
            if self._peek_word(function):
                return self._function(function)
        if self._is_path():
            return self._path()
        return self._placed(canonical(self._literal()))

    def _is_path(self) -> bool:
        kind, text = self._token()
        return kind == "quoted" or (
            kind == "word" and text.upper() not in ("TRUE", "FALSE", "NULL", "MISSING")
        )

    def _path(self) -> str:
        path = self._named(self._name())
        while True:
            if self._accept("."):
                path += f".{self._named(self._name())}"
            elif self._accept("["):
                path += f"[{self._take('number')}]"
                self._sign("]")
            else:
                return path

    def _literal(self) -> AttributeValue:
        kind, text = self._token()
        self._at += 1
        if text == "?":
            if not self._parameters:
                raise StatementError("Number of parameters in request and statement don't match.")
            return self._parameters.pop(0)
        if kind == "string":
            return {"S": text[1:-1].replace("''", "'")}
        if kind == "number":
            return {"N": text}
        if kind == "word" and text.upper() in ("TRUE", "FALSE"):
            return {"BOOL": text.upper() == "TRUE"}
        if kind == "word" and text.upper() == "NULL":
            return {"NULL": True}
        read = {"[": self._list, "{": self._map, "<<": self._set}.get(text)
        if read is None:
            raise self._unknown(f"{text or 'the end'} where a value is expected")
        return read()

    def _list(self) -> AttributeValue:
        return {"L": self._elements("]")}

    def _set(self) -> AttributeValue:
        elements = self._elements(">>")
        kinds = {kind for element in elements for kind in element}
        if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
            raise self._unknown("a set that is empty or of several types")
        (kind,) = kinds
        return {f"{kind}S": [element[kind] for element in elements]}

    def _elements(self, close: str) -> list[AttributeValue]:
        elements: list[AttributeValue] = []
        while not self._accept(close):
            if elements:
                self._sign(",")
            elements.append(self._literal())
        return elements

    def _map(self) -> AttributeValue:
        attributes: dict[str, AttributeValue] = {}
        while not self._accept("}"):
            if attributes:
                self._sign(",")
            kind, text = self._token()
            name = text[1:-1].replace("''", "'") if kind == "string" else None
            if name is not None:
                self._at += 1
            else:
                name = self._name()
            self._sign(":")
            attributes[name] = self._literal()
        return canonical({"M": attributes})

    def _named(self, name: str) -> str:
        placeholder = next((each for each, known in self._names.items() if known == name), None)
        placeholder = placeholder or f"#n{len(self._names)}"
        self._names[placeholder] = name
        return placeholder

    def _placed(self, value: AttributeValue) -> str:
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def _name(self) -> str:
        kind, text = self._token()
        self._at += 1
        if kind == "quoted":
            return text[1:-1].replace('""', '"')
        if kind != "word":
            raise self._unknown(f"{text or 'the end'} where a name is expected")
        return text

    def _token(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _peek(self) -> str:
        return self._token()[1]

    def _peek_word(self, *words: str) -> bool:
        kind, text = self._token()
        return kind == "word" and text.upper() in words

    def _accept(self, sign: str) -> bool:
        found = self._token() == ("sign", sign)
        self._at += found
        return found

    def _accept_word(self, word: str) -> bool:
        found = self._peek_word(word)
        self._at += found
        return found

    def _sign(self, *signs: str) -> str:
        kind, text = self._token()
        if kind != "sign" or text not in signs:
            raise self._unknown(f"{text or 'the end'} where {' or '.join(signs)} is expected")
        self._at += 1
        return text

    def _word(self, *words: str) -> str:
        if not self._peek_word(*words):
            raise self._unknown(
                f"{self._peek() or 'the end'} where {' or '.join(words)} is expected"
            )
        self._at += 1
        return self._tokens[self._at - 1][1].upper()

    def _take(self, kind: str) -> str:
        found, text = self._token()
        if found != kind:
            raise self._unknown(f"{text or 'the end'} where a {kind} is expected")
        self._at += 1
        return text

    def _end(self) -> None:
        if self._at < len(self._tokens):
            raise self._unknown(f"{self._peek()} behind the statement's end")

    def _unknown(self, what: str) -> StatementError:
        return _malformed(f"{what} in {self._text!r}")


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, end = [], 0, len(text.rstrip().removesuffix(";"))
    while at < end:
        found = _TOKEN.match(text, at, end)
        if found is None:
            if not text[at:end].strip():
                break
            raise _malformed(repr(text[at:end].strip()))
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        at = found.end()
    return tokens


def _malformed(what: str) -> StatementError:
    return StatementError(
        f"Statement wasn't well formed, can't be processed: {what}; the embedded DynamoDB knows "
        "INSERT, UPDATE, DELETE, SELECT * by key and EXISTS"
    )


def _joined(conjuncts: Sequence[tuple[str, str | None]]) -> str:
    return " AND ".join(text for text, _ in conjuncts)
