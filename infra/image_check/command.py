"""The command line of the image check.

Exit codes: 0 Lambda takes the image, 1 it does not, 2 there is no image to check.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.config import Architecture, FunctionConfig
from infra.image_check.contents import Contents
from infra.image_check.document import UnreadableImageError
from infra.image_check.problems import in_words, problems
from infra.image_check.registry import Reference, read_registry, token_for
from infra.image_check.saved_tar import read_tar

TAKEN: Final = 0
REFUSED: Final = 1
BAD_INPUT: Final = 2

_EPILOG: Final = """exit codes: 0 Lambda takes the image, 1 it does not, 2 bad input

An image in the local Docker is checked from a tar:
  docker save --output image.tar IMAGE
  python -m infra.image_check image.tar"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks one image, prints all that is wrong with it, and returns the exit code."""
    options = _parser().parse_args(arguments)
    architecture = Architecture(options.architecture)
    try:
        contents = _read(options.image, platform=architecture.platform)
        found = problems(contents, architecture)
    except (UnreadableImageError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_INPUT
    for problem in found:
        print(f"problem: {problem.what}\n  remedy: {problem.remedy}")
    if found:
        return REFUSED
    print(f"Lambda takes {options.image}{_described(contents)}")
    return TAKEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.image_check",
        description="Say whether Lambda takes a container image, and if not, what to do.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "image",
        metavar="URI_OR_TAR",
        help="a tar of docker save, or host[:port]/name[:tag][@digest] in a registry",
    )
    parser.add_argument(
        "--architecture",
        choices=[str(architecture) for architecture in Architecture],
        default=str(FunctionConfig().architecture),
        help="of the function (default: that of the program, %(default)s)",
    )
    return parser


def _read(image: str, *, platform: str) -> Contents:
    path = Path(image)
    if path.suffix == ".tar" or path.exists():
        return read_tar(path, platform=platform)
    reference = Reference.parse(image)
    if reference is not None:
        return read_registry(reference, token_for(reference), platform=platform)
    raise UnreadableImageError(
        f"{image} is neither a file nor an image of a registry, host[:port]/name[:tag][@digest]; "
        "one in the local Docker is checked from a tar: docker save --output image.tar"
    )


def _described(contents: Contents) -> str:
    image = contents.image
    if image is None:
        return ""
    known = "" if image.size.is_exact else " (known of some layers is the compressed size only)"
    return f": {image.platform}, {in_words(image.size)}{known}"
