"""What stands here for a function's image: the folder with its code, and how it would be built."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from handler.config import ENTRY_POINT
from infra.local.program.run import PROJECT


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """The content of an image, and its settings."""

    code: Path
    """The folder that is /var/task in it."""
    command: str = ENTRY_POINT
    """The entry point of a function that names none."""
    entry_point: str | None = None
    """In place of the one that the function names."""
    build: Mapping[str, Any] | None = None
    """How it is built, as the program registered it; None: it exists."""


Images: TypeAlias = Callable[[str], Image]
"""Finds an image by its URI, as Lambda does in ECR."""


@contextlib.contextmanager
def task_root(project: Path = PROJECT) -> Iterator[Path]:
    """A folder as /var/task is in the image: it holds the package `handler` and nothing else."""
    with tempfile.TemporaryDirectory(prefix="task-root-") as folder:
        root = Path(folder)
        (root / "handler").symlink_to(project / "handler", target_is_directory=True)
        yield root
