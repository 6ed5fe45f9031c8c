"""What the handler uses of Lambda's context object."""

from typing import Protocol


class Context(Protocol):
    """One invocation: its function, its id and the time that is left of it."""

    aws_request_id: str
    function_name: str
    function_version: str
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        ...
