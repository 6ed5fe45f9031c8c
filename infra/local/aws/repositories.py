"""ECR repositories with their policies, and the images in them, in the embedded AWS.

Sources: internal/service/ecr of terraform-provider-aws 6; pulumi-docker's provider/image.go.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import ACCOUNT, Emulator
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType

IMAGE: Final = "docker:index/image:Image"


def _repository(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    repository = emulator.client("ecr").create_repository(
        repositoryName=name,
        imageTagMutability=inputs.get("imageTagMutability", "MUTABLE"),
        imageScanningConfiguration=inputs.get("imageScanningConfiguration", {}),
        encryptionConfiguration=_encryption(inputs),
        tags=services.tags(inputs),
    )["repository"]
    return {"id": name, "name": name, **_outputs(repository)}


def _outputs(repository: Mapping[str, Any]) -> Outputs:
    return {
        "arn": repository["repositoryArn"],
        "repositoryUrl": repository["repositoryUri"],
        "registryId": repository["registryId"],
    }


def _encryption(inputs: Inputs) -> dict[str, str]:
    for each in inputs.get("encryptionConfigurations", []):
        own_key = {"kmsKey": each["kmsKey"]} if each.get("kmsKey") else {}
        return {"encryptionType": each["encryptionType"], **own_key}
    return {"encryptionType": "AES256"}


def _update_repository(emulator: Emulator, repository: Existing, inputs: Inputs) -> Outputs:
    ecr = emulator.client("ecr")
    ecr.put_image_tag_mutability(
        repositoryName=repository.id,
        imageTagMutability=inputs.get("imageTagMutability", "MUTABLE"),
    )
    ecr.put_image_scanning_configuration(
        repositoryName=repository.id,
        imageScanningConfiguration=inputs.get("imageScanningConfiguration", {}),
    )
    services.change_tags(
        repository,
        inputs,
        tag=lambda tags: ecr.tag_resource(resourceArn=repository["arn"], tags=tags),
        untag=lambda keys: ecr.untag_resource(resourceArn=repository["arn"], tagKeys=keys),
    )
    return {}


def _delete_repository(emulator: Emulator, repository: Existing) -> None:
    emulator.client("ecr").delete_repository(
        repositoryName=repository.id, force=repository.get("forceDelete", False)
    )


def _read_repository(emulator: Emulator, name: str) -> Inputs | None:
    def found() -> Inputs:
        answer = emulator.client("ecr").describe_repositories(repositoryNames=[name])
        return {"name": name, **_outputs(answer["repositories"][0])}

    return services.unless_gone(found)


def _policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("ecr").set_repository_policy(
        repositoryName=inputs["repository"], policyText=inputs["policy"]
    )
    return {"id": inputs["repository"]}


def _delete_policy(emulator: Emulator, policy: Existing) -> None:
    emulator.client("ecr").delete_repository_policy(repositoryName=policy.id)


def _lifecycle(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("ecr").put_lifecycle_policy(
        repositoryName=inputs["repository"], lifecyclePolicyText=inputs["policy"]
    )
    return {"id": inputs["repository"]}


def _delete_lifecycle(emulator: Emulator, policy: Existing) -> None:
    emulator.client("ecr").delete_lifecycle_policy(repositoryName=policy.id)


def _image(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    """Nothing is built: the local run starts the handler from its folder.

    The digest is one of the right form, made of the tag, which is made of the content.
    """
    del name
    repository, _, tag = inputs["imageName"].rpartition(":")
    uri = f"{repository}@{_digest(tag)}"
    emulator.builds[uri] = inputs.get("build") or {}
    return {
        "id": uri,
        "repoDigest": uri,
        "baseImageName": inputs["imageName"],
        "registryServer": inputs.get("registry", {}).get("server", ""),
    }


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _with_context_digest(inputs: Inputs) -> Inputs:
    """As the provider does, which hashes what Docker would be sent.

    The folder is staged, and its name is made of what is in it.
    """
    build = inputs.get("build")
    if not build or not isinstance(build.get("context"), str):
        return inputs
    return {**inputs, "build": {**build, "contextDigest": _digest(build["context"])}}


def _update_image(emulator: Emulator, image: Existing, inputs: Inputs) -> Outputs:
    return {**_image(emulator, image.id, inputs), "id": None}


def _stays(emulator: Emulator, image: Existing) -> None:
    """pulumi-docker's Delete does nothing."""
    del emulator, image


def _authorization_token(emulator: Emulator, arguments: Inputs) -> Outputs:
    del emulator, arguments
    return {"userName": "AWS", "password": PASSWORD}


PASSWORD: Final = "local-registry-password"  # noqa: S105 - of no registry
"""What stands for ECR's token: long enough to be looked for where it must not be."""


def _get_repository(emulator: Emulator, arguments: Inputs) -> Outputs:
    name = arguments["name"]
    return {"repositoryUrl": f"{ACCOUNT}.dkr.ecr.{emulator.region}.amazonaws.com/{name}"}


def _get_image(emulator: Emulator, arguments: Inputs) -> Outputs:
    """An image that exists on AWS is not here: its digest is made of the tag."""
    del emulator
    return {"imageDigest": arguments.get("imageDigest") or _digest(arguments.get("imageTag", ""))}


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ResourceType(
        create=_lifecycle,
        delete=_delete_lifecycle,
        computed=("registryId",),
        # lifecycle_policy.go has no update; and the old one's deletion would take the new one with
        # it (pulumi-aws #2085).
        replaced_by=frozenset({"policy", "repository"}),
        is_deleted_first=True,
    ),
    "aws:ecr/repository:Repository": ResourceType(
        create=_repository,
        update=_update_repository,
        delete=_delete_repository,
        read=_read_repository,
        naming=Naming(longest=256, shortest=2, lowercase=True),
        computed=("arn", "repositoryUrl", "registryId"),
        replaced_by=frozenset({"name", "encryptionConfigurations"}),
        kept=frozenset({"encryptionConfigurations", "imageScanningConfiguration"}),
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ResourceType(
        create=_policy,
        delete=_delete_policy,
        computed=("registryId",),
        replaced_by=frozenset({"repository"}),
    ),
    IMAGE: ResourceType(
        create=_image,
        update=_update_image,
        delete=_stays,
        checked=_with_context_digest,
        computed=("repoDigest", "baseImageName", "registryServer"),
        computed_anew={"imageName": ("repoDigest",), "build": ("repoDigest",)},
        # image.go passes over both: ECR's token is another one each time.
        passed_over=frozenset({"registry.username", "registry.password"}),
    ),
}
LOOK_UPS: Final[Mapping[str, Callable[[Emulator, Inputs], Outputs]]] = {
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _authorization_token,
    "aws:ecr/getImage:getImage": _get_image,
    "aws:ecr/getRepository:getRepository": _get_repository,
}
