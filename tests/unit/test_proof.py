"""What a run of the tests says at its end: sums over what passed, from any process."""

from dataclasses import dataclass, field

from tests import proof
from tests.proof import CASE_FROM_AWS, PROPERTY, PROVED, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """A test that passed."""

    user_properties: list[tuple[str, object]] = field(default_factory=list)


def outcome(fault: str, **counts: int) -> Outcome:
    nothing = dict.fromkeys(
        ("records", "processed", "parked", "lost", "duplicates", "out_of_order"), 0
    )
    return Outcome(fault=fault, **{**nothing, **counts})


PASSED = [
    Passed(
        user_properties=[
            proof.as_property(outcome("poison", records=1_000, processed=999, parked=1))
        ]
    ),
    Passed(user_properties=[(PROVED, CASE_FROM_AWS)]),
    Passed(user_properties=[(PROVED, PROPERTY), ("of another plug-in", {"a": 1})]),
    Passed(user_properties=[proof.as_property(outcome("outage", records=5, processed=4, lost=1))]),
    Passed(user_properties=[(PROVED, CASE_FROM_AWS)]),
    Passed(),
]


def test_each_kind_of_proof_is_one_line_with_its_sum() -> None:
    assert list(proof.lines(PASSED)) == [
        (
            " 1,005 records were written under 2 kinds of fault: 1,003 processed, 1 parked whole, "
            "1 lost, 0 taken twice where docs/faults.md says so, 0 items out of order"
        ),
        f"     2 {CASE_FROM_AWS}",
        "     1 property holds for every example that was tried",
    ]


def test_one_record_and_one_item_are_in_the_singular() -> None:
    one = outcome("poison", records=1, processed=1, out_of_order=1)

    (line,) = proof.lines([Passed(user_properties=[proof.as_property(one)])])

    assert line.startswith("     1 record was written under 1 kind of fault: 1 processed, ")
    assert line.endswith(", 1 item out of order")


def test_the_table_has_a_row_for_each_fault() -> None:
    assert list(proof.table(PASSED)) == [
        *proof.TABLE_HEAD,
        "| poison | 1,000 | 999 | 1 | 0 | 0 | 0 |",
        "| outage | 5 | 4 | 0 | 1 | 0 | 0 |",
    ]


def test_where_nothing_was_proved_nothing_is_said() -> None:
    assert list(proof.lines([Passed()])) == list(proof.table([])) == []
