"""`python -m infra.image_check` and what is no image: one line, and exit code 2."""

import gzip
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from infra.image_check.command import main
from tests.unit.infra.image_check.image_files import Blobs, config, docker_tar, layout_tar, tar

ONES = b"1" * 64
EMPTY = hashlib.sha256(b"{}").hexdigest().encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "image.tar"


def error(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line about bad input."""
    code = main([str(path), "--architecture", "x86_64"])
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert (code, printed.out) == (2, "")
    return line.replace(str(path), "TAR").removeprefix("error: ")


def test_a_missing_tar_is_bad_input(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert error(path, capsys) == "cannot read TAR: No such file or directory"


def test_a_folder_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert error(tmp_path, capsys) == "cannot read TAR: Is a directory"


def test_a_file_that_is_no_tar_is_bad_input(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("FROM scratch\n")

    assert error(path, capsys) == "TAR is no tar, or not a whole one"


def test_a_tar_that_ends_early_is_bad_input(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    docker_tar(path, config())
    path.write_bytes(path.read_bytes()[: 1024**2])

    assert error(path, capsys) == "TAR is no tar, or not a whole one"


def test_a_layer_that_is_damaged_is_bad_input(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docker_tar(path, config(), layers=[b"\x1f\x8bnothing that was compressed"])

    assert error(path, capsys).startswith("TAR is damaged: ")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": b""}, "TAR holds no image: it has neither index.json nor manifest.json; write it with docker save"),  # noqa: E501 - a message is one line
        ({"manifest.json": b"["}, "manifest.json is not JSON: Expecting value: line 1 column 2 (char 1)"),  # noqa: E501 - as above
        ({"manifest.json": b"[1]"}, "manifest.json must be a list of objects"),
        ({"manifest.json": b"[]"}, "TAR holds 0 images; save the one to check alone"),
        ({"manifest.json": b"[{}, {}]"}, "TAR holds 2 images; save the one to check alone"),
        ({"manifest.json": b'[{"Config": "c"}]'}, "TAR has no file c"),
        ({"manifest.json": b'[{"Config": 1}]'}, "manifest.json[0]: Config must be a string"),
        ({"index.json": b"[]"}, "index.json must be a JSON object"),
        ({"index.json": b"{}"}, "TAR holds 0 images; save the one to check alone"),
        ({"index.json": b'{"manifests": 1}'},
         "index.json: manifests must be a list of objects"),
        ({"index.json": b'{"manifests": [{"digest": "sha256:1"}]}'},
         "index.json: manifests[0]: digest must be sha256: and 64 hexadecimal digits, got 'sha256:1'"),  # noqa: E501 - as above
        ({"index.json": b'{"manifests": [{"digest": "../../secret"}]}'},
         "index.json: manifests[0]: digest must be sha256: and 64 hexadecimal digits, got '../../secret'"),  # noqa: E501 - as above
        ({"index.json": b'{"manifests": [{"digest": "sha256:%s"}]}' % ONES},
         f"TAR has no file blobs/sha256/{ONES.decode()}"),
        ({"index.json": b'{"manifests": [{"digest": "sha256:%s"}]}' % EMPTY,
          f"blobs/sha256/{EMPTY.decode()}": b"{}"},
         f"the manifest sha256:{EMPTY.decode()} names no configuration"),
        ({"index.json": b'{"manifests": [{"digest": "sha256:%s"}]}' % ONES,
          f"blobs/sha256/{ONES.decode()}": b"{}"},
         f"blobs/sha256/{ONES.decode()} is not what its digest sha256:{ONES.decode()} names"),
        ({"index.json": b" " * (4 * 1024**2 + 1)}, "index.json is larger than 4 MB"),
        ({"index.json": b'{"manifests": [{"size": "1"}]}'},
         "index.json: manifests[0]: size must be a whole number"),
    ],
)  # fmt: skip
def test_a_tar_without_one_readable_image_is_bad_input(
    path: Path, files: dict[str, bytes], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tar(path, files)

    assert error(path, capsys) == message


def test_two_saved_images_are_bad_input(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def named(image: dict[str, Any], name: str) -> dict[str, Any]:
        return {**image, "annotations": {"io.containerd.image.name": name}}

    blobs = Blobs()
    one, other = blobs.add_image(config()), blobs.add_image(config(command=["other"]))
    layout_tar(path, blobs, named(one, "one:1"), named(other, "other:1"))

    assert error(path, capsys) == "TAR holds 2 images; save the one to check alone"


def test_the_name_of_an_image_in_docker_is_bad_input_and_the_way_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    message = error(Path("requests:1"), capsys)

    assert "docker save --output image.tar" in message


def test_what_no_file_can_be_called_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert "File name too long" in error(Path("a" * 5000), capsys)


def test_a_link_in_a_circle_is_bad_input(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, target in (("manifest.json", "other"), ("other", "manifest.json")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)

    assert error(path, capsys) == "TAR: the link manifest.json leads in a circle"


def test_a_layer_that_is_not_what_its_digest_names_is_bad_input(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = Blobs()
    image = blobs.add_image(config())
    layer = json.loads(blobs[image["digest"]])["layers"][0]["digest"]
    blobs[layer] += b"\0"
    layout_tar(path, blobs, image)

    file = f"blobs/{layer.replace(':', '/')}"
    assert error(path, capsys) == f"{file} is not what its digest {layer} names"


def test_a_configuration_that_is_not_what_its_name_says_is_bad_input(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{ONES.decode()}.json"
    tar(path, {name: b"{}", "manifest.json": json.dumps([{"Config": name}]).encode()})

    assert error(path, capsys).startswith(f"{name} is not what its digest sha256:{ONES.decode()} ")


def test_a_tar_that_holds_too_much_is_bad_input(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docker_tar(path, config(), zeros=20 * 1024**3 + 1)

    assert error(path, capsys) == "TAR holds more than 20 GB, twice Lambda's limit"


def test_a_layer_is_unpacked_no_further_than_lambdas_limit(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("saved_tar", "problems"):
        monkeypatch.setattr(f"infra.image_check.{module}.LIMIT", 1024**2)
    blobs = Blobs()
    image = blobs.add_image(config(), layer=gzip.compress(b"\0" * 64 * 1024**2))
    layout_tar(path, blobs, image)

    assert main([str(path), "--architecture", "x86_64"]) == 1
    assert "its layers are at least 2 MB uncompressed" in capsys.readouterr().out
