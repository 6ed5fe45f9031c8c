"""`python -m infra.image_check` and a tar: what Lambda refuses, why, and what to do."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from infra.config import FunctionConfig
from infra.image_check.command import main
from tests.unit.infra.image_check.image_files import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    LAYER,
    OCI_INDEX,
    OCI_MANIFEST,
    Blobs,
    config,
    docker_tar,
    layout_tar,
    tar,
)

PROJECT = Path(__file__).parents[4]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "image.tar"


@pytest.fixture
def blobs() -> Blobs:
    return Blobs()


def check(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str]]:
    """The exit code, and what is printed: a line for each problem and each remedy."""
    code = main([str(path), "--architecture", "x86_64", *options])
    printed = capsys.readouterr()
    return code, (printed.out + printed.err).splitlines()


def problems(
    path: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> list[tuple[str, str]]:
    """What is wrong, and its remedy."""
    code, lines = check(path, capsys, *options)
    whats = [line.removeprefix("problem: ") for line in lines[::2]]
    remedies = [line.removeprefix("  remedy: ") for line in lines[1::2]]
    assert code == 1
    assert lines == [
        line
        for what, remedy in zip(whats, remedies, strict=True)
        for line in (f"problem: {what}", f"  remedy: {remedy}")
    ]
    return list(zip(whats, remedies, strict=True))


def test_a_saved_image_of_dockers_own_form_is_taken(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docker_tar(path, config())

    assert check(path, capsys) == (0, [f"Lambda takes {path}: linux/amd64, 3 MB uncompressed"])


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_a_saved_layout_of_one_image_is_taken(
    path: Path, blobs: Blobs, media_type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    layout_tar(path, blobs, blobs.add_image(config(), media_type=media_type))

    assert check(path, capsys) == (0, [f"Lambda takes {path}: linux/amd64, 3 MB uncompressed"])


def test_an_image_with_two_names_is_still_one_image(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    image = blobs.add_image(config())
    layout_tar(path, blobs, image, image)

    assert check(path, capsys)[0] == 0


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_an_index_is_refused_though_the_image_in_it_is_good(
    path: Path, blobs: Blobs, media_type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    image, other = blobs.add_image(config()), blobs.add_image(config(architecture="arm64"))
    layout_tar(path, blobs, blobs.add_index(other, image, media_type=media_type))

    ((what, remedy),) = problems(path, capsys)

    assert what == (
        f"it is an index ({media_type}) of linux/amd64, linux/arm64: Lambda takes one image"
    )
    assert "--platform linux/amd64 --provenance=false --sbom=false" in remedy
    assert "Docker 29" in remedy
    assert "classic image store" in remedy
    assert image["digest"] in remedy


def test_several_images_at_the_top_of_a_layout_are_an_index(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    layout_tar(path, blobs, blobs.add_image(config()), blobs.add_attestation())

    (index, _), (attestations, _) = problems(path, capsys)

    assert index.startswith("it is an index")
    assert attestations.startswith("it carries attestations")


def test_attestations_in_an_index_are_named_beside_it(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    layout_tar(path, blobs, blobs.add_index(blobs.add_image(config()), blobs.add_attestation()))

    (index, _), (attestations, remedy) = problems(path, capsys)

    assert index == f"it is an index ({OCI_INDEX}) of linux/amd64: Lambda takes one image"
    assert attestations == ("it carries attestations (in-toto, platform unknown/unknown): 1")
    assert "--provenance=false --sbom=false" in remedy


def test_an_attestation_alone_is_no_image(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    layout_tar(path, blobs, blobs.add_attestation())

    ((what, _),) = problems(path, capsys)

    assert what == "it is an attestation (in-toto), and no image that could run"


@pytest.mark.parametrize(
    ("architecture", "made_for", "other"),
    [("x86_64", "arm64", "arm64"), ("arm64", "amd64", "x86_64")],
)
def test_an_image_of_another_platform_is_refused(
    path: Path,
    architecture: str,
    made_for: str,
    other: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    docker_tar(path, config(architecture=made_for))

    ((what, remedy),) = problems(path, capsys, "--architecture", architecture)

    wanted = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}[architecture]
    assert what == (f"it is for linux/{made_for}: a function of {architecture} runs {wanted}")
    assert remedy == (f"build with --platform {wanted}, or set function.architecture to {other}")


def test_an_arm64_image_is_taken_for_an_arm64_function(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docker_tar(path, {**config(architecture="arm64"), "variant": "v8"})

    assert check(path, capsys, "--architecture", "arm64")[0] == 0


def test_an_index_without_the_platform_is_wrong_in_both_ways(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    layout_tar(path, blobs, blobs.add_index(blobs.add_image(config(architecture="arm64"))))

    (index, instead), (platform, _) = problems(path, capsys)

    assert index.startswith("it is an index")
    assert "@sha256" not in instead
    assert platform == "it is for linux/arm64: a function of x86_64 runs linux/amd64"


def test_what_an_index_names_and_the_tar_does_not_hold_is_no_reason_to_stop(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    image = blobs.add_image(config())
    index = blobs.add_index(image)
    del blobs[image["digest"]]
    layout_tar(path, blobs, index)

    ((what, remedy),) = problems(path, capsys)

    assert what.startswith("it is an index")
    assert "@sha256" not in remedy


def test_another_kind_of_manifest_is_refused(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "application/vnd.example.manifest.v1+json"
    layout_tar(path, blobs, blobs.add_image(config(), media_type=other))

    ((what, remedy),) = problems(path, capsys)

    assert what == (
        f"its manifest is of the type {other}: Lambda takes {DOCKER_MANIFEST} and {OCI_MANIFEST}"
    )
    assert "push it again" in remedy


def test_a_layer_of_no_documented_type_is_refused(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    zstandard = "application/vnd.oci.image.layer.v1.tar+zstd"
    layout_tar(path, blobs, blobs.add_image(config(), layer_type=zstandard))

    ((what, remedy),) = problems(path, capsys)

    assert zstandard in what
    assert "compression=gzip" in remedy


@pytest.mark.parametrize(
    "entry_point",
    [
        ["/usr/local/bin/python", "-m", "awslambdaric"],
        ["/bin/sh", "-c", "exec python3 -m awslambdaric handler.app.handler"],
    ],
)
def test_the_runtime_client_of_any_base_will_do(
    path: Path, entry_point: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    docker_tar(path, config(entry_point=entry_point))

    assert check(path, capsys)[0] == 0


@pytest.mark.parametrize(
    ("entry_point", "command", "what"),
    [
        (None, None, "it has neither ENTRYPOINT nor CMD"),
        ([], [], "it has neither ENTRYPOINT nor CMD"),
        (
            ["python"],
            ["/lambda-entrypoint.sh"],
            (
                "it starts no runtime interface client that could be recognized: "
                "python /lambda-entrypoint.sh"
            ),
        ),
        (
            None,
            ["python", "-m", "awslambdaric", "handler.app.handler"],
            "its runtime interface client is in CMD, which the function's own command replaces",
        ),
    ],
)
def test_an_image_that_starts_no_runtime_client_is_refused(
    path: Path,
    entry_point: list[str] | None,
    command: list[str] | None,
    what: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    docker_tar(path, config(entry_point=entry_point, command=command))

    ((found, remedy),) = problems(path, capsys)

    assert found == what
    assert 'ENTRYPOINT ["python", "-m", "awslambdaric"]' in remedy


@pytest.mark.parametrize(("excess", "code"), [(0, 0), (512, 1)])
def test_more_than_10_gb_uncompressed_is_refused(
    path: Path, excess: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    docker_tar(path, config(), zeros=10 * 1024**3 - len(LAYER) + excess)

    assert check(path, capsys)[0] == code


def test_what_is_too_large_is_told_its_size_and_what_to_leave_out(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docker_tar(path, config(), zeros=11 * 1024**3)

    ((what, remedy),) = problems(path, capsys)

    assert what == "its layers are 11267 MB uncompressed: Lambda takes 10 GB"
    assert "a smaller base" in remedy


def test_a_layer_that_comes_again_as_a_link_is_counted_again(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = {"Config": "config.json", "Layers": ["0/layer.tar", "again/layer.tar"]}
    docker_tar(path, config())
    # The last file of a name counts.
    tar(path, {"manifest.json": json.dumps([saved]).encode()})
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("again/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../0/layer.tar"
        archive.addfile(link)

    assert check(path, capsys) == (0, [f"Lambda takes {path}: linux/amd64, 6 MB uncompressed"])


def test_of_a_layer_that_cannot_be_unpacked_the_size_is_a_lower_bound(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docker_tar(path, config(), layers=[b"\x28\xb5\x2f\xfd" + LAYER])

    code, (line,) = check(path, capsys)

    assert code == 0
    assert "at least 3 MB uncompressed" in line


def test_a_layout_that_was_packed_by_hand_is_taken(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    layout_tar(path, blobs, blobs.add_image(config()), prefix="./")

    assert check(path, capsys)[0] == 0


def test_everything_that_is_wrong_is_told_at_once(
    path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    image = blobs.add_image(
        config(architecture="arm64", entry_point=None, command=None),
        media_type="application/json",
        layer_type="text/plain",
    )
    layout_tar(path, blobs, {**image, "platform": {}})

    manifest, layer, platform, entry_point = (what for what, _ in problems(path, capsys))

    assert "manifest" in manifest
    assert "layer" in layer
    assert "linux/arm64" in platform
    assert "ENTRYPOINT" in entry_point


def test_the_command_runs_as_a_module(path: Path) -> None:
    docker_tar(path, config())

    done = subprocess.run(
        [sys.executable, "-m", "infra.image_check", path, "--architecture", "x86_64"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_that_the_program_builds_by_default_is_taken_by_default(
    path: Path,
) -> None:
    platform = FunctionConfig().architecture.platform
    built = config(architecture=platform.removeprefix("linux/"))
    docker_tar(path, built)

    assert main([str(path)]) == 0
