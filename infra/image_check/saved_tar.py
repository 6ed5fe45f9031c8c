"""An image in a tar: what `docker save` writes, of Docker's own form or an OCI image layout.

Docker 25 and newer write both forms into one tar; the layout then tells more. Layers are read
through to the end, because only so their size is known, but no further than Lambda's limit.
"""

import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from infra.image_check.contents import (
    LIMIT,
    Contents,
    Descriptor,
    MissingContentError,
    Size,
    contents,
    image,
)
from infra.image_check.document import (
    LARGEST,
    Document,
    UnreadableImageError,
    checked,
    documents,
    hashed,
    parsed,
)
from infra.wording import counted

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
        self._members = dict(self._listed())

    def _listed(self) -> Iterator[tuple[str, tarfile.TarInfo]]:
        """A tar may be compressed, and hold more than anybody can read."""
        size = 0
        for member in self._tar:
            size += member.size
            if size > 2 * LIMIT:
                raise UnreadableImageError(
                    f"{self.path} holds more than {2 * LIMIT // 1024**3} GB, twice Lambda's limit"
                )
            yield member.name.removeprefix("./"), member

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str, digest: str = "") -> bytes:
        """A document, which must have that digest where one is given."""
        with self._opened(name) as file:
            return checked(name, file.read(LARGEST + 1), digest)

    def verify(self, name: str, digest: str) -> None:
        """A layer, by its digest."""
        with self._opened(name) as file:
            if hashed(digest, iter(lambda: file.read(_CHUNK), b"")) != digest:
                raise UnreadableImageError(f"{name} is not what its digest {digest} names")

    def size(self, names: Sequence[str]) -> Size:
        """Of the layers in these files, which may be compressed or not."""
        found, is_exact = 0, True
        for name in names:
            size = self._size(name)
            found, is_exact = found + size.in_bytes, is_exact and size.is_exact
            if found > LIMIT:
                # Whatever else there is, Lambda does not take it.
                return Size(in_bytes=found, is_exact=is_exact and name == names[-1])
        return Size(in_bytes=found, is_exact=is_exact)

    def _size(self, name: str) -> Size:
        with self._opened(name) as file:
            start = file.read(4)
            file.seek(0)
            if not start.startswith(_GZIP):
                return Size(in_bytes=file.seek(0, 2), is_exact=start != _ZSTANDARD)
            with gzip.open(file) as layer:
                size = 0
                while chunk := layer.read(_CHUNK):
                    size += len(chunk)
                    if size > LIMIT:
                        return Size(in_bytes=size, is_exact=False)
        return Size(in_bytes=size, is_exact=True)

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        try:
            # Follows links: Docker writes a layer once, and where it comes again, a link.
            file = self._tar.extractfile(self._members[name])
        except KeyError:
            file = None
        except RecursionError:
            raise UnreadableImageError(f"{self.path}: the link {name} leads in a circle") from None
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
        return self._archive.read(_path(digest), digest)

    def size(self, layers: Sequence[Descriptor]) -> Size:
        size = self._archive.size([_path(layer.digest) for layer in layers])
        if size.in_bytes <= LIMIT:
            for layer in layers:
                self._archive.verify(_path(layer.digest), layer.digest)
        return size


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
    # Docker names the file by its digest.
    named = re.search(r"\b([0-9a-f]{64})(?:\.json)?$", config)
    digest = f"sha256:{named[1]}" if named else ""
    found = image(
        Document.parse(config, archive.read(config, digest)),
        layers=frozenset(),
        size=archive.size(saved.strings("Layers")),
    )
    return Contents(index=None, image=found)


def _not_one_image(archive: _Archive, count: int) -> UnreadableImageError:
    return UnreadableImageError(
        f"{archive.path} holds {counted(count, 'image')}; save the one to check alone"
    )


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"
