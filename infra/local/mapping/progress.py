"""How far a mapping has come: what of the records that it read is done with, and what is not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from infra.local.mapping.destination import arrival
from infra.local.mapping.shard import Checkpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A mapping's records at one moment; each is counted once. What is left out is processed."""

    function: str
    """The name of the function that the mapping invokes."""
    filtered_out: int = 0
    given_up: int = 0
    delivered: int = 0
    """How often a record was handed to the function: also what is done between two looks shows."""
    in_flight: int = 0
    """Records that the function is being invoked with."""
    waiting: int = 0
    """Records that were read and are to be invoked, again or for the first time."""
    oldest: float | None = None
    """When the oldest of those that are in flight or waiting was written, in epoch seconds."""


def progress(
    function: str, places: Iterable[Checkpoint], counted: Mapping[str, int], in_flight: int = 0
) -> Progress:
    """`places` are how far each shard is settled, `counted` the mapping's metrics."""
    unsettled = [record for place in places for record in place.unsettled]
    return Progress(
        function=function,
        filtered_out=counted["FilteredOutEventCount"],
        given_up=counted["DroppedEventCount"] + counted["OnFailureDestinationDeliveredEventCount"],
        delivered=counted["InvokedEventCount"],
        in_flight=in_flight,
        waiting=len(unsettled) - in_flight,
        oldest=min(map(arrival, unsettled), default=None),
    )
