"""What an update does to the code that processes the records."""

from collections.abc import Iterator

from infra.impact.finding import Finding, notice, risk
from infra.impact.kept import FUNCTION
from infra.impact.preview import Change, Operation, Preview, State
from infra.inputs import UNKNOWN


def findings(preview: Preview) -> Iterator[Finding]:
    """Of all functions that exist."""
    for function in preview.of_type(FUNCTION):
        old, new = function.old, function.new
        if old is None:
            continue
        if function.is_gone:
            yield risk(
                f"function-{function.operation}",
                function,
                f"the function is {function.operation}; batches in flight are delivered again, to "
                "whatever its mapping then names",
            )
        if function.operation is Operation.UPDATED and new is not None:
            yield from _updated(function, old, new)


def _updated(function: Change, old: State, new: State) -> Iterator[Finding]:
    before, after = old.at("imageUri"), new.at("imageUri")
    if before != after:
        image = "a new image, built by the update" if after == UNKNOWN else f"the image {after}"
        yield notice(
            "image-changed",
            function,
            f"the next invocation runs {image}; it ran {before}. Batches in flight end on the old",
            "`image.digest` with the old one's goes back",
        )
    if old.at("architectures") != new.at("architectures"):
        yield notice(
            "architecture-changed",
            function,
            f"it runs on {_joined(new.at('architectures'))}; it was "
            f"{_joined(old.at('architectures'))}",
            "the image must be of that architecture",
        )
    contract = ("environment", "variables", "REQUESTS_CONTRACT")
    if old.at(*contract) and old.at(*contract) != new.at(*contract):
        yield risk(
            "contract-changed",
            function,
            "the items' type is another one: items and records in flight that do not fit it are "
            "parked in the failure bucket",
            "`python -m infra.replay backfill --dry-run` counts them; a new field wants a default",
        )
    if old.at("vpcConfig") != new.at("vpcConfig"):
        yield risk(
            "network-changed",
            function,
            "the function's subnets or security groups change: without a route to S3 and DynamoDB "
            "each record fails until it is given up",
            "try it on another stack first",
        )


def _joined(architectures: object) -> str:
    return ", ".join(map(str, architectures)) if isinstance(architectures, list) else "x86_64"
