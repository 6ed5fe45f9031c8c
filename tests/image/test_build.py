"""The Dockerfile builds, with either builder, and only what runs is in the image."""

import os
from pathlib import Path

import pytest

from handler.config import ENTRY_POINT
from infra.build_context import content_tag, files
from infra.local.function.docker_sandbox import DockerError, build_image
from tests.image.docker_cli import (
    BASE_IMAGE,
    buildkit_client,
    copied_context,
    files_of,
    inspect,
    registered_build,
)

MEGABYTE = 1_000_000


def build_in(context: Path) -> str:
    dockerfile = (context / "Dockerfile").as_posix()
    return build_image(
        {**registered_build(), "context": context.as_posix(), "dockerfile": dockerfile}
    )


def tag_of(context: Path) -> str:
    return content_tag(context, platform="linux/amd64", arguments={})


def test_the_classic_builder_builds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")

    assert build_image(registered_build()).startswith("sha256:")


def test_buildkit_builds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = buildkit_client()
    assert folder is not None, "no docker client here has BuildKit: install buildx"
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_BUILDKIT", "1")

    assert build_image(registered_build()).startswith("sha256:")


def test_the_second_build_is_from_the_cache(tmp_path: Path) -> None:
    context = copied_context(tmp_path)

    # Built anew, an image has another date of creation, and so another id.
    assert build_in(context) == build_in(context)


def test_a_changed_handler_changes_tag_and_image(tmp_path: Path) -> None:
    context = copied_context(tmp_path)
    before = tag_of(context), build_in(context)

    with (context / "process.py").open("a") as code:
        code.write("# changed\n")

    after = tag_of(context), build_in(context)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_a_touched_file_changes_neither(tmp_path: Path) -> None:
    context = copied_context(tmp_path)
    before = tag_of(context), build_in(context)

    os.utime(context / "process.py", (0, 0))

    assert (tag_of(context), build_in(context)) == before


def test_what_is_no_part_of_the_image_changes_neither(tmp_path: Path) -> None:
    context = copied_context(tmp_path)
    before = tag_of(context), build_in(context)

    (context / "notes.txt").write_text("not sent to the build")
    (context / ".env").write_text("SECRET=not sent either")

    assert (tag_of(context), build_in(context)) == before


def test_the_image_holds_the_code_of_the_build_context_and_no_other(
    image: str, context: Path
) -> None:
    code = {path for path in files_of(image) if path.startswith("/var/task/handler/")}
    sources = {path for path in code if path.endswith(".py")}

    sent = {f"/var/task/handler/{path}" for path in files(context)}
    assert sources == {path for path in sent if path.endswith(".py")}
    assert {path for path in code - sources if not path.endswith(".pyc")} == set()


def test_every_module_is_compiled(image: str) -> None:
    found = files_of(image)

    modules = {Path(path) for path in found if path.endswith(".py")}
    compiled = {Path(path) for path in found if path.endswith(".pyc")}
    assert modules
    assert {path.parent.parent / path.name.split(".")[0] for path in compiled} == {
        path.with_suffix("") for path in modules
    }


def test_neither_tests_nor_tools_are_in_the_image(image: str) -> None:
    names = {Path(path).name for path in files_of(image)}

    assert not names & {"Dockerfile", ".dockerignore", "requirements.txt", "conftest.py", "pip"}


def test_the_packages_in_the_image_are_the_pinned_ones(image: str, context: Path) -> None:
    lines = (context / "requirements.txt").read_text().splitlines()
    pinned = {line.split(" ")[0].replace("-", "_") for line in lines if "==" in line}

    folders = {path.split("/")[3] for path in files_of(image) if ".dist-info/" in path}
    installed = {folder.removesuffix(".dist-info").replace("-", "==") for folder in folders}

    assert installed == pinned


def test_the_project_adds_less_than_15_mb_to_the_base(image: str) -> None:
    assert inspect(image)["Size"] - inspect(BASE_IMAGE)["Size"] < 15 * MEGABYTE


def test_the_image_starts_as_its_base_does_with_the_handler_of_the_contract(image: str) -> None:
    config, base = inspect(image)["Config"], inspect(BASE_IMAGE)["Config"]

    assert config["Cmd"] == [ENTRY_POINT]
    assert config["Entrypoint"] == base["Entrypoint"]
    assert not config.get("User")


def test_the_labels_name_the_version_that_the_program_gave(image: str) -> None:
    labels = inspect(image)["Config"]["Labels"]

    version = registered_build()["args"]["VERSION"]
    assert labels["org.opencontainers.image.version"] == version
    assert labels["org.opencontainers.image.revision"] == version
    assert labels["org.opencontainers.image.source"] == ""


def test_a_dockerfile_that_fails_says_what_docker_said(tmp_path: Path) -> None:
    context = copied_context(tmp_path)
    (context / "requirements.txt").write_text("aws-lambda-powertools==3.37.0\n")

    with pytest.raises(DockerError, match=r"docker build failed: .*non-zero code"):
        build_in(context)
