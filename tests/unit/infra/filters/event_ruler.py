"""A slow second opinion on filter patterns, written from the rules and sharing no code.

A record becomes the list of all its leaves, a pattern the list of all its combinations, and every
way of giving each field a leaf (or absence) is tried.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ABSENT = object()


class Pairs(list[tuple[str, Any]]):
    """A JSON object, equal keys included."""


@dataclass(frozen=True)
class LeafOf:
    path: str
    value: Any
    elements: Mapping[int, int]
    """For each list (by number) that holds it in a nested element: which element."""


def oracle_matches(pattern_text: str, record: Mapping[str, Any]) -> bool:
    """Whether the record matches, by trying everything."""
    leaves = leaves_of(record)
    pattern = json.loads(pattern_text, object_pairs_hook=Pairs)
    return any(_combination_matches(each, leaves) for each in _combinations(pattern, "", [{}]))


def leaves_of(record: Mapping[str, Any]) -> list[LeafOf]:
    """Every leaf of the record."""
    return list(_leaves(record, "", {}, itertools.count()))


def _leaves(
    node: Any, path: str, elements: Mapping[int, int], numbers: Iterator[int]
) -> Iterator[LeafOf]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else key, elements, numbers)
    elif isinstance(node, list):
        number = next(numbers)
        for index, element in enumerate(node):
            nested = isinstance(element, (dict, list))
            inside = {**elements, number: index} if nested else elements
            yield from _leaves(element, path, inside, numbers)
    else:
        yield LeafOf(path, node, elements)


def _combinations(
    pairs: Pairs, path: str, so_far: list[dict[str, list[Any]]]
) -> list[dict[str, list[Any]]]:
    for key, value in pairs:
        inner = f"{path}.{key}" if path else key
        if key == "$or":
            so_far = [
                combination
                for alternative in value
                for combination in _combinations(alternative, path, [dict(each) for each in so_far])
            ]
        elif isinstance(value, Pairs):
            so_far = _combinations(value, inner, so_far)
        else:
            so_far = [{**each, inner: value} for each in so_far]
    return so_far


def _combination_matches(fields: Mapping[str, list[Any]], leaves: list[LeafOf]) -> bool:
    paths = sorted(fields)
    choices = [[ABSENT, *(leaf for leaf in leaves if leaf.path == path)] for path in paths]
    return any(
        _holds(dict(zip(paths, choice, strict=True)), fields, leaves)
        for choice in itertools.product(*choices)
    )


def _holds(
    choice: Mapping[str, Any], fields: Mapping[str, list[Any]], leaves: list[LeafOf]
) -> bool:
    elements: dict[int, int] = {}
    for path, chosen in choice.items():
        if chosen is ABSENT:
            wanted = any(value == [("exists", False)] for value in fields[path])
            present = any(
                leaf.path == path and _in_same_elements(leaf, elements) for leaf in leaves
            )
            if present or not wanted:
                return False
        elif not _in_same_elements(chosen, elements) or not any(
            _value_matches(value, chosen.value) for value in fields[path]
        ):
            return False
        else:
            elements.update(chosen.elements)
    return True


def _in_same_elements(leaf: LeafOf, elements: Mapping[int, int]) -> bool:
    return all(elements[number] == at for number, at in leaf.elements.items() if number in elements)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "exists": lambda operand, _: operand is True,
    "anything-but": lambda operand, leaf: not any(_same(each, leaf) for each in _listed(operand)),
    "numeric": lambda operand, leaf: (
        _is_number(leaf)
        and all(SIGNS[s](leaf, n) for s, n in zip(operand[::2], operand[1::2], strict=True))
    ),
    "equals-ignore-case": lambda operand, leaf: _is_text(leaf) and operand.upper() == leaf.upper(),
    "prefix": lambda operand, leaf: _is_text(leaf) and leaf[: len(operand)] == operand,
    "suffix": lambda operand, leaf: _is_text(leaf) and leaf[len(leaf) - len(operand) :] == operand,
}


def _listed(operand: Any) -> list[Any]:
    return operand if isinstance(operand, list) else [operand]


def _is_text(leaf: Any) -> bool:
    return isinstance(leaf, str)


def _value_matches(value: Any, leaf: Any) -> bool:
    if not isinstance(value, Pairs):
        return _same(value, leaf)
    [(operator, operand)] = value
    return OPERATORS[operator](operand, leaf)
