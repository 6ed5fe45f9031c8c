"""CloudWatch's share of the local run: what is counted over time, and which alarms that would fire.

The alarms are those that a program has in the embedded AWS. Nothing here can change delivery.
"""

import time
from collections.abc import Mapping
from typing import Final

from infra.local.cloudwatch.alarms import Alarms, State, Transition
from infra.local.cloudwatch.definitions import RegisteredAlarm
from infra.local.cloudwatch.expressions import UnsupportedAlarmError
from infra.local.cloudwatch.meters import MappingMeter, count_invocation, embedded_metrics
from infra.local.cloudwatch.metric_store import MetricStore
from infra.local.function.invocation import Invocation
from infra.local.lambda_api.mappings import StoredMapping

_MINUTE: Final = 60


class Monitored:
    """The metrics of what runs, and the alarms on them."""

    def __init__(
        self,
        mappings: Mapping[str, StoredMapping],
        registered: Mapping[str, RegisteredAlarm],
        store: MetricStore,
    ) -> None:
        self.store = store
        self._mappings = mappings
        self._registered = registered
        self._known: Mapping[str, RegisteredAlarm] = {}
        self._not_evaluated: dict[str, str] = {}
        self._meters: dict[str, MappingMeter] = {}
        self._alarms = Alarms([], self.store, created=0)

    @property
    def states(self) -> Mapping[str, State]:
        """Of every alarm, by its name."""
        self._follow()
        return self._alarms.states

    @property
    def not_evaluated(self) -> list[str]:
        """The alarms whose definitions are beyond what is evaluated here, and why."""
        self._follow()
        return list(self._not_evaluated.values())

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
        self._follow()
        for uuid, mapping in list(self._mappings.items()):
            if uuid not in self._meters:
                self._meters[uuid] = _meter(mapping, self.store)
            self._meters[uuid].sample(now)
        return self._alarms.evaluate(now + _MINUTE)

    def _follow(self) -> None:
        """Takes up the alarms that were made, changed or deleted."""
        known, self._known = self._known, dict(self._registered)
        for name in known.keys() - self._known.keys():
            self._alarms.delete(name)
            self._not_evaluated.pop(name, None)
        for name, registered in self._known.items():
            if known.get(name) is not registered:
                self._put(name, registered)

    def _put(self, name: str, registered: RegisteredAlarm) -> None:
        self._not_evaluated.pop(name, None)
        try:
            self._alarms.put(registered.read(), registered.since)
        except UnsupportedAlarmError as error:
            self._alarms.delete(name)
            self._not_evaluated[name] = str(error)


def _meter(mapping: StoredMapping, store: MetricStore) -> MappingMeter:
    return MappingMeter(
        store,
        uuid=mapping.uuid,
        function=mapping.settings.function_name,
        counted=lambda: mapping.metrics,
        is_polling=lambda: _is_polling(mapping),
    )


def _is_polling(mapping: StoredMapping) -> bool:
    # Once: it may be stopped meanwhile, on the event loop.
    polled = mapping.polled
    return polled is not None and polled.mapping.trouble is None
