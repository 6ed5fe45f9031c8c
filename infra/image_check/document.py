"""The JSON documents that an image consists of, read field by field.

What the fields mean stands in `infra.image_check.contents`.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, Final

LARGEST: Final = 4 * 1024**2
"""Bytes of a document; Docker's own registry takes no larger manifest."""

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


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

    def digest(self, name: str) -> str:
        """Empty when it is missing or null. It becomes part of paths, so that its form counts."""
        value = self.string(name)
        if value and not _DIGEST.fullmatch(value):
            raise UnreadableImageError(
                f"{self.where}: {name} must be sha256: and 64 hexadecimal digits, "
                f"got {value[:80]!r}"
            )
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


def checked(where: str, text: bytes, digest: str = "") -> bytes:
    """The content of a document, if it is no larger than one may be, and what its digest names."""
    if len(text) > LARGEST:
        raise UnreadableImageError(f"{where} is larger than {LARGEST // 1024**2} MB")
    if digest and hashed(digest, [text]) != digest:
        raise UnreadableImageError(f"{where} is not what its digest {digest} names")
    return text


def hashed(digest: str, parts: Iterable[bytes]) -> str:
    """The digest of a content, by the algorithm of another."""
    algorithm = digest.partition(":")[0]
    found = hashlib.new(algorithm)
    for part in parts:
        found.update(part)
    return f"{algorithm}:{found.hexdigest()}"


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
