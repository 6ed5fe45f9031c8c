"""A dry run counts what the contract does not take, with the paths, and its exit code says so."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from handler.change import Change
from handler.config import RequestsStream
from handler.item_types import Key
from infra.replay.fitting import Misfits
from tests.unit.infra.replay.scripted import (
    LAMBDA_KEY,
    TABLE,
    Printed,
    Run,
    ScriptedFunction,
    document,
    put,
    record,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True, slots=True)
class Shipment:
    request_id: Key[str]
    payload: dict[str, Any]
    weight: int

    def __post_init__(self) -> None:
        if self.weight == 13:
            raise KeyError("not a misfit, but it would fail")


SHIPMENTS: Final = RequestsStream(request=Change[Shipment])
NO_CONTRACT: Final = "a string"
HERE: Final = __name__


def weighing(number: int, weight: dict[str, str] | None) -> dict[str, Any]:
    made = record(number)
    if weight is not None:
        made["dynamodb"]["NewImage"]["weight"] = weight
    return made


def test_a_dry_run_of_a_replay_counts_misfits_with_their_paths(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    function = ScriptedFunction()
    records = [
        weighing(1, {"N": "5"}),
        weighing(2, None),
        weighing(3, {"S": "secret"}),
        weighing(4, {"S": "secret"}),
    ]
    put(s3, LAMBDA_KEY, document(records))

    code = replay("run", "--all", "--dry-run", "--contract", f"{HERE}.SHIPMENTS", function=function)

    printed = capsys.readouterr().out
    assert code == 1
    assert function.batches == []
    assert "would send event-1 of" in printed
    assert 'event-3 of {"request_id": {"S": "item-3"}}, which does not fit: ' in printed
    assert printed.splitlines()[-3:] == [
        "4 records of 1 object",
        "3 records would be parked, as the contract has them not:",
        '  NewImage.weight must be a number, {"N": "..."}: 3 records',
    ]


def test_a_dry_run_of_a_backfill_counts_misfits_with_their_paths(
    replay: Run, table: Any, capsys: Printed
) -> None:
    for number, weight in enumerate([{"N": "5"}, None, {"N": "1.5"}]):
        table.put_item(TableName=TABLE, Item=weighing(number, weight)["dynamodb"]["NewImage"])

    code = replay(
        "backfill", "--table", TABLE, "--all", "--dry-run", "--contract", f"{HERE}.SHIPMENTS"
    )

    printed = capsys.readouterr().out
    assert code == 1
    assert "3 items scanned: 3 to send" in printed
    assert "2 records would be parked" in printed
    assert "  NewImage.weight must be" in printed


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ("no.such.CONTRACT", "the contract no.such.CONTRACT cannot be imported"),
        (f"{HERE}.NOTHING", "cannot be imported"),
        ("CONTRACT", "cannot be imported"),
        (f"{HERE}.NO_CONTRACT", "must be a RequestsStream, got 'a string'"),
    ],
)
def test_a_contract_that_is_none_is_one_line(
    replay: Run, s3: "S3Client", capsys: Printed, contract: str, message: str
) -> None:
    put(s3, LAMBDA_KEY, document([record(1)]))

    assert replay("run", "--all", "--dry-run", "--contract", contract) == 2
    assert message in capsys.readouterr().err


def test_a_record_is_judged_by_the_view_type_that_it_was_written_under() -> None:
    misfits = Misfits(SHIPMENTS)
    removal = weighing(1, {"N": "5"})
    removal["eventName"] = "REMOVE"
    change = removal["dynamodb"]
    change["OldImage"] = change.pop("NewImage")
    change["StreamViewType"] = "NEW_AND_OLD_IMAGES"

    assert misfits.judge(removal) is None
    change["StreamViewType"] = "NEW_IMAGE"
    assert "REMOVE records carry no image under NEW_IMAGE" in str(misfits.judge(removal))


@pytest.mark.parametrize("broken", [None, "record", {}, {"eventName": 5}, {"dynamodb": []}])
def test_what_is_no_record_is_a_misfit(broken: object) -> None:
    misfits = Misfits(SHIPMENTS)

    assert misfits.judge(broken) is not None
    assert misfits.count == 1


def test_what_the_items_own_check_raises_is_told() -> None:
    assert "KeyError" in str(Misfits(SHIPMENTS).judge(weighing(1, {"N": "13"})))
