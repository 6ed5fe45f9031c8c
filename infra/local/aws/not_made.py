"""What a program gets of a resource or a look-up that is not known here: all of it made up."""

import importlib
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, Final

NOT_MADE_HERE: Final = "notMadeHere"
"""The output that says what the local run leaves out: the whole resource, or some of its inputs."""

EXISTS: Final = "exists on AWS; "
"""What is said of what the program does not make itself begins so."""

MADE_HERE: Final = f"{EXISTS}made here, empty"

PLACEHOLDER: Final = "not-made-here"
"""Stands in every string that is made up, so that what is made of it shows it too."""


class NotMadeHereError(Exception):
    """What a type knows, and the embedded AWS cannot make of these inputs; says why."""


def not_made(token: str, name: str, inputs: Collection[str]) -> dict[str, Any]:
    """The outputs beside the inputs, in the provider's types."""
    kinds = {key: kind for key, kind in _outputs_of(token).items() if key not in inputs}
    arn = _arn(token, name)
    return {
        **_made_up(token, kinds, arn),
        "id": name,
        "arn": arn,
        "name": name,
        NOT_MADE_HERE: "all of it",
    }


def not_known(token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a look-up, in the provider's types."""
    arn = _arn(token, str(arguments.get("name", "")))
    return {
        **_made_up(token, _results_of(token), arn),
        **arguments,
        NOT_MADE_HERE: "its answer is made up",
    }


def is_made_up(value: Any) -> bool:
    """Whether something in it stands for what is not made here."""
    return PLACEHOLDER in str(value)


def _arn(token: str, name: str) -> str:
    service = token.partition(":")[2].partition("/")[0]
    return f"arn:aws:{service}:::{PLACEHOLDER}/{name}".removesuffix("/")


def _made_up(token: str, kinds: Mapping[str, str], arn: str) -> dict[str, Any]:
    package, module, _ = token.split(":")
    outputs = f"{_module(package, module)}.outputs"
    return {
        key: arn if key == "arn" or key.endswith("Arn") else _value(kind, outputs, _DEPTH)
        for key, kind in kinds.items()
        if not kind.startswith("Optional[") and key != "region"
    }


_DEPTH: Final = 4
"""Of objects in objects; some types hold themselves."""

_SEVERAL: Final = 3
"""As many strings as a list has: subnets, zones, tokens are asked for by their place."""


def _value(kind: str, outputs: str, depth: int) -> Any:
    kind = re.sub(r"^Optional\[(.*)\]$", r"\1", kind)
    plain: dict[str, Any] = {"str": PLACEHOLDER, "int": 0, "float": 0, "bool": False}
    if kind in plain:
        return plain[kind]
    if kind.startswith("Sequence["):
        each = kind.removeprefix("Sequence[").removesuffix("]")
        return [_value(each, outputs, depth)] * (_SEVERAL if each == "str" else 1)
    if not depth:
        return {}
    return {
        key: _value(of_key, outputs, depth - 1) for key, of_key in _declared_once(outputs, kind)
    }


@cache
def _outputs_of(token: str) -> dict[str, str]:
    """By the output's name, the type that the provider's package declares."""
    package, module, kind = token.split(":")
    return dict(_declared(_module(package, module), kind))


@cache
def _results_of(token: str) -> dict[str, str]:
    package, module, function = token.split(":")
    kind = f"{function[0].upper()}{function[1:]}Result"
    return dict(_declared(_module(package, module), kind))


@cache
def _declared_once(module: str, kind: str) -> tuple[tuple[str, str], ...]:
    return tuple(_declared(module, kind))


def _declared(module: str, kind: str) -> Iterator[tuple[str, str]]:
    try:
        found = getattr(importlib.import_module(module), kind)
    except (ImportError, AttributeError):
        return
    for name, value in vars(found).items():
        if isinstance(value, property):
            yield _camel_case(name), _returned(value)


def _module(package: str, module: str) -> str:
    folder = module.partition("/")[0]
    folder = {"index": "", "lambda": ".lambda_"}.get(folder, f".{folder}")
    return f"pulumi_{package.replace('-', '_')}{folder.lower()}"


def _returned(value: property) -> str:
    """As it is written, without modules: Sequence[str]."""
    declared = getattr(value.fget, "__annotations__", {}).get("return", "")
    written = declared.__name__ if isinstance(declared, type) else str(declared)
    written = re.sub(r"ForwardRef\('([\w.]+)'\)", r"\1", written)
    written = re.sub(r"[\w.]+\.(\w+)", r"\1", written)
    return re.sub(r"^Output\[(.*)\]$", r"\1", written)


def _camel_case(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)
