"""Lambda's API as AWS's own service model describes it: what a request asks for, and with what.

The model is the one that boto3 and the AWS CLI use. What its ranges, lengths, patterns and
enumerations exclude is refused in the words of AWS's API layer, all of it in one sentence.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.loaders
from botocore.model import OperationModel, ServiceModel

from infra.local.lambda_api.refusals import RefusedError

Parameters: TypeAlias = dict[str, Any]
"""A request's parameters by AWS's names; what was not given is not there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One call of Lambda's API."""

    operation: OperationModel
    parameters: Parameters

    @property
    def name(self) -> str:
        """The operation's."""
        return str(self.operation.name)


@cache
def service_model() -> ServiceModel:
    """Lambda's. Read once."""
    description = botocore.loaders.create_loader().load_service_model("lambda", "service-2")
    return ServiceModel(description, "lambda")


@cache
def _routes() -> tuple[tuple[str, re.Pattern[str], OperationModel], ...]:
    model = service_model()
    operations = (model.operation_model(name) for name in model.operation_names)
    return tuple(
        (each.http["method"], _path_pattern(each.http["requestUri"]), each) for each in operations
    )


def _path_pattern(uri: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\+?\}", urlsplit(uri).path.rstrip("/"))
    pattern = "".join(
        f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    return re.compile(pattern + "/?")


def operation_of(method: str, target: str) -> tuple[OperationModel, Parameters] | None:
    """The operation that a request line asks for, with what its path says; None: it is none."""
    path = urlsplit(target).path
    for verb, pattern, operation in _routes():
        if verb == method and (match := pattern.fullmatch(path)):
            return operation, {key: unquote(value) for key, value in match.groupdict().items()}
    return None


def read_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
    """The request, valid as far as the model says. Raises `RefusedError`.

    `headers` find a name whatever its case.
    """
    found = operation_of(method, target)
    if found is None:
        raise RefusedError("ResourceNotFoundException", f"no operation: {method} {target}")
    operation, parameters = found
    shape: Any = operation.input_shape
    query = parse_qs(urlsplit(target).query, keep_blank_values=True)
    document = _document(shape, body)
    for name, member in shape.members.items():
        key = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "uri":
                continue
            case "querystring":
                value = _from_query(member, query.get(key))
            case "header":
                value = headers.get(key)
            case _:
                value = body if name == shape.serialization.get("payload") else document.get(key)
        if value is not None:
            parameters[name] = _typed(member, value)
    if errors := list(_violations(shape, parameters)):
        plural = "s" if len(errors) > 1 else ""
        raise RefusedError(
            "ValidationException",
            f"{len(errors)} validation error{plural} detected: {'; '.join(errors)}",
        )
    return Request(operation=operation, parameters=parameters)


def _document(shape: Any, body: bytes) -> Mapping[str, Any]:
    if "payload" in shape.serialization or not body:
        return {}
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        message = "Could not parse request body into json"
        raise RefusedError("InvalidRequestContentException", message)
    return document


def _from_query(shape: Any, values: list[str] | None) -> Any:
    if values is None or shape.type_name == "list":
        return values
    if shape.type_name == "integer":
        return int(values[0]) if values[0].lstrip("-").isdecimal() else values[0]
    return values[0]


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "boolean": (bool,),
    "integer": (int,),
    "list": (list,),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
}


def _typed(shape: Any, value: Any) -> Any:
    """The value without what is null, and without members that the model does not know."""
    expected = _TYPES.get(shape.type_name)
    if isinstance(value, float) and value.is_integer() and shape.type_name in ("integer", "long"):
        value = int(value)
    is_number = expected == (int,) and isinstance(value, bool)
    if expected is not None and (is_number or not isinstance(value, expected)):
        message = f"{value!r} cannot be converted to {shape.type_name}"
        raise RefusedError("SerializationException", message)
    match shape.type_name:
        case "structure":
            return {
                name: _typed(member, value[name])
                for name, member in shape.members.items()
                if value.get(name) is not None
            }
        case "list":
            return [_typed(shape.member, each) for each in value]
        case "map":
            return {key: _typed(shape.value, each) for key, each in value.items()}
    return value


def _violations(shape: Any, value: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, member in shape.members.items():
        where = path + name[:1].lower() + name[1:]
        if name in value:
            yield from _of_member(member, value[name], where)
        elif name in shape.required_members:
            yield _in_words("null", where, "Member must not be null")


def _of_member(shape: Any, value: Any, where: str) -> Iterator[str]:
    for constraint, is_met in _constraints(shape, value):
        if not is_met:
            yield _in_words(f"'{_shown(value)}'", where, constraint)
    match shape.type_name:
        case "structure":
            yield from _violations(shape, value, f"{where}.")
        case "list" if shape.member.type_name == "structure":
            for number, each in enumerate(value, 1):
                yield from _of_member(shape.member, each, f"{where}.{number}.member")
        case "list":
            yield from _of_elements(shape.member, value, value, where, "Member")
        case "map":
            yield from _of_elements(shape.key, list(value), value, where, "Map keys")
            yield from _of_elements(shape.value, [*value.values()], value, where, "Map value")


def _of_elements(
    shape: Any, elements: list[Any], whole: Any, where: str, of_which: str
) -> Iterator[str]:
    """Of lists and maps AWS says once what all elements must satisfy."""
    if all(is_met for each in elements for _, is_met in _constraints(shape, each)):
        return
    said = [constraint for constraint, _ in _constraints(shape, elements[0])]
    if of_which != "Map keys":
        said.append("Member must not be null")
    constraint = f"{of_which} must satisfy constraint: [{', '.join(said)}]"
    yield _in_words(f"'{_shown(whole)}'", where, constraint)


def _constraints(shape: Any, value: Any) -> Iterator[tuple[str, bool]]:
    """What the model asks of a value, and whether this one meets it."""
    limits = shape.metadata
    if shape.type_name in ("integer", "long", "float", "double"):
        kind, size = "value", value
    elif shape.type_name in ("string", "list", "map"):
        kind, size = "length", len(value)
    else:
        return
    if "max" in limits:
        yield (
            f"Member must have {kind} less than or equal to {limits['max']}",
            (size <= limits["max"]),
        )
    if "min" in limits:
        yield (
            f"Member must have {kind} greater than or equal to {limits['min']}",
            (size >= limits["min"]),
        )
    if "pattern" in limits:
        matches = _python_pattern(limits["pattern"]).fullmatch(value) is not None
        yield f"Member must satisfy regular expression pattern: {limits['pattern']}", matches
    if "enum" in limits:
        allowed = _AS_RECORDED.get(shape.name, limits["enum"])
        yield f"Member must satisfy enum value set: [{', '.join(allowed)}]", value in allowed


@cache
def _python_pattern(pattern: str) -> re.Pattern[str]:
    """Of a pattern that is Java's: letters, numbers and spaces have other names there."""
    return re.compile(
        pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", "").replace(r"\p{Z}", r"\s")
    )


_AS_RECORDED: Final[Mapping[str, tuple[str, ...]]] = {
    "EventSourcePosition": ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"),
}
"""The order in which AWS names the values, where it was recorded and is not the model's."""


def _in_words(value: str, where: str, constraint: str) -> str:
    return f"Value {value} at '{where}' failed to satisfy constraint: {constraint}"


def _shown(value: Any) -> str:
    """As Java writes it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(each)}" for key, each in value.items()) + "}"
    return str(value)
