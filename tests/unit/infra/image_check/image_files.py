"""Images as Docker and registries store them, made by hand, each as small as it can be."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"

ENTRY_POINT: Final = ["/lambda-entrypoint.sh"]
LAYER: Final = b"\0" * 3 * 1024**2

Descriptor = dict[str, Any]


def config(
    *,
    architecture: str = "amd64",
    entry_point: Sequence[str] | None = ENTRY_POINT,
    command: Sequence[str] | None = ("handler.app.handler",),
) -> dict[str, Any]:
    """As AWS's base has it, when nothing is said."""
    container = {"Entrypoint": entry_point, "Cmd": command}
    return {"os": "linux", "architecture": architecture, "config": container}


class Blobs(dict[str, bytes]):
    """Contents by digest, and how to add more."""

    def add(self, content: bytes, media_type: str, **more: Any) -> Descriptor:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content), **more}

    def add_json(self, value: object, media_type: str, **more: Any) -> Descriptor:
        return self.add(json.dumps(value).encode(), media_type, **more)

    def add_image(
        self,
        config: Mapping[str, Any],
        *,
        media_type: str = OCI_MANIFEST,
        layer_type: str = OCI_LAYER,
        layer: bytes = gzip.compress(LAYER),
    ) -> Descriptor:
        """A manifest with its configuration and one layer."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": self.add_json(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [self.add(layer, layer_type)],
        }
        platform = {"os": config["os"], "architecture": config["architecture"]}
        return self.add_json(manifest, media_type, platform=platform)

    def add_attestation(self) -> Descriptor:
        """As BuildKit adds it to an image's index."""
        unknown = {"os": "unknown", "architecture": "unknown", "config": {}}
        return self.add_image(unknown, layer_type="application/vnd.in-toto+json", layer=b"{}")

    def add_index(self, *manifests: Descriptor, media_type: str = OCI_INDEX) -> Descriptor:
        index = {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}
        return self.add_json(index, media_type)


def layout_tar(path: Path, blobs: Blobs, *roots: Descriptor, prefix: str = "") -> Path:
    """An OCI image layout, as `docker save` writes it since Docker 25."""
    files = {f"blobs/{digest.replace(':', '/')}": blob for digest, blob in blobs.items()}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": roots}
    files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    files["index.json"] = json.dumps(index).encode()
    return tar(path, {f"{prefix}{name}": content for name, content in files.items()})


def docker_tar(
    path: Path, config: Mapping[str, Any], *, layers: Sequence[bytes] = (LAYER,), zeros: int = 0
) -> Path:
    """As `docker save` writes it up to Docker 24; the last layer is that many zeros."""
    names = [f"{position}/layer.tar" for position, _ in enumerate(layers)]
    files = dict(zip(names, layers, strict=True))
    saved = {"Config": "config.json", "Layers": [*names, "zeros/layer.tar"]}
    files["config.json"] = json.dumps(config).encode()
    files["manifest.json"] = json.dumps([saved]).encode()
    _file_of_zeros(path, "zeros/layer.tar", zeros)
    return tar(path, files)


def _file_of_zeros(path: Path, name: str, size: int) -> None:
    """A tar of one file that is a hole: it takes no room on the disk."""
    member = tarfile.TarInfo(name)
    member.size = size
    header = member.tobuf()
    with path.open("wb") as archive:
        archive.write(header)
        # Behind it the end of a tar, two empty blocks.
        archive.truncate(len(header) + size + 2 * 512)


def tar(path: Path, files: Mapping[str, bytes]) -> Path:
    """The files, in a new tar or in the one that is there."""
    with tarfile.open(path, "a") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
