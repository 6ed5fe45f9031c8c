"""What an update does to the records on their way: the table's stream and its mappings."""

from collections.abc import Iterator
from typing import Any, Final

from infra.impact.finding import Finding, lossy, notice, risk
from infra.impact.preview import Change, Operation, Preview, State
from infra.inputs import UNKNOWN

TABLE: Final = "aws:dynamodb/table:Table"
MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"

_WAIT: Final = "stop the writers, or choose a quiet hour, and wait until IteratorAge is near 0"
_BACKFILL: Final = "afterwards `python -m infra.replay backfill` sends what was missed"


def findings(preview: Preview) -> Iterator[Finding]:
    """Of all streams and mappings."""
    told = set[str]()
    for table in preview.of_type(TABLE):
        if _loses_its_stream(table):
            yield from _of_the_stream(table)
            mappings = list(_mappings_of(table, preview))
            for mapping in mappings:
                if mapping.operation is not Operation.DELETED:
                    told.add(mapping.urn)
                    yield _replaced(mapping, "its stream is another one then")
            if not mappings:
                yield _inferred(table)
    for mapping in preview.of_type(MAPPING):
        if mapping.urn not in told:
            yield from _of_the_mapping(mapping)


def _loses_its_stream(table: Change) -> bool:
    if table.old is None or not table.old.at("streamEnabled"):
        return False
    if table.is_gone:
        return True
    return table.new is not None and (
        not table.new.at("streamEnabled")
        or table.old.at("streamViewType") != table.new.at("streamViewType")
    )


def _of_the_stream(table: Change) -> Iterator[Finding]:
    """Of a table that is gone it is said elsewhere."""
    old, new = table.old, table.new
    if table.is_gone or old is None or new is None:
        return
    if not new.at("streamEnabled"):
        yield lossy(
            "stream-disabled",
            table,
            "the stream is switched off: records that were not yet read are gone, and nothing that "
            "is written from then on reaches a function",
            _WAIT,
        )
        return
    yield lossy(
        "view-type-changed",
        table,
        f"the stream's view type becomes {new.at('streamViewType')} (was "
        f"{old.at('streamViewType')}): the provider switches the stream off and on, and records "
        "that were not yet read, or are written meanwhile, are gone",
        f"{_WAIT}; {_BACKFILL}",
    )


def _mappings_of(table: Change, preview: Preview) -> Iterator[Change]:
    stream = table.old.outputs.get("streamArn") if table.old else None
    return (
        mapping
        for mapping in preview.of_type(MAPPING)
        if mapping.old and stream and mapping.old.at("eventSourceArn") == stream
    )


def _inferred(table: Change) -> Finding:
    """The preview names no mapping: it shows what changes, and the stream's ARN not yet."""
    return lossy(
        "mapping-replaced",
        table,
        "the mappings of this stream are replaced too, although the preview does not show it: at "
        "LATEST, what is written until a new one polls, a minute or more, is missed",
        f"{_WAIT}; {_BACKFILL}",
    )


def _of_the_mapping(mapping: Change) -> Iterator[Finding]:
    old, new = mapping.old, mapping.new
    if old is None:
        return
    if mapping.operation is Operation.DELETED:
        yield lossy(
            "mapping-deleted",
            mapping,
            "records that were not yet processed, and all that follow, reach no function",
            _WAIT,
        )
    elif mapping.operation is Operation.REPLACED:
        yield _replaced(mapping, _reason(old, new))
    elif new is not None:
        yield from _updated(mapping, old, new)


def _replaced(mapping: Change, reason: str) -> Finding:
    position = (mapping.new or mapping.old or State()).at("startingPosition")
    if position == "LATEST":
        return lossy(
            "mapping-replaced",
            mapping,
            f"the mapping is replaced ({reason}): records that were not yet processed, and what is "
            "written until the new one polls, a minute or more, are missed at LATEST",
            f"{_WAIT}; {_BACKFILL}",
        )
    return lossy(
        "mapping-replaced",
        mapping,
        f"the mapping is replaced ({reason}) and begins at {position}: up to 24 hours of records "
        "are delivered again, as far as the new stream has them. Idempotency passes over what was "
        "done; without it, all takes effect again",
        "check that idempotency is on, and that `process` may see each record of a day once more",
    )


def _reason(old: State, new: State | None) -> str:
    if new is None:
        return "by request"
    for key, name in (("startingPosition", "starting position"), ("eventSourceArn", "stream")):
        before, after = old.at(key), new.at(key)
        if before != after:
            known = "another one" if after == UNKNOWN else after
            return f"its {name} becomes {known}, was {before}"
    return "see the preview for the reason"


def _updated(mapping: Change, old: State, new: State) -> Iterator[Finding]:
    if old.at("enabled") is not False and new.at("enabled") is False:
        yield risk(
            "mapping-disabled",
            mapping,
            "nothing is processed from then on, and what is not processed within 24 hours the "
            "stream forgets",
            "set a time by which it is enabled again",
        )
    if old.at("filterCriteria") != new.at("filterCriteria"):
        yield notice(
            "filter-changed",
            mapping,
            "another filter takes effect within minutes; records that the old one kept away are "
            "past",
            f"for those, {_BACKFILL}",
        )
    yield from _gives_up_worse(mapping, old, new)


def _gives_up_worse(mapping: Change, old: State, new: State) -> Iterator[Finding]:
    if _age(new) < _age(old):
        yield lossy(
            "retention-shortened",
            mapping,
            f"what is older than {_age(new):g} seconds (was {_age(old):g}) is given up at once, "
            "into the failure bucket",
            "wait until IteratorAge is below it",
        )
    if old.at("destinationConfig", "onFailure", "destinationArn") and not new.at(
        "destinationConfig", "onFailure", "destinationArn"
    ):
        yield lossy(
            "failures-dropped",
            mapping,
            "what Lambda gives up is dropped from then on: there is no on-failure destination",
        )
    if old.at("functionResponseTypes") and not new.at("functionResponseTypes"):
        yield lossy(
            "failures-dropped",
            mapping,
            "ReportBatchItemFailures is off: Lambda takes a batch as done, whatever records the "
            "handler reports as failed",
        )


_FOR_EVER: Final = float("inf")


def _age(state: State) -> float:
    age: Any = state.at("maximumRecordAgeInSeconds")
    return float(age) if isinstance(age, int | float) and age != -1 else _FOR_EVER
