"""An entry point of one's own: made of a contract and a process, it knows no other."""

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

PAYMENTS = """
    from dataclasses import dataclass

    from handler.entry_point import entry_point
    from handler.change import Change
    from handler.config import RequestsStream
    from handler.item_types import Key
    from handler.outcomes import Done


    @dataclass(frozen=True, kw_only=True, slots=True)
    class Payment:
        number: Key[int]
        amount: int


    CONTRACT = RequestsStream(request=Change[Payment], entry_point="payments.handler")


    def process(change: Change[Payment]) -> None:
        print("paid", change.item.number, change.item.amount)


    def process_batch(changes):
        print("paid together", [change.item.number for change in changes])
        return [Done() for _ in changes]
"""

CALLED = """
    import json, os, sys
    from handler.config import HandlerConfig
    import payments
    from tests.unit.handler.stubs import FakeContext

    def record(number, key):
        return {
            "eventID": "0e4bb56a42ded17c4b28a5c12bf0445c", "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "ApproximateCreationDateTime": 1713774119, "SequenceNumber": str(number),
                "Keys": {"number": {"N": key}},
                "NewImage": {"number": {"N": key}, "amount": {"N": "5"}},
            },
        }

    os.environ.update(HandlerConfig(failure_bucket="b", stream=payments.CONTRACT).to_environ())
    print(json.dumps(payments.handler({"Records": [record(1, "7")]}, FakeContext())))
    yours = ("app", "contract", "item", "process", "settings")
    print([name for name in yours if f"handler.{name}" in sys.modules])
"""


def lines(folder: Path, made: str) -> list[str]:
    """What is printed when the function of a module is called with one payment."""
    (folder / "payments.py").write_text(f"{dedent(PAYMENTS)}\n{made}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", dedent(CALLED)],
        env={"PYTHONPATH": f"{folder}:{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith('{"_aws"')]


def test_a_function_processes_by_its_own_contract_and_imports_its_own_process_only(
    tmp_path: Path,
) -> None:
    assert lines(tmp_path, "handler = entry_point(CONTRACT, process)") == [
        "paid 7 5",
        json.dumps({"batchItemFailures": []}),
        "[]",
    ]


def test_a_batch_is_taken_whole_where_the_entry_point_is_given_what_takes_it(
    tmp_path: Path,
) -> None:
    made = "handler = entry_point(CONTRACT, process, process_batch=process_batch)"

    assert lines(tmp_path, made)[0] == "paid together [7]"


def test_no_garbage_is_looked_for_until_the_entry_point_is_made_nor_then_in_what_is_there(
    tmp_path: Path,
) -> None:
    made = """
import gc
during = gc.isenabled()
handler = entry_point(CONTRACT, process)
print(during, gc.isenabled(), gc.get_freeze_count() > 10_000)
"""

    assert lines(tmp_path, made)[0] == "False True True"
