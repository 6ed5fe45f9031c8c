"""The handler's logger, and what holds for every line of the function, whoever prints it.

The least level is the stack's; keys that `process` appends end with its record; and the text of an
exception, which may hold payload, is logged at DEBUG only, also where Python itself would print it.
"""

import logging
import operator
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import BasePowertoolsFormatter

from handler.config import DETAILS_VARIABLE, LOG_LEVEL_VARIABLE
from handler.error_log import without_texts

# RFC 3339: with any other timestamp Lambda takes a line for INFO, whatever its level
# (Lambda Developer Guide, "Log-level filtering"). Powertools' default is another.
logger: Final = Logger(use_rfc3339=True, utc=True)
_formatter: Final = logger.registered_formatter


def set_up(environ: Mapping[str, str]) -> None:
    """Once, before the user's module is imported: what that logs while it is loaded counts too."""
    _set_least_level(environ.get(LOG_LEVEL_VARIABLE, ""))
    _details["are_printed"] = bool(environ.get(DETAILS_VARIABLE))
    threading.excepthook = _thread_failed
    sys.unraisablehook = _not_raised
    for name in ("asyncio", "concurrent.futures"):
        logging.getLogger(name).addFilter(_keep_texts_back)


def _set_least_level(name: str) -> None:
    # Not by the loggers' own levels: Powertools lets AWS_LAMBDA_LOG_LEVEL win over every other
    # (3.37.0), in loggers that are made later too. And what has no level, as metrics, is printed.
    level = logging.getLevelNamesMapping().get(name)
    if level is not None:
        logging.disable(level - 1)


def log_error(message: str, error: BaseException, ids: Mapping[str, object]) -> None:
    """A line without the exception's text, and one with it at DEBUG."""
    logger.error(message, extra={**ids, **without_texts(error)})
    log_detail("The error", ids, error)


_details: Final = {"are_printed": False}


def log_detail(
    message: str, fields: Mapping[str, object], error: BaseException | None = None
) -> None:
    """A line at DEBUG, which may hold texts; printed at any level where the environment says so."""
    if not _details["are_printed"]:
        logger.debug(message, extra=fields, exc_info=error)
        return
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    # By hand, for each of these would hold it back: the logger's level, and logging.disable.
    underlying = logging.getLogger(logger.name)
    line = underlying.makeRecord(
        logger.name, logging.DEBUG, __file__, 0, message, (), exc_info, extra=dict(fields)
    )
    underlying.handle(line)


class Keys:
    """The keys of all loggers, as they are when this is made: what is appended later can be undone.

    Made once for a batch, for asking what has changed takes a fraction of taking notes of all.
    """

    __slots__ = ("_before", "_loggers", "_of_context")

    def __init__(self) -> None:
        self._loggers = len(_loggers)
        self._before = {each: _keys_of(each) for each in _formatters()}
        self._of_context = {**_formatter.thread_safe_get_current_keys()}

    def put_back(self) -> None:
        """Keys that were appended, changed or removed are as before."""
        if len(_loggers) != self._loggers:
            self._take_in_new_loggers()
        for current, before, differ in self._before.values():
            try:
                if differ(current(), before):
                    _put_back(current, before)
            except Exception:  # noqa: BLE001 - it has become something that cannot be compared
                _put_back(current, before)
        if _formatter.thread_safe_get_current_keys() or self._of_context:
            _formatter.thread_safe_clear_keys()
            _formatter.thread_safe_append_keys(**self._of_context)

    def _take_in_new_loggers(self) -> None:
        """What such a logger was made with stays."""
        self._loggers = len(_loggers)
        for formatter in _formatters():
            if formatter not in self._before:
                with suppress(Exception):
                    formatter.clear_state()
                    self._before[formatter] = _keys_of(formatter)


_KeysOf = tuple[
    Callable[[], dict[str, Any]],
    dict[str, Any],
    Callable[[dict[str, Any], dict[str, Any]], bool],
]
"""What tells a formatter's keys, what they were at that time, and whether two of such differ."""


def _keys_of(formatter: BasePowertoolsFormatter) -> _KeysOf:
    before = {**formatter.get_current_keys()}
    # Comparing other values would run the user's code. These are the most, and fast to compare.
    is_plain = all(type(value) is str or value is None for value in before.values())
    return formatter.get_current_keys, before, operator.ne if is_plain else _differ


def _put_back(current: Callable[[], dict[str, Any]], before: Mapping[str, Any]) -> None:
    # User code may stand behind a formatter, and putting back decides no record.
    with suppress(Exception):
        keys = current()
        keys.clear()
        keys.update(before)


def _differ(keys: dict[str, Any], before: dict[str, Any]) -> bool:
    return [*keys] != [*before] or not all(map(operator.is_, keys.values(), before.values()))


_loggers: Final = logging.Logger.manager.loggerDict
_known: dict[str, Any] = {"loggers": 0, "formatters": ()}
"""The formatters, as they were when there were so many loggers: looking through all takes time."""


def _formatters() -> tuple[BasePowertoolsFormatter, ...]:
    """Those of Powertools' loggers, each with the keys of its logger and of the children."""
    if _known["loggers"] != len(_loggers):
        handlers = [getattr(each, "powertools_handler", None) for each in list(_loggers.values())]
        formatters = (getattr(each, "formatter", None) for each in handlers)
        _known["formatters"] = tuple(
            {each: None for each in formatters if isinstance(each, BasePowertoolsFormatter)}
        )
        _known["loggers"] = len(_loggers)
    found: tuple[BasePowertoolsFormatter, ...] = _known["formatters"]
    return found


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    """In place of Python's, which prints the text. SystemExit is no failure there either."""
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        log_error("A thread has failed", failed.exc_value, {})


def _not_raised(failed: "sys.UnraisableHookArgs") -> None:
    """What is raised where nobody can catch it, as in `__del__`."""
    if failed.exc_value is not None:
        log_error("An exception could not be raised", failed.exc_value, {})


def _keep_texts_back(record: logging.LogRecord) -> bool:
    """Of a library's line about an exception of the user's: its first line, without the text."""
    if record.exc_info and record.exc_info[1] and logger.log_level > logging.DEBUG:
        record.msg = str(record.msg).split("\n", 1)[0]
        record.__dict__.update(without_texts(record.exc_info[1]))
        record.exc_info = None
    return True
