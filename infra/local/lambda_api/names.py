"""The forms in which Lambda's API takes a function: name, partial ARN, ARN, with a qualifier."""

import re
from dataclasses import dataclass
from typing import Final

from infra.local.lambda_api.refusals import RefusedError, invalid_parameter, not_found

LATEST: Final = "$LATEST"
"""The only version that is here."""

_FORMS: Final = re.compile(
    r"(arn:[\w-]+:lambda:)?((?P<region>[a-z]{2}(-[a-z]+)+-\d):)?((?P<account>\d{12}):)?"
    r"(function:)?(?P<name>[^:]+)(:(?P<qualifier>.+))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The account and the region in which everything is."""

    account: str
    region: str

    def function_arn(self, name: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"

    def mapping_arn(self, uuid: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:event-source-mapping:{uuid}"


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionName:
    """A function as a request names it."""

    name: str
    qualifier: str | None = None

    def arn(self, place: Place) -> str:
        """As a refusal names it: with the qualifier that was asked for."""
        qualifier = f":{self.qualifier}" if self.qualifier else ""
        return place.function_arn(self.name) + qualifier


def read_name(given: str, place: Place | None = None, qualifier: str | None = None) -> FunctionName:
    """The name and the qualifier. Raises `RefusedError`, also for a function of another place."""
    parts = _FORMS.fullmatch(given)
    if parts is None:
        raise not_found(f"Function not found: {given}")
    if place is not None and parts["region"] not in (None, place.region):
        message = (
            f"Functions from '{parts['region']}' are not reachable in this region "
            f"('{place.region}')"
        )
        raise not_found(message)
    if place is not None and parts["account"] not in (None, place.account):
        # Without words, as recorded (LocalStack's snapshot of test_function_arns).
        raise RefusedError("AccessDeniedException", None)
    within = parts["qualifier"]
    if within and qualifier and within != qualifier:
        raise invalid_parameter(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return FunctionName(name=parts["name"], qualifier=within or qualifier)


def unqualified(name: FunctionName) -> FunctionName:
    """Of operations that are there for functions only. Raises `RefusedError`."""
    if name.qualifier is not None:
        raise invalid_parameter(
            "This operation is permitted on Lambda functions only. Aliases and versions do not "
            "support this operation. Please specify either a function name or an unqualified "
            "function ARN."
        )
    return name
