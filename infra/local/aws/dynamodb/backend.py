"""The tables: moto's, with every write by way of `writes`, and streams of our own."""

import time
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final

from moto.core.exceptions import JsonRESTError
from moto.dynamodb import urls
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

from infra.local.aws.dynamodb import writes
from infra.local.aws.dynamodb.stream import SERVICE, TableStream
from infra.local.aws.dynamodb.transactions import Tokens, transact, write_of
from infra.local.aws.dynamodb.writes import Condition

_OLDEST_EXPIRY: Final = 5 * 365 * 24 * 60 * 60
"""Seconds: what is five years past its time to live is not removed (Developer Guide, TTL)."""


class StreamEnabledError(JsonRESTError):
    """The table has a stream already."""

    def __init__(self, table: str) -> None:
        super().__init__(
            "com.amazon.coral.validate#ValidationException",
            f"Table already has an enabled stream: TableName: {table}",
        )


class Backend(DynamoDBBackend):
    """The tables of one region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.tokens = Tokens()
        self.streams: dict[str, TableStream] = {}
        """By their ARNs, those that are closed too."""

    @property
    def _url_module(self) -> Any:
        """moto looks for it beside this module."""
        return urls

    def create_table(self, name: str, **request: Any) -> Table:  # type: ignore[override] # passed on
        table = super().create_table(name, **request)
        self._keep_stream(table)
        return table

    def delete_table(self, name: str) -> Table:
        table = super().delete_table(name)
        self._close_stream(table)
        return table

    def update_table_streams(self, table: Table, stream_specification: dict[str, Any]) -> None:
        enables = stream_specification.get("StreamEnabled", False)
        if enables and table.stream_shard is not None:
            raise StreamEnabledError(table.name)
        self._close_stream(table)
        table.set_stream_specification(stream_specification)
        self._keep_stream(table)

    def _keep_stream(self, table: Table) -> None:
        specification = table.stream_specification
        if specification is None or not specification.get("StreamEnabled"):
            table.stream_shard = None
            return
        stream = TableStream(table, specification["StreamViewType"])
        self.streams[stream.arn] = stream
        table.stream_shard = stream  # type: ignore[assignment] # stands for moto's

    @staticmethod
    def _close_stream(table: Table) -> None:
        stream: Any = table.stream_shard
        if stream is not None:
            stream.close()
        table.stream_shard = None

    def put_item(  # noqa: PLR0917 - moto's signature, as below
        self,
        table_name: str,
        item_attrs: dict[str, Any],
        expected: dict[str, Any] | None = None,
        condition_expression: str | None = None,
        expression_attribute_names: dict[str, Any] | None = None,
        expression_attribute_values: dict[str, Any] | None = None,
        overwrite: bool = False,
        return_values_on_condition_check_failure: str | None = None,
    ) -> Item:
        del overwrite
        condition = _condition(
            condition_expression,
            expression_attribute_names,
            expression_attribute_values,
            expected,
            return_values_on_condition_check_failure,
        )
        write = writes.put(self.get_table(table_name), item_attrs, condition)
        write.make()
        return _existing(write.new)

    def update_item(  # noqa: PLR0917
        self,
        table_name: str,
        key: dict[str, dict[str, Any]],
        update_expression: str,
        expression_attribute_names: dict[str, Any],
        expression_attribute_values: dict[str, Any],
        attribute_updates: dict[str, Any] | None = None,
        expected: dict[str, Any] | None = None,
        condition_expression: str | None = None,
        return_values_on_condition_check_failure: str | None = None,
    ) -> Item:
        condition = _condition(
            condition_expression,
            expression_attribute_names,
            expression_attribute_values,
            expected,
            return_values_on_condition_check_failure,
        )
        write = writes.update(
            self.get_table(table_name),
            key,
            condition,
            expression=update_expression,
            attribute_updates=attribute_updates,
        )
        write.make()
        return _existing(write.new)

    def delete_item(  # noqa: PLR0917
        self,
        table_name: str,
        key: dict[str, Any],
        expression_attribute_names: dict[str, Any] | None = None,
        expression_attribute_values: dict[str, Any] | None = None,
        condition_expression: str | None = None,
        return_values_on_condition_check_failure: str | None = None,
    ) -> Item | None:
        condition = _condition(
            condition_expression,
            expression_attribute_names,
            expression_attribute_values,
            None,
            return_values_on_condition_check_failure,
        )
        write = writes.delete(self.get_table(table_name), key, condition)
        write.make()
        return write.old

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        transact([partial(write_of, self.get_table, item) for item in transact_items])

    def expire(self, now: float | None = None) -> int:
        """Removes the items that are past their time to live; says how many those were."""
        moment = time.time() if now is None else now
        past = [
            writes.expire(table, item)
            for table in self.tables.values()
            for item in _expired(table, moment)
        ]
        for write in past:
            write.make(by=SERVICE)
        return len(past)


def _condition(
    expression: str | None,
    names: Mapping[str, Any] | None,
    values: Mapping[str, Any] | None,
    expected: Mapping[str, Any] | None,
    shows: str | None,
) -> Condition:
    return Condition(
        expression=expression,
        names=names or {},
        values=values or {},
        expected=expected or {},
        shows_item=shows == "ALL_OLD",
    )


def _existing(item: Item | None) -> Item:
    if item is None:  # of a put and of an update there is one
        raise TypeError("the write left no item")
    return item


def _expired(table: Table, now: float) -> list[Item]:
    """Items whose attribute is a Number in the past, but not of more than five years ago."""
    name = table.ttl.get("AttributeName")
    if table.ttl["TimeToLiveStatus"] != "ENABLED" or name is None:
        return []
    return [
        item
        for item in table.all_items()
        if name in item.attrs
        and item.attrs[name].type == "N"
        and now - _OLDEST_EXPIRY < Decimal(item.attrs[name].value) < now
    ]
