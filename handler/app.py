"""The Lambda entry point of your pipeline: its contract, and what is done with a request."""

from handler.entry_point import entry_point

# isort: split
from handler import process as yours
from handler.contract import CONTRACT

# `process_batch` may be there or not: only then is a call per batch made.
handler = entry_point(CONTRACT, yours.process, process_batch=getattr(yours, "process_batch", None))
