"""The function's image: built and pushed, or looked up; pinned by digest in both cases."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest

from handler.config import ENTRY_POINT
from infra.build_context import BUILD_CONTEXT, content_tag, files
from infra.local.program.engine import UNKNOWN
from tests.plan import (
    ACCOUNT,
    AUTHORIZATION_TOKEN,
    DIGEST,
    FUNCTION,
    GET_IMAGE,
    GET_REPOSITORY,
    IMAGE,
    LIFECYCLE_POLICY,
    REGION,
    REPOSITORY,
    REPOSITORY_POLICY,
    plan_of,
)
from tests.project import PROJECT, copy_of_project

REGISTRY = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com"
OWN = "requests-image"
OTHER = {"repository": "processor", "tag": "1.4.2"}

PLANNED_IMAGE = """
import json, pathlib
from tests.plan import IMAGE, plan_of

inputs = plan_of(project=pathlib.Path.cwd()).inputs_of(IMAGE)
context = pathlib.Path(inputs["build"]["context"])
staged = sorted([context, *context.rglob("*")])
print(json.dumps({
    "inputs": inputs,
    "files": [[str(path), path.stat().st_mode] for path in staged],
    "bytes": [path.read_text() for path in staged if path.is_file()],
}))
"""


def planned_in_a_copy(checkout: Path, *, umask: str) -> dict[str, Any]:
    """The image, its staged context and its modes, as a checkout under that umask has them."""
    mask = int(umask, 8)
    for copied in copy_of_project(checkout).rglob("*"):
        if copied.is_file():
            copied.chmod(0o666 & ~mask)
    planned = subprocess.run(
        [sys.executable, "-c", PLANNED_IMAGE],
        cwd=checkout,
        umask=mask,
        env={**os.environ, "PYTHONPATH": f"{checkout}:{PROJECT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert planned.returncode == 0, planned.stderr
    return dict(json.loads(planned.stdout))


def test_a_tag_can_be_pushed_again_and_what_is_pushed_is_scanned_and_encrypted() -> None:
    repository = plan_of().inputs_of(REPOSITORY)

    assert repository["imageTagMutability"] == "MUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"] == [{"encryptionType": "AES256"}]


def test_images_are_deleted_with_the_stack_only_where_the_stack_says_so() -> None:
    assert plan_of(stack="dev").inputs_of(REPOSITORY)["forceDelete"] is True
    assert plan_of(stack="prod").inputs_of(REPOSITORY)["forceDelete"] is False


@pytest.mark.parametrize("force", [True, False])
def test_pulumi_protects_the_repository_exactly_as_long_as_ecr_would_not_delete_it(
    force: bool,
) -> None:
    assert plan_of({"image": {"forceDelete": force}}).resource(REPOSITORY).protect is not force


def test_the_repository_keeps_as_many_images_as_the_stack_says() -> None:
    policy = json.loads(plan_of({"image": {"keep": 7}}).inputs_of(LIFECYCLE_POLICY)["policy"])

    (rule,) = policy["rules"]
    assert rule["selection"]["countType"] == "imageCountMoreThan"
    assert rule["selection"]["countNumber"] == 7
    assert rule["action"] == {"type": "expire"}


def test_lambda_may_pull_the_image_for_functions_of_this_account_only() -> None:
    policy = json.loads(plan_of().inputs_of(REPOSITORY_POLICY)["policy"])

    (statement,) = policy["Statement"]
    (pattern,) = statement["Condition"]["ArnLike"].values()
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    assert statement["Condition"].keys() == {"ArnLike"}
    assert statement["Condition"]["ArnLike"].keys() == {"aws:sourceArn"}
    assert pattern == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*"


def test_the_image_is_built_from_a_copy_of_the_handlers_folder() -> None:
    build = plan_of().inputs_of(IMAGE)["build"]

    context = Path(build["context"])
    assert not context.is_absolute()
    assert build["dockerfile"] == f"{context}/Dockerfile"
    assert files(context) == files(BUILD_CONTEXT)
    assert all(
        (context / path).read_bytes() == (BUILD_CONTEXT / path).read_bytes()
        for path in files(context)
    )


def test_git_does_not_track_what_is_staged() -> None:
    context = plan_of().inputs_of(IMAGE)["build"]["context"]

    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"{Path(context).parent}/" in ignored


@pytest.mark.slow
@pytest.mark.slow  # copies of the project
def test_a_clone_elsewhere_and_under_another_umask_has_the_same_plan(tmp_path: Path) -> None:
    plans = [
        planned_in_a_copy(tmp_path / "a/checkout", umask="0022"),
        planned_in_a_copy(tmp_path / "somewhere/else", umask="0002"),
    ]

    assert plans[0] == plans[1]
    assert plans[0]["files"]


@pytest.mark.parametrize(
    ("architecture", "platform"), [("x86_64", "linux/amd64"), ("arm64", "linux/arm64")]
)
def test_architecture_platform_and_tag_agree(architecture: str, platform: str) -> None:
    plan = plan_of({"function": {"architecture": architecture}})

    tag = content_tag(BUILD_CONTEXT, platform=platform, arguments={})
    assert plan.inputs_of(FUNCTION)["architectures"] == [architecture]
    assert plan.inputs_of(IMAGE)["build"]["platform"] == platform
    assert plan.inputs_of(IMAGE)["imageName"].endswith(f":{tag}")


def test_the_base_image_is_the_dockerfiles_own_unless_the_stack_names_one() -> None:
    by_default = plan_of().inputs_of(IMAGE)
    named = plan_of({"image": {"baseImage": "stand-in:3.13"}}).inputs_of(IMAGE)

    assert "BASE_IMAGE" not in by_default["build"]["args"]
    assert named["build"]["args"]["BASE_IMAGE"] == "stand-in:3.13"
    assert named["imageName"] != by_default["imageName"]


def test_the_labels_say_where_the_image_is_from_and_which_one_it_is() -> None:
    image = plan_of({"image": {"source": "https://code.example/requests"}}).inputs_of(IMAGE)

    tag = image["imageName"].rpartition(":")[2]
    arguments = image["build"]["args"]
    assert arguments == {"SOURCE": "https://code.example/requests", "VERSION": tag}


def test_buildkit_builds_the_image_through_dockers_api_where_it_adds_no_attestations() -> None:
    assert plan_of().inputs_of(IMAGE)["build"]["builderVersion"] == "BuilderBuildKit"


def test_a_preview_builds_nothing() -> None:
    assert plan_of().inputs_of(IMAGE)["buildOnPreview"] is False


def test_the_token_for_the_registry_is_kept_secret() -> None:
    image = plan_of().resource(IMAGE)

    assert image.inputs["registry"]["password"] == "a-token"
    assert "registry" in image.secrets


def test_the_image_is_pushed_once_lambda_may_pull_it() -> None:
    assert "requests-image-policy" in plan_of().resource(IMAGE).depends_on


def test_the_function_runs_the_image_by_its_digest() -> None:
    plan = plan_of()

    assert plan.inputs_of(FUNCTION)["imageUri"] == f"{REGISTRY}/requests-image@{DIGEST}"
    assert plan.exports["imageUri"] == plan.inputs_of(FUNCTION)["imageUri"]


@pytest.mark.parametrize(
    "digest",
    [
        pytest.param({}, id="missing"),
        pytest.param({"repoDigest": ""}, id="empty"),
        pytest.param({"repoDigest": "<none>@<none>"}, id="none"),
        pytest.param({"repoDigest": f"{REGISTRY}/requests-image:latest"}, id="a tag"),
        pytest.param({"repoDigest": DIGEST}, id="a local image id"),
        pytest.param(
            {"repoDigest": f"{REGISTRY}/requests-image:latest@{DIGEST}"}, id="a tag and a digest"
        ),
    ],
)
def test_an_image_without_a_digest_stops_the_deployment(digest: dict[str, str]) -> None:
    with pytest.raises(pulumi.RunError, match="the image has no digest to pin the function to"):
        plan_of(given={IMAGE: digest})


def test_an_existing_image_is_looked_up_by_tag_and_pinned_by_digest() -> None:
    plan = plan_of({"image": {"repository": "shared/processor", "tag": "1.4.2"}})

    assert dict(plan.calls) == {
        GET_REPOSITORY: {"name": "shared/processor"},
        GET_IMAGE: {"repositoryName": "shared/processor", "imageTag": "1.4.2"},
    }
    assert plan.inputs_of(FUNCTION)["imageUri"] == f"{REGISTRY}/shared/processor@{DIGEST}"


def test_an_existing_image_is_looked_up_by_digest() -> None:
    plan = plan_of({"image": {"repository": "processor", "digest": DIGEST}})

    assert dict(plan.calls)[GET_IMAGE] == {"repositoryName": "processor", "imageDigest": DIGEST}


def test_an_image_of_the_stacks_own_repository_is_named_by_its_digest_alone() -> None:
    plan = plan_of({"image": {"digest": DIGEST}})

    assert dict(plan.calls)[GET_IMAGE] == {"repositoryName": OWN, "imageDigest": DIGEST}
    assert plan.inputs_of(FUNCTION)["imageUri"] == f"{REGISTRY}/{OWN}@{DIGEST}"


def test_a_first_preview_asks_nothing_of_a_repository_that_is_not_there_yet() -> None:
    plan = plan_of({"image": {"digest": DIGEST}}, preview=True)

    assert plan.calls == []
    assert plan.inputs_of(FUNCTION)["imageUri"] == UNKNOWN


@pytest.mark.parametrize("image", [OTHER, {"digest": DIGEST}], ids=["other", "own"])
def test_with_an_existing_image_there_is_nothing_of_docker_and_no_token(
    image: dict[str, str],
) -> None:
    plan = plan_of({"image": image})

    assert [each.type for each in plan.registered if each.type.startswith("docker:")] == []
    assert AUTHORIZATION_TOKEN not in dict(plan.calls)


@pytest.mark.parametrize("image", [OTHER, {"digest": DIGEST}], ids=["other", "own"])
def test_the_stacks_own_repository_stays_whatever_the_function_runs(
    image: dict[str, str],
) -> None:
    types = {REPOSITORY, REPOSITORY_POLICY, LIFECYCLE_POLICY}

    kept = [each for each in plan_of({"image": image}).registered if each.type in types]
    assert kept == [each for each in plan_of().registered if each.type in types]


def test_the_stacks_own_repository_goes_only_when_the_stack_says_so() -> None:
    plan = plan_of({"image": {**OTHER, "ownRepository": False}})

    assert plan.of_type(REPOSITORY) == []
    assert plan.inputs_of(FUNCTION)["imageUri"] == f"{REGISTRY}/processor@{DIGEST}"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (OTHER, "image.tag: no image 1.4.2 is to be found in the ECR repository processor"),
        ({"digest": DIGEST}, f"image.digest: no image {DIGEST} is to be found in the ECR "),
    ],
    ids=["other", "own"],
)
def test_an_image_that_is_not_there_is_one_clear_error(image: dict[str, str], message: str) -> None:
    with pytest.raises(pulumi.RunError, match=re.escape(message)):
        plan_of({"image": image}, failing={GET_IMAGE})


def test_an_existing_image_is_started_at_the_same_entry_point() -> None:
    plan = plan_of({"image": {"repository": "processor", "tag": "1.4.2"}})

    assert plan.inputs_of(FUNCTION)["imageConfig"] == {"commands": [ENTRY_POINT]}
