"""Counting: the handler's own metrics, and those of Powertools' `Metrics` that `process` has added.

The two are kept apart, and neither decides what becomes of a batch: what cannot be counted is told
in the log, once.
"""

import json
import time
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any, Final

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.metrics.functions import is_metrics_disabled
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.constants import MAX_METRICS

from handler.config import FUNCTION_DIMENSION
from handler.error_log import without_texts
from handler.logs import logger


class Counting:
    """Publishes at the end of a batch, in CloudWatch's embedded metric format."""

    def __init__(self, *, service: str, namespace: str) -> None:
        self._service = service
        self._namespace = namespace
        self._lines: dict[tuple[str, ...], dict[str, Any] | None] = {}
        """By what is counted and of which function; None: the environment turns metrics off."""

    def publish(self, counts: Mapping[str, int], *, function_name: str) -> None:
        """Prints what was counted, and then what `process` has added. Raises nothing."""
        try:
            self._print(counts, function_name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch is what it is
            logger.warning("The batch is not counted", extra=without_texts(error))
        _flush_shared(self._namespace)

    def _print(self, counts: Mapping[str, int], function_name: str) -> None:
        counted = {name: count for name, count in counts.items() if count}
        if not counted:
            return
        key = (function_name, *counted)
        if key not in self._lines:
            self._lines[key] = self._new_line(function_name, counted)
        line = self._lines[key]
        if line is not None:
            line["_aws"]["Timestamp"] = int(time.time() * 1000)
            line.update((name, [float(count)]) for name, count in counted.items())
            print(_to_json(line))

    def _new_line(self, function_name: str, names: Iterable[str]) -> dict[str, Any] | None:
        """What Powertools prints of such metrics: for each batch only numbers change in it."""
        if is_metrics_disabled():
            return None
        # Metrics has one set for the whole process, which is the user's.
        metrics = EphemeralMetrics(service=self._service, namespace=self._namespace)
        metrics.add_dimension(name=FUNCTION_DIMENSION, value=function_name)
        for name in names:
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=0)
        return {**metrics.serialize_metric_set()}


_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode


def _flush_shared(own_namespace: str) -> None:
    """Prints the set that all instances of `Metrics` share, as their `log_metrics` would."""
    instances = [metrics for metrics in map(_called, _instances) if metrics is not None]
    shared = [each for each in instances if each.provider.metric_set is Metrics._metrics]  # noqa: SLF001 - as above
    if not Metrics._metrics or not shared:  # noqa: SLF001 - as above
        return
    # The set is printed under one namespace: the user's own, where there is one.
    metrics = next((each for each in shared if each.namespace != own_namespace), shared[0])
    try:
        metrics.flush_metrics()
    except Exception as error:  # noqa: BLE001 - the set may hold anything
        _drop(metrics, error)


def _drop(metrics: Metrics, error: Exception) -> None:
    logger.warning("Metrics of process are dropped", extra=without_texts(error))
    # Or it would fail at the end of every batch from now on.
    with suppress(Exception):
        metrics.clear_metrics()


def _called(reference: "weakref.ref[Metrics]") -> Metrics | None:
    return reference()


_instances: Final[list["weakref.ref[Metrics]"]] = []
"""Every `Metrics` of the process: the namespace stands in the instance, the metrics do not."""

_latest: Final[list[Metrics]] = []
"""One that is made for a record would be gone at the end of the batch, and its metrics not."""


def _remember_instances() -> None:
    init = Metrics.__init__

    @wraps(init)
    def remembering(self: Metrics, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        _instances.append(weakref.ref(self, _instances.remove))
        _latest[:] = [self]

    Metrics.__init__ = remembering  # type: ignore[method-assign] # Powertools keeps no list


def _let_a_full_set_raise_nothing() -> None:
    """Powertools prints a full set from within `add_metric`: in `process`, which would fail."""
    add = Metrics.add_metric

    @wraps(add)
    def adding(self: Metrics, name: str, *arguments: Any, **options: Any) -> None:
        if _is_nearly_full(name):
            try:
                json.dumps(self.serialize_metric_set())
            except Exception as error:  # noqa: BLE001 - the set may hold anything
                _drop(self, error)
        add(self, name, *arguments, **options)

    Metrics.add_metric = adding  # type: ignore[method-assign] # it has no seam for it


def _is_nearly_full(name: str) -> bool:
    shared = Metrics._metrics  # noqa: SLF001 - it has no other name
    values = shared.get(name, {}).get("Value", ())
    return max(len(shared), len(values)) >= MAX_METRICS - 1


_remember_instances()
_let_a_full_set_raise_nothing()
