"""What the function finds in its image, laid out here: its own code, and packages.

Of the code what the Docker build context lets through, in a copy named by its content; of this
machine's packages those that handler/requirements.txt names and AWS's Python base image has. Both
are made once for each content, in `.build`, and so start-up takes no longer for it.
"""

import compileall
import hashlib
import importlib.metadata
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from infra.build_context import files
from infra.local.program.run import PROJECT

OF_THE_BASE_IMAGE: Final = (
    "awslambdaric",
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "simplejson",
    "six",
    "snapshot-restore-py",
    "urllib3",
)
"""The packages of /var/runtime in public.ecr.aws/lambda/python."""

_FOR_THE_BUILD: Final = {"Dockerfile", ".dockerignore", "requirements.txt"}
"""What a build needs and the image has not."""


class MissingPackageError(Exception):
    """A package that the image would have is not installed here; says which, and the remedy."""


def task_root(code: Path) -> Path:
    """The folder that is /var/task: of a build context in `code` a copy, as it is in the image.

    A folder without one, as a test's, is /var/task as it is.
    """
    context = (code / "handler").resolve()
    if not (context / "Dockerfile").is_file():
        return code
    paths = [path for path in files(context) if str(path) not in _FOR_THE_BUILD]
    contents = {path: (context / path).read_bytes() for path in paths}

    def lay_out(folder: Path) -> None:
        for path, content in contents.items():
            file = folder / "handler" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    parts = (part for path, content in contents.items() for part in (str(path).encode(), content))
    return _made_once(context.parent / ".build", "task", parts, lay_out)


def left_out(context: Path) -> list[str]:
    """The files of a build context that it does not let through, and that one may miss there."""
    sent = set(files(context))
    found = (
        PurePosixPath(file.relative_to(context).as_posix())
        for file in context.rglob("*")
        if file.is_file()
    )
    return sorted(str(path) for path in found if path not in sent and not _is_of_a_tool(path))


def _is_of_a_tool(path: PurePosixPath) -> bool:
    """What editors and Python leave behind."""
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts) or str(
        path
    ).endswith((".pyc", "~"))


def packages(code: Path) -> Path:
    """A folder of links to the packages of the image, compiled. Raises `MissingPackageError`."""
    context = (code / "handler").resolve()
    if not (context / "requirements.txt").is_file():
        context = PROJECT / "handler"
    requirements = context / "requirements.txt"
    named = _names(requirements.read_text(encoding="utf-8"))
    found = [_installed(name, requirements) for name in sorted({*named, *OF_THE_BASE_IMAGE})]

    def lay_out(folder: Path) -> None:
        for distribution in found:
            _link(distribution, folder)
        # As in the image. Where Python may write no bytecode it would compile them at each start.
        compileall.compile_dir(folder, maxlevels=0, quiet=2)

    parts = [f"{each.name} {each.version} {each.locate_file('')}".encode() for each in found]
    made_by = f"compiled {sys.version}".encode()
    return _made_once(context.parent / ".build", "packages", [made_by, *parts], lay_out)


def _names(requirements: str) -> list[str]:
    """The packages that pip would install here for a requirements file."""
    lines = re.sub(r"\\\n", " ", requirements).splitlines()
    found = []
    for line in lines:
        try:
            requirement = Requirement(re.split(r"\s--|\s#|^#", line)[0].strip())
        except InvalidRequirement:
            continue  # a comment, or an option of pip's
        if requirement.marker is None or requirement.marker.evaluate():
            found.append(requirement.name)
    return found


def _installed(name: str, requirements: Path) -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise MissingPackageError(
            f"{requirements.parent.name}/{requirements.name} names {name}, which is not installed "
            "here: add it to the group `handler` in pyproject.toml and run make lock; make then "
            "installs it"
        ) from None


def _link(distribution: importlib.metadata.Distribution, folder: Path) -> None:
    for path in distribution.files or ():
        if ".." in path.parts or "__pycache__" in path.parts:
            continue
        link, target = folder, Path(str(distribution.locate_file("")))
        for part in path.parts:
            link, target = link / part, target / part
            # Several distributions may share a folder that is no package itself.
            if not target.is_dir() or (target / "__init__.py").exists() or part.endswith("-info"):
                break
        if not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)


def _made_once(
    folder: Path, kind: str, parts: Iterable[bytes], lay_out: Callable[[Path], None]
) -> Path:
    """A folder that is named by its content; moved into place whole, as two runs may make it."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:".encode() + part)
    made = folder / f"{kind}-{digest.hexdigest()[:20]}"
    if made.is_dir():
        return made
    folder.mkdir(exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=folder))
    lay_out(temporary)
    try:
        temporary.rename(made)
    except OSError:  # another run was faster
        shutil.rmtree(temporary, ignore_errors=True)
    return made
