"""What an image consists of: perhaps an index, a manifest, its configuration and its layers.

`infra.image_check.saved_tar` and `infra.image_check.registry` read them; what Lambda says to them
stands in `infra.image_check.problems`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from infra.image_check.document import Document, UnreadableImageError

LIMIT: Final = 10 * 1024**3
"""Bytes of all layers together; the quota is Lambda's."""

IN_TOTO: Final = "application/vnd.in-toto"
"""How the media types of an attestation's layers begin."""


class MissingContentError(UnreadableImageError):
    """The image names content that is not there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """How one document of an image refers to another, or to a layer."""

    digest: str
    media_type: str
    size: int
    """In bytes, as stored: a layer is mostly compressed."""
    platform: str
    """Like linux/amd64; empty when it is not told."""
    is_attestation: bool
    name: str
    """Of the image in the tar, as Docker writes it; mostly empty."""

    @classmethod
    def of(cls, document: Document) -> "Descriptor":
        annotations = document.document("annotations")
        platform = _platform(document.document("platform"))
        return cls(
            digest=document.digest("digest"),
            media_type=document.string("mediaType"),
            size=document.number("size"),
            platform=platform,
            is_attestation=platform == "unknown/unknown"
            or annotations.string("vnd.docker.reference.type") == "attestation-manifest",
            name=annotations.string("io.containerd.image.name"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """Of all layers, uncompressed, in bytes."""

    in_bytes: int
    is_exact: bool
    """Otherwise it is at least this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A single image, or what its manifest says is one."""

    digest: str
    """By which an index names it; empty without one."""
    media_type: str
    """Of the manifest; empty when Docker writes one only as it pushes."""
    is_configured: bool
    """Otherwise platform and commands are not known: only manifests of schema 1 have it so."""
    platform: str
    entry_point: tuple[str, ...]
    command: tuple[str, ...]
    layer_types: frozenset[str]
    size: Size


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """A list of manifests where Lambda expects one."""

    media_type: str
    entries: tuple[Descriptor, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """All there is to judge an image by."""

    index: Index | None
    image: Image | None
    """The index's one for the platform, where it has one; without an index always there."""


class Store(Protocol):
    """Where manifests and blobs are read from. Raises `UnreadableImageError`."""

    def manifest(self, digest: str) -> tuple[Document, str]:
        """The document, and its media type where the store knows it."""

    def blob(self, digest: str) -> bytes: ...

    def size(self, layers: Sequence[Descriptor]) -> Size: ...


def contents(store: Store, manifest: Document, media_type: str, *, platform: str) -> Contents:
    """What the manifest leads to. Of an index's images, the one for the platform is read."""
    media_type = media_type or manifest.string("mediaType")
    if "manifests" not in manifest:
        return Contents(index=None, image=_image(store, manifest, media_type))
    index = Index(
        media_type=media_type,
        entries=tuple(map(Descriptor.of, manifest.documents("manifests"))),
    )
    return Contents(index=index, image=_image_for(store, index, platform))


def image(
    config: Document | None,
    *,
    layers: frozenset[str],
    size: Size,
    media_type: str = "",
    digest: str = "",
) -> Image:
    """The image that a configuration describes; without one, what the manifest alone tells."""
    described = config or Document("no configuration", {})
    container = described.document("config")
    return Image(
        digest=digest,
        media_type=media_type,
        is_configured=config is not None,
        platform=_platform(described),
        entry_point=tuple(container.strings("Entrypoint")),
        command=tuple(container.strings("Cmd")),
        layer_types=layers,
        size=size,
    )


def _image_for(store: Store, index: Index, platform: str) -> Image | None:
    # A platform that is not told stands in the configuration, which is read then.
    fitting = [one for one in index.entries if one.platform in (platform, "")]
    fitting = [one for one in fitting if not one.is_attestation]
    for entry in sorted(fitting, key=lambda one: one.platform != platform):
        try:
            manifest, media_type = store.manifest(entry.digest)
        except MissingContentError:
            # A tar names every image of the index, and holds those that were pulled or built.
            continue
        return _image(store, manifest, media_type or entry.media_type, entry.digest)
    return None


def _image(store: Store, manifest: Document, media_type: str, digest: str = "") -> Image:
    layers = [Descriptor.of(layer) for layer in manifest.documents("layers")]
    return image(
        _config(store, manifest),
        layers=frozenset(layer.media_type for layer in layers),
        size=store.size(layers),
        media_type=media_type or manifest.string("mediaType"),
        digest=digest,
    )


def _config(store: Store, manifest: Document) -> Document | None:
    if manifest.number("schemaVersion") == 1:
        return None
    digest = manifest.document("config").digest("digest")
    if not digest:
        raise UnreadableImageError(f"{manifest.where} names no configuration")
    return Document.parse(f"the configuration {digest}", store.blob(digest))


def _platform(document: Document) -> str:
    """The variant is left out: linux/arm64 and linux/arm64/v8 are the same to Lambda."""
    return "/".join(filter(None, (document.string("os"), document.string("architecture"))))
