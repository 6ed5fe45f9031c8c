"""The JSON documents that an image consists of, read field by field.

What the fields mean stands in `infra.image_check.contents`.
"""

import json
from typing import Any


class UnreadableImageError(Exception):
    """There is no image to check, or it is broken; says in one line where and why."""


class Document:
    """A JSON object. A field of another type than is asked for is an `UnreadableImageError`."""

    def __init__(self, where: str, fields: dict[str, Any]) -> None:
        self.where = where
        self._fields = fields

    @classmethod
    def parse(cls, where: str, text: bytes) -> "Document":
        """`where` is what messages call it."""
        fields = parsed(where, text)
        if not isinstance(fields, dict):
            raise UnreadableImageError(f"{where} must be a JSON object")
        return cls(where, fields)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def string(self, name: str) -> str:
        """Empty when it is missing or null."""
        value = self._fields.get(name) or ""
        if not isinstance(value, str):
            raise UnreadableImageError(f"{self.where}: {name} must be a string")
        return value

    def number(self, name: str) -> int:
        """0 when it is missing."""
        value = self._fields.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise UnreadableImageError(f"{self.where}: {name} must be a whole number")
        return value

    def strings(self, name: str) -> list[str]:
        """Empty when it is missing or null."""
        value = self._fields.get(name) or []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise UnreadableImageError(f"{self.where}: {name} must be a list of strings")
        return value

    def document(self, name: str) -> "Document":
        """Empty when it is missing or null."""
        value = self._fields.get(name) or {}
        if not isinstance(value, dict):
            raise UnreadableImageError(f"{self.where}: {name} must be an object")
        return Document(f"{self.where}: {name}", value)

    def documents(self, name: str) -> list["Document"]:
        """Empty when it is missing or null."""
        return documents(f"{self.where}: {name}", self._fields.get(name) or [])


def documents(where: str, value: object) -> list[Document]:
    """The objects of a JSON list."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise UnreadableImageError(f"{where} must be a list of objects")
    return [Document(f"{where}[{position}]", one) for position, one in enumerate(value)]


def parsed(where: str, text: bytes) -> object:
    """Any JSON value."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableImageError(f"{where} is not JSON: {error}") from error
