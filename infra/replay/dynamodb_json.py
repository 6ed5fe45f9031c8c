"""Typed DynamoDB values, as a stream record's JSON has them, to plain ones.

What a stream record's values are is the handler's own notion: `handler.attribute_values`.
"""

from handler.attribute_values import InvalidAttributeValueError, plain_map


def plain(image: object) -> object:
    """`{"id": {"S": "x"}}` -> `{"id": "x"}`; what is no valid image comes back as it is."""
    try:
        return plain_map(image)
    except (InvalidAttributeValueError, RecursionError):
        return image


def is_number(string: str) -> bool:
    """Whether DynamoDB takes the string for a number."""
    try:
        plain_map({"number": {"N": string}})
    except InvalidAttributeValueError:
        return False
    return True
