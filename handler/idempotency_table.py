"""The idempotency table, call by call: each item of a call stands alone, and no call raises.

A claim is an INSERT, which DynamoDB refuses where the item exists; an UPDATE on a condition then
takes what nobody holds any more, or shows who does. Both go 25 to a BatchExecuteStatement, which
is billed by the item and undoes none for another's sake, as a transaction would. A completion is an
unconditional put: the effect has happened, whoever holds the claim. A release is an UPDATE on the
condition that the claim is still ours, and not a delete: a delete that is sent twice, because the
first reply was lost, could take away what another invocation has claimed in between.

Importing this module imports boto3.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

from handler.config import IDEMPOTENCY_EXPIRY_ATTRIBUTE, IDEMPOTENCY_KEY_ATTRIBUTE

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ITEMS_PER_CALL: Final = 25
"""Of BatchExecuteStatement and of BatchWriteItem; the limit is AWS's."""

CLIENT_CONFIG: Final = Config(
    # A call takes some 10 ms; one that takes seconds is better sent again. Retries are ours: only
    # the caller knows how much time is left, and which calls may be sent twice.
    # What is sent is made here: checking it again took a quarter of a call's CPU.
    parameter_validation=False,
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 1},
)

STATUS: Final = "status"
OWNER: Final = "owner"
LOCKED_UNTIL: Final = "locked_until"
"""Epoch milliseconds before which nobody else may run the event; of a completed one, its expiry."""
TRANSACTION: Final = "transaction"

IN_PROGRESS: Final = "INPROGRESS"
COMPLETED: Final = "COMPLETED"

# API reference of DynamoDB: BatchStatementError, and "Error handling", "OK to retry?".
_PASSING: Final = frozenset(
    {
        "InternalServerError",
        "InternalFailure",
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class State(Enum):
    """What a call says of one event."""

    CLAIMED = auto()
    """It is this invocation's to run."""
    COMPLETED = auto()
    """It was processed, or what was asked for has been written."""
    HELD = auto()
    """Another claim holds it."""
    EXISTS = auto()
    """There is an item; of what kind, an update tells."""
    GONE = auto()
    """There was an item a moment ago."""
    UNAVAILABLE = auto()
    """Throttled, timed out or failed: it may have been written or not."""
    REFUSED = auto()
    """Denied or invalid: trying again would not help."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a call says of one event."""

    state: State
    owner: str = ""
    """Whose claim holds it."""
    error: Exception | None = None


class StatementError(Exception):
    """One item of a call failed: AWS's code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Who claims, until when, and when DynamoDB may forget it."""

    owner: str
    locked_until: int
    expires_at: int


class IdempotencyTable:
    """The calls to one table; each takes at most `ITEMS_PER_CALL` ids."""

    def __init__(
        self,
        name: str,
        client: "DynamoDBClient | None" = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.client = client or boto3.client("dynamodb", config=CLIENT_CONFIG)
        self.clock = clock
        table = '"' + name.replace('"', '""') + '"'
        self._insert = (
            f"INSERT INTO {table} VALUE {{'{IDEMPOTENCY_KEY_ATTRIBUTE}': ?, '{STATUS}': ?, "
            f"'{OWNER}': ?, '{LOCKED_UNTIL}': ?, '{IDEMPOTENCY_EXPIRY_ATTRIBUTE}': ?}}"
        )
        key = f'WHERE "{IDEMPOTENCY_KEY_ATTRIBUTE}" = ?'
        # Values are parameters; the names in the statements are constants and the table's own.
        take = (
            f'UPDATE {table} SET "{STATUS}" = ? SET "{OWNER}" = ? SET "{LOCKED_UNTIL}" = ? '  # noqa: S608
            f'SET "{IDEMPOTENCY_EXPIRY_ATTRIBUTE}" = ? {key}'
        )
        self._take_expired = f'{take} AND "{LOCKED_UNTIL}" < ?'
        self._take_own = f'{take} AND "{OWNER}" = ?'
        self._release = f'UPDATE {table} SET "{LOCKED_UNTIL}" = ? {key} AND "{OWNER}" = ?'  # noqa: S608

    def insert(self, event_ids: Sequence[str], claim: Claim) -> list[Answer]:
        """Claims what is not there: CLAIMED, EXISTS, UNAVAILABLE or REFUSED."""
        return self._statements(
            [(self._insert, [_string(event_id), *_claim_values(claim)]) for event_id in event_ids]
        )

    def take(self, event_ids: Mapping[str, str], claim: Claim) -> list[Answer]:
        """Claims what is there, when it is held no longer, or by the owner named with the id.

        CLAIMED, COMPLETED, HELD, GONE, UNAVAILABLE or REFUSED.
        """
        now = _number(int(self.clock() * 1000))
        return self._statements(
            [
                (self._take_own, [*_claim_values(claim), _string(event_id), _string(owner)])
                if owner
                else (self._take_expired, [*_claim_values(claim), _string(event_id), now])
                for event_id, owner in event_ids.items()
            ]
        )

    def release(self, event_ids: Sequence[str], owner: str) -> list[Answer]:
        """Ends claims: CLAIMED (it was ours), or HELD, COMPLETED, GONE, UNAVAILABLE, REFUSED."""
        return self._statements(
            [
                (self._release, [_number(0), _string(event_id), _string(owner)])
                for event_id in event_ids
            ]
        )

    def complete(self, event_ids: Sequence[str], expires_at: int) -> list[Answer]:
        """Remembers effects: COMPLETED, UNAVAILABLE or REFUSED."""
        puts = [{"PutRequest": {"Item": _completed(each, expires_at)}} for each in event_ids]
        try:
            answer = self.client.batch_write_item(RequestItems={self.name: puts})  # type: ignore[dict-item] # puts are
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is known of any item
            return [answer_of(error)] * len(event_ids)
        unprocessed = {
            request["PutRequest"]["Item"][IDEMPOTENCY_KEY_ATTRIBUTE]["S"]
            for request in answer.get("UnprocessedItems", {}).get(self.name, [])
        }
        throttled = Answer(
            state=State.UNAVAILABLE,
            error=StatementError("UnprocessedItems", "the table throttles"),
        )
        written = Answer(state=State.COMPLETED)
        return [throttled if each in unprocessed else written for each in event_ids]

    def memory(self, event_id: str, expires_at: int, owner: str, token: str) -> dict[str, Any]:
        """The put that remembers an event in a transaction, unless someone else holds or did it.

        `token` tells this put from another's, when it was written and the reply was lost.
        """
        return {
            "Put": {
                "TableName": self.name,
                "Item": _completed(event_id, expires_at) | {TRANSACTION: _string(token)},
                "ConditionExpression": (
                    "attribute_not_exists(#id) OR #locked < :now OR #owner = :owner"
                ),
                "ExpressionAttributeNames": {
                    "#id": IDEMPOTENCY_KEY_ATTRIBUTE,
                    "#locked": LOCKED_UNTIL,
                    "#owner": OWNER,
                },
                "ExpressionAttributeValues": {
                    ":now": _number(int(self.clock() * 1000)),
                    ":owner": _string(owner),
                },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _statements(self, statements: Sequence[tuple[str, list[dict[str, str]]]]) -> list[Answer]:
        requests: list[Any] = [
            {
                "Statement": statement,
                "Parameters": parameters,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
            for statement, parameters in statements
        ]
        try:
            responses = self.client.batch_execute_statement(Statements=requests)["Responses"]
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is known of any item
            return [answer_of(error)] * len(requests)
        return [_answer(response) for response in responses]


def passes(error: Exception) -> bool:
    """Whether the same call may succeed later: throttled, timed out, not reached, 5xx."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        return error.response.get("Error", {}).get("Code") in _PASSING or status >= 500
    if isinstance(error, StatementError):
        return error.code in _PASSING or error.code == "UnprocessedItems"
    unreachable = (ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError)
    return isinstance(error, (*unreachable, OSError))


def answer_of(error: Exception) -> Answer:
    """Of an error of the whole call."""
    return Answer(state=State.UNAVAILABLE if passes(error) else State.REFUSED, error=error)


def _answer(response: Mapping[str, Any]) -> Answer:
    error = response.get("Error")
    if error is None:
        return Answer(state=State.CLAIMED)
    code = error.get("Code", "")
    if code == "DuplicateItem":
        return Answer(state=State.EXISTS)
    # AWS's own list says ConditionalCheckFailed; with the suffix it is the exception's name.
    if code.startswith("ConditionalCheckFailed"):
        return of_item(error.get("Item"))
    failure = StatementError(code, str(error.get("Message", "")))
    return answer_of(failure)


def of_item(item: Mapping[str, Any] | None) -> Answer:
    """What an item says that kept a condition from holding."""
    if not item:
        return Answer(state=State.GONE)
    if item.get(STATUS, {}).get("S") == COMPLETED:
        return Answer(state=State.COMPLETED, owner=item.get(TRANSACTION, {}).get("S", ""))
    return Answer(state=State.HELD, owner=item.get(OWNER, {}).get("S", ""))


def _completed(event_id: str, expires_at: int) -> dict[str, Any]:
    return {
        IDEMPOTENCY_KEY_ATTRIBUTE: _string(event_id),
        STATUS: _string(COMPLETED),
        LOCKED_UNTIL: _number(expires_at * 1000),
        IDEMPOTENCY_EXPIRY_ATTRIBUTE: _number(expires_at),
    }


def _claim_values(claim: Claim) -> list[dict[str, str]]:
    return [
        _string(IN_PROGRESS),
        _string(claim.owner),
        _number(claim.locked_until),
        _number(claim.expires_at),
    ]


def _string(value: str) -> dict[str, str]:
    return {"S": value}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}
