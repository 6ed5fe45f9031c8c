"""What of a resource differs between its state and what the program wants: the provider's diff.

Pure. Which difference counts, and which one replaces, the type of the resource says.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from infra.local.aws.resource_type import DOCUMENTS, Inputs, ResourceType
from infra.local.program.engine import UNKNOWN


class Kind(Enum):
    """As Pulumi's `PropertyDiff.Kind` names them."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One input that is another one than before."""

    path: str
    """As Pulumi writes it: `filterCriteria.filters[0].pattern`."""
    kind: Kind
    replaces: bool

    @property
    def key(self) -> str:
        """The input that it lies in."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


def changes(
    type_: ResourceType, *, state: Inputs, old: Inputs, new: Inputs, ignored: Sequence[str] = ()
) -> list[Change]:
    """From the last state and inputs to the new inputs. `ignored` are paths of the program's."""
    found = [
        Change(path=path, kind=kind, replaces=_within(path, type_.replaced_by))
        for path, kind in _differences_of_keys("", type_, _Old(state, old), new)
        if not _within(path, type_.passed_over) and not _within(path, frozenset(ignored))
    ]
    keys = {each.key for each in found}
    only_with = type_.only_with or {}
    return [each for each in found if each.key not in only_with or keys & only_with[each.key]]


@dataclass(frozen=True, slots=True)
class _Old:
    state: Any
    """What AWS had, with what it added itself."""
    wanted: Any
    """What the program had wanted."""

    def __getitem__(self, key: str) -> "_Old":
        return _Old(_value(self.state, key), _value(self.wanted, key))


def _value(values: Any, key: str) -> Any:
    return values.get(key) if isinstance(values, Mapping) else None


def _differences(path: str, type_: ResourceType, old: _Old, new: Any) -> Iterator[tuple[str, Kind]]:
    if _is_none(new):
        # What AWS added by itself, nobody has taken back.
        if not _is_none(old.wanted) and not _is_none(old.state) and not _kept(path, type_):
            yield path, Kind.DELETE
    elif _is_none(old.state):
        yield path, Kind.ADD
    elif new is UNKNOWN:
        yield path, Kind.UPDATE
    elif isinstance(new, Mapping) and isinstance(old.state, Mapping):
        yield from _differences_of_keys(path, type_, old, new)
    elif isinstance(new, list) and isinstance(old.state, list):
        yield from _differences_of_lists(path, type_, old, new)
    elif not _same(path, old.state, new):
        yield path, Kind.UPDATE


def _differences_of_keys(
    path: str, type_: ResourceType, old: _Old, new: Inputs
) -> Iterator[tuple[str, Kind]]:
    for key in [*new, *(key for key in _keys(old.wanted) if key not in new)]:
        at = f"{path}.{key}" if path else key
        yield from _differences(at, type_, old[key], new.get(key))


def _differences_of_lists(
    path: str, type_: ResourceType, old: _Old, new: list[Any]
) -> Iterator[tuple[str, Kind]]:
    before, after = old.state, new
    if _plain(path) in type_.unordered:
        before, after = sorted(before, key=_text), sorted(after, key=_text)
    wanted = (
        old.wanted if isinstance(old.wanted, list) and len(old.wanted) == len(before) else before
    )
    if _plain(path) in type_.unordered and wanted is not before:
        wanted = sorted(wanted, key=_text)
    for index in range(max(len(before), len(after))):
        at = f"{path}[{index}]"
        if index >= len(after):
            yield at, Kind.DELETE
        elif index >= len(before):
            yield at, Kind.ADD
        else:
            yield from _differences(at, type_, _Old(before[index], wanted[index]), after[index])


def _keys(values: Any) -> Sequence[str]:
    return list(values) if isinstance(values, Mapping) else []


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _same(path: str, old: Any, new: Any) -> bool:
    if path.rpartition(".")[2] in DOCUMENTS and isinstance(old, str) and isinstance(new, str):
        try:
            return bool(json.loads(old) == json.loads(new))
        except ValueError:
            return old == new
    return bool(old == new)


_EMPTY: Final[tuple[object, ...]] = ("", [], {})


def _is_none(value: Any) -> bool:
    """The provider takes what is empty for what is not there."""
    return value is None or (value is not UNKNOWN and value in _EMPTY)


def _kept(path: str, type_: ResourceType) -> bool:
    return _plain(path) in type_.kept


def _plain(path: str) -> str:
    """Without indexes."""
    return re.sub(r"\[[^]]*\]", "", path)


def _within(path: str, paths: frozenset[str]) -> bool:
    plain = _plain(path)
    return any(plain == each or plain.startswith(f"{each}.") for each in paths)
