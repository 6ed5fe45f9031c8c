"""DynamoDB's and the streams' requests, one at a time.

moto's tables have no lock. With one around every request a write and its record are never apart,
and what reads sees whole writes.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from moto.dynamodb import responses
from moto.dynamodb import urls as dynamodb_urls
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler, DynamoResult
from moto.dynamodbstreams import urls as streams_urls
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler

from infra.local.aws import encryption
from infra.local.aws.dynamodb import partiql, writes
from infra.local.aws.dynamodb.authorization import (
    Permission,
    TableArn,
    authorize,
    item_permissions,
)
from infra.local.aws.dynamodb.backend import Backend
from infra.local.aws.dynamodb.corrections import correct
from infra.local.aws.dynamodb.partiql import Statement
from infra.local.aws.dynamodb.stream import StreamNotFoundError, TableStream
from infra.local.aws.dynamodb.transactions import transact
from infra.local.aws.dynamodb.values import canonical_request
from infra.local.aws.dynamodb.writes import Condition, Write

ONE_AT_A_TIME: Final = threading.RLock()

BATCH: Final = 25
"""Items of a BatchWriteItem and statements of a BatchExecuteStatement, at the most."""


class InternalServerError(JsonRESTError):
    """moto failed in a way that nobody foresaw."""

    code = 500

    def __init__(self, action: str, error: Exception) -> None:
        super().__init__(
            "InternalServerError",
            f"the embedded DynamoDB cannot do this {action}: {type(error).__name__}: {error}",
        )


def _alone(call: Callable[[], TYPE_RESPONSE], action: str) -> TYPE_RESPONSE:
    """The answer to one request, while no other is answered."""
    with ONE_AT_A_TIME:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - whoever asked is told of whatever it is
            answer = InternalServerError(action, error)
            return answer.code, {"content-type": "application/x-amz-json-1.0"}, answer.description


class TablesHandler(DynamoHandler):
    """DynamoDB's API."""

    def call_action(self) -> TYPE_RESPONSE:
        return _alone(super().call_action, self._get_action())

    @property
    def tables(self) -> Backend:
        """Of the request's region."""
        return _backend(self)

    def _authenticate_and_authorize_normal_action(self, resource: str = "*") -> None:
        """moto calls it before it looks at anything else, and answers with what it raises."""
        del resource
        permissions = list(self._permissions())
        authorize(self, [*permissions, *self._key_permissions(permissions)])
        operation = get_service_model("dynamodb").operation_model(self._get_action())
        if operation.input_shape is not None:
            self.params = self.body = canonical_request(operation.input_shape, self.body)

    def _permissions(self) -> Iterator[Permission]:
        arn = TableArn(region=self.region, account=self.current_account)
        match action := self._get_action():
            case "ExecuteStatement":
                requests = [self.body]
            case "ExecuteTransaction":
                requests = self.body["TransactStatements"]
            case "BatchExecuteStatement":
                requests = []  # each statement is answered alone
            case _:
                yield from item_permissions(action, self.body, arn)
                return
        for statement in map(_parsed, requests):
            yield statement.action, arn(statement.table)

    def _key_permissions(self, permissions: list[Permission]) -> Iterator[Permission]:
        for action, arn in permissions:
            name = arn.partition(":table/")[2].partition("/")[0]
            table = self.tables.tables.get(name) if action in encryption.ITEM_CALLS else None
            if table is not None and table.sse_specification:
                yield from encryption.of_key(
                    self, table.sse_specification.get("KMSMasterKeyId", ""), action
                )

    def update_table(self) -> ActionResult:
        """With the table's encryption, which moto passes over."""
        answer: ActionResult = super().update_table()
        if "SSESpecification" not in self.body:
            return answer
        table = self.tables.get_table(self.body["TableName"])
        _encrypt(table, self.body["SSESpecification"])
        return DynamoResult(table.describe())

    def put_item(self) -> ActionResult:
        writes.ensure_keys(self.tables.get_table(self.body["TableName"]), self.body["Item"])
        return super().put_item()

    def update_item(self) -> ActionResult:
        self._ensure_key()
        return super().update_item()

    def delete_item(self) -> ActionResult:
        self._ensure_key()
        return super().delete_item()

    def get_item(self) -> ActionResult:
        self._ensure_key()
        return super().get_item()

    def _ensure_key(self) -> None:
        table = self.tables.get_table(self.body["TableName"])
        writes.exact_key(table, self.body["Key"])

    def batch_write_item(self) -> ActionResult:
        """All of it is looked at before the first item is written."""
        requests = self.body["RequestItems"]
        if sum(map(len, requests.values())) > BATCH:
            raise MockValidationException("Too many items requested for the BatchWriteItem call")
        planned = [
            self._batched(name, request) for name, each in requests.items() for request in each
        ]
        if not writes.each_once(planned):
            raise MockValidationException("Provided list of item keys contains duplicates")
        for write in planned:
            write.make()
        answer: dict[str, Any] = {"UnprocessedItems": {}, "ItemCollectionMetrics": {}}
        if self.body.get("ReturnConsumedCapacity", "NONE") != "NONE":
            answer["ConsumedCapacity"] = [
                {"TableName": name, "CapacityUnits": float(len(each))}
                for name, each in requests.items()
            ]
        return ActionResult(answer)

    def _batched(self, name: str, request: Mapping[str, Any]) -> Write:
        table = self.tables.get_table(name)
        if "PutRequest" in request:
            return writes.put(table, request["PutRequest"]["Item"], Condition())
        return writes.delete(table, request["DeleteRequest"]["Key"], Condition())

    def transact_write_items(self) -> ActionResult:
        def make() -> None:
            DynamoHandler.transact_write_items(self)

        self.tables.tokens.once(self.body.get("ClientRequestToken"), self.body, make)
        return ActionResult({"ConsumedCapacity": [], "ItemCollectionMetrics": {}})

    def execute_statement(self) -> ActionResult:
        item = self._executed(self.body)
        return DynamoResult({"Items": [item] if item is not None else []})

    def execute_transaction(self) -> ActionResult:
        requests = self.body["TransactStatements"]
        statements = [_parsed(request) for request in requests]
        _ensure_all_read_or_write(statements)
        responses: list[dict[str, Any]] = [{} for _ in statements]

        def make() -> None:
            plans = [self._plan(*each) for each in zip(statements, requests, strict=True)]
            for response, statement, write in zip(
                responses, statements, transact(plans), strict=True
            ):
                if statement.is_read and write.old is not None:
                    response["Item"] = write.old.attrs

        self.tables.tokens.once(self.body.get("ClientRequestToken"), self.body, make)
        return DynamoResult({"Responses": responses})

    def batch_execute_statement(self) -> ActionResult:
        requests = self.body["Statements"]
        if len(requests) > BATCH:
            raise MockValidationException(
                f"Too many statements in the batch: {len(requests)}, at most {BATCH} are allowed"
            )
        _ensure_all_read_or_write([_parsed(each) for each in requests if _is_well_formed(each)])
        return DynamoResult({"Responses": [self._answered(request) for request in requests]})

    def _answered(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One of a batch's statements: none of them fails another."""
        table: dict[str, Any] = {}
        try:
            statement = _parsed(request)
            table["TableName"] = statement.table
            arn = TableArn(region=self.region, account=self.current_account)
            authorize(self, [(statement.action, arn(statement.table))])
            item = self._executed(request)
        except JsonRESTError as error:
            return {**table, "Error": _batch_error(error)}
        return {**table, "Item": item} if item is not None else table

    def _executed(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        statement = _parsed(request)
        write = self._plan(statement, request)()
        write.make()
        return statement.returned(write)

    def _plan(self, statement: Statement, request: Mapping[str, Any]) -> Callable[[], Write]:
        shows = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        table = self.tables.get_table(statement.table)
        return lambda: statement.plan(table, shows_item=shows)


def _parsed(request: Mapping[str, Any]) -> Statement:
    return partiql.parse(request["Statement"], request.get("Parameters") or ())


def _is_well_formed(request: Mapping[str, Any]) -> bool:
    try:
        _parsed(request)
    except MockValidationException:
        return False
    return True


def _ensure_all_read_or_write(statements: Sequence[Statement]) -> None:
    if len({each.is_read for each in statements if each.kind != "EXISTS"}) > 1:
        raise MockValidationException(
            "Statements must be all reads or all writes in a batch and in a transaction"
        )


def _batch_error(error: JsonRESTError) -> dict[str, Any]:
    """In the codes of BatchStatementErrorCodeEnum, which are the errors' without `Exception`."""
    code = error.error_type.rpartition("#")[2].removesuffix("Exception")
    code = "ValidationError" if code == "Validation" else code
    shown = error.item if isinstance(error, writes.ConditionFailedError) and error.item else None
    return {
        "Code": code,
        "Message": error.message,
        **({"Item": shown} if shown is not None else {}),
    }


class StreamsHandler(DynamoDBStreamsHandler):
    """The streams' API."""

    def call_action(self) -> TYPE_RESPONSE:
        return _alone(super().call_action, self._get_action())

    def _authenticate_and_authorize_normal_action(self, resource: str = "*") -> None:
        """A shard iterator begins with the ARN of its stream."""
        del resource
        iterator = self._get_param("ShardIterator") or ""
        arn = self._get_param("StreamArn") or iterator.partition("|")[0] or "*"
        authorize(self, [(f"dynamodb:{self._get_action()}", arn)])

    def _stream(self, arn: str) -> TableStream:
        stream = _backend(self).streams.get(arn)
        if stream is None:
            raise StreamNotFoundError(f"Stream: {arn} not found")
        return stream

    def describe_stream(self) -> ActionResult:
        stream = self._stream(self._get_param("StreamArn"))
        return ActionResult({"StreamDescription": stream.describe()})

    def list_streams(self) -> ActionResult:
        table = self._get_param("TableName")
        summaries = [stream.summary() for stream in _backend(self).streams.values()]
        return ActionResult(
            {"Streams": [each for each in summaries if table in (None, each["TableName"])]}
        )

    def get_shard_iterator(self) -> ActionResult:
        iterator = self._stream(self._get_param("StreamArn")).iterator(
            self._get_param("ShardId"),
            self._get_param("ShardIteratorType"),
            self._get_param("SequenceNumber"),
        )
        return ActionResult({"ShardIterator": iterator})

    def get_records(self) -> ActionResult:
        iterator = self._get_param("ShardIterator")
        stream = self._stream(iterator.partition("|")[0])
        return ActionResult(stream.records(iterator, self._get_param("Limit") or 1000))


def _encrypt(table: Any, specification: dict[str, Any]) -> None:
    own_key = specification.get("KMSMasterKeyId")
    key = own_key or table._get_default_encryption_key(table.account_id, table.region_name)  # noqa: SLF001 - moto's own
    table.sse_specification = {**specification, "KMSMasterKeyId": key}


def _backend(handler: BaseResponse) -> Backend:
    backend = dynamodb_backends[handler.current_account][handler.region]
    if not isinstance(backend, Backend):
        raise TypeError("the embedded DynamoDB is not installed")
    return backend


def install() -> None:
    """Puts this DynamoDB in the place of moto's, in this process. Once."""
    correct()
    dynamodb_backends.backend = Backend
    dynamodb_urls.url_paths["{0}/"] = TablesHandler.dispatch
    streams_urls.url_paths["{0}/$"] = StreamsHandler.dispatch
    responses.TRANSACTION_MAX_ITEMS = 100  # moto's 25, for TransactGetItems, is AWS's of 2018


def expire() -> int:
    """Removes everywhere what is past its time to live; says how many items those were."""
    with ONE_AT_A_TIME:
        return sum(
            backend.expire()
            for _, _, backend in dynamodb_backends.iter_backends()
            if isinstance(backend, Backend)
        )
