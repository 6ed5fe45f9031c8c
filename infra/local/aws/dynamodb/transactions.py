"""Transactions: all writes are worked out before one is made; a cancelled one leaves nothing.

The writes are of different items, so that none depends on another. A request that is sent again
with its token has no effect the second time.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import (
    MockValidationException,
    MultipleTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models.table import Table

from infra.local.aws.dynamodb import writes
from infra.local.aws.dynamodb.writes import Condition, ConditionFailedError, Write

TOKEN_AGE: Final = 10 * 60
"""Seconds for which a ClientRequestToken is remembered (API reference, TransactWriteItems)."""


class DuplicateItemError(JsonRESTError):
    """An INSERT of a key that is there already."""

    def __init__(self) -> None:
        super().__init__(
            "com.amazonaws.dynamodb.v20120810#DuplicateItemException",
            "Duplicate primary key exists in table",
        )


class IdempotentParameterMismatchError(JsonRESTError):
    """A token that was used for another request."""

    def __init__(self) -> None:
        super().__init__(
            "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
            "DynamoDB rejected the request because you retried a request with a different payload "
            "but with an idempotent token that was already used.",
        )


class Tokens:
    """The ClientRequestTokens of the transactions that were made."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[float, str]] = {}

    def once(self, token: str | None, request: Any, make: Callable[[], None]) -> None:
        """Makes a transaction, unless it was made with this token.

        Raises `IdempotentParameterMismatchError`, and what `make` raises.
        """
        content = json.dumps(request, sort_keys=True, default=repr)
        now = time.monotonic()
        self._made = {each: made for each, made in self._made.items() if now - made[0] < TOKEN_AGE}
        if token in self._made:
            if self._made[token][1] != content:
                raise IdempotentParameterMismatchError
            return
        make()
        if token is not None:
            self._made[token] = (now, content)


def write_of(table_named: Callable[[str], Table], item: Mapping[str, Any]) -> Write:
    """One of TransactItems. Raises as the functions of `writes` do."""
    if len(item) != 1:
        raise TransactWriteSingleOpException
    ((kind, request),) = item.items()
    table, condition = table_named(request["TableName"]), Condition.of(request)
    match kind:
        case "Put":
            return writes.put(table, request["Item"], condition)
        case "Update":
            expression = request["UpdateExpression"]
            return writes.update(table, request["Key"], condition, expression=expression)
        case "Delete":
            return writes.delete(table, request["Key"], condition)
    return writes.check(table, request["Key"], condition)


def transact(planned: Sequence[Callable[[], Write]]) -> list[Write]:
    """Makes all writes or none. Raises `TransactionCanceledException`, a reason for each."""
    made, reasons = [], []
    for plan in planned:
        write, reason = _attempted(plan)
        reasons.append(reason)
        made += [write] if write is not None else []
    if not writes.each_once(made):
        raise MultipleTransactionsException
    if len(made) < len(planned):
        raise TransactionCanceledException(reasons)
    for write in made:
        write.make()
    return made


_Reason = tuple[str | None, str | None, dict[str, Any] | None]


def _attempted(plan: Callable[[], Write]) -> tuple[Write | None, _Reason]:
    try:
        return plan(), (None, None, None)
    except ConditionFailedError as error:
        return None, ("ConditionalCheckFailed", error.message, error.item)
    except DuplicateItemError as error:
        return None, ("DuplicateItem", error.message, None)
    except TransactWriteSingleOpException:
        raise
    except MockValidationException as error:
        return None, ("ValidationError", error.message, None)
