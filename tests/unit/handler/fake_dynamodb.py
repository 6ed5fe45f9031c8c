"""DynamoDB in memory, with faults where a test wants them, on a clock that the test turns.

It takes the calls that the handler makes, in the form of boto3's client, and counts what AWS bills.
"""

import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from functools import cache
from typing import Any, Final

import botocore.session
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.validate import ParamValidator

TABLE: Final = "events"


class KilledError(KeyboardInterrupt):
    """The process is gone: nothing can be done after it, as after SIGKILL."""


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class InlineExecutor(Executor):
    """Runs what it is given at once: the same calls in the same order, every time."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - it is the caller's, as of any executor
            future.set_exception(error)
        return future


FAULTS: Final = (
    "throttled", "throttled in part", "internal error", "reply lost", "request lost", "denied",
    "slow", "killed before", "killed after",
)  # fmt: skip

Script = Callable[[str, int], str | None]
"""The fault of a call, by its name and its number in the process."""


class Tables:
    """What DynamoDB holds, for all processes; the key of every table is its attribute `id`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.items: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.units: Counter[str] = Counter()
        self.lock = threading.Lock()

    @property
    def events(self) -> dict[str, dict[str, Any]]:
        return self.items[TABLE]

    def is_remembered(self, event_id: str) -> bool:
        item = self.events.get(event_id)
        return (
            item is not None
            and item["status"] == {"S": "COMPLETED"}
            and int(item["expiration"]["N"]) >= self.clock()
        )

    def is_held(self, event_id: str) -> bool:
        item = self.events.get(event_id)
        return (
            item is not None
            and item["status"] == {"S": "INPROGRESS"}
            and int(item["locked_until"]["N"]) >= self.clock() * 1000
        )


class FakeDynamoDB:
    """The client of one process."""

    def __init__(
        self,
        tables: Tables,
        script: Script = lambda *_: None,
        *,
        wait: Callable[[str, int], None] = lambda *_: None,
        validates: bool = True,
    ) -> None:
        """`wait` is called with the name of the call and its number of items."""
        self.tables = tables
        self.calls: list[tuple[str, int]] = []
        self.is_killed = False
        self.faults: list[str] = []
        self._script = script
        self._wait = wait
        self._validates = validates

    def batch_execute_statement(self, *, Statements: list[Any]) -> Any:  # noqa: N803 - boto3's
        assert 1 <= len(Statements) <= 25
        return self._call(
            "BatchExecuteStatement",
            {"Statements": Statements},
            len(Statements),
            lambda spared: {
                "Responses": [
                    self._statement(each) if spared(index) else {"Error": _THROTTLED}
                    for index, each in enumerate(Statements)
                ]
            },
        )

    def batch_write_item(self, *, RequestItems: Mapping[str, list[Any]]) -> Any:  # noqa: N803 - likewise
        ((table, requests),) = RequestItems.items()
        assert 1 <= len(requests) <= 25
        keys = [each["PutRequest"]["Item"]["id"]["S"] for each in requests]
        assert len(set(keys)) == len(keys)

        def write(spared: Callable[[int], bool]) -> Any:
            left = []
            for index, each in enumerate(requests):
                if spared(index):
                    self._put(table, each["PutRequest"]["Item"])
                    self.tables.units["write"] += 1
                else:
                    left.append(each)
            return {"UnprocessedItems": {table: left} if left else {}}

        return self._call("BatchWriteItem", {"RequestItems": RequestItems}, len(requests), write)

    def transact_write_items(self, *, TransactItems: list[Any]) -> Any:  # noqa: N803 - likewise
        return self._call(
            "TransactWriteItems",
            {"TransactItems": TransactItems},
            len(TransactItems),
            lambda _: self._transaction(TransactItems),
        )

    def _call(
        self,
        name: str,
        request: Mapping[str, Any],
        items: int,
        apply: Callable[[Callable[[int], bool]], Any],
    ) -> Any:
        self._check()
        if self._validates:
            _validate(name, request)
        fault = self._script(name, len(self.calls))
        self.calls.append((name, items))
        if fault is not None:
            self.faults.append(fault)
        self._wait(name, items)
        if fault in {"killed before", "killed after"}:
            self._kill(apply if fault == "killed after" else None)
        if fault == "cancelled by a conflict":
            raise _cancelled([{"Code": "None"}] * (items - 1) + [{"Code": "TransactionConflict"}])
        if fault in _WHOLE_CALL:
            raise _client_error(*_WHOLE_CALL[fault])
        if fault == "request lost":
            self.tables.clock.sleep(2)
            raise ReadTimeoutError(endpoint_url="dynamodb")
        if fault == "slow":
            self.tables.clock.sleep(1)
        in_part = fault == "throttled in part"
        with self.tables.lock:
            answer = apply(lambda index: not in_part or index % 2 == 1)
        if fault == "reply lost":
            self.tables.clock.sleep(2)
            raise ReadTimeoutError(endpoint_url="dynamodb")
        return answer

    def _kill(self, apply: Callable[[Callable[[int], bool]], Any] | None) -> None:
        self.is_killed = True
        if apply is not None:
            with self.tables.lock:
                apply(lambda _: True)
        raise KilledError

    def kill(self) -> None:
        """From outside: whatever the process does next is its last."""
        self._kill(None)

    def _check(self) -> None:
        if self.is_killed:
            raise KilledError

    def _put(self, table: str, item: Mapping[str, Any]) -> None:
        self.tables.items[table][item["id"]["S"]] = dict(item)

    def _statement(self, statement: Mapping[str, Any]) -> Any:
        text, parameters = statement["Statement"], list(statement["Parameters"])
        self.tables.units["write"] += 1
        if inserted := _INSERT.fullmatch(text):
            names = re.findall(r"'(\w+)': \?", inserted["item"])
            item = dict(zip(names, parameters, strict=True))
            if item["id"]["S"] in self.tables.items[inserted["table"]]:
                return {"Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key"}}
            self._put(inserted["table"], item)
            return {"TableName": inserted["table"]}
        updated = _UPDATE.fullmatch(text)
        assert updated is not None, text
        names = re.findall(r'SET "(\w+)" = \?', updated["set"])
        values = dict(zip(names, parameters, strict=False))
        key, compared = parameters[len(names)]["S"], parameters[len(names) + 1]
        assert len(parameters) == len(names) + 2
        found = self.tables.items[updated["table"]].get(key)
        if found is None or not _holds(found.get(updated["name"]), updated["operator"], compared):
            error = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
            return {"Error": error | ({"Item": dict(found)} if found else {})}
        found.update(values)
        return {"TableName": updated["table"]}

    def _transaction(self, items: list[Any]) -> Any:
        reasons: list[Any] = []
        self.tables.units["write"] += 2 * len(items)
        for each in items:
            ((_, write),) = each.items()
            key = (write.get("Item") or write.get("Key"))["id"]["S"]
            found = self.tables.items[write["TableName"]].get(key)
            if _condition_holds(write, found):
                reasons.append({"Code": "None"})
            else:
                old = (
                    {"Item": found}
                    if found and "ReturnValuesOnConditionCheckFailure" in write
                    else {}
                )
                reasons.append({"Code": "ConditionalCheckFailed", **old})
        if any(reason["Code"] != "None" for reason in reasons):
            raise _cancelled(reasons)
        for each in items:
            ((operation, write),) = each.items()
            if operation == "Put":
                self._put(write["TableName"], write["Item"])
            elif operation == "Delete":
                self.tables.items[write["TableName"]].pop(write["Key"]["id"]["S"], None)
            elif operation == "Update":
                table = self.tables.items[write["TableName"]]
                item = table.setdefault(write["Key"]["id"]["S"], dict(write["Key"]))
                item["updates"] = {"N": str(int(item.get("updates", {"N": "0"})["N"]) + 1)}
        return {}


_THROTTLED: Final = {"Code": "ThrottlingError", "Message": "slow down"}
_WHOLE_CALL: Final = {
    "throttled": ("ProvisionedThroughputExceededException", 400),
    "internal error": ("InternalServerError", 500),
    "denied": ("AccessDeniedException", 400),
    "conflict": ("TransactionInProgressException", 400),
    "invalid": ("ValidationException", 400),
}
_INSERT: Final = re.compile(r'INSERT INTO "(?P<table>[^"]+)" VALUE \{(?P<item>.*)\}')
_UPDATE: Final = re.compile(
    r'UPDATE "(?P<table>[^"]+)" (?P<set>SET .*) WHERE "id" = \? AND "(?P<name>\w+)" '
    r"(?P<operator>[<=]) \?"
)


def _validate(name: str, request: Mapping[str, Any]) -> None:
    """The first requests of each kind, as botocore does: all of them would take too long."""
    _validated[name] += 1
    if _validated[name] <= 50:
        shape = _service().operation_model(name).input_shape
        assert not ParamValidator().validate(request, shape).has_errors(), request


@cache
def _service() -> Any:
    return botocore.session.get_session().get_service_model("dynamodb")


_validated: Final = Counter[str]()


def _client_error(code: str, status: int) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "as the test wants it"},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        "Operation",
    )


def _cancelled(reasons: list[Any]) -> ClientError:
    error = _client_error("TransactionCanceledException", 400)
    response: dict[str, Any] = {**error.response, "CancellationReasons": reasons}
    return ClientError(response, "Operation")  # type: ignore[arg-type] # as boto3's own


def _holds(found: Any, operator: str, compared: Any) -> bool:
    if found is None:
        return False
    if operator == "<":
        return int(found["N"]) < int(compared["N"])
    return bool(found == compared)


def _condition_holds(write: Mapping[str, Any], found: Mapping[str, Any] | None) -> bool:
    """Terms joined by OR: attribute_not_exists(name), name < value, name = value."""
    condition = write.get("ConditionExpression")
    if condition is None:
        return True
    names = write.get("ExpressionAttributeNames", {})
    values = write.get("ExpressionAttributeValues", {})
    for term in condition.split(" OR "):
        if term.startswith("attribute_not_exists("):
            name = term.removeprefix("attribute_not_exists(").removesuffix(")")
            if found is None or names.get(name, name) not in found:
                return True
            continue
        name, operator, value = term.split()
        if _holds((found or {}).get(names.get(name, name)), operator, values[value]):
            return True
    return False
