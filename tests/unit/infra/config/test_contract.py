"""The contract is written once: a value changed in it moves both sides."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.project import PROJECT, copy_of_project

CHANGES: Final = {
    '"handler.app.handler"': '"handler.main.on_batch"',
    '"rejected/"': '"parked/"',
    'IDEMPOTENCY_KEY_ATTRIBUTE: Final = "id"': 'IDEMPOTENCY_KEY_ATTRIBUTE: Final = "event"',
    '"expiration"': '"forgotten_at"',
    "import Key\n": "import Key, SortKey\n",
    "    request_id: Key[str]": "    order_id: Key[str]\n    placed: SortKey[int]",
    "self.item.request_id": "self.item.order_id",
    "    payload: dict[str, Any]": "    order: dict[str, Any]",
    "self.item.payload": "self.item.order",
    "        StreamViewType.NEW_IMAGE\n": "        StreamViewType.NEW_AND_OLD_IMAGES\n",
    "(EventName.INSERT,)": "(EventName.INSERT, EventName.REMOVE)",
    '"REQUESTS_FAILURE_BUCKET"': '"WHERE_FAILURES_GO"',
}
"""What is written in handler/config.py and handler/request.py, and what it is changed to."""

BOTH_SIDES: Final = """
import json
import pathlib
from unittest import mock

from handler import idempotency_table, parking, records
from handler.config import HandlerConfig
from tests import plan

planned = plan.plan_of(project=pathlib.Path.cwd())
environment = planned.inputs_of(plan.FUNCTION)["environment"]["variables"]
told = HandlerConfig.from_environ(environment)
record = {
    "eventID": "0e4bb56a42ded17c4b28a5c12bf0445c",
    "eventName": "REMOVE",
    "eventSource": "aws:dynamodb",
    "dynamodb": {
        "ApproximateCreationDateTime": 1713774119,
        "Keys": {"order_id": {"S": "one"}, "placed": {"N": "7"}},
        "OldImage": {
            "order_id": {"S": "one"}, "placed": {"N": "7"}, "order": {"M": {"size": {"S": "big"}}}
        },
        "SequenceNumber": "32028700000000016141821660",
    },
}
request = records.request_of(record, told.stream)
client = mock.Mock()
client.batch_write_item.return_value = {}
idempotency_table.IdempotencyTable("a-table", client).complete(["an-event"], 1)
((put,),) = client.batch_write_item.call_args.kwargs["RequestItems"].values()
print(json.dumps({
    "resources": {each.name: each.inputs for each in planned.registered},
    "exports": planned.exports,
    "environment": environment,
    "told": {"failure_bucket": told.failure_bucket, "events": told.stream.events},
    "request": [request.request_id, request.payload, request.item.placed],
    "parked": parking.object_key(record, "a-function"),
    "remembered": put["PutRequest"]["Item"],
}))
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both sides of a copy of the project in which nothing but the contract is changed."""
    copy = tmp_path_factory.mktemp("project")
    copy_of_project(copy)
    change(copy / "handler" / "config.py", copy / "handler" / "request.py")
    done = subprocess.run(
        [sys.executable, "-c", BOTH_SIDES],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def change(*contract: Path) -> None:
    """Applies `CHANGES`, each of which must be there exactly once."""
    texts = {file: file.read_text(encoding="utf-8") for file in contract}
    for written, instead in CHANGES.items():
        count = sum(text.count(written) for text in texts.values())
        assert count == 1, f"{written} is written {count} times"
        texts = {file: text.replace(written, instead) for file, text in texts.items()}
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")


def test_the_key_moves_the_table_and_the_handler(changed: dict[str, Any]) -> None:
    assert changed["resources"]["requests-table"]["hashKey"] == "order_id"
    assert changed["request"][0] == "one"


def test_a_sort_key_moves_the_table_and_the_handler(changed: dict[str, Any]) -> None:
    table = changed["resources"]["requests-table"]

    assert table["rangeKey"] == "placed"
    assert table["attributes"] == [
        {"name": "order_id", "type": "S"},
        {"name": "placed", "type": "N"},
    ]
    assert changed["request"][2] == 7


def test_the_payload_moves_the_example_and_the_handler(changed: dict[str, Any]) -> None:
    assert '"order": {"M"' in changed["exports"]["putItemCommand"]
    assert changed["request"][1] == {"size": "big"}


def test_the_view_type_moves_the_stream_and_the_handler(changed: dict[str, Any]) -> None:
    table = changed["resources"]["requests-table"]

    assert table["streamViewType"] == "NEW_AND_OLD_IMAGES"
    # The request was made of a removed item's old image, which NEW_IMAGE does not carry.
    assert changed["request"] == ["one", {"size": "big"}, 7]


def test_the_events_move_the_filter_and_the_handler(changed: dict[str, Any]) -> None:
    (pattern,) = changed["resources"]["requests-mapping"]["filterCriteria"]["filters"]

    assert json.loads(pattern["pattern"])["eventName"] == ["INSERT", "REMOVE"]
    assert changed["told"]["events"] == ["INSERT", "REMOVE"]


def test_the_entry_point_moves_the_functions_command(changed: dict[str, Any]) -> None:
    function = changed["resources"]["requests-processor"]

    assert function["imageConfig"] == {"commands": ["handler.main.on_batch"]}


def test_a_variables_name_moves_the_environment_and_the_handler(changed: dict[str, Any]) -> None:
    assert changed["environment"]["WHERE_FAILURES_GO"] == "requests-failures"
    assert changed["told"]["failure_bucket"] == "requests-failures"


def test_the_handlers_prefix_moves_its_right_and_its_parking(changed: dict[str, Any]) -> None:
    policy = changed["resources"]["requests-processor-parking"]["policy"]

    assert "arn:aws:s3:::requests-failures/parked/*" in policy
    assert changed["parked"].startswith("parked/a-function/")


def test_the_idempotency_attributes_move_the_table_and_the_handler(changed: dict[str, Any]) -> None:
    table = changed["resources"]["requests-idempotency"]

    assert table["hashKey"] == "event"
    assert table["ttl"]["attributeName"] == "forgotten_at"
    assert changed["remembered"]["event"] == {"S": "an-event"}
    assert changed["remembered"]["forgotten_at"] == {"N": "1"}
