"""The contract of your pipeline: what its function and its infrastructure agree on.

What an item is stands in `handler/item.py`, what `process` is told in `handler/settings.py`. What
else the contract says, `RequestsStream` lists: the view type and the events of a stack that sets
none, or that `process` needs the old image. The infrastructure imports this module, so the
standard library is all it uses.
"""

from typing import Final

from handler.config import RequestsStream
from handler.item import Request
from handler.settings import Settings

CONTRACT: Final = RequestsStream(request=Request, settings=Settings)
