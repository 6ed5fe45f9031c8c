"""Lambda's log-level filtering: which lines of a function reach its log.

AWS: Lambda Developer Guide, "Log-level filtering". Lines that are no JSON objects are kept: what is
filtered are JSON objects, with the format JSON only.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

_LEVELS: Final = {
    name: order
    for order, names in enumerate(
        # Python's own names beside Lambda's: the runtime client writes them.
        (("TRACE",), ("DEBUG",), ("INFO",), ("WARN", "WARNING"), ("ERROR",), ("FATAL", "CRITICAL"))
    )
    for name in names
}
_RFC_3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})"
)


def log_filter(log_format: str, least_level: str | None) -> Callable[[str], bool]:
    """Tells of a line whether it is logged, with a function's LogFormat and ApplicationLogLevel."""
    least = _LEVELS.get(least_level or "", 0)
    if log_format.upper() != "JSON" or not least:
        return lambda _: True
    return lambda line: _level(line, least) >= least


def _level(line: str, of_text: int) -> int:
    """A JSON line without a level, or without a valid timestamp, counts as INFO."""
    if not line.startswith("{"):
        return of_text
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return of_text
    level = document.get("level")
    if not isinstance(level, str) or not _is_rfc_3339(document.get("timestamp")):
        return _LEVELS["INFO"]
    return _LEVELS.get(level.upper(), _LEVELS["INFO"])


def _is_rfc_3339(timestamp: Any) -> bool:
    if not isinstance(timestamp, str) or not _RFC_3339.fullmatch(timestamp):
        return False
    try:
        # The fraction may have any number of digits; Python 3.11 takes no more than six.
        datetime.fromisoformat(re.sub(r"\.\d+", "", timestamp.upper()))
    except ValueError:
        return False
    return True
