"""What Lambda refuses in an image, and what to do about it.

The rules are AWS's: one image and no index, of a Docker V2 schema 2 or an OCI manifest, for the
function's architecture, with a runtime interface client, at most 10 GB uncompressed
(https://docs.aws.amazon.com/lambda/latest/dg/images-create.html).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from infra.config.stack_settings import Architecture
from infra.image_check.contents import IN_TOTO, LIMIT, Contents, Image, Index, Size

_MANIFEST_TYPES: Final = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
_LAYER_TYPES: Final = (
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
)
_AWS_ENTRY_POINT: Final = "/lambda-entrypoint.sh"
_RUNTIME_CLIENT: Final = "awslambdaric"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A reason for Lambda to refuse the image, or to fail with it."""

    what: str
    remedy: str


def problems(contents: Contents, architecture: Architecture) -> list[Problem]:
    """All that is wrong; empty when Lambda takes the image."""
    return list(_problems(contents, architecture))


def _problems(contents: Contents, architecture: Architecture) -> Iterator[Problem]:
    if contents.index is not None:
        yield from _of_index(contents.index, contents.image, architecture)
    image = contents.image
    if image is None:
        return
    if _is_attestation(image):
        yield _attestation("it is an attestation (in-toto), and no image that could run")
        return
    yield from _of_media_types(image)
    if image.is_configured:
        yield from _of_platform(image, architecture)
        yield from _of_entry_point(image)
    yield from _of_size(image.size)


def _of_index(index: Index, image: Image | None, architecture: Architecture) -> Iterator[Problem]:
    attestations = [entry for entry in index.entries if entry.is_attestation]
    platforms = sorted({entry.platform for entry in index.entries if not entry.is_attestation})
    listed = ", ".join(filter(None, platforms)) or "no named platform"
    instead = f", or name the one in it: @{image.digest}" if image else ""
    yield Problem(
        what=f"it is an index ({index.media_type or 'OCI'}) of {listed}: Lambda takes one image",
        remedy="build for one platform and without attestations: docker build --platform "
        f"{architecture.platform} --provenance=false --sbom=false; with Docker 29 that, or the "
        f"classic image store{instead}",
    )
    if attestations:
        yield _attestation(
            f"it carries attestations (in-toto, platform unknown/unknown): {len(attestations)}"
        )
    if image is None and architecture.platform not in platforms:
        yield _wrong_platform(listed, architecture)


def _is_attestation(image: Image) -> bool:
    return any(layer.startswith(IN_TOTO) for layer in image.layer_types)


def _attestation(what: str) -> Problem:
    return Problem(
        what=what,
        remedy="build with --provenance=false --sbom=false, or with "
        "BUILDX_NO_DEFAULT_ATTESTATIONS=1 in the environment",
    )


def _of_platform(image: Image, architecture: Architecture) -> Iterator[Problem]:
    if image.platform != architecture.platform:
        yield _wrong_platform(image.platform or "no named platform", architecture)


def _wrong_platform(found: str, architecture: Architecture) -> Problem:
    others = [other for other in Architecture if other.platform == found]
    instead = f", or set function.architecture to {others[0]}" if others else ""
    return Problem(
        what=f"it is for {found}: a function of {architecture} runs {architecture.platform}",
        remedy=f"build with --platform {architecture.platform}{instead}",
    )


def _of_media_types(image: Image) -> Iterator[Problem]:
    # Docker writes the manifest of a saved image only when it pushes: one that Lambda takes.
    if image.media_type and image.media_type not in _MANIFEST_TYPES:
        yield Problem(
            what=f"its manifest is of the type {image.media_type}: Lambda takes "
            f"{' and '.join(_MANIFEST_TYPES)}",
            remedy="pull it and push it again with a current Docker",
        )
    for layer in sorted(image.layer_types.difference(_LAYER_TYPES)):
        yield Problem(
            what=f"it has a layer of the type {layer or 'unknown'}, which is in neither of the "
            "formats that Lambda documents (Docker V2 schema 2, OCI 1.0)",
            remedy="build with --output type=image,compression=gzip,force-compression=true",
        )


def _of_entry_point(image: Image) -> Iterator[Problem]:
    if _AWS_ENTRY_POINT in image.entry_point[:1] or _starts_client(image.entry_point):
        return
    remedy = (
        "build on AWS's base (public.ecr.aws/lambda/python), or install awslambdaric and end the "
        'Dockerfile with ENTRYPOINT ["python", "-m", "awslambdaric"]'
    )
    if not image.entry_point and not image.command:
        what = "it has neither ENTRYPOINT nor CMD"
    elif _starts_client(image.command):
        what = "its runtime interface client is in CMD, which the function's own command replaces"
    else:
        started = " ".join((*image.entry_point, *image.command))
        what = f"it starts no runtime interface client that could be recognized: {started}"
    yield Problem(what=what, remedy=remedy)


def _starts_client(words: tuple[str, ...]) -> bool:
    return any(_RUNTIME_CLIENT in word for word in words)


def _of_size(size: Size) -> Iterator[Problem]:
    if size.in_bytes > LIMIT:
        yield Problem(
            what=f"its layers are {in_words(size)}: Lambda takes 10 GB",
            remedy="leave out what does not run: a smaller base, a stage of its own for the build; "
            "large data belongs in S3 or EFS",
        )


def in_words(size: Size) -> str:
    """Like "152 MB uncompressed"; says so when it is a lower bound."""
    amount = f"{size.in_bytes / 1024**2:.0f} MB"
    return f"{amount} uncompressed" if size.is_exact else f"at least {amount} uncompressed"
