"""What Lambda refuses: its codes, its words, and the document in which they travel."""

import json
from http import HTTPStatus
from typing import Final

_STATUSES: Final = {
    "AccessDeniedException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "UnrecognizedClientException": 403,
    "InvalidParameterValueException": 400,
    "InvalidRequestContentException": 400,
    "NotImplemented": 501,
    "PreconditionFailedException": 412,
    "RequestEntityTooLargeException": 413,
    "ResourceConflictException": 409,
    "ResourceInUseException": 400,
    "ResourceNotFoundException": 404,
    "SerializationException": 400,
    "ServiceException": 500,
    "TooManyRequestsException": 429,
    "ValidationException": 400,
}

_LOWER_CASE: Final = frozenset(
    {
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
        "InvalidParameterValueException",
        "InvalidRequestContentException",
        "PreconditionFailedException",
        "RequestEntityTooLargeException",
        "ResourceConflictException",
        "TooManyRequestsException",
        "ValidationException",
    }
)
"""Errors whose document has a `message`; the others have a `Message`. So in Lambda's API model."""


class RefusedError(Exception):
    """Lambda does not do it; the code and the message are AWS's where AWS refuses it too."""

    def __init__(self, code: str, message: str | None, reason: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        """Of a throttle, in the model's words."""

    @property
    def status(self) -> int:
        """Of the HTTP response."""
        return _STATUSES[self.code]

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Amzn-ErrorType": self.code, "Content-Type": "application/json"}

    @property
    def body(self) -> bytes:
        key = "message" if self.code in _LOWER_CASE else "Message"
        type_ = "Service" if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "User"
        reason = {"Reason": self.reason} if self.reason else {}
        return json.dumps({**reason, "Type": type_, key: self.message}).encode()


def invalid_parameter(message: str) -> RefusedError:
    return RefusedError("InvalidParameterValueException", message)


def not_found(message: str) -> RefusedError:
    return RefusedError("ResourceNotFoundException", message)


def conflict(message: str) -> RefusedError:
    return RefusedError("ResourceConflictException", message)


def not_here(what: str) -> RefusedError:
    """What AWS has, and the embedded AWS has not."""
    return RefusedError("NotImplemented", f"the embedded AWS's Lambda has no {what}")
