"""A function of a deployment here: what the program registered for it, and the code it runs."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from handler.config import DETAILS_VARIABLE
from infra.config import Architecture
from infra.local.aws.emulator import Credentials, Emulator
from infra.local.function.sandbox import FunctionSettings
from infra.local.program.engine import Resource
from infra.local.program.run import PROJECT


@contextlib.contextmanager
def task_root(project: Path = PROJECT) -> Iterator[Path]:
    """A folder as /var/task is in the image: it holds the package `handler` and nothing else."""
    with tempfile.TemporaryDirectory(prefix="task-root-") as folder:
        root = Path(folder)
        (root / "handler").symlink_to(project / "handler", target_is_directory=True)
        yield root


def function_settings(
    registered: Resource,
    images: Iterable[Resource],
    emulator: Emulator,
    role: Credentials,
    *,
    code: Path,
    entry_point: str | None,
) -> FunctionSettings:
    """What was registered for a function; `code` and `entry_point` in place of the image's own."""
    inputs = registered.inputs
    logging = inputs["loggingConfig"]
    return FunctionSettings(
        name=registered.outputs["name"],
        arn=registered.outputs["arn"],
        entry_point=entry_point or inputs["imageConfig"]["commands"][0],
        code=code,
        environment=inputs.get("environment", {}).get("variables", {}),
        platform_environment={
            "AWS_ENDPOINT_URL": emulator.endpoint,
            DETAILS_VARIABLE: "true",
            **role.environment(),
        },
        timeout=inputs["timeout"],
        memory_size=inputs["memorySize"],
        ephemeral_storage=inputs["ephemeralStorage"]["size"],
        architecture=Architecture(inputs["architectures"][0]),
        region=emulator.region,
        log_group=logging["logGroup"],
        log_format=logging["logFormat"],
        application_log_level=logging["applicationLogLevel"],
        reserved_concurrency=inputs.get("reservedConcurrentExecutions"),
        image_build=next(
            (
                each.inputs["build"]
                for each in images
                if each.outputs["repoDigest"] == inputs["imageUri"]
            ),
            None,
        ),
    )
