"""One write of one item: checked and worked out first, made after.

Nothing of the table is touched before the whole write is known to be right, and an item is never
changed in place: what fails leaves nothing, alone or in a transaction. Conditions and update
expressions are moto's.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any, Final, TypeAlias

from moto.dynamodb.comparisons import get_expected, get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    InvalidAttributeTypeError,
    ItemSizeTooLarge,
    ItemSizeToUpdateTooLarge,
    MockValidationException,
    ProvidedKeyDoesNotExist,
    UpdateHashRangeKeyException,
)
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.executors import UpdateExpressionExecutor
from moto.dynamodb.parsing.expressions import (  # type: ignore[attr-defined] # untyped
    UpdateExpressionParser,
)
from moto.dynamodb.parsing.validators import UpdateExpressionValidator

from infra.local.aws.dynamodb.values import AttributeValue, canonical

Attributes: TypeAlias = Mapping[str, AttributeValue]

_EXACT: Final = 300
"""Digits in which a sum of any two numbers that DynamoDB keeps is exact."""


class ConditionFailedError(ConditionalCheckFailed):
    """The condition is false; `item` is what the caller asked to see of it."""

    def __init__(self, item: dict[str, Any] | None) -> None:
        super().__init__(item=item)
        self.item = item


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What must hold of the item before it is written."""

    expression: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Attributes = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)
    """The condition of callers from before there were expressions."""
    shows_item: bool = False
    """Whether the item that fails it is shown."""

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Condition":
        """From a request, or from a part of a transaction."""
        return cls(
            expression=request.get("ConditionExpression"),
            names=request.get("ExpressionAttributeNames") or {},
            values=request.get("ExpressionAttributeValues") or {},
            expected=request.get("Expected") or {},
            shows_item=request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
        )

    def ensure(self, item: Item | None) -> None:
        """Raises `ConditionFailedError`."""
        if self._holds(item):
            return
        shown = item.to_json()["Attributes"] if item is not None and self.shows_item else None
        raise ConditionFailedError(shown)

    def _holds(self, item: Item | None) -> bool:
        values: Any = dict(self.values)
        by_expression = get_filter_expression(self.expression, dict(self.names), values)
        try:
            return get_expected({**self.expected}).expr(item) and by_expression.expr(item)
        except ValueError as error:  # the size of what has none
            raise MockValidationException(f"Invalid ConditionExpression: {error}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """A change of one item, or of none, that only has to be made."""

    table: Table
    key: tuple[DynamoType, DynamoType | None]
    old: Item | None
    new: Item | None

    @property
    def target(self) -> tuple[str, DynamoType, DynamoType | None]:
        """Which item: a batch and a transaction write each once."""
        return self.table.name, *self.key

    def make(self, *, by: str | None = None) -> None:
        """`by` is the service that made it, where no caller did."""
        if self.new is self.old:
            return
        partition, sort = self.key
        items: Any = self.table.items if sort is None else self.table.items[partition]
        name = partition if sort is None else sort
        if self.new is None:
            del items[name]
        else:
            items[name] = self.new
        stream: Any = self.table.stream_shard
        if stream is not None:
            stream.add(self.old, self.new, by=by)


def put(table: Table, attributes: Attributes, condition: Condition) -> Write:
    """The item replaced. Raises `ConditionFailedError`, and what DynamoDB refuses."""
    ensure_keys(table, attributes)
    key = _key(table, attributes)
    old = table.get_item(*key)
    condition.ensure(old)
    return Write(table=table, key=key, old=old, new=Item(*key, attrs=dict(attributes)))


def delete(table: Table, key: Attributes, condition: Condition) -> Write:
    """The item removed, if there is one. Raises as `put` does."""
    item_key = exact_key(table, key)
    old = table.get_item(*item_key)
    condition.ensure(old)
    return Write(table=table, key=item_key, old=old, new=None if old is not None else old)


def check(table: Table, key: Attributes, condition: Condition) -> Write:
    """The item left as it is, if the condition holds. Raises as `put` does."""
    item_key = exact_key(table, key)
    old = table.get_item(*item_key)
    condition.ensure(old)
    return Write(table=table, key=item_key, old=old, new=old)


def update(
    table: Table,
    key: Attributes,
    condition: Condition,
    *,
    expression: str = "",
    attribute_updates: Mapping[str, Any] | None = None,
) -> Write:
    """The item with some attributes changed, or a new one. Raises as `put` does."""
    item_key = exact_key(table, key)
    old = table.get_item(*item_key)
    condition.ensure(old)
    new = copy.deepcopy(old) if old is not None else Item(*item_key, attrs=dict(key))
    try:
        if expression:
            _execute(table, new, expression, condition)
        for name, action in (attribute_updates or {}).items():
            _apply(table, new, name, action)
        _make_canonical(new)
    except ItemSizeTooLarge as error:
        raise ItemSizeToUpdateTooLarge from error
    return Write(table=table, key=item_key, old=old, new=new)


def expire(table: Table, item: Item) -> Write:
    """An item that is past its time to live, removed."""
    return Write(table=table, key=(item.hash_key, item.range_key), old=item, new=None)


def _execute(table: Table, item: Item, expression: str, condition: Condition) -> None:
    names = dict(condition.names)
    values: Any = dict(condition.values)
    tree = UpdateExpressionValidator(
        UpdateExpressionParser.make(expression),
        expression_attribute_names=names,
        expression_attribute_values=values,
        item=item,
        table=table,
    )
    with localcontext() as context:
        context.prec = _EXACT
        validated = tree.validate()
        validated.normalize()
        UpdateExpressionExecutor(validated, item, names).execute()


def _apply(table: Table, item: Item, name: str, update: Mapping[str, Any]) -> None:
    """One of AttributeUpdates, as the API reference describes it."""
    if name in table.table_key_attrs:
        raise UpdateHashRangeKeyException(name)
    action, value = update.get("Action", "PUT"), update.get("Value")
    old = item.attrs[name].to_regular_json() if name in item.attrs else None
    if action == "PUT" and value is not None:
        new = value
    elif action == "ADD" and value is not None:
        new = _sum(old, value)
    elif action == "DELETE":
        new = _difference(old, value) if old is not None and value is not None else None
    else:
        raise MockValidationException(
            "One or more parameter values were invalid: Only DELETE action is allowed when no "
            "attribute value is specified"
        )
    if new is not None:
        item.attrs[name] = DynamoType(dict(new))
    else:
        item.attrs.pop(name, None)


def _sum(old: AttributeValue | None, value: AttributeValue) -> AttributeValue:
    """A number added, a set's elements, or a list's."""
    kind, content = _content(value)
    before: Any = _content(old)[1] if old is not None else "0" if kind == "N" else []
    if old is not None and kind not in old:
        raise MockValidationException("Type mismatch for attribute to update")
    if kind == "N":
        with localcontext() as context:
            context.prec = _EXACT
            return {kind: str(Decimal(before) + Decimal(content))}
    if kind == "L":
        return {kind: [*before, *content]}
    if kind in ("SS", "NS", "BS"):
        return {kind: [*before, *(each for each in content if each not in before)]}
    raise MockValidationException(
        "One or more parameter values were invalid: Action ADD is not supported for the type "
        f"{kind}"
    )


def _difference(old: AttributeValue, value: AttributeValue) -> AttributeValue | None:
    """A set without some elements; no set is empty."""
    kind, content = _content(value)
    if kind not in old:
        raise MockValidationException("Type mismatch for attribute to update")
    left = [each for each in old[kind] if each not in content]
    return {kind: left} if left else None


def _content(value: AttributeValue) -> tuple[str, Any]:
    ((kind, content),) = value.items()
    return kind, content


def _make_canonical(item: Item) -> None:
    """Sums have zeroes, and sets that were added to are out of order."""
    for name, value in item.attrs.items():
        if value.type not in ("S", "B", "BOOL", "NULL"):
            dict.__setitem__(item.attrs, name, DynamoType(dict(canonical(_plain(value)))))


def _plain(value: DynamoType) -> AttributeValue:
    if value.is_list():
        return {value.type: [_plain(each) for each in value.value]}
    if value.is_map():
        return {value.type: {name: _plain(each) for name, each in value.value.items()}}
    return {value.type: value.value}


def ensure_keys(table: Table, attributes: Attributes) -> None:
    """Raises what DynamoDB says of an item that lacks its key, or has another kind of it."""
    for name in table.table_key_attrs:
        if name not in attributes:
            raise MockValidationException(
                f"One or more parameter values were invalid: Missing the key {name} in the item"
            )
        kind, expected = _content(attributes[name])[0], _key_type(table, name)
        if kind != expected:
            raise InvalidAttributeTypeError(name, expected_type=expected, actual_type=kind)
    _ensure_not_empty(table, attributes)


def _key(table: Table, attributes: Attributes) -> tuple[DynamoType, DynamoType | None]:
    table._validate_key_sizes(dict(attributes))  # noqa: SLF001 - moto's own check
    sort = table.range_key_attr
    return (
        DynamoType(dict(attributes[table.hash_key_attr])),
        DynamoType(dict(attributes[sort])) if sort is not None else None,
    )


def exact_key(table: Table, key: Attributes) -> tuple[DynamoType, DynamoType | None]:
    """The key of a request that names it and nothing else. Raises `ProvidedKeyDoesNotExist`."""
    if set(key) != set(table.table_key_attrs) or any(
        _key_type(table, name) not in value for name, value in key.items()
    ):
        raise ProvidedKeyDoesNotExist
    _ensure_not_empty(table, key)
    return _key(table, key)


def _key_type(table: Table, name: str) -> str:
    return table.hash_key_type if name == table.hash_key_attr else table.range_key_type or ""


def _ensure_not_empty(table: Table, attributes: Attributes) -> None:
    for name in table.table_key_attrs:
        kind, content = _content(attributes[name])
        if not content:
            what = "binary" if kind == "B" else "string"
            raise MockValidationException(
                "One or more parameter values are not valid. The AttributeValue for a key "
                f"attribute cannot contain an empty {what} value. Key: {name}"
            )


def each_once(writes: Sequence[Write]) -> bool:
    """Whether no two of them are of the same item."""
    return len({write.target for write in writes}) == len(writes)
