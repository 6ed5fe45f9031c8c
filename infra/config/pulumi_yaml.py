"""YAML as Pulumi's engine reads it: a stack file must not say one thing here and another there.

The engine is Go, and its reader yaml.v3 follows neither YAML 1.1 nor 1.2 to the letter: `yes` and
`12:30:45` are strings, `0777` and `0o777` octal, a date becomes Go's way of printing it, and the
engine makes every number JSON on the way (`1.10` is 1.1, `60.0` is 60). The rules are those of
yaml.v3 3.0.1, resolve.go, and were tried with Pulumi's own code (sdk 3.274.1, LoadProjectStack).
"""

import datetime as dt
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import yaml

INVALID: Final = yaml.YAMLError
"""What is raised for what Pulumi cannot read."""


def load(string: str) -> object:
    """The first document: objects with strings as keys, lists, strings, numbers, true, false, null.

    Raises `INVALID`.
    """
    loader: Any = _Loader(string.removeprefix("\ufeff"))
    try:
        return _plain(loader.get_data()) if loader.check_data() else None
    except RecursionError as error:
        raise INVALID("it nests deeper than can be read here") from error
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """With plain scalars resolved as yaml.v3 does, and no key twice."""

    def resolve(self, kind: type[Any], value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0] and value is not None:
            return _PLAIN if value != "<<" else "tag:yaml.org,2002:merge"
        if kind is yaml.ScalarNode:
            return _STRING
        return _SEQUENCE if kind is yaml.SequenceNode else _MAPPING


_PLAIN: Final = "!plain"
_STRING: Final = "tag:yaml.org,2002:str"
_SEQUENCE: Final = "tag:yaml.org,2002:seq"
_MAPPING: Final = "tag:yaml.org,2002:map"


def _mapping(loader: _Loader, node: yaml.Node) -> dict[Any, Any]:
    """Also of `!!set` and of tags that nobody knows."""
    if not isinstance(node, yaml.MappingNode):
        raise yaml.constructor.ConstructorError(None, None, "is no mapping", node.start_mark)
    seen = set()
    for key, _ in node.value:
        name = (key.tag, key.value if isinstance(key.value, str) else id(key))
        if name in seen and key.value != "<<":
            raise yaml.constructor.ConstructorError(
                None, None, f'mapping key "{key.value}" already defined', key.start_mark
            )
        seen.add(name)
    loader.flatten_mapping(node)
    return {
        _key(loader.construct_object(key, deep=True)): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


def _key(value: object) -> str:
    """As Go prints it."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(_number(value))


def _of_any_tag(loader: _Loader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


def _scalar(loader: _Loader, node: yaml.Node) -> Any:
    value = loader.construct_scalar(node)  # type: ignore[arg-type] # it is a scalar
    return resolved(str(value))


_Loader.yaml_constructors = {
    **yaml.SafeLoader.yaml_constructors,
    _PLAIN: _scalar,
    _MAPPING: _mapping,
    "tag:yaml.org,2002:set": _mapping,
    **{
        f"tag:yaml.org,2002:{name}": _scalar
        for name in ("null", "bool", "int", "float", "timestamp")
    },
    None: lambda loader, node: _of_any_tag(loader, "", node),
}


def resolved(string: str) -> Any:
    """What yaml.v3 takes an unquoted scalar for."""
    if string in _WORDS:
        return _WORDS[string]
    if re.match(r"[-+.\d]", string, re.ASCII) is None:
        return string
    if string[0] != "." and (time := _timestamp(string)) is not None:
        return time
    number = _integer(string.replace("_", "")) if string[0] != "." else None
    return number if number is not None else _float(string)


_WORDS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}

_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)"
    r"|(?P<dec>0|[1-9][0-9]*))"
)
_BASES: Final = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEAST, _MOST, _MOST_UNSIGNED = -(2**63), 2**63 - 1, 2**64 - 1


def _integer(string: str) -> int | None:
    found = _INTEGER.fullmatch(string)
    if found is None:
        return None
    base = next(name for name in _BASES if found[name] is not None)
    number = int(found["sign"] + found[base], _BASES[base])
    most = _MOST if found["sign"] else _MOST_UNSIGNED
    return number if _LEAST <= number <= most else None


def _float(string: str) -> float | str:
    plain = string if string[0] == "." else string.replace("_", "")
    number = float(plain) if _FLOAT.fullmatch(plain) else math.inf
    return string if math.isinf(number) else number


_TIMESTAMP: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})([.,]\d+)?(Z|[-+]\d\d:\d\d)"
    r"| (\d{1,2}):(\d{1,2}):(\d{1,2})([.,]\d+)?)?",
    re.ASCII,
)


def _timestamp(string: str) -> str | None:
    """A date or a time as Go prints it: 2024-01-15 00:00:00 +0000 UTC."""
    found = _TIMESTAMP.fullmatch(string)
    if found is None:
        return None
    year, month, day, *rest = found.groups()
    hour, minute, second, fraction = (
        one or other for one, other in zip(rest[:4], rest[5:], strict=True)
    )
    try:
        time = dt.datetime(
            *(int(each or 0) for each in (year, month, day, hour, minute, second)),  # type: ignore[arg-type, misc] # six
            tzinfo=dt.UTC,
        )
    except ValueError:
        return None
    zone = (rest[4] or "Z").replace(":", "")
    digits = (fraction or "")[1:10].rstrip("0")
    return f"{time:%Y-%m-%d %H:%M:%S}{'.' if digits else ''}{digits} " + (
        "+0000 UTC" if zone == "Z" else f"{zone} {zone}"
    )


def _plain(value: Any) -> Any:
    """As JSON has it, which is the form in which the engine hands everything on."""
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, str) and any("\ud800" <= each <= "\udfff" for each in value):
        raise INVALID("found invalid Unicode character escape code")
    return _number(value)


def _number(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    if math.isinf(value) or math.isnan(value):
        raise INVALID(f"{value} is no number that JSON has")
    # Up to there Go prints it without an exponent, and then it is a whole number again.
    return int(Decimal(repr(value))) if value.is_integer() and abs(value) < 1e21 else value
