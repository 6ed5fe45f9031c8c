"""The states of alarms, evaluated as CloudWatch does it, whenever the caller says what time it is.

The rules are those of the CloudWatch User Guide, "How alarm state is evaluated when data is
missing" and "Avoiding premature transitions to alarm state"; the tables there are a test.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.alarms.definitions import MissingData
from infra.local.cloudwatch.definitions import CompositeAlarm, MetricAlarm
from infra.local.cloudwatch.metric_store import MetricStore

_LOOKED_BACK: Final = 2
"""Periods beyond the evaluation periods that are looked at for data, where some is missing.

CloudWatch does not say how many; its own examples have 5 for 3.
"""


class State(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """An alarm that changed its state."""

    alarm: MetricAlarm | CompositeAlarm
    before: State
    after: State
    value: float | None = None
    """The newest data point, where there is one."""

    @property
    def is_told(self) -> bool:
        """Whether somebody is told that it fires, or that it does no longer."""
        return self.alarm.tells and State.ALARM in (self.before, self.after)


class Alarms:
    """Some alarms over the metrics of one store."""

    def __init__(
        self,
        alarms: Sequence[MetricAlarm | CompositeAlarm],
        store: MetricStore,
        *,
        created: float,
    ) -> None:
        self._alarms: dict[str, MetricAlarm | CompositeAlarm] = {}
        self._store = store
        self._created: dict[str, float] = {}
        self._warm = set[str]()
        self.states: dict[str, State] = {}
        for alarm in alarms:
            self.put(alarm, created)

    def put(self, alarm: MetricAlarm | CompositeAlarm, created: float) -> None:
        """One more, or another one of its name: "its state is left unchanged" (PutMetricAlarm)."""
        self._alarms[alarm.name] = alarm
        self._created[alarm.name] = created
        self.states.setdefault(alarm.name, State.INSUFFICIENT_DATA)

    def delete(self, name: str) -> None:
        """One less."""
        for each in (self._alarms, self._created, self.states):
            each.pop(name, None)

    def evaluate(self, now: float) -> list[Transition]:
        """Every alarm at the last whole minute, as CloudWatch does each minute; what changed."""
        end = now // 60 * 60
        alarms = list(self._alarms.values())
        composites = [each for each in alarms if isinstance(each, CompositeAlarm)]
        changed = [self._evaluated(each, end) for each in alarms if isinstance(each, MetricAlarm)]
        # A composite may be about another one, which may be about a third.
        for _ in composites:
            changed += [self._composed(each) for each in composites]
        return [each for each in changed if each is not None]

    def _evaluated(self, alarm: MetricAlarm, end: float) -> Transition | None:
        points = self._points(alarm, end)
        if self._is_warming_up(alarm, points, end):
            return None
        after = state_of(points, alarm, self.states[alarm.name])
        newest = next((point for point in points if point is not None), None)
        return self._changed(alarm, after, newest)

    def _is_warming_up(
        self, alarm: MetricAlarm, points: Sequence[float | None], end: float
    ) -> bool:
        # "Evaluation begins as soon as the alarm has enough metric data to fill its evaluation
        # window" (PutMetricAlarm, "WarmUpConfiguration").
        present = sum(point is not None for point in points)
        if end - self._created[alarm.name] >= alarm.warm_up or present >= alarm.evaluation_periods:
            self._warm.add(alarm.name)
        return alarm.name not in self._warm

    def _points(self, alarm: MetricAlarm, end: float) -> list[float | None]:
        """The newest first."""
        return [
            alarm.expression(
                {
                    id_: self._store.data_point(
                        reading.series,
                        reading.statistic,
                        start=end - (back + 1) * alarm.period,
                        end=end - back * alarm.period,
                    )
                    for id_, reading in alarm.readings.items()
                }
            )
            for back in range(alarm.evaluation_periods + _LOOKED_BACK)
        ]

    def _composed(self, alarm: CompositeAlarm) -> Transition | None:
        fires = alarm.rule(lambda name: self.states.get(name) is State.ALARM)
        return self._changed(alarm, State.ALARM if fires else State.OK, None)

    def _changed(
        self, alarm: MetricAlarm | CompositeAlarm, after: State, value: float | None
    ) -> Transition | None:
        before, self.states[alarm.name] = self.states[alarm.name], after
        if before is after:
            return None
        return Transition(alarm=alarm, before=before, after=after, value=value)


def state_of(points: Sequence[float | None], alarm: MetricAlarm, current: State) -> State:
    """The state that data points, the newest first, give an alarm."""
    present = [point for point in points if point is not None]
    evaluated = present[: alarm.evaluation_periods]
    breaching = sum(map(alarm.breaches, evaluated))
    missing = alarm.evaluation_periods - len(evaluated)
    enough = alarm.datapoints_to_alarm
    if missing == 0 or breaching >= enough:
        return _alarm_if(breaching >= enough)
    rest: Mapping[MissingData, Callable[[], State]] = {
        MissingData.BREACHING: lambda: _alarm_if(breaching + missing >= enough),
        MissingData.NOT_BREACHING: lambda: State.OK,
        MissingData.IGNORE: lambda: State.OK if breaching < len(evaluated) else current,
        MissingData.MISSING: lambda: _without_the_missing(points, alarm, evaluated),
    }
    return rest[alarm.missing_data]()


def _without_the_missing(
    points: Sequence[float | None], alarm: MetricAlarm, evaluated: Sequence[float]
) -> State:
    """Where missing data counts as nothing, and what is there is too little."""
    if not all(map(alarm.breaches, evaluated)):
        return State.OK
    ages = [age for age, point in enumerate(points, start=1) if point is not None]
    is_old_enough = bool(ages) and ages[-1] >= alarm.datapoints_to_alarm
    return State.ALARM if is_old_enough else State.INSUFFICIENT_DATA


def _alarm_if(fires: bool) -> State:
    return State.ALARM if fires else State.OK
