"""The content of a Docker build context: as one text that changes exactly when an image would, and
as a folder that is the same wherever it comes from.

Paths and contents count; modes, times and the order in which a file system lists do not: two
checkouts of the same commit give the same tag, and send Docker the same. Which files belong, the
context's `.dockerignore` says.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from e2b_dockerfile_utils import PatternMatcher

import handler

BUILD_CONTEXT: Final = Path(handler.__file__).parent
_STAGED_CONTEXTS: Final = BUILD_CONTEXT.parent / ".build"
"""In the project, because paths of the plan are relative to it; not in git."""

_TAG_LENGTH: Final = 20
_IGNORE_FILE: Final = ".dockerignore"
_MODE: Final = 0o755
"""Of all that is staged, files too: what is executable stays so, whatever a checkout made of it."""


def content_tag(context: Path, *, platform: str, arguments: Mapping[str, str]) -> str:
    """An image tag made of all that goes into the image, in hexadecimal digits.

    Raises `FileNotFoundError` when there is no such folder.
    """
    return _hashed(_parts(context, platform, arguments))


def staged_context() -> Path:
    """The handler's folder as Docker is sent it now, relative to the working directory.

    An absolute path would differ between checkouts, and so show as a change.
    """
    return Path(os.path.relpath(staged(BUILD_CONTEXT, _STAGED_CONTEXTS)))


def staged(context: Path, folder: Path) -> Path:
    """A copy of what Docker is sent of the context, in a folder of `folder` named by its content.

    docker.Image compares names, modes and bytes, and builds and pushes when one of them differs.
    In the copy only content can differ: not the umask of a checkout, nor where it lies. It is moved
    into place whole, because two previews may run at once.
    """
    target = folder / _staged_name(context)
    if _is_intact(target):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        copy = Path(temporary, "copy")
        _copy(context, copy)
        try:
            copy.rename(target)
        except OSError:
            if not _is_intact(target):  # otherwise another run was faster
                target.rename(Path(temporary, "broken"))
                copy.rename(target)
    return target


def _copy(context: Path, copy: Path) -> None:
    for path in _staged_files(context):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes((context / path).read_bytes())
    for each in [copy, *copy.rglob("*")]:
        each.chmod(_MODE)


def _staged_files(context: Path) -> list[PurePosixPath]:
    # Without .dockerignore, what is sent for the build only would be copied into the image.
    ignore = PurePosixPath(_IGNORE_FILE)
    return sorted({*files(context), *([ignore] if (context / ignore).exists() else [])})


def _staged_name(context: Path) -> str:
    return _hashed(_contents(context, _staged_files(context)))


def _is_intact(staged_context: Path) -> bool:
    return (
        staged_context.is_dir()
        and _staged_name(staged_context) == staged_context.name
        and all(
            each.stat().st_mode & 0o777 == _MODE
            for each in [staged_context, *staged_context.rglob("*")]
        )
    )


def _hashed(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        # With its length in front, no part can pass for the end of one and the start of another.
        digest.update(f"{len(part)}:".encode() + part)
    return digest.hexdigest()[:_TAG_LENGTH]


def _parts(context: Path, platform: str, arguments: Mapping[str, str]) -> Iterator[bytes]:
    yield platform.encode()
    yield str(len(arguments)).encode()
    for name, value in sorted(arguments.items()):
        yield name.encode()
        yield value.encode()
    yield from _contents(context, files(context))


def _contents(context: Path, paths: Iterable[PurePosixPath]) -> Iterator[bytes]:
    for path in paths:
        yield path.as_posix().encode()
        yield (context / path).read_bytes()


def files(context: Path) -> list[PurePosixPath]:
    """The files of the context that Docker is sent, in a fixed order, relative to it."""
    if not context.is_dir():
        raise FileNotFoundError(f"no build context at {context}")
    ignore_file = context / _IGNORE_FILE
    lines = ignore_file.read_text("utf-8-sig").splitlines() if ignore_file.exists() else []
    ignored = PatternMatcher(lines)
    found = (
        PurePosixPath(path.relative_to(context).as_posix())
        for path in context.rglob("*")
        if path.is_file()
    )
    # The Dockerfile is always sent: it says how the rest becomes an image.
    return sorted(
        path for path in found if str(path) == "Dockerfile" or not ignored.matches(str(path))
    )
