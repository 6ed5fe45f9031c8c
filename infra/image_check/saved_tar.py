"""An image in a tar: what `docker save` writes, of Docker's own form or an OCI image layout.

Docker 25 and newer write both forms into one tar; the layout then tells more. Layers are read
through to the end, because only so their size is known.
"""

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from infra.image_check.contents import (
    Contents,
    Descriptor,
    MissingContentError,
    Size,
    contents,
    image,
)
from infra.image_check.document import Document, UnreadableImageError, documents, parsed

_GZIP: Final = b"\x1f\x8b"
_ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"
_CHUNK: Final = 1 << 20


def read_tar(path: Path, *, platform: str) -> Contents:
    """The image in the tar. Raises `UnreadableImageError`."""
    try:
        with tarfile.open(path) as tar:
            archive = _Archive(path, tar)
            if "index.json" in archive:
                return _from_layout(archive, platform)
            if "manifest.json" in archive:
                return _from_docker(archive)
    except tarfile.ReadError as error:
        raise UnreadableImageError(f"{path} is no tar, or not a whole one") from error
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise UnreadableImageError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise UnreadableImageError(f"cannot read {path}: {error.strerror or error}") from error
    raise UnreadableImageError(
        f"{path} holds no image: it has neither index.json nor manifest.json; "
        "write it with docker save"
    )


class _Archive:
    """The tar's files, by path."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self.path = path
        self._tar = tar
        self._members = {member.name.removeprefix("./"): member for member in tar}

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        with self._opened(name) as file:
            return file.read()

    def size(self, names: Sequence[str]) -> Size:
        """Of the layers in these files, which may be compressed or not."""
        sizes = [self._size(name) for name in names]
        return Size(
            in_bytes=sum(size.in_bytes for size in sizes),
            is_exact=all(size.is_exact for size in sizes),
        )

    def _size(self, name: str) -> Size:
        with self._opened(name) as file:
            start = file.read(4)
            file.seek(0)
            if start.startswith(_GZIP):
                with gzip.open(file) as layer:
                    size = sum(map(len, iter(lambda: layer.read(_CHUNK), b"")))
            else:
                size = file.seek(0, 2)
        return Size(in_bytes=size, is_exact=start != _ZSTANDARD)

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        try:
            # Follows links: Docker writes a layer once, and where it comes again, a link.
            file = self._tar.extractfile(self._members[name])
        except KeyError:
            file = None
        if file is None:
            raise MissingContentError(f"{self.path} has no file {name}")
        with file:
            yield file


class _Layout:
    """The blobs of an OCI image layout."""

    def __init__(self, archive: _Archive) -> None:
        self._archive = archive

    def manifest(self, digest: str) -> tuple[Document, str]:
        return Document.parse(f"the manifest {digest}", self.blob(digest)), ""

    def blob(self, digest: str) -> bytes:
        return self._archive.read(_path(digest))

    def size(self, layers: Sequence[Descriptor]) -> Size:
        return self._archive.size([_path(layer.digest) for layer in layers])


def _from_layout(archive: _Archive, platform: str) -> Contents:
    index = Document.parse("index.json", archive.read("index.json"))
    # One image with two names is there twice.
    roots = {root.digest: root for root in map(Descriptor.of, index.documents("manifests"))}
    names = {root.name for root in roots.values()} - {""}
    if not roots or len(names) > 1:
        raise _not_one_image(archive, len(names))
    layout = _Layout(archive)
    if len(roots) > 1:
        return contents(layout, index, "", platform=platform)
    (root,) = roots.values()
    manifest, _ = layout.manifest(root.digest)
    return contents(layout, manifest, root.media_type, platform=platform)


def _from_docker(archive: _Archive) -> Contents:
    images = documents("manifest.json", parsed("manifest.json", archive.read("manifest.json")))
    if len(images) != 1:
        raise _not_one_image(archive, len(images))
    (saved,) = images
    config = saved.string("Config")
    found = image(
        Document.parse(config, archive.read(config)),
        layers=frozenset(),
        size=archive.size(saved.strings("Layers")),
    )
    return Contents(index=None, image=found)


def _not_one_image(archive: _Archive, count: int) -> UnreadableImageError:
    return UnreadableImageError(f"{archive.path} holds {count} images; save the one to check alone")


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"
