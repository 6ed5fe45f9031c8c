"""Where moto's own expressions answer otherwise than DynamoDB: they raise, or do nothing.

Values of different types are never less, more or between (Developer Guide, "Comparison operator and
function reference"), and a path into what is no map or list is invalid.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from moto.dynamodb import comparisons
from moto.dynamodb.exceptions import InvalidUpdateExpressionInvalidDocumentPath
from moto.dynamodb.models.dynamo_type import DynamoType

_ORDERED: Final = (
    comparisons.OpLessThan,
    comparisons.OpGreaterThan,
    comparisons.OpLessThanOrEqual,
    comparisons.OpGreaterThanOrEqual,
    comparisons.FuncBetween,
)


def correct() -> None:
    """In this process, once."""
    for operator in _ORDERED:
        operator.expr = _false_of_other_types(operator.expr)  # type: ignore[method-assign, assignment]
    for change in ("__setitem__", "pop"):
        setattr(DynamoType, change, _in_a_document(getattr(DynamoType, change)))


def _false_of_other_types(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    @wraps(compare)
    def corrected(operator: Any, item: Any) -> bool:
        try:
            return compare(operator, item)
        except TypeError:
            return False

    return corrected


def _in_a_document(change: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(change)
    def corrected(document: DynamoType, name: str | int, *more: Any) -> Any:
        if not (document.is_map() if isinstance(name, str) else document.is_list()):
            raise InvalidUpdateExpressionInvalidDocumentPath
        return change(document, name, *more)

    return corrected
