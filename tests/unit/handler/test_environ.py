"""The fields of a dataclass as environment variables."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.environ import EnvironReader, Variable, to_environ


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Told:
    name: Annotated[str, Variable("NAME")]
    count: Annotated[int, Variable("COUNT")] = 1
    is_on: Annotated[bool, Variable("IS_ON")] = False
    colours: Annotated[tuple[Colour, ...], Variable("COLOURS")] = (Colour.RED,)
    counts: Annotated[tuple[int, ...], Variable("COUNTS")] = ()
    names: Annotated[tuple[str, ...], Variable("NAMES")] = ()
    table: Annotated[str | None, Variable("TABLE")] = None
    not_told: str = ""


@given(
    st.builds(
        Told,
        name=st.text(min_size=1),
        count=st.integers(),
        is_on=st.booleans(),
        colours=st.lists(st.sampled_from(Colour), min_size=1).map(tuple),
        counts=st.lists(st.integers(), min_size=1).map(tuple),
        names=st.lists(st.text("ab", min_size=1), min_size=1).map(tuple),
        table=st.none() | st.text(min_size=1),
        not_told=st.just(""),
    )
)
def test_what_is_written_is_read_back(told: Told) -> None:
    reader = EnvironReader(to_environ(told))

    assert Told(**reader.fields(Told)) == told
    assert not reader.problems


def test_all_that_is_missing_or_wrong_is_said_at_once() -> None:
    reader = EnvironReader(
        {"COUNT": "1_0", "IS_ON": "yes", "COLOURS": "red,green", "COUNTS": "1,b", "NAMES": "a"}
    )

    reader.fields(Told)
    assert reader.problems == [
        "NAME is not set",
        "COUNT must be a whole number, got '1_0'",
        "IS_ON must be true or false, got 'yes'",
        "COLOURS must be of red, blue, got 'red,green'",
        "COUNTS must be a whole number, got '1,b'",
    ]


@dataclass
class Unknown:
    ratio: Annotated[float, Variable("RATIO")]


def test_a_type_that_no_variable_carries_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Unknown.ratio must be str, int, bool"):
        EnvironReader({}).fields(Unknown)
