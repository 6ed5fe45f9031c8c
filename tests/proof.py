"""What a run of the tests proved, in a few lines at its end.

A test says what it proves by its properties (pytest's `record_property`), which reach the process
that prints also when the tests run side by side. Only what passed counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from infra.wording import counted

OUTCOME: Final = "outcome"
"""The property that holds an `Outcome`."""

PROVED: Final = "proved"
"""The property that holds a sentence; the number of tests that say it stands before it."""

PROPERTY: Final = "properties hold for every example that was tried"
PERMISSION: Final = (
    "permissions of the role, and without any one of them the pipeline does not work"
)
CASE_FROM_AWS: Final = "filter cases are answered as AWS answered them"
_ONE: Final = {
    PROPERTY: "property holds for every example that was tried",
    PERMISSION: "permission of the role, and without it the pipeline does not work",
    CASE_FROM_AWS: "filter case is answered as AWS answered it",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of the inserts under one fault."""

    fault: str
    records: int
    processed: int
    parked: int
    """In the failure bucket, whole."""
    lost: int
    duplicates: int
    """Effects beyond the first."""
    out_of_order: int
    """Items whose effects are not in the order of their writes."""

    @property
    def row(self) -> str:
        """As Markdown, so that it can be quoted."""
        fault, *counts = asdict(self).values()
        return f"| {' | '.join([fault, *(f'{count:,}' for count in counts)])} |"


class Report(Protocol):
    """What pytest tells of a test, as far as it is needed here."""

    @property
    def user_properties(self) -> list[tuple[str, object]]:
        """What the test told by `record_property`."""
        ...


TABLE_HEAD: Final = (
    "| fault | records | processed | parked | lost | duplicates | out of order |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
)


def lines(passed: Sequence[Report]) -> Iterator[str]:
    """What was proved, a sentence a line."""
    told: list[Any] = [each for report in passed for each in report.user_properties]
    outcomes = [Outcome(**value) for name, value in told if name == OUTCOME]
    if outcomes:
        yield _delivered(outcomes)
    for sentence in (PERMISSION, CASE_FROM_AWS, PROPERTY):
        if number := told.count((PROVED, sentence)):
            yield f"{number:>6,} {_ONE[sentence] if number == 1 else sentence}"


def table(passed: Sequence[Report]) -> Iterator[str]:
    """What became of the records under each fault."""
    told: list[tuple[str, Any]] = [each for one in passed for each in one.user_properties]
    outcomes = [Outcome(**value) for name, value in told if name == OUTCOME]
    if outcomes:
        yield from TABLE_HEAD
        yield from (outcome.row for outcome in outcomes)


def _delivered(outcomes: Sequence[Outcome]) -> str:
    def sum_of(name: str) -> int:
        return sum(getattr(outcome, name) for outcome in outcomes)

    records = sum_of("records")
    return (
        f"{records:>6,} {'record was' if records == 1 else 'records were'} written under "
        f"{counted(len(outcomes), 'kind')} of fault: {sum_of('processed'):,} processed, "
        f"{sum_of('parked'):,} parked whole, {sum_of('lost'):,} lost, "
        f"{sum_of('duplicates'):,} taken twice where docs/faults.md says so, "
        f"{counted(sum_of('out_of_order'), 'item')} out of order"
    )


def as_property(outcome: Outcome) -> tuple[str, Mapping[str, object]]:
    """In a form that passes from one process to another."""
    return OUTCOME, asdict(outcome)
