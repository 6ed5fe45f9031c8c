"""CloudWatch's share of the local run: what is counted over time, and which alarms that would fire.

The alarms are those that the program registered. Nothing here can stop or change delivery.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from infra.local.cloudwatch.alarms import Alarms, State, Transition
from infra.local.cloudwatch.definitions import (
    COMPOSITE_ALARM,
    METRIC_ALARM,
    CompositeAlarm,
    MetricAlarm,
    composite_alarm,
    metric_alarm,
)
from infra.local.cloudwatch.expressions import UnsupportedAlarmError
from infra.local.cloudwatch.meters import MappingMeter, count_invocation, embedded_metrics
from infra.local.cloudwatch.metric_store import MetricStore
from infra.local.function.invocation import Invocation
from infra.local.lambda_api.mappings import StoredMapping
from infra.local.program.engine import Resource

Alarm: TypeAlias = MetricAlarm | CompositeAlarm

_MINUTE: Final = 60
_READ: Final[Mapping[str, Callable[[Mapping[str, Any]], Alarm]]] = {
    METRIC_ALARM: metric_alarm,
    COMPOSITE_ALARM: composite_alarm,
}


class Monitored:
    """The metrics of what runs, and the alarms on them."""

    def __init__(self, mappings: Mapping[str, StoredMapping], store: MetricStore) -> None:
        self.store = store
        self.not_evaluated: list[str] = []
        """The alarms whose definitions are beyond what is evaluated here, and why."""
        self._mappings = mappings
        self._meters: dict[str, MappingMeter] = {}
        self._alarms = Alarms([], self.store, created=time.time())

    def define(self, registered: Iterable[Resource], created: float | None = None) -> None:
        """Takes up the alarms among a program's resources."""
        created = time.time() if created is None else created
        self._alarms = Alarms(list(self._definitions(registered)), self.store, created=created)

    @property
    def states(self) -> Mapping[str, State]:
        """Of every alarm, by its name."""
        return self._alarms.states

    def count_line(self, line: str, at: float) -> None:
        """Counts what a line of a function's log holds in the embedded metric format."""
        for series, value in embedded_metrics(line):
            self.store.add(series, value, at)

    def count_invocation(self, invocation: Invocation, ended: float) -> None:
        """Counts it, whether a mapping or Lambda's API asked for it."""
        count_invocation(self.store, invocation, ended)

    def look(self, now: float | None = None) -> list[Transition]:
        """The alarms that changed, as CloudWatch would have it at the end of the running minute."""
        now = time.time() if now is None else now
        for uuid, mapping in list(self._mappings.items()):
            if uuid not in self._meters:
                self._meters[uuid] = _meter(mapping, self.store)
            self._meters[uuid].sample(now)
        return self._alarms.evaluate(now + _MINUTE)

    def _definitions(self, registered: Iterable[Resource]) -> Iterator[Alarm]:
        for resource in registered:
            if resource.type in _READ:
                # Pulumi names one that the program leaves without a name.
                inputs = {**resource.inputs, "name": resource.outputs.get("name", resource.name)}
                try:
                    yield _READ[resource.type](inputs)
                except UnsupportedAlarmError as error:
                    self.not_evaluated.append(str(error))


def _meter(mapping: StoredMapping, store: MetricStore) -> MappingMeter:
    return MappingMeter(
        store,
        uuid=mapping.uuid,
        function=mapping.settings.function_arn.rpartition(":")[2],
        counted=lambda: mapping.metrics,
        is_polling=lambda: _is_polling(mapping),
    )


def _is_polling(mapping: StoredMapping) -> bool:
    # Once: it may be stopped meanwhile, on the event loop.
    polled = mapping.polled
    return polled is not None and polled.mapping.trouble is None
