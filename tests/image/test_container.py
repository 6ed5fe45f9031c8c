"""In its container the handler answers as it does as a process, within the limits Lambda sets."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import infra.local
from infra.local.deployment import LocalDeployment
from infra.local.function.docker_sandbox import DockerSandbox, docker_sandbox
from tests.image.docker_cli import CONFIG, docker
from tests.integration.conftest import Deploy, refuse_parking
from tests.project import FROZEN
from tests.unit.handler.events import batch, record


@pytest.fixture(scope="module")
def sandbox() -> Iterator[DockerSandbox]:
    with docker_sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def deploy(context: Path) -> Deploy:
    """`infra.local.deploy` of the frozen project."""
    return partial(infra.local.deploy, config=CONFIG, project=FROZEN, code=context.parent)


@pytest.fixture(scope="module")
def deployment(deploy: Deploy, sandbox: DockerSandbox) -> Iterator[LocalDeployment]:
    with deploy(sandbox=sandbox) as deployment:
        yield deployment


@pytest.fixture
def container(deployment: LocalDeployment, sandbox: DockerSandbox) -> str:
    """The id of the function's container, which is idle."""
    del deployment
    (running,) = docker("ps", "--quiet", "--filter", f"network={sandbox.network}").splitlines()
    return running


def answer(deployment: LocalDeployment, event: Mapping[str, Any]) -> Any:
    response = deployment.client("lambda").invoke(
        FunctionName=deployment.outputs["functionName"], Payload=json.dumps(event)
    )
    assert "FunctionError" not in response
    return json.loads(response["Payload"].read())


def runs(container: str, program: str) -> bool:
    """Whether a Python program comes to its end in the container."""
    done = subprocess.run(
        ["docker", "exec", container, "python3", "-c", program],  # noqa: S607 - the machine's
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def test_a_batch_gets_the_same_answer_as_from_the_process(
    deployment: LocalDeployment, deploy: Deploy
) -> None:
    malformed = record(3, payload={"M": {"key": "val"}})
    event = batch(record(1), record(2, event="MODIFY"), malformed, record(4))
    with deploy() as as_process:
        for each in (deployment, as_process):
            refuse_parking(each)  # what cannot be parked is reported

        answers = [answer(each, event) for each in (deployment, as_process)]

    number = malformed["dynamodb"]["SequenceNumber"]
    assert answers == [{"batchItemFailures": [{"itemIdentifier": number}]}] * 2


def test_only_tmp_can_be_written(container: str) -> None:
    assert runs(container, "open('/tmp/file', 'w').write('text')")
    assert not runs(container, "open('/var/task/file', 'w')")
    assert not runs(container, "open('/file', 'w')")
    # Not even for root, who is nobody's user here.
    assert docker("inspect", "--format", "{{.HostConfig.ReadonlyRootfs}}", container) == "true"


def test_the_handler_is_not_root_and_cannot_become_it(container: str) -> None:
    assert runs(container, "import os; assert (os.getuid(), os.getgid()) == (993, 990)")
    assert not runs(container, "import os; os.setuid(0)")


def test_the_memory_is_what_the_function_declares(
    container: str, deployment: LocalDeployment
) -> None:
    limits = json.loads(docker("inspect", "--format", "{{json .HostConfig}}", container))

    declared = deployment.function_settings.memory_size * 1024 * 1024
    assert limits["Memory"] == limits["MemorySwap"] == declared


def test_the_network_leads_to_the_embedded_aws_and_to_no_other_machine(
    container: str, deployment: LocalDeployment, sandbox: DockerSandbox
) -> None:
    port = deployment.endpoint.rpartition(":")[2]
    connect = "import socket; socket.create_connection(({!r}, {}), 3)"

    assert runs(container, connect.format(sandbox.host, port))
    assert not runs(container, connect.format("192.0.2.1", 443))
    # A machine that is itself without a network could not tell: Docker forwards nothing from it.
    assert docker("network", "inspect", "--format", "{{.Internal}}", sandbox.network) == "true"


def test_a_function_that_needs_more_memory_is_ended_by_the_kernel(deploy: Deploy) -> None:
    with docker_sandbox() as sandbox, deploy(sandbox=sandbox) as deployment:
        (running,) = docker("ps", "--quiet", "--filter", f"network={sandbox.network}").splitlines()
        memory = deployment.function_settings.memory_size

        assert not runs(running, f"bytearray({memory + 64} * 1024 * 1024)")


def test_nothing_of_it_is_left_behind(deploy: Deploy) -> None:
    with docker_sandbox() as sandbox, deploy(sandbox=sandbox):
        network = sandbox.network

    assert docker("ps", "--all", "--quiet", "--filter", f"network={network}") == ""
    assert docker("network", "ls", "--quiet", "--filter", f"name={network}") == ""


def test_an_existing_image_is_said_to_be_none_that_can_run_here(context: Path) -> None:
    settings = ("--config", "image.repository=mine", "--config", "image.tag=one")

    done = demo("--docker", *settings, folder=context.parent)

    assert done.returncode == 2
    assert done.stderr == (
        "error: the stack uses an existing image, and only one built here can run\n"
    )


def test_the_demo_delivers_its_records_to_the_container(context: Path) -> None:
    base = f"image.baseImage={CONFIG['image']['baseImage']}"

    done = demo("--docker", "--config", base, folder=context.parent)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every record that the filter let through was processed: 12 of 12." in done.stdout


def demo(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "infra.local", "demo", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
